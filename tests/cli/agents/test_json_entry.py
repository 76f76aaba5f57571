"""An entry goes into a JSON file and out again, and no other byte changes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homespun.cli.agents.json_entry import has_entry, with_entry, without_entry
from homespun.cli.errors import ChangeRefused

ENTRY = {"command": "homespun", "args": ["mcp"]}
FILES = {
    "none": None,
    "an empty object": "{}",
    "an empty object on two lines": "{\n}\n",
    "an empty section": '{"servers": {}}',
    "an empty section with a space": '{"servers": { }}\n',
    "an empty section on lines": '{\n  "servers": {\n  }\n}\n',
    "another server": '{\n\t"servers": {\n\t\t"a": {"command": "a"}\n\t},\n\t"b": 1\n}',
    "another server on one line": '{"servers": {"a": {"command": "a"}}, "b": [1,2]}',
    "no section": '{\n    "a": {"servers": 1},\n    "b": "{"\n}\n',
    "no section on one line": '{ "a" : "}" }',
    "Windows": '{\r\n  "a": 1\r\n}\r\n',
    "not ASCII": '{\n  "ä\\u00fc": "é"\n}\n',
    "repeated elsewhere": '{"a": 1, "b": {"homespun": 2}, "a": 3}',
}


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_what_goes_in_comes_out(text):
    new = with_entry(text, "servers", "homespun", ENTRY)
    whole = json.loads(new)
    assert whole["servers"]["homespun"] == ENTRY
    assert has_entry(new, "servers", "homespun")
    assert with_entry(new, "servers", "homespun", ENTRY) == new
    assert without_entry(new, "servers", "homespun") == text


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    whole=st.dictionaries(st.text().filter(lambda key: key != "servers"), _values, max_size=4),
    servers=st.none() | st.dictionaries(st.text().filter(lambda k: k != "homespun"), _values),
    indent=st.sampled_from([None, 0, 1, 4, "\t"]),
    end=st.sampled_from(["", "\n"]),
)
def test_whatever_else_is_in_the_file_keeps_its_bytes(whole, servers, indent, end):
    body = whole if servers is None else whole | {"servers": servers}
    text = json.dumps(body, indent=indent) + end
    new = with_entry(text, "servers", "homespun", ENTRY)
    assert json.loads(new) == whole | {"servers": {"homespun": ENTRY, **(servers or {})}}
    assert without_entry(new, "servers", "homespun") == text


def test_another_command_takes_the_place_of_the_first():
    text = with_entry('{\n  "a": 1\n}\n', "servers", "homespun", ENTRY)
    new = with_entry(text, "servers", "homespun", {**ENTRY, "command": "/opt/homespun"})
    assert new == text.replace('"homespun",', '"/opt/homespun",')
    assert without_entry(new, "servers", "homespun") == '{\n  "a": 1\n}\n'


def test_an_entry_that_somebody_moved_goes_alone():
    text = '{"servers": {"a": 1, "homespun": {"x": [1, "}"]}, "b": 2}}'
    assert without_entry(text, "servers", "homespun") == '{"servers": {"a": 1, "b": 2}}'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no plain JSON"),
        ("{\n  // mine\n}", "no plain JSON .*comments would be lost"),
        ('{"a": 1,}', "no plain JSON"),
        ("\ufeff{}", "no plain JSON"),
        ("[" * 100_000, "no plain JSON .*nested too deeply"),
        ("[]", "no JSON object"),
        ('{"servers": []}', "its 'servers' is no object"),
        ('{"servers": {}, "servers": {}}', "it has 'servers' 2 times in one object"),
    ],
)
def test_what_could_lose_something_is_refused(text, said):
    with pytest.raises(ChangeRefused, match=said):
        with_entry(text, "servers", "homespun", ENTRY)
