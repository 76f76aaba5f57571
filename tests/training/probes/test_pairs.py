"""Minimal pairs: what is turned, into what, and what the model sees of it."""

from __future__ import annotations

import random
import textwrap

import pytest

from homespun.training.conventions import sites
from homespun.training.conventions.base.parsed_file import RepositoryPaths
from homespun.training.probes.pairs import REWRITES, can_be_probed, probes, with_shown

PATHS = {"javascript": "src/mod.js", "typescript": "src/mod.ts"}


def pairs(code, rules, *, path="pkg/mod.py", most=10, seed=0, **options):
    text = textwrap.dedent(code).lstrip("\n")
    return probes(text, path, rules, random.Random(seed), most, **options)


def forms(text, rule, path, language):
    file = sites.parse_source(path, language, text)
    found = sites.sites_of(file, RepositoryPaths.of([path]))
    return [site.form for site in found if site.rule == rule]


PYTHON = [
    ("string-formatting", "fstring", 'a = f"x {b!r} y {c.d}"', 'a = "x {!r} y {}".format(b, c.d)'),
    ("string-formatting", "percent", "a = 'x %s y %r' % (b, c)", "a = f'x {b} y {c!r}'"),
    ("string-formatting", "format", "a = 'x {} y'.format(b)", "a = f'x {b} y'"),
    ("logging-arguments", "lazy", 'log.info("a %s b", c)', 'log.info(f"a {c} b")'),
    ("logging-arguments", "fstring", 'log.info(f"a {c!r}", x=1)', 'log.info("a %r", c, x=1)'),
    ("large-numbers", "underscores", "a = 65_536", "a = 65536"),
    ("large-numbers", "plain", "a = 1000000", "a = 1_000_000"),
    ("raise-from", "from", "raise B() from e", "raise B()"),
    ("raise-from", "without", "raise B()", "raise B() from e"),
    ("raise-empty", "class", "raise B", "raise B()"),
    ("message-place", "inline", 'raise A("b")', 'msg = "b"\nraise A(msg)'),
    ("error-message-case", "lower", 'raise A("no file")', 'raise A("No file")'),
    ("error-message-stop", "stop", 'raise A("no file.")', 'raise A("no file")'),
    ("optional", "bar", "a: dict[str, int] | None = b", "a: Optional[dict[str, int]] = b"),
    ("optional", "optional", "a: t.Optional[list[int]] = b", "a: list[int] | None = b"),
    ("generic-collections", "builtin", "a: list[int] = b", "a: List[int] = b"),
    ("generic-collections", "typing", "a: Dict[str, int] = b", "a: dict[str, int] = b"),
    ("parameter-types", "all", "def f(a: int, *, b: str = 1) -> C:", "def f(a, *, b=1) -> C:"),
    ("return-types", "annotated", "def f(a) -> int:", "def f(a):"),
    ("return-types", "missing", "def f(a):", "def f(a) -> None:"),
    ("isinstance-of-several", "tuple", "isinstance(a, (B, C))", "isinstance(a, B | C)"),
    ("own-imports", "relative", "from .b import c", "from pkg.b import c"),
    ("own-imports", "absolute", "from pkg.b import c", "from .b import c"),
    ("abstract-collections", "collections.abc", "from collections.abc import Set", None),
    ("class-bases", "bare", "class A:", "class A(object):"),
    ("class-bases", "object", "class A(object):", "class A:"),
    ("super-call", "bare", "super().f(a)", "super(A, self).f(a)"),
    ("lists-from-loops", "comprehension", "a = [f(b) for b in c if b]", None),
    ("empty-collections", "literal", "a = {}", "a = dict()"),
    ("empty-collections", "call", "a = list()", "a = []"),
    ("dict-from-keywords", "literal", 'a = {"b": 1, "c": d}', "a = dict(b=1, c=d)"),
    ("emptiness", "truth", "if not items:", "if len(items) == 0:"),
    ("emptiness", "length", "if len(items) > 0:", "if items:"),
    ("paths", "pathlib", "a = b.is_file()", "a = os.path.isfile(b)"),
    ("paths", "os", "a = os.path.join(b, 'c')", "a = Path(b) / 'c'"),
    ("open-encoding", "given", 'a = open(b, encoding="utf-8")', "a = open(b)"),
    ("open-encoding", "missing", "a = open(b)", 'a = open(b, encoding="utf-8")'),
    ("import-of:typing", "import typing as t", "import typing as t", "import typing"),
    ("import-of:json", "from json import …", "from json import dumps", "import json"),
    ("exception-variable", "exc", "except A as exc:", "except A as e:"),
    ("function-names", "snake", "def get_it():", "def getIt():"),
    ("docstring-mood", "imperative", '"""Try it."""', '"""Tries it."""'),
    ("docstring-mood", "indicative", '"""Passes it."""', '"""Pass it."""'),
    ("docstring-stop", "stop", '"""Do it."""', '"""Do it"""'),
    ("docstring-start", "same", '"""Do it.', '"""\n    Do it.'),
    ("comment-case", "upper", "# Upper case here", "# upper case here"),
    ("comment-stop", "no-stop", "# what this is about", "# what this is about."),
]
AROUND = {  # what must stand around a line for it to be code, or to be asked
    "raise-from": "try:\n    a()\nexcept A as e:\n    {}\n",
    "exception-variable": "try:\n    a()\n{}\n    b(exc)\n",
    "parameter-types": "{}\n    pass\n",
    "return-types": "{}\n    pass\n",
    "class-bases": "{}\n    x = 1\n",
    "super-call": "class A(B):\n    def f(self, a):\n        {}\n",
    "emptiness": "{}\n    pass\n",
    "function-names": "{}\n    pass\n",
    "docstring-mood": "def f():\n    {}\n",
    "docstring-stop": "def f():\n    {}\n",
    "docstring-start": 'def f():\n    {}\n\n    More.\n    """\n',
}
LONGER = {
    "abstract-collections": "from typing import Set",
    "lists-from-loops": "a = []\nfor b in c:\n    if b:\n        a.append(f(b))",
}


@pytest.mark.parametrize(
    ("rule", "form", "house", "alt"), PYTHON, ids=[f"{r}-{f}" for r, f, *_ in PYTHON]
)
def test_a_python_line_is_turned(rule, form, house, alt):
    code = AROUND.get(rule, "{}\n").format(house)
    if rule == "abstract-collections":
        house, alt = "from collections.abc import Iterable", "from typing import Iterable"
        code = house + "\n"
    id_ = f"python/{rule}"
    found = pairs(code, {id_: form})
    assert [(pair.house, pair.alt) for pair in found] == [(house, alt or LONGER[rule])]
    pair = found[0]
    assert (pair.rule, pair.form, pair.path, pair.language) == (id_, form, "pkg/mod.py", "python")
    assert can_be_probed(id_, form)


EARLY = """
def f(a):
    if a:
        return 1
    b()
    return 2
"""
NESTED = """
def f(a):
    if a:
        return 1
    else:
        b()
        return 2
"""


def test_an_early_return_gets_an_else_and_loses_it():
    rule = "python/early-return"
    flat, nested = pairs(EARLY, {rule: "flat"})[0], pairs(NESTED, {rule: "nested"})[0]
    assert (flat.house, flat.alt) == (
        "return 1\n    b()\n    return 2",
        "return 1\n    else:\n        b()\n        return 2",
    )
    assert nested.prefix + nested.alt + nested.suffix == EARLY.lstrip("\n")


TESTS = [
    ("assertions", "assert", "assert a == b", "self.assertEqual(a, b)"),
    ("assertions", "assert", "assert not a", "self.assertFalse(a)"),
    ("assertions", "method", "self.assertIsNone(a)", "assert a is None"),
    ("expected-errors", "pytest", "with pytest.raises(A):", "with self.assertRaises(A):"),
    ("fixture-brackets", "bare", "@pytest.fixture", "@pytest.fixture()"),
    ("parametrize-names", "text", "@pytest.mark.parametrize('a,b', c)", None),
    ("test-function-names", "snake", "def test_it_is():", "def testItIs():"),
    ("test-return-types", "missing", "def test_it():", "def test_it() -> None:"),
]


@pytest.mark.parametrize(
    ("rule", "form", "house", "alt"), TESTS, ids=[f"{r}-{n}" for n, (r, *_) in enumerate(TESTS)]
)
def test_a_line_of_a_test_is_turned(rule, form, house, alt):
    below = "def f(): ...\n" if house.startswith("@") else "    pass\n" if house[-1] == ":" else ""
    found = pairs(f"{house}\n{below}", {f"python/{rule}": form}, path="tests/test_mod.py")
    wanted = alt or "@pytest.mark.parametrize(('a', 'b'), c)"
    assert [(pair.house, pair.alt) for pair in found] == [(house, wanted)]


ECMASCRIPT = [
    ("declarations", "const-let", "let a = 1;", "var a = 1;"),
    ("declarations", "var", "var a = 1;", "const a = 1;"),
    ("callbacks", "arrow", "a((b) => b + 1);", "a(function (b) { return b + 1; });"),
    ("callbacks", "function", "a(function (b) { return b; });", "a((b) => { return b; });"),
    ("functions", "declaration", "function a(b) { c(); }", "const a = (b) => { c(); }"),
    ("functions", "arrow", "const a = async (b) => { c(); }", "async function a(b) { c(); }"),
    ("string-formatting", "template", "a(`b ${c.d} e`);", "a('b ' + c.d + ' e');"),
    ("string-formatting", "concatenation", "a('b ' + c);", "a(`b ${c}`);"),
    ("equality", "strict", "a(b !== c);", "a(b != c);"),
    ("modules", "import", "import a from 'b';", "const a = require('b');"),
    ("modules", "require", "const { a } = require('b');", "import { a } from 'b';"),
    ("node-modules", "bare", 'import a from "fs";', 'import a from "node:fs";'),
    ("import-endings", "ending", 'import a from "./b.js";', 'import a from "./b";'),
    ("object-properties", "short", "a({ b });", "a({ b: b });"),
    ("error-message-case", "upper", 'throw new A("No file");', 'throw new A("no file");'),
    ("function-names", "camel", "function getIt() {}", "function get_it() {}"),
    ("array-types", "brackets", "let a: string[] = b;", "let a: Array<string> = b;"),
    ("object-types", "interface", "interface A { b: 1 }", "type A = { b: 1 }"),
    ("unknown-types", "unknown", "let a: unknown;", "let a: any;"),
]


@pytest.mark.parametrize(
    ("rule", "form", "house", "alt"), ECMASCRIPT, ids=[f"{r}-{f}" for r, f, *_ in ECMASCRIPT]
)
def test_an_ecmascript_line_is_turned(rule, form, house, alt):
    path = PATHS["typescript"]
    found = pairs(house + "\n", {f"javascript/{rule}": form}, path=path)
    assert [(pair.house, pair.alt) for pair in found] == [(house, alt)]


UNTURNED = [
    ("string-formatting", "fstring", 'a = f"{b:.2f}"'),
    ("string-formatting", "percent", "a = '%s {}' % b"),
    ("string-formatting", "percent", "a = '%s' % b['c']"),
    ("optional", "bar", "a: int | str | None"),
    ("lists-from-loops", "comprehension", "a = [b for b in a]"),
    ("lists-from-loops", "comprehension", "a = [b for c in d for b in c]"),
    ("function-names", "snake", "def get_it(): ...\nget_it()"),
    ("return-types", "missing", "def f():\n    return 1"),
    ("dict-from-keywords", "literal", 'a = {"class": 1}'),
]


@pytest.mark.parametrize(("rule", "form", "code"), UNTURNED, ids=[c for *_, c in UNTURNED])
def test_what_cannot_be_turned_is_left_out(rule, form, code):
    assert pairs(code + "\n", {f"python/{rule}": form}) == []


@pytest.mark.parametrize("rule", sorted(REWRITES))
def test_every_rewrite_belongs_to_a_rule_and_turns_known_forms(rule):
    known = sites.rule_of(rule)
    assert not known.fixable
    for house, other in REWRITES[rule].others.items():
        if house != "*":
            assert {house, other} <= set(known.forms)


DOCUMENT = '''
import os


def first(a: int | None) -> None:
    """Return the first one."""
    # Say what is meant
    raise ValueError(f"no {a} here")


def second(b: list[str]) -> None:
    """Return the second one."""
    x = []
    raise KeyError("no second here")


def third() -> None:
    """Find the third one."""
    y = {}
'''
RULES = {
    "python/docstring-mood": "imperative",
    "python/docstring-stop": "stop",
    "python/error-message-case": "lower",
    "python/return-types": "annotated",
    "python/optional": "bar",
    "python/generic-collections": "builtin",
    "python/empty-collections": "literal",
    "python/comment-case": "upper",
    "python/string-formatting": "fstring",
}


def test_a_pair_and_what_is_around_it_are_the_document():
    text = DOCUMENT.lstrip("\n")
    found = pairs(DOCUMENT, RULES)
    assert {pair.rule for pair in found} == set(RULES)
    for pair in found:
        assert pair.prefix + pair.house + pair.suffix == text
        assert pair.line == pair.prefix.count("\n") + 1
        assert pair.house[0] != " " and not pair.house.endswith("\n")


def test_the_other_line_is_a_place_of_the_other_form():
    for pair in pairs(DOCUMENT, RULES):
        before = forms(pair.prefix + pair.house + pair.suffix, pair.rule, pair.path, pair.language)
        after = forms(pair.prefix + pair.alt + pair.suffix, pair.rule, pair.path, pair.language)
        other = REWRITES[pair.rule].other(pair.form)
        assert after.count(pair.form) == before.count(pair.form) - 1
        assert after.count(other) == before.count(other) + 1


def test_only_lines_that_are_asked_for_begin_a_pair():
    found = pairs(DOCUMENT, RULES, lines={11, 12})
    assert [(pair.rule, pair.line) for pair in found] == [
        ("python/docstring-mood", 11),
        ("python/docstring-stop", 11),
        ("python/empty-collections", 12),
    ]


def test_a_rule_gives_at_most_so_many_pairs_and_the_same_for_the_same_seed():
    first = pairs(DOCUMENT, {"python/docstring-mood": "imperative"}, most=2, seed=3)
    again = pairs(DOCUMENT, {"python/docstring-mood": "imperative"}, most=2, seed=3)
    assert len(first) == 2 and first == again
    lines = {
        tuple(
            pair.line
            for pair in pairs(DOCUMENT, {"python/docstring-mood": "imperative"}, most=2, seed=seed)
        )
        for seed in range(20)
    }
    assert lines == {(5, 11), (5, 17), (11, 17)}


def test_places_in_another_form_are_no_pairs():
    assert pairs(DOCUMENT, {"python/docstring-mood": "indicative"}) == []


def test_rules_that_a_formatter_settles_and_unknown_languages_give_no_pairs():
    assert pairs("a = 'b'\n", {"python/quotes": "single"}) == []
    assert pairs("func DoIt() {}\n", {"go/functions-names": "pascal"}, path="a.go") == []


def test_a_secret_is_in_no_pair():
    secret = "ghp_" + "a1B2c3D4e5F6" * 3
    code = f'token = "{secret}"\ndef f():\n    """Return it."""\n'
    (pair,) = pairs(code, {"python/docstring-mood": "imperative"})
    assert secret not in pair.prefix and 'token = "****' in pair.prefix


def test_windows_line_ends_and_characters_of_several_bytes_are_read_right():
    code = '# 😋 é\r\ndef f():\r\n    """Return é 😋."""\r\n    return 1\r\n'
    (pair,) = probes(code, "a.py", {"python/docstring-mood": "imperative"}, random.Random(0), 3)
    assert pair.prefix == "# 😋 é\ndef f():\n    "
    assert (pair.house, pair.alt) == ('"""Return é 😋."""', '"""Returns é 😋."""')
    assert pair.suffix == "\n    return 1\n"


def test_code_that_gives_the_form_away_is_not_shown():
    code = "import typing as t\n\n\ndef f(a: t.Any) -> None: ...\n"
    (pair,) = pairs(code, {"python/import-of:typing": "import typing as t"})
    assert pair.suffix == ""


def unseen(code, rule, form, line):
    pair = next(pair for pair in pairs(code, {rule: form}) if pair.line == line)
    return pair.examples("unseen", repo="r")[0]


def test_unseen_the_document_ends_where_other_places_of_the_rule_begin():
    example = unseen(DOCUMENT, "python/docstring-mood", "imperative", 11)
    assert example.prefix == (
        '    # Say what is meant\n    raise ValueError(f"no {a} here")\n\n\n'
        "def second(b: list[str]) -> None:\n    "
    )
    assert example.suffix == (
        '\n    x = []\n    raise KeyError("no second here")\n\n\ndef third() -> None:\n'
    )


def test_in_the_file_everything_is_seen():
    pair = next(p for p in pairs(DOCUMENT, RULES) if p.rule == "python/optional")
    house, alt = pair.examples("file", repo="r")
    assert house.prefix + house.middle + house.suffix == DOCUMENT.lstrip("\n")
    assert (house.prefix, house.suffix, house.snippets) == (alt.prefix, alt.suffix, ())
    assert (house.repo, house.path, house.language) == ("r", "pkg/mod.py", "python")
    assert {house.id, alt.id} == {f"{pair.id}#house", f"{pair.id}#alt"}
    assert alt.middle == "def first(a: Optional[int]) -> None:"


def test_shown_is_a_place_of_another_file_that_does_not_hold_the_line():
    rules = {"python/docstring-mood": "imperative"}
    first = pairs(DOCUMENT, rules, lines={5}, path="pkg/a.py")
    same = pairs(DOCUMENT, rules, lines={5}, path="pkg/b.py")
    other = pairs(DOCUMENT, rules, lines={17}, path="pkg/c.py")
    found = with_shown([*first, *same, *other], random.Random(0))
    snippet = found[0].snippet
    assert (snippet.path, snippet.start_line, snippet.end_line) == ("pkg/c.py", 14, 18)
    assert snippet.text == ('\n\ndef third() -> None:\n    """Find the third one."""\n    y = {}\n')
    assert found[0].examples("shown")[0].snippets == (snippet,)
    assert found[0].examples("unseen")[0].snippets == ()
    assert found[0].house not in found[1].snippet.text


def test_a_single_place_has_nothing_to_show():
    (pair,) = with_shown(pairs(DOCUMENT, {"python/optional": "bar"}), random.Random(0))
    assert pair.snippet is None
