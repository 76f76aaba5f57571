from __future__ import annotations

import pytest

from bench.typing import sessions

_HEAD = '"""A module."""\n' + "import os\n" * 30
_BODY = "".join(
    f"def a_function_with_a_rather_long_name_{n}(argument):\n"
    '    """Do it, and say so in the first line.\n'
    + "    In many words.\n" * 5
    + '    """\n'
    + f"    if argument == {n}:\n"
    "        return os.path.join(argument,\n"
    "                            argument)\n"
    "    value = [argument]\n"
    f"    value.extend({list(range(60))})\n"
    "    other = [argument for argument in value]\n"
    "    return value\n\n\n"
    for n in range(12)
)
_FILE = _HEAD + _BODY


def _make(**more):
    arguments = {"language": "python", "count": 2, "keys": 40, "seed": 3} | more
    return sessions.make_sessions("p", {"a.py": _FILE, "b.py": _FILE, "c.py": _FILE}, **arguments)


def test_the_keys_of_a_session_type_exactly_the_lines_that_were_taken_out():
    for session in _make():
        typed = ""
        for key in session.keys:
            typed = typed[: len(typed) - key.delete_chars] + key.insert
        assert typed == session.target
        assert session.before + session.target + session.after == _FILE


def test_sessions_stand_in_files_of_their_own_and_have_the_keys_that_were_wanted():
    made = _make()
    assert len({session.path for session in made}) == 2
    assert all(36 <= len(session.keys) <= 60 for session in made)


def test_docstrings_and_the_module_level_are_never_retyped():
    for seed in range(30):
        for session in _make(seed=seed):
            assert "words" not in session.target
            assert "Do it" not in session.target
            assert "import os" not in session.target
            assert "def a_function" not in session.target


def test_the_line_above_a_session_is_code():
    for seed in range(30):
        for session in _make(seed=seed):
            assert '"""' not in session.before.split("\n")[-1]


def test_the_same_seed_gives_the_same_keys_and_another_one_gives_others():
    assert _make() == _make()
    assert len({session.path for seed in range(9) for session in _make(seed=seed, count=1)}) == 3


def test_keys_come_at_human_intervals_and_the_pace_stretches_them():
    usual = [key.gap_ms for session in _make() for key in session.keys]
    slow = [key.gap_ms for session in _make(pace=2.0) for key in session.keys]
    assert min(usual) >= 60 and max(usual) <= 2000
    assert [2 * gap for gap in usual] == slow
    assert any(gap >= 600 for gap in usual)


@pytest.mark.parametrize(
    ("above", "indent"),
    [
        ("    value = 1", "    "),
        ("    if value:", "        "),
        ("    call(", "        "),
        ("        return value", "    "),
        ("        return [", "            "),
        ("        return call(a,", "        "),
    ],
)
def test_enter_indents_as_an_editor_does(above, indent):
    assert sessions.automatic_indent(above, level="    ", keeps_blocks=False) == indent


@pytest.mark.parametrize(
    ("suggestion", "upcoming", "chars"),
    [
        ("lue)", "lue)\n    return", 4),
        ("lue)\n    return", "lue)\n    return", 15),
        ("lue)\n    return 1", "lue)\n    return", 4),
        ("lue)  ", "lue)", 4),
        ("lu", "lue)", 0),
        ("lue)", "", 0),
        ("\n    return", "\n    return", 11),
        ("\n    raise", "\n    return", 0),
        ("", "lue)", 0),
    ],
)
def test_a_suggestion_is_right_as_a_whole_or_with_its_first_line(suggestion, upcoming, chars):
    assert sessions.right_chars(suggestion, upcoming) == chars


def test_taking_a_suggestion_goes_on_with_the_key_behind_it():
    session = _make()[0]
    typist = sessions.Typist(session)
    while typist.upcoming.startswith("\n") or typist.upcoming == "":
        typist.next()
    taken = typist.take(typist.upcoming.split("\n")[0])
    assert taken.kind == "accept"
    assert typist.next().kind == "enter"
    while not typist.is_done:
        typist.next()
    assert typist.before == session.before + session.target


def test_there_is_no_upcoming_text_while_the_indentation_is_wrong():
    keys = [sessions.Key("enter", "\n    ", 0, 0, 1.0), sessions.Key("indent", "", 4, 0, 1.0)]
    session = sessions.Session("p", "a.py", 1, "x = [", "\n", "\n].copy()", tuple(keys))
    typist = sessions.Typist(session)
    typist.next()
    assert typist.upcoming == ""
    typist.next()
    assert typist.upcoming == "].copy()"


def test_whether_a_suggestion_is_taken_depends_on_seed_and_place_alone():
    session = _make()[0]
    typist = sessions.Typist(session)
    draws = []
    while not typist.is_done:
        typist.next()
        first = typist.accepts(probability=0.5, seed=1)
        assert first == typist.accepts(probability=0.5, seed=1)
        draws.append(first)
    assert 0.2 < sum(draws) / len(draws) < 0.8
    assert not typist.accepts(probability=0.0, seed=1)
