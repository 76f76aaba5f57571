"""Python: small choices, files and paths, layout."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from homespun.training.conventions.base.parsed_file import CallSite, ParsedSource, RepositoryPaths
from homespun.training.conventions.base.rule import Rule, Site

if TYPE_CHECKING:
    from tree_sitter import Node

RULES = (
    Rule(
        "python/paths",
        "files and paths",
        "paths are handled with",
        {"pathlib": "pathlib", "os": "os.path and os"},
    ),
    Rule(
        "python/open-encoding",
        "files and paths",
        "text files are opened",
        {"given": "with an encoding", "missing": "without one"},
    ),
    Rule(
        "python/empty-collections",
        "idioms",
        "empty lists and dicts",
        {"literal": "[] {}", "call": "list() dict()"},
    ),
    Rule(
        "python/lists-from-loops",
        "idioms",
        "a list made from another",
        {"comprehension": "[… for … in …]", "loop": "a loop with append"},
    ),
    Rule(
        "python/emptiness",
        "idioms",
        "is something empty?",
        {"truth": "if not x", "length": "if len(x) == 0"},
    ),
    Rule(
        "python/dict-from-keywords",
        "idioms",
        "dicts with fixed keys",
        {"literal": '{"a": 1}', "call": "dict(a=1)"},
    ),
    Rule(
        "python/assign-and-test",
        "idioms",
        "a value is kept and tested",
        {"walrus": "if (x := f()):", "statement": "x = f(), then if x:"},
    ),
    Rule(
        "python/trailing-comma",
        "layout",
        "the last item of several lines",
        {"comma": "a comma behind it", "bare": "no comma behind it"},
        settled_by="black and ruff format set it",
    ),
    Rule(
        "python/indentation",
        "layout",
        "files are indented by",
        settled_by="black and ruff format set it",
    ),
)

_OS_PATH = frozenset(
    """join exists isfile isdir dirname basename abspath realpath splitext relpath normpath
    expanduser getsize getmtime islink""".split()
)
_OS = frozenset("listdir makedirs mkdir remove unlink rename rmdir scandir walk".split())
_PATHLIB = frozenset(
    """read_text write_text read_bytes write_bytes is_file is_dir iterdir rglob with_suffix
    with_name joinpath relative_to as_posix is_absolute""".split()
)
# Only names of many: `not is_open` asks something else.
_NOT_MANY = re.compile(
    r"not (?!(?:.*\.)?(?:is|has|can|allow|support|use|need)s?_)[\w.]+(?:s|list|data|queue)"
)
_KEYWORD = re.compile(r"\(\s*\w+\s*=[^=]")
# Below a line that is not indented itself.
_INDENT = re.compile(
    r"^(?:async |class |def |for |if |try|while |with )[^\n]*:[ \t]*\n([ \t]+)\S", re.MULTILINE
)


def sites(file: ParsedSource, repository: RepositoryPaths) -> Iterator[Site]:
    """Yield the sites of a file."""
    for call in file.calls:
        yield from _call(file, call)
    for node in file.nodes("assignment"):
        yield from _assigned(file, node)
    for node in file.nodes("if"):
        yield from _condition(file, node)
    for node in file.nodes("for"):
        if is_append_loop(file, node):
            yield file.site("python/lists-from-loops", "loop", node)
    for node in file.nodes("brackets"):
        yield from _last_item(file, node)
    indent = _INDENT.search(file.text)
    if indent is not None:
        step = indent[1]
        form = "tabs" if "\t" in step else f"{len(step)} spaces"
        yield Site("python/indentation", form, file.text.count("\n", 0, indent.start()) + 2)


def _call(file: ParsedSource, call: CallSite) -> Iterator[Site]:
    if not call.owner:
        if call.name == "open":
            yield from _opened(file, call)
        elif call.name == "Path":
            yield file.site("python/paths", "pathlib", call.node)
        elif call.name in ("list", "dict"):
            yield from _constructed(file, call)
    elif call.name in _PATHLIB:
        yield file.site("python/paths", "pathlib", call.node)
    elif (call.owner == "os.path" and call.name in _OS_PATH) or (
        call.owner == "os" and call.name in _OS
    ):
        yield file.site("python/paths", "os", call.node)


def _constructed(file: ParsedSource, call: CallSite) -> Iterator[Site]:
    arguments = file.field(call.node, "arguments")
    if arguments == "()":
        yield file.site("python/empty-collections", "call", call.node)
    elif call.name == "dict" and _KEYWORD.match(arguments):
        yield file.site("python/dict-from-keywords", "call", call.node)


def _opened(file: ParsedSource, call: CallSite) -> Iterator[Site]:
    arguments = call.arguments
    if arguments is None:
        return
    text = file.read(arguments)
    given = [child for child in arguments.named_children if child.type != "keyword_argument"]
    mode = file.read(given[1]) if len(given) > 1 else ""
    if mode and not mode.startswith(("'", '"')):
        return  # may be binary
    if "b" not in mode and not re.search(r"mode\s*=\s*[\"'][^\"']*b", text) and given:
        form = "given" if "encoding" in text or len(given) > 3 else "missing"
        yield file.site("python/open-encoding", form, call.node)


def _assigned(file: ParsedSource, node: Node) -> Iterator[Site]:
    value = node.child_by_field_name("right")
    if value is None:
        return
    if value.type in ("list", "dictionary"):
        if not value.named_child_count:
            yield file.site("python/empty-collections", "literal", value)
        elif value.type == "dictionary":
            keys = [
                pair.child_by_field_name("key")
                for pair in value.named_children
                if pair.type == "pair"
            ]
            names = [file.read(key).strip("\"'") for key in keys if key is not None]
            are_strings = all(key is not None and key.type == "string" for key in keys)
            if keys and are_strings and all(name.isidentifier() for name in names):
                yield file.site("python/dict-from-keywords", "literal", value)
    elif value.type == "list_comprehension":
        yield file.site("python/lists-from-loops", "comprehension", node)
    yield from _tested(file, node)


def _tested(file: ParsedSource, node: Node) -> Iterator[Site]:
    """`x = f()` on the line above `if x:` or `if x is None:`, where a walrus could stand."""
    name, statement = node.child_by_field_name("left"), node.parent
    following = statement.next_named_sibling if statement is not None else None
    if following is None or name is None or following.type != "if_statement":
        return
    value = node.child_by_field_name("right")
    condition = following.child_by_field_name("condition")
    if condition is None or value is None or name.type != "identifier" or value.type != "call":
        return
    if following.start_point[0] != node.end_point[0] + 1:
        return
    text = file.read(name)
    if file.read(condition) in (text, f"{text} is not None"):
        yield file.site("python/assign-and-test", "statement", node)


def _condition(file: ParsedSource, node: Node) -> Iterator[Site]:
    condition = node.child_by_field_name("condition")
    if condition is None:
        return
    text = file.read(condition) if condition.end_byte - condition.start_byte < 80 else ""
    if ":=" in text:
        yield file.site("python/assign-and-test", "walrus", node)
    if re.fullmatch(r"len\([\w.]+\) ?(?:==|!=|>) ?0|len\([\w.]+\) ?[<>]=? ?1", text):
        yield file.site("python/emptiness", "length", condition)
    elif _NOT_MANY.fullmatch(text):
        yield file.site("python/emptiness", "truth", condition)


def is_append_loop(file: ParsedSource, node: Node) -> bool:
    """Tell whether a loop does nothing but append to a list that is empty right above it."""
    body = node.child_by_field_name("body")
    before = node.prev_named_sibling
    if body is None or before is None or body.named_child_count != 1:
        return False
    statement = body.named_children[0]
    if statement.type == "if_statement" and not statement.children_by_field_name("alternative"):
        inner = statement.child_by_field_name("consequence")
        if inner is None or inner.named_child_count != 1:
            return False
        statement = inner.named_children[0]
    emptied = re.fullmatch(r"(\w+)(?:: ?[^=]+)? = (?:\[\]|list\(\))", file.read(before))
    appended = re.match(r"(\w+)\.append\(", file.read(statement))
    return emptied is not None and appended is not None and emptied[1] == appended[1]


def _last_item(file: ParsedSource, node: Node) -> Iterator[Site]:
    """Look at a bracket that closes on a line of its own, behind several items, one a line."""
    if node.start_point[0] == node.end_point[0]:
        return
    source = file.source
    line_start = source.rfind(b"\n", 0, node.end_byte) + 1
    if source[line_start : node.end_byte - 1].strip():
        return
    items = [child for child in node.named_children if child.type != "comment"]
    if len(items) < 2 or items[0].start_point[0] == node.start_point[0]:
        return
    if any(item.type in ("list_splat", "generator_expression") for item in items):
        return
    rows = {item.start_point[0] for item in items}
    if len(rows) == len(items):
        last = source[items[-1].end_byte : items[-1].end_byte + 1]
        form = "comma" if last == b"," else "bare"
        yield file.site("python/trailing-comma", form, items[-1])
