"""Words that a grammar cannot know are blanked out before it reads: same bytes, same places.

C and C++ macros stand where the grammar expects a type or nothing (`class LIB_API Pool {`), and
then whole classes are lost. Preprocessor lines stay as they are.
"""

from __future__ import annotations

import re

_CALLED = rb"(?:[ \t]*\([^()\n]*\))?"
_EXPORT = (
    rb"[A-Z][A-Z0-9_]*_(?:API|EXPORTS?|EXPORT_SYMBOL|EXTERN|EXTERN_C|DECL|PUBLIC|PRIVATE|LOCAL|HIDDEN"
    rb"|INLINE|ALWAYS_INLINE|NOINLINE|NODISCARD|CONSTEXPR(?:\d\d)?|DEPRECATED|MUST_USE_RESULT"
    rb"|ATTRIBUTE_[A-Z0-9_]+|ATTR_[A-Z0-9_]+)"
)
_C = re.compile(
    # Preprocessor lines and strings are read first, so that nothing in them is blanked.
    rb"(?P<kept>^[ \t]*#(?:\\\r?\n|[^\n])*|\"(?:\\.|[^\"\\\n])*\")"
    rb"|\b(?:class|struct|union|enum[ \t]+class)\s+(?P<in_head>[A-Z][A-Z0-9_]*" + _CALLED + rb")"
    rb"(?=\s+[A-Za-z_]\w*\s*(?:<[^;{}\n]*>\s*)?(?:final\s*)?(?::[^:]|\{))"
    rb"|(?P<thread_safety>\b[A-Z_]*(?:LOCKS_REQUIRED|LOCKS_EXCLUDED|LOCK_FUNCTION|GUARDED_BY"
    rb"|ACQUIRED_AFTER|ACQUIRED_BEFORE|LIFETIME_BOUND)\b" + _CALLED + rb")"
    rb"|(?P<prefix>^" + _EXPORT + rb"[ \t]*$(?=\r?\n[ \t]*[A-Za-z_]))"
    rb"|(?P<alone>^[A-Z][A-Z0-9]*_[A-Z0-9_]+[ \t]*$(?!\s*[{}]))"
    rb"|(?P<namespace>^[ \t]*[A-Z][A-Z0-9_]*NAMESPACE[A-Z0-9_]*" + _CALLED + rb"[ \t;]*$)"
    rb"|(?P<qt>^[ \t]*Q_(?:OBJECT|GADGET|DISABLE_COPY)\b" + _CALLED + rb"[ \t;]*$)"
    # `LIB_PUBLIC(char *) print(…)`: the type inside is what counts.
    rb"|(?P<opens>\b[A-Z][A-Z0-9_]*_(?:PUBLIC|API|EXPORT|EXTERN)[ \t]*\()[^()\n]*(?P<closes>\))"
    rb"(?=[ \t]+\w+[ \t]*\()"
    rb"|(?P<export>\b" + _EXPORT + rb"\b" + _CALLED + rb"(?=\s+[A-Za-z_]))",
    re.MULTILINE,
)
_C_GROUPS = ("in_head", "thread_safety", "alone", "namespace", "qt", "export", "opens", "closes")
_KOTLIN_FUN = re.compile(rb"\bfun(?=\s+interface\b)")
_KOTLIN_SHORT = re.compile(
    rb"(\binterface\b[^\n{]*\{[^\n{}=]*\)[^\n{}=]*) (?=\}[ \t]*$)", re.MULTILINE
)


def blanked(language: str, source: bytes) -> bytes:
    """Return the source for the parser: of the same length, with spaces for what misleads it."""
    if language in ("c", "cpp"):
        return _C.sub(_without, source)
    if language == "kotlin":
        # `fun interface Step { fun run() }`: the grammar knows no `fun`, and wants `run();`.
        return _KOTLIN_SHORT.sub(rb"\1;", _KOTLIN_FUN.sub(b"   ", source))
    return source


def _without(match: re.Match[bytes]) -> bytes:
    if match["kept"] is not None:
        return match[0]
    text = bytearray(match[0])
    if match["prefix"] is not None:
        # On a line of its own; a blank one would part the declaration from its documentation.
        return b"extern".ljust(len(text)) if len(text) >= len(b"extern") else match[0]
    for group in _C_GROUPS:
        start, end = match.span(group)
        for index in range(start - match.start(), end - match.start()) if start >= 0 else ():
            if text[index] not in b"\r\n":
                text[index] = 32
    return bytes(text)
