"""Python: how functions, classes, constants, attributes, exceptions and files are called."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from homespun.training.conventions.base.name_cases import CASES, case_of
from homespun.training.conventions.base.parsed_file import (
    ParsedSource,
    RepositoryPaths,
    first_child,
)
from homespun.training.conventions.base.rule import Rule, Site

if TYPE_CHECKING:
    from tree_sitter import Node

RULES = (
    Rule("python/function-names", "naming", "functions", CASES),
    Rule("python/method-names", "naming", "methods", CASES),
    Rule("python/class-names", "naming", "classes", CASES),
    Rule("python/constant-names", "naming", "module constants", CASES),
    Rule("python/variable-names", "naming", "local variables", CASES),
    Rule("python/module-names", "naming", "module files", CASES),
    Rule(
        "python/private-attributes",
        "naming",
        "private attributes",
        {"single": "_one underscore", "double": "__two underscores"},
    ),
    Rule(
        "python/exception-names",
        "naming",
        "exception classes",
        {"error": "…Error", "exception": "…Exception", "other": "no suffix"},
    ),
    Rule("python/exception-variable", "naming", "caught exception (except X as …)"),
    Rule("python/logger-names", "naming", "the logger"),
    Rule(
        "python/test-class-names",
        "tests",
        "test classes",
        {"test-first": "Test…", "tests-last": "…Tests", "test-last": "…Test", "case": "…TestCase"},
    ),
    Rule("python/test-function-names", "tests", "names of tests", CASES),
    Rule(
        "python/test-file-names",
        "tests",
        "test files",
        {"test-first": "test_….py", "test-last": "…_test.py", "tests-last": "…_tests.py"},
    ),
)

# Names that a framework gives: unittest's, ast's and http.server's.
_GIVEN = re.compile(
    r"__\w+__|setUp\w*|tearDown\w*|asyncSetUp|asyncTearDown|assert[A-Z]\w*|(?:generic_)?visit_\w+"
    r"|(?:visit|depart|leave|do|handle)_\w*[A-Z]\w*|runTest|maxDiff|formatTime|formatException|emit"
)
_ERROR_BASE = re.compile(r"(?:\w+\.)*\w*(?:Error|Exception)")
_TEST_CLASS = (
    ("test-first", re.compile(r"Tests?[A-Z0-9_].*")),
    ("case", re.compile(r".+TestCase")),
    ("tests-last", re.compile(r".+Tests")),
    ("test-last", re.compile(r".+Test")),
)
_TEST_FILE = (
    ("test-first", re.compile(r"test_.+\.py")),
    ("test-last", re.compile(r".+_test\.py")),
    ("tests-last", re.compile(r".+_tests\.py")),
)
_CONSTANTS = frozenset(
    "integer float string concatenated_string tuple list dictionary set true false".split()
)
_PLAIN = frozenset("integer float string concatenated_string true false".split())
_FIXED = re.compile(r"__.*|urlpatterns|app_name|pytestmark|pytest_plugins|handler\d+|revision")
_MAKES_LOGGER = re.compile(r"(?:\w+\.)*(?:getLogger|get_logger|getChild)\(")


def sites(file: ParsedSource, repository: RepositoryPaths) -> Iterator[Site]:
    """Yield the sites of a file."""
    yield from _functions(file)
    yield from _classes(file)
    yield from _assignments(file)
    yield from _attributes(file)
    yield from _caught(file)
    yield from _files(file)


def _functions(file: ParsedSource) -> Iterator[Site]:
    methods = {node.start_byte for node in file.nodes("method")}
    for node in file.nodes("function"):
        name = node.child_by_field_name("name")
        if name is None:
            continue
        text = file.read(name)
        if file.is_test and text.startswith("test"):
            rule = "python/test-function-names"
            case = _test_case(text)
        else:
            rule = f"python/{'method' if node.start_byte in methods else 'function'}-names"
            case = None if _GIVEN.fullmatch(text) else case_of(text)
        if case is not None:
            yield file.site(rule, case, name)


def _test_case(name: str) -> str | None:
    case = case_of(name)
    has_capital = any(letter.isupper() for letter in name)
    # `test_HTTPError_is_raised` names what it tests: still words with underscores.
    return "snake" if case == "mixed" or (has_capital and "_" in name) else case


def _classes(file: ParsedSource) -> Iterator[Site]:
    for node in file.nodes("class"):
        name = node.child_by_field_name("name")
        if name is None:
            continue
        text = file.read(name)
        bases = _bases(file, node)
        is_test = file.is_test and "test" in text.lower()
        case = case_of(text) or "lower"
        yield file.site("python/class-names", "pascal" if _is_pascal(text) else case, name)
        if is_test:
            form = next((form for form, shape in _TEST_CLASS if shape.fullmatch(text)), None)
            if form is not None:
                yield file.site("python/test-class-names", form, name)
        elif any(_ERROR_BASE.fullmatch(base) for base in bases):
            ending = re.search(r"(Error|Exception)$", text)
            form = ending[1].lower() if ending else "other"
            yield file.site("python/exception-names", form, name)


def _is_pascal(name: str) -> bool:
    """Tell whether a class is named as usual; `URL`, `SQLCompiler`, `GET` are."""
    return re.fullmatch(r"_*[A-Z][A-Za-z0-9]*", name) is not None


def _bases(file: ParsedSource, node: Node) -> list[str]:
    listed = node.child_by_field_name("superclasses")
    if listed is None:
        return []
    return [file.read(base) for base in listed.named_children if base.type != "keyword_argument"]


def _assignments(file: ParsedSource) -> Iterator[Site]:
    for node in file.nodes("assignment.top"):
        name, value = node.child_by_field_name("left"), node.child_by_field_name("right")
        if name is None or value is None or name.type != "identifier":
            continue
        text = file.read(name)
        if value.type == "call":
            if _MAKES_LOGGER.match(file.read(value)):
                yield file.site("python/logger-names", text, name)
        elif _is_constant(value) and not _FIXED.fullmatch(text):
            # One word in small letters is no constant's name: it tells what it is not.
            yield file.site("python/constant-names", case_of(text) or "snake", name)
    for name in file.nodes("variable"):
        case = case_of(file.read(name))
        if case in ("snake", "camel"):
            yield file.site("python/variable-names", case, name)


def _is_constant(value: Node) -> bool:
    """Tell whether a value is plain data; an empty list or dict is there to be filled."""
    return value.type in _CONSTANTS and (value.child_count > 2 or value.type in _PLAIN)


def _attributes(file: ParsedSource) -> Iterator[Site]:
    for node in file.nodes("attribute"):
        if file.source[node.start_byte : node.start_byte + 1] != b"_":
            continue
        text = file.read(node)
        if not text.endswith("__"):
            form = "double" if text.startswith("__") else "single"
            yield file.site("python/private-attributes", form, node)


def _caught(file: ParsedSource) -> Iterator[Site]:
    for node in file.nodes("except"):
        name = caught_name(node)
        if name is not None:
            yield file.site("python/exception-variable", file.read(name), name)


def caught_name(clause: Node) -> Node | None:
    """Return the name in `except X as name`."""
    value = clause.child_by_field_name("value")
    target = value.child_by_field_name("alias") if value is not None else None
    return first_child(target) if target is not None else None


def _files(file: ParsedSource) -> Iterator[Site]:
    name = PurePosixPath(file.path).name
    if file.is_test:
        form = next((form for form, shape in _TEST_FILE if shape.fullmatch(name)), None)
        if form is not None:
            yield Site("python/test-file-names", form, 1)
            return
    case = case_of(name.removesuffix(".py"))
    if case is not None and not name.startswith("__"):
        yield Site("python/module-names", case, 1)
