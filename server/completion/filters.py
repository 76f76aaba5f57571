"""Whether to speak at all, and what of the model's text is worth showing, with a named reason.

`refusal` looks at the cursor before the model is asked; `clean` cuts and judges the answer. The
names are the REASON of `finish` = "filtered:REASON" and part of the contract: users look them up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from homespun.indexer.scan.globs import path_pattern
from homespun.indexer.secrets.mask import mask
from homespun.server.analysis.enclosing import calls_without_end
from homespun.server.options import CompletionOptions
from homespun.server.prompt.cursor import Cursor, unmatched_closer
from homespun.server.types import CompletionRequest
from homespun.showable import is_showable

MIN_PREFIX_CHARS = 4  # non-blank; less says nothing about what is wanted
_HARMLESS_RIGHT = re.compile(r"[\s)\]}>\"'`;:,.]")
_WORD = re.compile(r"\w")
_CLOSING_ONLY = re.compile(r"[)\]}>\"'`;:,]+")
_FINISHED = re.compile(r"[\w)\]}\"'`,;]\s*\Z")  # a line: no bracket, operator or colon is last
_REPEATED_TAIL = re.compile(r"(.{3,}?)\1{5,}\W*$|(.{10,}?)\2{3,}\W*$", re.DOTALL)
_MIN_REPEATS = 3
_MIN_LINE_CHARS = 8  # shorter lines ("}", "else:", "pass") repeat in good code
_SUFFIX_LINES = 3
_RIGHT_CHARS = 1000


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model said, and how it was asked."""

    text: str
    finish: str  # "newline", "block", "eos", "length" or "cancelled"
    logprob: float  # sum over the tokens
    tokens: int
    is_block: bool
    language: str
    explicit: bool = False
    controls: Sequence[str] = ()  # control strings that must never be shown


class Filtered(Exception):
    """Nothing is left to show; carries the reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def refusal(
    request: CompletionRequest, cursor: Cursor, language: str, options: CompletionOptions
) -> str:
    """Return why the model is not asked, "" when it is.

    What the user switched off stays off; the other rules do not hold for an explicit request.
    """
    if not options.enabled:
        return "disabled"
    if language in options.disabled_languages:
        return "disabled-language"
    if disabling_glob(request.path, options):
        return "disabled-path"
    if request.explicit:
        return ""
    if _WORD.match(cursor.right):
        return "inside-word"
    if chars_on_the_right(cursor) > options.max_line_suffix_chars:
        return "text-on-the-right"
    if chars_before(cursor) < MIN_PREFIX_CHARS:
        return "prefix-too-short"
    if cursor.left.rstrip().endswith(";") and not cursor.right.strip():
        return "statement-complete"
    return ""


def disabling_glob(path: str, options: CompletionOptions) -> str:
    """Return the first glob of `disabled_globs` that matches, "" where none does."""
    return next((glob for glob in options.disabled_globs if _matches(path, glob)), "")


def chars_on_the_right(cursor: Cursor) -> int:
    """Count what stands right of the cursor, without closers, quotes and punctuation."""
    return len(_HARMLESS_RIGHT.sub("", cursor.right[:_RIGHT_CHARS]))


def chars_before(cursor: Cursor) -> int:
    """Count what is not blank before the cursor; no more of it than anybody asks for."""
    return len("".join(cursor.before[-400:].split()))


def clean(answer: Answer, cursor: Cursor, *, least_logprob: float) -> str:
    """Return the text to show. Raises `Filtered` with the reason when nothing is left."""
    text = answer.text
    for step in _STEPS:
        text = step(text, answer, cursor)
    if answer.tokens and answer.logprob / answer.tokens < least_logprob:
        raise Filtered("low-logprob")
    return text


def _without_controls(text: str, answer: Answer, cursor: Cursor) -> str:
    starts = [text.find(name) for name in answer.controls if name and name in text]
    return text[: min(starts)] if starts else text


def _showable(text: str, answer: Answer, cursor: Cursor) -> str:
    """Refuse what a terminal obeys or nobody sees, also where the document holds the same."""
    if not is_showable(text):
        raise Filtered("control")
    return text


def _as_deep_as_the_cursor(text: str, answer: Answer, cursor: Cursor) -> str:
    """Take away indentation that the model wrote a second time, on the lines below as well."""
    extra = text[: len(text) - len(text.lstrip(" \t"))]
    if not extra or not cursor.left or cursor.left.strip():
        return text
    deep = f"\n{cursor.left}{extra}"
    return text[len(extra) :].replace(deep, f"\n{cursor.left}")


def _on_this_line(text: str, answer: Answer, cursor: Cursor) -> str:
    """Take an answer that begins one line further down, at the same depth, up to the cursor."""
    begin = len(text) - len(text.lstrip())
    lead = text[:begin]
    if "\n" not in lead or not cursor.left or cursor.left.strip():
        return text
    if lead[lead.rfind("\n") + 1 :] != cursor.left:
        raise Filtered("leaves-the-block")
    return text[begin:]


def _not_line_complete(text: str, answer: Answer, cursor: Cursor) -> str:
    if not text.strip():
        raise Filtered("line-complete" if answer.finish in ("newline", "eos") else "empty")
    return text


def _not_below_a_finished_line(text: str, answer: Answer, cursor: Cursor) -> str:
    """Refuse what begins below a line that needs nothing more: there the cursor is not yet."""
    begins_below = text.lstrip(" \t").startswith("\n")
    if begins_below and not (answer.is_block or answer.explicit) and _FINISHED.search(cursor.tail):
        raise Filtered("line-complete")
    return text


def _cut_at_rest_of_line(text: str, answer: Answer, cursor: Cursor) -> str:
    """Cut where the text repeats what stands right of the cursor, so `foo(|)` gets one bracket."""
    rest = cursor.right.strip()
    if not rest:
        return text
    text = text.partition("\n")[0]
    if rest[0] in ")]}":
        index = _closing(text, rest[0])
        if index >= 0:
            return _some(text[:index].rstrip(), "repeats-suffix")
    elif len(rest) > 1 and rest in text:
        return _some(text[: text.rfind(rest)], "repeats-suffix")
    for length in range(min(len(text), len(rest)), 0, -1):
        overlap = text[-length:]
        if rest.startswith(overlap) and (length > 2 or not _WORD.search(overlap)):
            return _some(text[:-length], "repeats-suffix")
    return text


def _closing(text: str, closer: str) -> int:
    """Return where `text` closes a bracket that it did not open itself, -1 if nowhere."""
    opener = {")": "(", "]": "[", "}": "{"}[closer]
    depth = 0
    quote = ""
    for index, character in enumerate(text):
        if quote:
            quote = "" if character == quote and text[index - 1] != "\\" else quote
        elif character in "\"'`" and text.count(character) > 1:
            quote = character
        elif character == opener:
            depth += 1
        elif character == closer:
            if not depth:
                return index
            depth -= 1
    return -1


def _cut_at_lines_below(text: str, answer: Answer, cursor: Cursor) -> str:
    """Cut before a line that the suffix has already."""
    below = [line.strip() for line in cursor.after.split("\n")[1:] if line.strip()]
    known = {line for line in below[:_SUFFIX_LINES] if len(line) >= _MIN_LINE_CHARS}
    lines = text.split("\n")
    for number, line in enumerate(lines):
        whole = line if number else cursor.left + line
        if line.strip() and whole.strip() in known:
            return _some("\n".join(lines[:number]), "repeats-suffix")
    return text


def _without_repetition(text: str, answer: Answer, cursor: Cursor) -> str:
    match = _REPEATED_TAIL.search(text)
    if match and _WORD.search(match[0]):
        line_end = (match[1] or match[2]).find("\n")
        if line_end < 0:
            return _some(text[: match.start()], "repetition")
        text = text[: match.start() + line_end]  # lines repeat: the first of them stays, whole
    lines = text.split("\n")
    for number in range(len(lines) - _MIN_REPEATS + 1):
        run = {line.strip() for line in lines[number : number + _MIN_REPEATS]}
        if len(run) == 1 and len(next(iter(run))) >= _MIN_LINE_CHARS:
            return "\n".join(lines[: number + 1])
    return _without_repeated_block(lines)


def _without_repeated_block(lines: list[str]) -> str:
    """Drop the second of two equal runs of two lines or more at the end."""
    for size in range(len(lines) // 2, 1, -1):
        first, second = lines[-2 * size : -size], lines[-size:]
        if first == second and any(len(line.strip()) >= _MIN_LINE_CHARS for line in first):
            return "\n".join(lines[:-size])
    return "\n".join(lines)


def _not_the_line_above(text: str, answer: Answer, cursor: Cursor) -> str:
    whole = (cursor.left + text).strip()
    if len(whole) >= _MIN_LINE_CHARS and whole == cursor.line_above.strip():
        raise Filtered("repeats-line-above")
    return text


def _ends(text: str, answer: Answer, cursor: Cursor) -> str:
    """Refuse a function that would call itself with what it was given, and so for ever."""
    if calls_without_end(cursor, text, language=answer.language):
        raise Filtered("calls-itself")
    return text


def _balanced(text: str, answer: Answer, cursor: Cursor) -> str:
    index = unmatched_closer(cursor.before, text)
    return text if index < 0 else _some(text[:index], "bracket")


def _trimmed(text: str, answer: Answer, cursor: Cursor) -> str:
    return _some(text.rstrip(), "empty")


def _long_enough(text: str, answer: Answer, cursor: Cursor) -> str:
    """One letter is faster typed than read; a bracket or a colon that ends the line is welcome."""
    stripped = text.strip()
    if len(stripped) < 2 and not answer.explicit and not _CLOSING_ONLY.fullmatch(stripped):
        raise Filtered("too-short")
    return text


def _without_secrets(text: str, answer: Answer, cursor: Cursor) -> str:
    left = cursor.tail
    line = left + text  # the name on the left makes a value a secret
    if mask(line, answer.language) != line and mask(left, answer.language) == left:
        raise Filtered("secret")
    return text


def _some(text: str, reason: str) -> str:
    if not text.strip():
        raise Filtered(reason)
    return text


# The order matters: cuts first, then judgements on what is left.
_STEPS: tuple[Callable[[str, Answer, Cursor], str], ...] = (
    _without_controls,
    _showable,
    _as_deep_as_the_cursor,
    _on_this_line,
    _not_line_complete,
    _not_below_a_finished_line,
    _cut_at_rest_of_line,
    _cut_at_lines_below,
    _without_repetition,
    _not_the_line_above,
    _ends,
    _balanced,
    _trimmed,
    _long_enough,
    _without_secrets,
)


def _matches(path: str, glob: str) -> bool:
    """Match a path glob; one without "/" is the name of a file or folder anywhere."""
    if not path:
        return False
    glob = glob.removeprefix("./")
    pure = PurePosixPath(path)
    if "/" not in glob:
        return any(path_pattern(glob).match(part) for part in pure.parts)
    if glob.endswith("/"):
        glob += "**"
    elif "**" not in glob:
        glob = "**/" + glob  # `src/*.py` is meant wherever such a folder lies
    return path_pattern(glob).match(path) is not None
