"""Each rule's question, answered by code that is written in each of its forms."""

from __future__ import annotations

import textwrap

import pytest

from homespun.training.conventions.base.name_cases import case_of, in_case
from homespun.training.conventions.base.parsed_file import RepositoryPaths, is_test
from homespun.training.conventions.base.rule import GROUPS
from homespun.training.conventions.sites import RULES, parse_source, sites_of


def forms(code, rule, *, path="pkg/mod.py", language="python", repository=None):
    """Return the forms of a rule's sites, in the order of the text."""
    file = parse_source(path, language, textwrap.dedent(code).lstrip("\n"))
    sites = sites_of(file, repository or RepositoryPaths.of([path]))
    return [site.form for site in sorted(sites, key=lambda site: site.start) if site.rule == rule]


PYTHON = [
    ("function-names", "def get_x(): ...\ndef getY(): ...\ndef run(): ...", ["snake", "camel"]),
    ("method-names", "class A:\n    def get_x(self): ...\n    def setUp(self): ...", ["snake"]),
    ("class-names", "class HTTPPool: ...\nclass my_pool: ...", ["pascal", "snake"]),
    (
        "constant-names",
        "MOST = 3\nmost_items = 4\nlogger = f()\nseen = {}\n__version__ = '1'\n",
        ["upper", "snake"],
    ),
    ("private-attributes", "class A:\n    def f(self): self._x = self.__y", ["single", "double"]),
    (
        "exception-names",
        "class BadKey(KeyError): ...\nclass BadError(Exception): ...",
        ["other", "error"],
    ),
    (
        "exception-variable",
        "try: ...\nexcept A as exc: ...\nexcept (B, C) as e: ...\nexcept D: ...",
        ["exc", "e"],
    ),
    ("import-of:typing", "import typing as t\nfrom typing import Any", None),
    ("import-form", "import os, sys\nfrom a import b", ["module", "module", "from"]),
    (
        "imported-names",
        "from a import b\nfrom a import c\nfrom d import e, f\nfrom g import h",
        ["apart", "apart", "together"],
    ),
    ("import-place", "import os\ndef f():\n    import sys", ["top", "inside"]),
    ("future-annotations", "def f(x: int): ...", ["without"]),
    (
        "abstract-collections",
        "from typing import Any, Mapping\nfrom collections.abc import Iterable\n"
        "from typing import Any",
        ["typing", "collections.abc"],
    ),
    (
        "quotes",
        "a = 'x'\nb = \"y\"\nc = \"it's\"\nd = '''z'''\ne = ''\n",
        ["single", "double", "single"],
    ),
    (
        "string-formatting",
        "f'{a}'\n'%s' % a\n'{}'.format(a)\n'ab' + a\nf'plain'\na % b\nlog.info('%s' % a)\na + ','",
        ["fstring", "percent", "format", "concatenation"],
    ),
    (
        "logging-arguments",
        "log.info('%s', a)\nself.logger.warning(f'{a}')\nlogging.error('%s' % a)\nlog.info('x')",
        ["lazy", "fstring", "percent"],
    ),
    ("logger-argument", "logging.getLogger(__name__)\ngetLogger('x')", ["__name__", "text"]),
    ("output", "print(1)\nlogger.info('x')\nwarnings.warn('y')", ["print", "log", "warn"]),
    ("large-numbers", "a = 10_000\nb = 65536\nc = 9999\nd = 0xFFFFF", ["underscores", "plain"]),
    (
        "raised-classes",
        "from .errors import Bad\nimport lib\nraise Bad()\nraise ValueError\n"
        "raise lib.Odd()\nraise e",
        ["own", "builtin", "library"],
    ),
    (
        "raise-from",
        "try: ...\nexcept A as e:\n    raise B() from e\nexcept C:\n    raise D() from None\n"
        "except E:\n    raise F()\n    raise\nraise G()",
        ["from", "none", "without"],
    ),
    ("raise-empty", "raise A\nraise B()\nraise C('x')", ["class", "call"]),
    ("message-place", "raise A('x')\nraise B(msg)\nraise C(count)", ["inline", "variable"]),
    (
        "error-message-case",
        "raise A('No such file')\nraise B('no such file')\nraise C('HTTP is gone')",
        ["upper", "lower"],
    ),
    (
        "error-message-stop",
        "raise A('It is.')\nraise B(f'it {x} is')\nraise C('one')\nraise D('is it?')",
        ["stop", "no-stop"],
    ),
    (
        "caught-classes",
        "try: ...\nexcept A: ...\nexcept Exception as e: ...\nexcept: ...",
        ["specific", "exception", "bare"],
    ),
    (
        "ignored-errors",
        "try:\n    a\nexcept B:\n    pass\nwith suppress(B): a\ntry:\n    a\nexcept B:\n    c",
        ["pass", "suppress"],
    ),
    ("module-docstrings", '"""A module."""\n', ["documented"]),
    (
        "function-docstrings",
        'def f():\n    """Do."""\ndef g(): ...\ndef _h(): ...',
        ["documented", "undocumented"],
    ),
    (
        "docstring-style",
        'def f(x, y):\n    """Do.\n\n    Args:\n        x: it\n    """\n'
        'def g(x, y):\n    """Do.\n\n    Parameters\n    ----------\n    x: it\n    """\n'
        'def h(x, y):\n    """Do.\n\n    :param x: it\n    """\n',
        ["google", "numpy", "rest"],
    ),
    (
        "docstring-mood",
        'def f():\n    """Return x."""\ndef g():\n    """Returns x."""\n'
        'def h():\n    """The x."""\n',
        ["imperative", "indicative"],
    ),
    (
        "docstring-stop",
        'def f():\n    """Do it."""\ndef g():\n    """Do it"""',
        ["stop", "no-stop"],
    ),
    (
        "docstring-start",
        'def f():\n    """Do.\n\n    More.\n    """\ndef g():\n    """\n    Do.\n    """',
        ["same", "next"],
    ),
    (
        "comment-case",
        "# Upper case here\nx = 1  # lower but behind\n# lower case here\n"
        "# the same comment\n# noqa",
        ["upper", "lower"],
    ),
    ("suppressions", "import a  # noqa: F401\nb()  # type: ignore", ["coded", "blanket"]),
    (
        "optional",
        "a: int | None\nb: Optional[int]\nc: Union[int, None]\nd: dict[str, int | None]",
        ["bar", "optional", "union", "bar"],
    ),
    ("union", "a: int | str\nb: Union[int, str]\nc: int | None", ["bar", "union"]),
    (
        "generic-collections",
        "a: list[int]\nb: t.List[Dict[str, int]]",
        ["builtin", "typing", "typing"],
    ),
    (
        "parameter-types",
        "def f(a: int, *b: int): ...\ndef g(a, b: int): ...\n"
        "def h(self, a=1): ...\ndef i(self): ...",
        ["all", "some", "none"],
    ),
    ("return-types", "def f() -> int: ...\ndef g(): ...", ["annotated", "missing"]),
    (
        "isinstance-of-several",
        "isinstance(a, (B, C))\nisinstance(a, B | C)\nisinstance(a, B)",
        ["tuple", "bar"],
    ),
    (
        "records",
        "@dataclass(frozen=True)\nclass A: ...\nclass B(NamedTuple): ...\nC = namedtuple('C', 'a')",
        ["dataclass", "namedtuple", "collections"],
    ),
    (
        "dataclass-options",
        "@dataclass\nclass A: ...\n@dataclass(frozen=True, slots=True)\nclass B: ...",
        ["plain", "frozen-slots"],
    ),
    (
        "class-bases",
        "class A: ...\nclass B(object): ...\nclass C(): ...\nclass D(A): ...",
        ["bare", "object", "brackets"],
    ),
    (
        "super-call",
        "class A:\n    def f(self):\n        super().f()\n        super(A, self).f()",
        ["bare", "arguments"],
    ),
    ("interfaces", "class A(Protocol): ...\nclass B(abc.ABC): ...", ["protocol", "abc"]),
    (
        "getters",
        "class A:\n    @property\n    def x(self): ...\n    def get_y(self): ...\n"
        "    def get_z(self, key): ...",
        ["property", "getter"],
    ),
    (
        "boolean-parameters",
        "def f(a=True): ...\ndef g(*, a: bool = False): ...\ndef h(a=None): ...",
        ["position", "keyword"],
    ),
    ("keyword-only", "def f(a, b, c): ...\ndef g(a, *, b, c): ...\ndef h(a, b): ...", None),
    (
        "early-return",
        "def f():\n    if a:\n        return 1\n    return 2\n"
        "def g():\n    if a:\n        return 1\n"
        "    else:\n        return 2\ndef h():\n    if a:\n        return 1\n",
        ["flat", "nested"],
    ),
    (
        "paths",
        "os.path.join(a, b)\nPath(a)\na.read_text()\nos.listdir(a)\nos.environ.get(a)",
        ["os", "pathlib", "pathlib", "os"],
    ),
    (
        "open-encoding",
        "open(a, encoding='utf-8')\nopen(a)\nopen(a, 'rb')\nopen(a, mode)",
        ["given", "missing"],
    ),
    ("empty-collections", "a = []\nb = dict()\nc = [1]", ["literal", "call"]),
    (
        "lists-from-loops",
        "def f():\n    a = [b for b in c]\n    d = []\n    for e in c:\n        d.append(e)\n",
        ["comprehension", "loop"],
    ),
    ("emptiness", "if not items: ...\nif len(items) == 0: ...\nif not done: ...", None),
    ("dict-from-keywords", "a = {'b': 1}\nc = dict(d=1)\ne = {'f g': 1}\nh = {1: 2}", None),
    (
        "assign-and-test",
        "a = f()\nif a:\n    b\nif (c := f()) is not None:\n    d\ne = f()\n\nif e:\n    g",
        ["statement", "walrus"],
    ),
    ("trailing-comma", "a = [\n    1,\n    2,\n]\nb = f(\n    1,\n    2\n)\nc = [1, 2]", None),
    ("indentation", "if a:\n  b\n", ["2 spaces"]),
]
EXPECTED_OTHERWISE = {
    "import-of:typing": ["import typing as t", "from typing import …"],
    "keyword-only": ["position", "keyword"],
    "emptiness": ["truth", "length"],
    "dict-from-keywords": ["literal", "call"],
    "trailing-comma": ["comma", "bare"],
}


@pytest.mark.parametrize(("rule", "code", "expected"), PYTHON, ids=[row[0] for row in PYTHON])
def test_python_answers_each_question(rule, code, expected):
    assert forms(code, f"python/{rule}") == (expected or EXPECTED_OTHERWISE[rule])


TESTS = [
    ("test-function-names", "def test_a_b(): ...\ndef testAB(): ...", ["snake", "camel"]),
    (
        "test-class-names",
        "class TestA: ...\nclass ATests(TestCase): ...\nclass Helper: ...",
        ["test-first", "tests-last"],
    ),
    (
        "test-structure",
        "def test_a(): ...\nclass TestB:\n    def test_b(self): ...\n"
        "class C(unittest.TestCase):\n    def test_c(self): ...\n    def helper(self): ...",
        ["function", "class", "unittest"],
    ),
    (
        "assertions",
        "assert a == b\nself.assertEqual(a, b)\nself.assertThing(a)",
        ["assert", "method"],
    ),
    (
        "expected-errors",
        "with pytest.raises(A): ...\nwith self.assertRaises(A): ...",
        ["pytest", "unittest"],
    ),
    (
        "expected-messages",
        "with pytest.raises(A, match='b'): ...\nwith pytest.raises(A): ...",
        ["checked", "unchecked"],
    ),
    (
        "fixture-brackets",
        "@pytest.fixture\ndef a(): ...\n@pytest.fixture()\ndef b(): ...\n"
        "@pytest.fixture(scope='module')\ndef c(): ...",
        ["bare", "brackets"],
    ),
    (
        "preparation",
        "@pytest.fixture\ndef a(): ...\nclass A(TestCase):\n    def setUp(self): ...",
        ["fixture", "setup"],
    ),
    (
        "parametrize-names",
        "@pytest.mark.parametrize('a, b', [])\ndef f(): ...\n"
        "@pytest.mark.parametrize(('a', 'b'), [])\ndef g(): ...\n"
        "@pytest.mark.parametrize('a', [])\ndef h(): ...",
        ["text", "tuple"],
    ),
    ("replacements", "monkeypatch.setattr(a, b)\nmock.patch('c')\nMock()", None),
    ("temporary-folders", "def f(tmp_path): ...\ntempfile.mkdtemp()", ["tmp_path", "tempfile"]),
    ("test-return-types", "def test_a() -> None: ...\ndef test_b(): ...", ["annotated", "missing"]),
    ("test-file-names", "a = 1", ["test-first"]),
]


@pytest.mark.parametrize(("rule", "code", "expected"), TESTS, ids=[row[0] for row in TESTS])
def test_test_files_answer_questions_of_their_own(rule, code, expected):
    wanted = expected or ["monkeypatch", "mock", "mock"]
    assert forms(code, f"python/{rule}", path="tests/test_mod.py") == wanted


def test_what_only_tests_do_is_not_asked_of_other_files():
    assert forms("assert a == b", "python/assertions") == []
    assert forms("def f(): ...", "python/return-types", path="tests/test_mod.py") == []


ECMASCRIPT = [
    ("function-names", "function getX() {}\nconst get_y = () => 1;\nconst View = () => 1;", None),
    ("modules", 'import a from "a";\nconst b = require("b");', ["import", "require"]),
    ("node-modules", 'import "node:fs";\nrequire("path");\nrequire("x");', ["prefix", "bare"]),
    ("import-endings", 'import "./a.js";\nimport "./b";\nimport "c";', ["ending", "bare"]),
    (
        "exports",
        "export const a = 1;\nexport default b;\nmodule.exports = c;",
        ["named", "default", "commonjs"],
    ),
    ("quotes", 'a(\'b\');\nc("d");\ne("it\'s");', ["single", "double"]),
    (
        "string-formatting",
        "a(`b ${c}`);\nd('e' + f);\ng('h' + 'i');\ncss`j ${k} l`;",
        ["template", "concatenation"],
    ),
    ("declarations", "const a = 1; let b; var c;", ["const-let", "const-let", "var"]),
    (
        "functions",
        "function a() {}\nconst b = () => 1;\nconst c = function () {};",
        ["declaration", "arrow", "value"],
    ),
    (
        "callbacks",
        "a(() => 1);\nb(function () { return 1; });\nc(function () { return this; });",
        ["arrow", "function"],
    ),
    ("waiting", "async function f() { await a; }\nb.then(c);", ["await", "then"]),
    ("equality", "a === b; c == d; e == null;", ["strict", "loose"]),
    ("object-properties", "a({ b });\nc({ d: d });\ne({ f: g });", ["short", "long"]),
    ("semicolons", "a();\nb()\n", ["semicolon", "bare"]),
    ("arrow-brackets", "a((b) => b);\nc(d => d);", ["brackets", "bare"]),
    ("trailing-comma", "a({\n  b,\n  c,\n});\nd({\n  e,\n  f\n});", ["comma", "bare"]),
    ("caught-names", "try { a(); } catch (err) { b(); }", ["err"]),
    ("error-message-case", 'throw new Error("No file"); throw new Error("no file");', None),
]


@pytest.mark.parametrize(("rule", "code", "expected"), ECMASCRIPT, ids=[r[0] for r in ECMASCRIPT])
@pytest.mark.parametrize("language", ["javascript", "typescript", "tsx"])
def test_ecmascript_answers_each_question(rule, code, expected, language):
    otherwise = {"function-names": ["camel", "snake"], "error-message-case": ["upper", "lower"]}
    found = forms(code, f"javascript/{rule}", path="src/mod.js", language=language)
    assert found == (expected or otherwise[rule])


TYPESCRIPT = [
    ("object-types", "interface A { b: 1 }\ntype C = { d: 1 };\ntype E = F | G;", None),
    ("array-types", "let a: string[]; let b: Array<string>;", ["brackets", "generic"]),
    ("unknown-types", "let a: unknown; let b: any; let c: string;", ["unknown", "any"]),
    ("absent-values", "let a: A | null; let b: A | undefined;", ["null", "undefined"]),
    (
        "type-imports",
        'import type { A } from "a";\nimport { type B } from "b";\nimport { C } from "c";',
        ["type", "inline"],
    ),
    ("interface-prefix", "interface IThing {}\ninterface Item {}", ["prefix", "plain"]),
    (
        "private-members",
        "class A { #b = 1; private c = 2; _d() {} }",
        ["hash", "keyword", "underscore"],
    ),
]


@pytest.mark.parametrize(("rule", "code", "expected"), TYPESCRIPT, ids=[r[0] for r in TYPESCRIPT])
def test_typescript_answers_questions_about_types(rule, code, expected):
    found = forms(code, f"javascript/{rule}", path="src/mod.ts", language="typescript")
    assert found == (expected or ["interface", "alias"])


def test_imports_of_the_own_package_are_told_from_others():
    repository = RepositoryPaths.of(["src/pkg/__init__.py", "src/pkg/sub/a.py", "src/pkg/b.py"])
    code = "from .b import x\nfrom pkg.b import y\nfrom lib import z\nfrom pkg import w"
    found = forms(code, "python/own-imports", path="src/pkg/sub/a.py", repository=repository)
    assert found == ["relative", "absolute", "absolute"]


def test_a_package_may_be_installed_under_a_name_that_no_folder_has():
    repository = RepositoryPaths.of(["cli/main.py", "indexer/files.py"])
    code = "from brand.indexer.files import x\nfrom brand.cli import y"
    path = "indexer/build.py"
    assert forms(code, "python/own-imports", path=path, repository=repository) == ["absolute"]
    assert repository.is_own("brand.cli") and not repository.is_own("numpy.files")


@pytest.mark.parametrize(
    "path", ["a/types.pyi", "a/fast.pyx", "app/migrations/0001_initial.py", "docs/conf.py"]
)
def test_files_with_rules_of_their_own_are_not_asked(path):
    assert parse_source(path, "python", "x = 1\n") is None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("tests/unit/a.py", True),
        ("pkg/test_a.py", True),
        ("pkg/a_test.py", True),
        ("src/a.spec.ts", True),
        ("src/__tests__/a.js", True),
        ("pkg/testimony.py", False),
        ("src/contest/a.py", False),
    ],
)
def test_tests_are_known_by_name_and_folder(path, expected):
    assert is_test(path) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("get", None),
        ("get_it", "snake"),
        ("_get_it_", "snake"),
        ("getIt", "camel"),
        ("getHTTPServer", "camel"),
        ("GetIt", "pascal"),
        ("X", "upper"),
        ("MAX_2", "upper"),
        ("get-it", "kebab"),
        ("Get_It", "mixed"),
    ],
)
def test_a_name_has_the_case_that_it_can_only_have(name, expected):
    assert case_of(name) == expected


def test_names_are_written_in_another_case():
    assert in_case("_get_http_server", "camel") == "_getHttpServer"
    assert in_case("getHTTPServer", "snake") == "get_http_server"
    assert in_case("most_items", "upper") == "MOST_ITEMS"


def test_every_rule_belongs_to_a_group_and_names_what_it_asks():
    for id_, rule in RULES.items():
        assert rule.group in GROUPS, id_
        assert rule.family in ("python", "javascript") and rule.title
