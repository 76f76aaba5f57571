"""Python: how tests are written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from homespun.training.conventions.base.parsed_file import (
    CallSite,
    ParsedSource,
    RepositoryPaths,
    first_child,
)
from homespun.training.conventions.base.rule import Rule, Site

if TYPE_CHECKING:
    from tree_sitter import Node

RULES = (
    Rule(
        "python/test-structure",
        "tests",
        "tests are",
        {
            "function": "functions",
            "class": "methods of plain classes",
            "unittest": "methods of TestCase classes",
        },
    ),
    Rule(
        "python/assertions",
        "tests",
        "assertions",
        {"assert": "assert x == y", "method": "self.assertEqual(x, y)"},
    ),
    Rule(
        "python/expected-errors",
        "tests",
        "expected errors",
        {"pytest": "with pytest.raises(…)", "unittest": "with self.assertRaises(…)"},
    ),
    Rule(
        "python/expected-messages",
        "tests",
        "messages of expected errors",
        {"checked": "are checked (match=…)", "unchecked": "are not checked"},
    ),
    Rule(
        "python/fixture-brackets",
        "tests",
        "fixtures without options",
        {"bare": "@pytest.fixture", "brackets": "@pytest.fixture()"},
    ),
    Rule(
        "python/preparation",
        "tests",
        "preparation of tests",
        {"fixture": "pytest fixtures", "setup": "setUp and setup_method"},
    ),
    Rule(
        "python/parametrize-names",
        "tests",
        "several parameters of parametrize",
        {"text": '"a, b"', "tuple": '("a", "b")', "list": '["a", "b"]'},
    ),
    Rule(
        "python/replacements",
        "tests",
        "parts are replaced with",
        {"monkeypatch": "monkeypatch", "mock": "unittest.mock", "mocker": "mocker"},
    ),
    Rule(
        "python/temporary-folders",
        "tests",
        "temporary folders",
        {"tmp_path": "tmp_path", "tmpdir": "tmpdir", "tempfile": "tempfile"},
    ),
)

_CASE_BASE = re.compile(r"(?:\w+\.)*\w*Test(?:Case|s|Base)?\w*")
_FIXTURE = re.compile(r"@(?:pytest\.|pytest_asyncio\.)?fixture(\(\))?")
_MOCKED = re.compile(
    r"@?(?:unittest\.)?(?:mock\.)?(?:patch(?:\.(?:object|dict|multiple))?|Mock|MagicMock)"
)
_SETUP = frozenset({"setUp", "setUpClass", "setup_method", "setup_class", "setUpTestData"})


def sites(file: ParsedSource, repository: RepositoryPaths) -> Iterator[Site]:
    """Yield the sites of a file; none where it is no test."""
    if not file.is_test:
        return
    yield from _tests(file)
    for node in file.nodes("assert"):
        yield file.site("python/assertions", "assert", node)
    for call in file.calls:
        yield from _call(file, call)
    for node in file.nodes("decorated"):
        yield from _decorated(file, node)
    for node in file.nodes("function"):
        yield from _function(file, node)


def _tests(file: ParsedSource) -> Iterator[Site]:
    spans = []
    for node in file.nodes("class"):
        bases = file.field(node, "superclasses").strip("()").split(",")
        is_case = any(_CASE_BASE.fullmatch(base.strip()) for base in bases if base.strip())
        spans.append((node.start_byte, node.end_byte, "unittest" if is_case else "class"))
    for node in file.nodes("method"):
        if file.field(node, "name").startswith("test"):
            around = [span for span in spans if span[0] <= node.start_byte < span[1]]
            if around:
                yield file.site("python/test-structure", max(around)[2], node)
    for node in file.nodes("function.top"):
        if file.field(node, "name").startswith("test"):
            yield file.site("python/test-structure", "function", node)


def _call(file: ParsedSource, call: CallSite) -> Iterator[Site]:
    if call.owner == "self" and call.name.startswith("assertRaises"):
        yield file.site("python/expected-errors", "unittest", call.node)
        form = "unchecked" if call.name == "assertRaises" else "checked"
        yield file.site("python/expected-messages", form, call.node)
    elif call.owner == "self" and call.name in ASSERT_METHODS:
        yield file.site("python/assertions", "method", call.node)
    elif (call.owner, call.name) == ("pytest", "raises"):
        yield file.site("python/expected-errors", "pytest", call.node)
        form = "checked" if "match=" in file.field(call.node, "arguments") else "unchecked"
        yield file.site("python/expected-messages", form, call.node)
    elif call.owner in ("monkeypatch", "mocker"):
        yield file.site("python/replacements", call.owner, call.node)
    elif call.owner == "tempfile":
        yield file.site("python/temporary-folders", "tempfile", call.node)
    elif _MOCKED.fullmatch(f"{call.owner}.{call.name}".lstrip(".")):
        yield file.site("python/replacements", "mock", call.node)


ASSERT_METHODS = {
    "assertEqual": "{0} == {1}",
    "assertNotEqual": "{0} != {1}",
    "assertTrue": "{0}",
    "assertFalse": "not {0}",
    "assertIs": "{0} is {1}",
    "assertIsNot": "{0} is not {1}",
    "assertIsNone": "{0} is None",
    "assertIsNotNone": "{0} is not None",
    "assertIn": "{0} in {1}",
    "assertNotIn": "{0} not in {1}",
    "assertIsInstance": "isinstance({0}, {1})",
    "assertGreater": "{0} > {1}",
    "assertLess": "{0} < {1}",
}


def _decorated(file: ParsedSource, node: Node) -> Iterator[Site]:
    for child in node.named_children:
        if child.type != "decorator":
            continue
        text = file.read(child)
        fixture = _FIXTURE.match(text)
        if fixture is not None:
            yield file.site("python/preparation", "fixture", child)
            if fixture.end() == len(text):
                form = "brackets" if fixture[1] else "bare"
                yield file.site("python/fixture-brackets", form, child)
        elif text.startswith("@pytest.mark.parametrize("):
            yield from _parametrized(file, child)


def _parametrized(file: ParsedSource, node: Node) -> Iterator[Site]:
    call = first_child(node)
    arguments = call.child_by_field_name("arguments") if call is not None else None
    names = first_child(arguments) if arguments is not None else None
    if names is None:
        return
    if names.type == "string" and "," in file.read(names):
        yield file.site("python/parametrize-names", "text", names)
    elif names.type in ("tuple", "list") and names.named_child_count > 1:
        yield file.site("python/parametrize-names", names.type, names)


def _function(file: ParsedSource, node: Node) -> Iterator[Site]:
    name = file.field(node, "name")
    if name in _SETUP:
        yield file.site("python/preparation", "setup", node)
    parameters = node.child_by_field_name("parameters")
    for child in [] if parameters is None else parameters.named_children:
        text = file.read(child).split(":")[0].strip()
        if text in ("tmp_path", "tmpdir"):
            yield file.site("python/temporary-folders", text, child)
