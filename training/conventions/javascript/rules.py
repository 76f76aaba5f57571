"""The rules for JavaScript and TypeScript, and where they find their sites."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from homespun.training.conventions.base.name_cases import CASES, case_of
from homespun.training.conventions.base.parsed_file import (
    CallSite,
    ParsedSource,
    RepositoryPaths,
    first_child,
    named_children,
)
from homespun.training.conventions.base.rule import Rule, Site
from homespun.training.conventions.javascript import typescript

if TYPE_CHECKING:
    from tree_sitter import Node

_SHARED = "javascript/javascript.scm"
QUERIES = {
    "javascript": (_SHARED,),
    "typescript": (_SHARED, "javascript/typescript.scm"),
    "tsx": (_SHARED, "javascript/typescript.scm"),
}

RULES: tuple[Rule, ...] = (
    Rule("javascript/function-names", "naming", "functions", CASES),
    Rule("javascript/method-names", "naming", "methods", CASES),
    Rule("javascript/class-names", "naming", "classes", CASES),
    Rule("javascript/constant-names", "naming", "constants of a file (plain values)", CASES),
    Rule("javascript/file-names", "naming", "files", CASES),
    Rule("javascript/caught-names", "naming", "caught error: catch (…)"),
    Rule(
        "javascript/modules",
        "imports",
        "modules are taken in with",
        {"import": 'import … from "x"', "require": 'require("x")'},
    ),
    Rule(
        "javascript/node-modules",
        "imports",
        "modules of Node",
        {"prefix": '"node:fs"', "bare": '"fs"'},
    ),
    Rule(
        "javascript/import-endings",
        "imports",
        "files next door",
        {"ending": '"./x.js"', "bare": '"./x"'},
    ),
    Rule(
        "javascript/exports",
        "imports",
        "modules give out",
        {"named": "export …", "default": "export default …", "commonjs": "module.exports"},
    ),
    Rule(
        "javascript/quotes",
        "strings",
        "quotes",
        {"double": 'double "…"', "single": "single '…'"},
        settled_by="prettier turns them",
    ),
    Rule(
        "javascript/string-formatting",
        "strings",
        "values in strings",
        {"template": "`… ${x}`", "concatenation": '"…" + x'},
    ),
    Rule(
        "javascript/declarations",
        "idioms",
        "variables",
        {"const-let": "const and let", "var": "var"},
    ),
    Rule(
        "javascript/functions",
        "functions",
        "functions of a file",
        {
            "declaration": "function f() {}",
            "arrow": "const f = () => …",
            "value": "const f = function …",
        },
    ),
    Rule(
        "javascript/callbacks",
        "functions",
        "functions as arguments",
        {"arrow": "() => …", "function": "function () {}"},
    ),
    Rule(
        "javascript/waiting",
        "idioms",
        "promises",
        {"await": "await x", "then": "x.then(…)"},
    ),
    Rule("javascript/equality", "idioms", "equal?", {"strict": "===", "loose": "=="}),
    Rule(
        "javascript/object-properties",
        "idioms",
        "properties that are called like the variable",
        {"short": "{ a }", "long": "{ a: a }"},
    ),
    Rule(
        "javascript/private-members",
        "classes",
        "private members",
        {"hash": "#x", "underscore": "_x", "keyword": "private x"},
    ),
    Rule(
        "javascript/semicolons",
        "layout",
        "statements end",
        {"semicolon": "with a semicolon", "bare": "without a semicolon"},
        settled_by="prettier sets or drops them",
    ),
    Rule(
        "javascript/trailing-comma",
        "layout",
        "the last item of several lines",
        {"comma": "a comma behind it", "bare": "no comma behind it"},
        settled_by="prettier sets it",
    ),
    Rule(
        "javascript/arrow-brackets",
        "layout",
        "arrow functions of one parameter",
        {"brackets": "(x) => …", "bare": "x => …"},
        settled_by="prettier sets or drops them",
    ),
    Rule(
        "javascript/error-message-case",
        "errors",
        "error messages begin with",
        {"upper": "a capital", "lower": "a small letter"},
    ),
    Rule(
        "javascript/test-calls",
        "tests",
        "tests are",
        {"it": 'it("…")', "test": 'test("…")'},
    ),
    Rule(
        "javascript/assertions",
        "tests",
        "assertions",
        {"expect": "expect(x)", "assert": "assert…(x)", "should": "x.should"},
    ),
    *typescript.RULES,
)

_NOT_ASKED = re.compile(r".*\.d\.[mc]?ts|(?:.*/)?(?:dist|build|out|coverage|umd|esm|cjs)/.*")
_NODE = frozenset(
    """assert async_hooks buffer child_process cluster crypto dgram dns events fs fs/promises http
    http2 https module net os path perf_hooks process querystring readline stream string_decoder
    timers tls tty url util v8 vm worker_threads zlib""".split()
)
_PLAIN = frozenset({"number", "string", "true", "false", "regex"})
_MESSAGE = re.compile(r"[\"'`]([A-Za-z])([a-z']*)[ ,.:]")


def is_asked(path: str) -> bool:
    """Tell whether people write a file: declaration files and bundles are made."""
    return _NOT_ASKED.fullmatch(path) is None


def sites(file: ParsedSource, repository: RepositoryPaths) -> Iterator[Site]:
    """Yield the sites of all rules in a file."""
    yield from _names(file)
    yield from _modules(file)
    yield from _strings(file)
    yield from _functions(file)
    yield from _variables(file)
    yield from _expressions(file)
    yield from _calls(file)
    yield from _layout(file)
    if file.language != "javascript":
        yield from typescript.sites(file)


def _names(file: ParsedSource) -> Iterator[Site]:
    for capture, rule in (
        ("function", "javascript/function-names"),
        ("function.value", "javascript/function-names"),
        ("method", "javascript/method-names"),
        ("class", "javascript/class-names"),
    ):
        for node in file.nodes(capture):
            name = node.child_by_field_name("name")
            case = case_of(file.read(name)) if name is not None else None
            # A function in PascalCase is a component or a constructor: another thing.
            if name is not None and case and not (case == "pascal" and "function" in capture):
                yield file.site(rule, case, name)
    stem = PurePosixPath(file.path).name.split(".")[0]
    case = case_of(stem)
    if case is not None:
        yield Site("javascript/file-names", case, 1)


def _modules(file: ParsedSource) -> Iterator[Site]:
    for node in file.nodes("import"):
        source = node.child_by_field_name("source")
        if source is not None:
            yield file.site("javascript/modules", "import", node)
            yield from _source(file, source)
    for node in file.nodes("export"):
        form = "default" if file.read(node).startswith("export default") else "named"
        yield file.site("javascript/exports", form, node)
        source = node.child_by_field_name("source")
        if source is not None:
            yield from _source(file, source)
    for node in file.nodes("assignment"):
        if file.field(node, "left").startswith(("module.exports", "exports.")):
            yield file.site("javascript/exports", "commonjs", node)


def _source(file: ParsedSource, node: Node) -> Iterator[Site]:
    name = file.read(node).strip("\"'`")
    if name.removeprefix("node:") in _NODE:
        form = "prefix" if name.startswith("node:") else "bare"
        yield file.site("javascript/node-modules", form, node)
    elif name.startswith(".") and name.rpartition("/")[2].strip("."):
        form = "ending" if "." in name.rpartition("/")[2] else "bare"
        yield file.site("javascript/import-endings", form, node)


def _strings(file: ParsedSource) -> Iterator[Site]:
    for node in file.nodes("string"):
        text = file.read(node)
        if not {"'", '"', "\\"} & set(text[1:-1]) and _is_code(node):
            yield file.site("javascript/quotes", "double" if text[0] == '"' else "single", node)
    rule = "javascript/string-formatting"
    for node in file.nodes("template"):
        parts = {child.type for child in node.named_children}
        if parts == {"string_fragment", "template_substitution"}:
            around = node.parent
            if around is not None and around.type != "call_expression":  # a tag: css`…`
                yield file.site(rule, "template", node)
    seen = set()
    for node in file.nodes("plus"):
        sides = [node.child_by_field_name(side) for side in ("left", "right")]
        kinds = {side.type for side in sides if side is not None}
        if node.start_byte not in seen and kinds & _VALUES:
            seen.add(node.start_byte)
            yield file.site(rule, "concatenation", node)


_VALUES = frozenset({"identifier", "member_expression", "call_expression", "binary_expression"})


def _is_code(node: Node) -> bool:
    around = node.parent
    return around is None or around.type != "jsx_attribute"


def _functions(file: ParsedSource) -> Iterator[Site]:
    for node in file.nodes("function"):
        if node.start_point[1] == 0:
            yield file.site("javascript/functions", "declaration", node)
    for node in file.nodes("function.value"):
        around = node.parent
        value = node.child_by_field_name("value")
        if around is not None and value is not None and around.start_point[1] == 0:
            form = "arrow" if value.type == "arrow_function" else "value"
            yield file.site("javascript/functions", form, around)
    for node in file.nodes("callback"):
        is_arrow = node.type == "arrow_function"
        if is_arrow or file.field(node, "body").count("this") == 0:
            yield file.site("javascript/callbacks", "arrow" if is_arrow else "function", node)
    for node in file.nodes("arrow"):
        if node.child_by_field_name("parameter") is not None:
            yield file.site("javascript/arrow-brackets", "bare", node)
            continue
        taken = named_children(node.child_by_field_name("parameters"))
        if len(taken) == 1 and file.read(taken[0]).isidentifier():
            yield file.site("javascript/arrow-brackets", "brackets", node)


def _variables(file: ParsedSource) -> Iterator[Site]:
    for node in file.nodes("declaration"):
        yield file.site("javascript/declarations", "const-let", node)
    for node in file.nodes("declaration.var"):
        yield file.site("javascript/declarations", "var", node)
    for node in file.nodes("declaration.top"):
        for declared in node.named_children:
            value = declared.child_by_field_name("value")
            name = declared.child_by_field_name("name")
            if value is None or name is None or value.type not in _PLAIN:
                continue
            case = case_of(file.read(name)) or "camel"
            if file.field(node, "kind") == "const":
                yield file.site("javascript/constant-names", case, name)


def _expressions(file: ParsedSource) -> Iterator[Site]:
    for node in file.nodes("await"):
        yield file.site("javascript/waiting", "await", node)
    for node in file.nodes("binary"):
        sign = file.field(node, "operator")
        # `== null` means null or undefined, and has no other short form.
        if sign in ("===", "!=="):
            yield file.site("javascript/equality", "strict", node)
        elif sign in ("==", "!=") and file.field(node, "right") not in ("null", "undefined"):
            yield file.site("javascript/equality", "loose", node)
    for node in file.nodes("throw"):
        message = _MESSAGE.search(file.read(node))
        if message is not None:
            case = "upper" if message[1].isupper() else "lower"
            yield file.site("javascript/error-message-case", case, node)
    yield from _properties(file)
    yield from _private(file)


def _properties(file: ParsedSource) -> Iterator[Site]:
    for node in file.nodes("shorthand"):
        yield file.site("javascript/object-properties", "short", node)
    for key, value in zip(file.nodes("pair.key"), file.nodes("pair.value"), strict=False):
        around = key.parent
        if around is not None and around.end_byte == value.end_byte:
            if file.read(key) == file.read(value):
                yield file.site("javascript/object-properties", "long", around)


def _private(file: ParsedSource) -> Iterator[Site]:
    for node in file.nodes("private"):
        around = node.parent
        if around is not None and around.type in ("public_field_definition", "field_definition"):
            yield file.site("javascript/private-members", "hash", node)
    for node in file.nodes("method"):
        name = node.child_by_field_name("name")
        if name is not None:
            text = file.read(name)
            if text.startswith("#"):
                yield file.site("javascript/private-members", "hash", name)
            elif re.fullmatch(r"_[a-z]\w*", text):
                yield file.site("javascript/private-members", "underscore", name)
    for node in file.nodes("accessibility"):
        if file.read(node) == "private":
            yield file.site("javascript/private-members", "keyword", node)


def _calls(file: ParsedSource) -> Iterator[Site]:
    for call in file.calls:
        arguments = call.arguments
        first = first_child(arguments) if arguments is not None else None
        if call.name == "require" and not call.owner:
            if first is not None and first.type == "string":
                yield file.site("javascript/modules", "require", call.node)
                yield from _source(file, first)
        elif call.name == "then" and call.owner:
            yield file.site("javascript/waiting", "then", call.node)
        elif file.is_test:
            yield from _tested(file, call, first)


def _tested(file: ParsedSource, call: CallSite, first: Node | None) -> Iterator[Site]:
    if call.name in ("it", "test") and not call.owner:
        if first is not None and first.type in ("string", "template_string"):
            yield file.site("javascript/test-calls", call.name, call.node)
    elif call.name == "expect" and not call.owner:
        yield file.site("javascript/assertions", "expect", call.node)
    elif call.owner == "assert" or (call.name == "assert" and not call.owner):
        yield file.site("javascript/assertions", "assert", call.node)
    elif ".should" in call.owner:
        yield file.site("javascript/assertions", "should", call.node)


def _layout(file: ParsedSource) -> Iterator[Site]:
    for capture in ("statement", "declaration", "declaration.var", "import"):
        for node in file.nodes(capture):
            around = node.parent
            if around is None or around.type not in ("for_statement", "for_in_statement"):
                last = file.source[node.end_byte - 1 : node.end_byte]
                form = "semicolon" if last == b";" else "bare"
                yield file.site("javascript/semicolons", form, node)
    for node in file.nodes("brackets"):
        items = named_children(node)
        if len(items) < 2 or node.start_point[0] == items[0].start_point[0]:
            continue
        if node.end_point[0] > items[-1].end_point[0]:
            last = file.source[items[-1].end_byte : items[-1].end_byte + 1]
            yield file.site(
                "javascript/trailing-comma", "comma" if last == b"," else "bare", items[-1]
            )
    for found in _CATCH.finditer(file.text):
        line = file.text.count("\n", 0, found.start()) + 1
        start = len(file.text[: found.start(1)].encode())
        yield Site("javascript/caught-names", found[1], line, start, start + len(found[1]))


_CATCH = re.compile(r"\bcatch \((\w+)(?=[):])")
