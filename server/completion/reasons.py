"""Why there is no completion, in a sentence each: what, which value, what changes it.

One row for every `finish` that shows nothing. `facts` fills in numbers, settings and names where
the reason is found; they are kept with the answer, so the sentence is right also later on. Source
text is in none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from homespun.server.completion.filters import (
    MIN_PREFIX_CHARS,
    chars_before,
    chars_on_the_right,
    disabling_glob,
)
from homespun.server.confidence.suggestion import Verdict
from homespun.server.options import CompletionOptions
from homespun.server.prompt.cursor import Cursor
from homespun.server.types import CompletionRequest

Facts = Mapping[str, object]

_FILTERED = "filtered:"
_ERROR = "error:"


@dataclass(frozen=True, slots=True)
class ReasonInputs:
    """What a reason is found in."""

    request: CompletionRequest
    cursor: Cursor
    language: str
    options: CompletionOptions
    mean_logprob: float = 0.0  # of the tokens that the model wrote
    verdict: Verdict = Verdict("")  # on what the model wrote


@dataclass(frozen=True, slots=True)
class Reason:
    """A sentence with places for facts, and where these come from."""

    sentence: str
    facts: Callable[[ReasonInputs], Facts] = lambda _: {}


def reason_of(finish: str) -> str:
    """Return the short name of why nothing was shown; "no-request" before the first request."""
    if finish.startswith(_ERROR):
        return "error"
    return finish.removeprefix(_FILTERED) or "no-request"


def facts(finish: str, inputs: ReasonInputs) -> Facts:
    """Return what the sentence about a `finish` holds; nothing for one that shows something."""
    reason = REASONS.get(reason_of(finish))
    return reason.facts(inputs) if reason is not None else {}


def sentence(finish: str, known: Facts) -> str:
    """Return why nothing was shown."""
    name = reason_of(finish)
    if name == "error":
        known = {**known, "kind": finish.removeprefix(_ERROR)}
    reason = REASONS.get(name)
    text = reason.sentence if reason is not None else f"Nothing: {name}."
    return text.format_map(_Forgiving(known))


class _Forgiving(dict[str, object]):
    """Facts; one that is missing must not cost the sentence."""

    def __missing__(self, name: str) -> str:
        return "…"


def _rounded(share: float | None) -> object:
    return "…" if share is None else round(share, 2)


# By hand, the rules of when to stay silent do not hold.
_OR_ASK = "or ask by hand (the editor's command that triggers an inline suggestion)"

REASONS: dict[str, Reason] = {
    # Before the model is asked: the server
    "no-request": Reason(
        "Nothing yet: the editor has not asked for a completion; type something, " + _OR_ASK + "."
    ),
    "not-open": Reason(
        "Nothing: the editor has not opened this document with homespun; close it and open it "
        "again, and look whether the client is on for its language."
    ),
    "stale-version": Reason(
        "Nothing: the document changed while the answer was on its way; the next key asks again."
    ),
    "cursor-out-of-range": Reason(
        "Nothing: the text has no such line or column; the cursor must stand inside the document."
    ),
    "selection-out-of-range": Reason(
        "Nothing: the selected entry of the suggestion list does not lie around the cursor; close "
        "the list, or type on."
    ),
    "starting": Reason("Nothing: the server is starting; completions come by themselves."),
    "loading-model": Reason(
        "Nothing: the model is not in memory yet ({message}); completions come by themselves once "
        "it is."
    ),
    "problem": Reason("Nothing: {message}."),
    "paused": Reason(
        "Nothing: homespun is {message}; the command homespun.resume goes on at once."
    ),
    "cursor-moved": Reason(
        "Nothing: the cursor moved here and nothing was written at it; type something, "
        + _OR_ASK
        + "."
    ),
    "dismissed": Reason(
        "Nothing: what the model suggests here was dismissed; it comes back when the text around "
        "the cursor is another, " + _OR_ASK + "."
    ),
    "cancelled": Reason(
        "Nothing: another key or another request came before the answer, or the editor took its "
        "question back; rest a moment where you want a completion."
    ),
    "error": Reason(
        "Nothing: the completion failed ({kind}); the server's log says where, and the next "
        "request is tried as if nothing had been."
    ),
    # Before the model is asked: what the user has switched off, and the place of the cursor
    "disabled": Reason(
        "Nothing: completion is switched off; the setting completion.enabled switches it on."
    ),
    "disabled-language": Reason(
        "Nothing: the setting completion.disabledLanguages holds {language!r}.",
        lambda seen: {"language": seen.language},
    ),
    "disabled-path": Reason(
        "Nothing: this file matches {glob!r} of the setting completion.disabledGlobs.",
        lambda seen: {"glob": disabling_glob(seen.request.path, seen.options)},
    ),
    "inside-word": Reason(
        "Nothing: the cursor stands in the middle of a word; go to its end, " + _OR_ASK + "."
    ),
    "text-on-the-right": Reason(
        "Nothing: {chars} characters stand right of the cursor; the setting "
        "completion.maxLineSuffixChars allows {allowed}.",
        lambda seen: {
            "chars": chars_on_the_right(seen.cursor),
            "allowed": seen.options.max_line_suffix_chars,
        },
    ),
    "prefix-too-short": Reason(
        "Nothing: {chars} of the {least} characters that it takes to know what is wanted stand "
        "before the cursor; type on, " + _OR_ASK + ".",
        lambda seen: {"chars": chars_before(seen.cursor), "least": MIN_PREFIX_CHARS},
    ),
    "statement-complete": Reason(
        "Nothing: the statement ends with its semicolon; go on in the next line, " + _OR_ASK + "."
    ),
    "secret-at-cursor": Reason(
        "Nothing: the cursor stands in what looks like a key or a password, and nothing is "
        "asked of a server there."
    ),
    # What the model wrote is not worth showing
    "line-complete": Reason(
        "Nothing: the model takes this line for complete; begin the next one, or write the first "
        "letters of what is missing."
    ),
    "empty": Reason(
        "Nothing: the model wrote nothing that can be seen; write the first letters of what you "
        "want."
    ),
    "leaves-the-block": Reason(
        "Nothing: the model would go on in another block than that of the cursor; indent the "
        "cursor as deep as the code belongs."
    ),
    "repeats-suffix": Reason(
        "Nothing: what the model wrote stands behind the cursor already, or in the lines below."
    ),
    "repeats-line-above": Reason(
        "Nothing: the model repeated the line above; write the first letters of what differs."
    ),
    "calls-itself": Reason(
        "Nothing: the model would have this function call itself with what it was given, without "
        "end; write the first letters of what you want."
    ),
    "repetition": Reason(
        "Nothing: the model repeated itself without end; write the first letters of what you want."
    ),
    "bracket": Reason(
        "Nothing: what the model wrote closes a bracket that is not open; look at the brackets "
        "before the cursor."
    ),
    "too-short": Reason(
        "Nothing: the model would add a single character, which is faster typed than read; type "
        "it, " + _OR_ASK + "."
    ),
    "control": Reason(
        "Nothing: what the model wrote holds characters that are not seen or that change the "
        "order of what is read (control characters, marks of direction, zero width)."
    ),
    "secret": Reason(
        "Nothing: what the model wrote looks like a key or a password, and such is never shown."
    ),
    "licence": Reason(
        "Nothing: what the model wrote is the same as {same}, and the setting licences.deny "
        "holds {denied!r}."
    ),
    "unlikely": Reason(
        "Nothing: what the model wrote is right with a probability of {probability}, and at that "
        "length it is shown from {least} on; the setting completion.eagerness shows more, "
        + _OR_ASK
        + ".",
        lambda seen: {
            "probability": _rounded(seen.verdict.probability),
            "least": _rounded(seen.verdict.least),
        },
    ),
    "little": Reason(
        "Nothing: what the model wrote is right with a probability of {probability}, and its "
        "{chars} characters are typed before they are seen; from {enough} on one is shown where "
        "it is likely enough. The setting completion.eagerness shows more, " + _OR_ASK + ".",
        lambda seen: {
            "probability": _rounded(seen.verdict.probability),
            "chars": seen.verdict.chars,
            "enough": seen.verdict.enough,
        },
    ),
    "low-logprob": Reason(
        "Nothing: the model was not sure enough, with a mean log-probability of {mean}; the "
        "setting completion.minLogprob wants {least}.",
        lambda seen: {"mean": round(seen.mean_logprob, 2), "least": seen.options.min_logprob},
    ),
}
