"""Which functions are being written: those whose bodies the cursor stands in, in any language.

Read from the text as it stands in the editor, by indentation, because what a parser or the index
says of it is a save old or in pieces. A head is known by its name: the caller says which names are
functions of the document. Pure functions.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from homespun.server.prompt.cursor import Cursor, indentation

_MAX_LINES = 3000  # above the cursor and below it are looked at
_LINE_CHARS = 500
_CLOSERS = ("{", ")", "]", "->", "where")
# What stands before a name that is called and not defined.
_CALLING = frozenset(
    """if elif elsif else unless until while for foreach switch match case when with return yield
    throw raise await do go defer new not and or in assert del echo print select loop try""".split()
)
# What a head may have before the name: modifiers, types, a receiver, an assignment's left side.
_LEAD = re.compile(r"[\w\s<>\[\],.*&:?@!~'\"=-]*(?:\([^()]*\)\s*)?[\w\s<>\[\]*&:]*\Z")
# A function that is assigned: `peek = function (`, `peek: async (x) =>`.
_ASSIGNED = re.compile(r"\s*[=:]\s*(?:async\b\s*)?(?:function\b|\([^()]*\)[^=]*=>|\w+\s*=>)")
# Where a head may begin with the name: methods of classes, types on the line above, equations.
_BARE = frozenset({"bash", "c", "cpp", "haskell", "javascript", "typescript", "tsx"})
_DEFINING = re.compile(r"\b(?:def|defp|func|fun|fn|function|sub|proc|method|const|let|var|val)\b")
_STRING_OR_COMMENT = re.compile(
    r"\"\"\"[\s\S]*?\"\"\"|'''[\s\S]*?'''|/\*[\s\S]*?\*/|\"(?:\\.|[^\"\\\n])*\"|"
    r"'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|(?://|#|--\s).*"
)
_WITHOUT_BRACKETS = frozenset({"bash", "elixir", "haskell", "ruby", "scala"})  # of a call
_WORD = re.compile(r"(?<![\w$])[\w$]+[?!]?")
_OWNERS = r"(?:(?:self|this|cls|Self|@|\$this|static)(?:\?\.|\.|->|::))"


@dataclass(frozen=True, slots=True)
class WrittenFunction:
    """A function whose body holds the cursor."""

    name: str
    line: int  # of its name, 1-based
    head: str  # its first line, and the lines of its parameters
    body: str  # what stands there beside the head, without the word at the cursor

    def calls_itself(self, language: str) -> bool:
        """Say whether its code is recursive already, strings and comments left out."""
        word = re.escape(self.name)
        code = _STRING_OR_COMMENT.sub(" ", self.body)
        behind = r"\b" if language in _WITHOUT_BRACKETS else r"\s*(?:::)?(?:<[^<>()]*>)?\s*\("
        return bool(re.search(rf"(?:{_OWNERS}|(?<![\w.$@>:])){word}{behind}", code))

    @property
    def parameters(self) -> list[str]:
        """Return the names of its parameters, types, defaults, `$` and `self` left out."""
        listed = re.search(rf"{re.escape(self.name)}\s*(?:<[^()]*>)?\s*\(([^()]*)\)", self.head)
        names = []
        for part in listed[1].split(",") if listed else ():
            words = _WORD.findall(part.partition("=")[0].partition(":")[0])
            if words and words[-1] not in ("self", "cls", "this"):
                names.append(words[-1].lstrip("$"))
        return names


def calls_without_end(cursor: Cursor, text: str, *, language: str) -> bool:
    """Say whether a text has the function around the cursor call itself with what it was given."""
    calls = re.findall(rf"(?:{_OWNERS}|(?<![\w.$@>:]))([\w$]+[?!]?)\(([^()]*)\)", text)
    for name, given in calls:
        for function in written_functions(cursor, {name}, language=language):
            parameters = function.parameters
            arguments = [
                part.partition("=")[2] or part for part in given.split(",") if part.strip()
            ]
            same = [argument.strip(" *&$") for argument in arguments] == parameters
            if same and parameters and not function.calls_itself(language):
                return True
    return False


def written_functions(
    cursor: Cursor, names: Collection[str], *, language: str
) -> list[WrittenFunction]:
    """Return the functions around the cursor whose names are among these, the innermost first."""
    if not cursor.left or not names:
        return []  # at the margin nothing is open
    lines = cursor.before.rsplit("\n", _MAX_LINES)[-_MAX_LINES:]
    skipped = cursor.before.count("\n") + 1 - len(lines)
    found = []
    for row, goes_on in _heads(lines):
        line = lines[row][:_LINE_CHARS]
        for match in _WORD.finditer(line):
            if match[0] in names and _is_head(line, match, language, goes_on=goes_on):
                function = _function(match, lines, row, cursor)
                found.append(replace(function, line=skipped + row + 1))
                break
    return found


def _heads(lines: list[str]) -> Iterator[tuple[int, bool]]:
    """Yield the rows above the last line that it may lie in, the nearest first.

    With each, whether it goes on below, at its own depth: with a brace, or the end of a list.
    """
    limit = indentation(lines[-1])
    is_open = False  # the row yielded last goes on above, at the same depth
    for row in range(len(lines) - 2, -1, -1):
        line = lines[row]
        if not limit and not is_open:
            return
        if not line.strip() or (line[:limit].isspace() and not is_open):  # most lines of a file
            continue
        depth = indentation(line)
        if depth < limit or (is_open and depth == limit):
            goes_on = is_open and depth == limit
            limit = depth
            is_open = line.lstrip().startswith(_CLOSERS)
            yield row, goes_on


def _is_head(line: str, name: re.Match[str], language: str, *, goes_on: bool) -> bool:
    """Say whether a line defines the name: words alone before it, none of which calls."""
    lead, behind = line[: name.start()], line[name.end() :]
    words = re.findall(r"\w+", lead)
    if "=" in lead or any(word in _CALLING for word in words):
        return False
    if _DEFINING.search(lead):
        return lead.count("(") == lead.count(")")
    if _ASSIGNED.match(behind):
        return True
    if lead.endswith(".") or not _LEAD.match(lead):
        return False
    if words:
        return True
    # A call that opens a block has a function among its arguments, or goes on below.
    opens = "=" if language == "haskell" else ("{", ")", "")
    is_call = re.search(r"=>|->|\bfunction\b", behind) or behind.rstrip().endswith((",", "("))
    if goes_on:
        return language in _BARE and behind.lstrip().startswith("(")
    return language in _BARE and not is_call and behind.rstrip().endswith(opens)


def _function(name: re.Match[str], lines: list[str], row: int, cursor: Cursor) -> WrittenFunction:
    depth = indentation(lines[row])
    end = row
    while end < len(lines) - 2 and _is_open(lines[row : end + 1]):
        end += 1
    inside = [*(line[:_LINE_CHARS] for line in lines[end + 1 : -1]), _without_word(lines[-1])]
    below: list[str] = []
    for line in cursor.after.split("\n", _MAX_LINES)[:_MAX_LINES]:
        if below and line.strip() and indentation(line) <= depth:
            break
        below.append(line[:_LINE_CHARS])
    head = "\n".join(line[:_LINE_CHARS] for line in lines[row : end + 1])
    one_line_body = head[max(head.rfind(")") + 1, name.end()) :] if row == end else ""
    return WrittenFunction(name[0], 0, head, "\n".join([one_line_body, *inside, *below]))


def _without_word(line: str) -> str:
    return re.sub(r"\w+\Z", "", line[-_LINE_CHARS:])


def _is_open(lines: list[str]) -> bool:
    text = "".join(lines)
    return text.count("(") > text.count(")")
