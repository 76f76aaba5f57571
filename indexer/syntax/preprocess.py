"""Words that a grammar cannot know are blanked out before it reads: same bytes, same places.

C and C++ macros stand where the grammar expects a type or nothing (`class LIB_API Pool {`), and
then whole classes are lost. Preprocessor lines and strings stay as they are. Some forms of Kotlin
and TypeScript are younger than their grammars.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

Span = tuple[int, int]  # bytes, the end excluded

# Strings and preprocessor lines are read as a whole; one set of first bytes keeps this fast.
_TOKEN = re.compile(
    rb"[\"'#A-Z](?:"
    rb"(?<=\")(?:\\.|[^\"\\\n])*\""
    rb"|(?<=')(?:\\.|[^'\\\n])'"
    rb"|(?<=#)(?:\\\r?\n|[^\n])*"
    rb"|(?<=[A-Z])(?<!\w.)[A-Z0-9_]{3,}(?!\w))"
)
_FIRST_LETTER = ord("A")
_MAX_BEFORE = 300  # bytes on the line before a macro: far to the right none matters
_ARGUMENTS = re.compile(rb"[ \t]*\([^()\n]*\)")
_EXPORT = re.compile(
    rb"[A-Z0-9_]*_(?:API|EXPORTS?|EXPORT_SYMBOL|EXTERN|EXTERN_C|DECL|PUBLIC|PRIVATE|LOCAL|HIDDEN"
    rb"|INLINE|ALWAYS_INLINE|NOINLINE|NODISCARD|CONSTEXPR(?:\d\d)?|DEPRECATED|MUST_USE_RESULT"
    rb"|ATTRIBUTE_[A-Z0-9_]+|ATTR_[A-Z0-9_]+)"
)
_THREAD_SAFETY = re.compile(
    rb"[A-Z_]*(?:LOCKS_REQUIRED|LOCKS_EXCLUDED|LOCK_FUNCTION|GUARDED_BY|ACQUIRED_AFTER"
    rb"|ACQUIRED_BEFORE|LIFETIME_BOUND)"
)
_QT = frozenset({b"Q_OBJECT", b"Q_GADGET", b"Q_DISABLE_COPY"})
_HEAD = re.compile(rb"\b(?:class|struct|union)\s+$")
_NAME_OF_HEAD = re.compile(rb"\s+[A-Za-z_]\w*\s*(?:<[^;{}\n]*>\s*)?(?:final\s*)?(?::(?!:)|\{)")
# Two words before a parenthesis: what stands before them is no type.
_FUNCTION = re.compile(
    rb"[ \t]+(?!const\b)[A-Za-z_][\w:]*(?:<[^;{}()\n]*>)?[ \t*&]+(?:\w[\w:]*[ \t*&]+)*"
    rb"~?\w[\w:]*[ \t]*\("
)
_TAIL = re.compile(rb"[ \t]*(?:[;{=]|:(?!:)|\r?$)", re.MULTILINE)
_AFTER_PARAMETERS = re.compile(rb"\)[ \t]*(?:const[ \t]+)?$")
_WORD_FOLLOWS = re.compile(rb"\s+[A-Za-z_]")
_NAME_FOLLOWS = re.compile(rb"[ \t]+\w+[ \t]*\(")
_REST_OF_LINE = re.compile(rb"[ \t;]*\r?$", re.MULTILINE)
_BRACE_FOLLOWS = re.compile(rb"\s*[{}]")
_EXTERN = b"extern"

_KOTLIN_FUN = re.compile(rb"\bfun(?=\s+interface\b)")
_KOTLIN_SHORT = re.compile(
    rb"(\binterface\b[^\n{]*\{[^\n{}=]*\)[^\n{}=]*) (?=\}[ \t]*$)", re.MULTILINE
)
_VARIANCE = re.compile(rb"([<,]\s*)(in\s+out|in|out)(?=\s+[A-Z]\w*\s*(?:[,>=]|extends\b))")
_VARIANCE_HINTS = (b"in out ", b"<in ", b"<out ", b" out T")
_ALL_TYPES = b"export type *"


def blanked(language: str, source: bytes) -> bytes:
    """Return the source for the parser: of the same length, with spaces for what misleads it."""
    if language in ("c", "cpp"):
        return _without_macros(source)
    if language == "kotlin":
        # `fun interface Step { fun run() }`: the grammar knows no `fun`, and wants `run();`.
        return _KOTLIN_SHORT.sub(rb"\1;", _KOTLIN_FUN.sub(b"   ", source))
    if language in ("typescript", "tsx"):
        return _without_variance(source)
    return source


def _without_variance(source: bytes) -> bytes:
    """`interface Store<in out T>`, `export type * from "./store"`."""
    if any(hint in source for hint in _VARIANCE_HINTS):
        source = _VARIANCE.sub(lambda found: found[1] + b" " * len(found[2]), source)
    return source.replace(_ALL_TYPES, b"export      *")


def _without_macros(source: bytes) -> bytes:
    text = bytearray(source)
    for match in _TOKEN.finditer(source):
        start, end = match.span()
        if source[start] < _FIRST_LETTER:
            continue
        word = match[0]
        line = source.rfind(b"\n", max(0, start - _MAX_BEFORE), start) + 1
        if not line and start > _MAX_BEFORE:
            continue
        if _is_prefix(source, line, start, end, word):
            # A blank line would part the declaration from its documentation.
            text[start:end] = _EXTERN.ljust(end - start)
            continue
        for first, last in _misleading(source, line, start, end, word):
            text[first:last] = b" " * (last - first)
    return bytes(text)


def _is_prefix(source: bytes, line: int, start: int, end: int, word: bytes) -> bool:
    """Tell whether an export macro stands on a line of its own above a declaration."""
    if start != line or len(word) < len(_EXTERN) or _EXPORT.fullmatch(word) is None:
        return False
    rest = _REST_OF_LINE.match(source, end)
    return rest is not None and _WORD_FOLLOWS.match(source, rest.end()) is not None


def _misleading(source: bytes, line: int, start: int, end: int, word: bytes) -> Iterator[Span]:
    """Yield what to blank of a macro and its arguments."""
    arguments = _ARGUMENTS.match(source, end)
    stop = arguments.end() if arguments is not None else end
    before = source[line:start]
    if _THREAD_SAFETY.fullmatch(word) or _is_in_head(source, before, stop):
        yield (start, stop)
    elif b"_" in word:
        if not before.strip() and _is_a_line(source, line, start, end, stop, word):
            yield (start, stop)
        elif not before.strip() and _FUNCTION.match(source, end):
            yield (start, end)
        elif _TAIL.match(source, end) and _AFTER_PARAMETERS.search(before):
            yield (start, end)
        elif _EXPORT.fullmatch(word) is not None:
            if arguments is not None and _NAME_FOLLOWS.match(source, stop):
                # `LIB_PUBLIC(char *) print(…)`: the type inside is what counts.
                yield (start, source.index(b"(", end) + 1)
                yield (stop - 1, stop)
            elif _WORD_FOLLOWS.match(source, stop):
                yield (start, stop)


def _is_in_head(source: bytes, before: bytes, stop: int) -> bool:
    """`class LIB_API Pool {`."""
    return _HEAD.search(before) is not None and _NAME_OF_HEAD.match(source, stop) is not None


def _is_a_line(source: bytes, line: int, start: int, end: int, stop: int, word: bytes) -> bool:
    """`LIB_BEGIN_NAMESPACE` or `Q_OBJECT` alone on a line; not the last of an enumeration."""
    if word in _QT or b"NAMESPACE" in word:
        return _REST_OF_LINE.match(source, stop) is not None
    if start != line or _BRACE_FOLLOWS.match(source, end):
        return False
    rest = _REST_OF_LINE.match(source, end)
    return rest is not None and b";" not in rest[0]
