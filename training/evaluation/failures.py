"""Why a completion failed, decided mechanically; the first that holds of the sorts, in this order.

The sorts and their words are `server/completion/failure_sorts.py`'s. How each is told:

- knowledge: the hole needs a name of the repository that the prompt did not show, and with the name
  shown (the oracle's context) the model gets it, or finds it much likelier. Without an oracle arm a
  missing name that the completion does not have either counts.
- form: the completion says the same in another form; with a name missing, knowledge and form.
- ending: nothing was said, the document no longer parses, it went on for more lines or to the most
  tokens, or one of the two first lines is the beginning of the other.
- shown, not taken: with all names shown, the wanted first line is likely enough for the model that
  a better one may be expected to write it (`MAX_REACH_NATS`).
- not to be guessed: it is less likely, or nobody measured how likely it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from homespun.server.completion.failure_sorts import (
    ENDING,
    FORM,
    KNOWLEDGE,
    KNOWLEDGE_AND_FORM,
    NOT_TAKEN,
    NOT_TO_BE_GUESSED,
)
from homespun.training.evaluation.metrics import Score, first_line

# Nats of the wanted first line, by the model that failed with all names shown, up to which a better
# one may be expected to write it. In the rows of two trainings (bench/results/tuning-*.json.gz,
# 852 places) the adapter wrote 18 of the 122 that had failed at 7 nats or less, 2 of 486 beyond;
# there the nats are of whole holes, by an estimate of their tokens, and no larger model was asked.
MAX_REACH_NATS = 7.0
_MUCH_LIKELIER = 1.0  # nats, over the whole hole
_WORD = re.compile(r"[^\W\d]\w*")
_COMMENT = re.compile(r"(?:(?<=\s)|^)(?:#|//|--\s).*$", re.MULTILINE)
_DOCSTRING = re.compile(r"\"{3}.*?\"{3}|'{3}.*?'{3}", re.DOTALL)
_HINT = re.compile(r"(?P<name>\b[^\W\d]\w*)\s*:\s*[^\W\d][\w.\[\], |\"']*?(?P<end>\s*[=,)]|$)")
_RETURN_HINT = re.compile(r"\)\s*->\s*[^:\n]+:")
_TOKEN = re.compile(
    r"[rbfuRBFU]{0,2}\"(?:\\.|[^\"\\\n])*\"|[rbfuRBFU]{0,2}'(?:\\.|[^'\\\n])*'"
    r"|[^\W\d]\w*|\d[\w.]*|[^\w\s]"
)
_PLACEHOLDER = re.compile(r"\{(?P<name>[^{}]*)\}|%(?:\((?P<key>\w+)\))?[-+0 #]*[\d.]*[srdfixg]")
_BOUND = re.compile(r"(?:^|\n)\s*(\w+)\s*=(?!=)|\bfor\s+(\w+)(?:\s*,\s*(\w+))?\s+in\b|\bas\s+(\w+)")
_IMPORT = re.compile(r"^\s*(?:from|import)\b")
_FORM = frozenset("(),.[]:;%")  # punctuation that forms differ in


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed completion, with all that its sort is decided by."""

    wanted: str
    given: str
    score: Score
    missing: Sequence[str] = ()  # names of the repository that the prompt did not show
    oracle: Score | None = None  # the same model with the oracle's context
    tokens: int = 1  # of the wanted text, for the loss of all of it


def sort_of(failure: Failure) -> str:
    """Return the code of a sort; "" where the first line is right."""
    if failure.score.exact_line:
        return ""
    lacks = _lacks_knowledge(failure)
    is_form = same_but_for_form(failure.wanted, failure.given)
    if lacks:
        return KNOWLEDGE_AND_FORM.code if is_form else KNOWLEDGE.code
    if is_form:
        return FORM.code
    if _ends_wrongly(failure):
        return ENDING.code
    nats = _nats_within_reach(failure)
    is_near = nats is not None and nats <= MAX_REACH_NATS
    return NOT_TAKEN.code if is_near else NOT_TO_BE_GUESSED.code


def same_but_for_form(wanted: str, given: str) -> bool:
    """Tell whether texts differ in form alone.

    Form is white space, comments, docstrings, type hints, quotes, trailing commas, how a string is
    put together, how a module is imported, and the names of variables that the text itself binds.
    """
    return bool(given.strip()) and normalised(wanted) == normalised(given)


def normalised(text: str) -> tuple[str, ...]:
    """Return what of a text is no matter of form, as words."""
    text = _DOCSTRING.sub("", text)
    text = _RETURN_HINT.sub("):", text)
    text = _COMMENT.sub("", text)
    text = _HINT.sub(lambda match: match["name"] + match["end"], text)
    code = "\n".join(line for line in text.split("\n") if not _IMPORT.match(line))
    bound = list(dict.fromkeys(name for found in _BOUND.findall(code) for name in found if name))
    names = {name: f"${number}" for number, name in enumerate(bound)}
    words: list[str] = []
    for line in text.split("\n"):
        found = list(_words(line, names))
        if _IMPORT.match(line):
            found = sorted(set(found) - {"from", "import", "as"})
        words += found
    return tuple(words)


def _words(line: str, names: dict[str, str]) -> list[str]:
    words: list[str] = []
    for token in _TOKEN.findall(line):
        if token[-1] in "\"'":
            words += _string(token, names)
        elif token in _FORM or (token == "format" and words and words[-1].startswith("'")):
            continue
        else:
            words.append(names.get(token, token))
    return words


def _string(token: str, names: dict[str, str]) -> list[str]:
    """Return a string's text with its placeholders made even, and the names in them."""
    is_formatted = "f" in token[: len(token) - len(token.lstrip("rbfuRBFU"))].lower()
    body = token.lstrip("rbfuRBFU")[1:-1]
    inside: list[str] = []
    for match in _PLACEHOLDER.finditer(body):
        if is_formatted and match["name"]:
            inside += [names.get(name, name) for name in _WORD.findall(match["name"])]
    return ["'" + _PLACEHOLDER.sub("{}", body) + "'", *inside]


def _lacks_knowledge(failure: Failure) -> bool:
    if not failure.missing:
        return False
    if failure.oracle is None:
        return not set(failure.missing) & set(_WORD.findall(failure.given))
    if failure.oracle.exact_line:
        return True
    ours, theirs = failure.score.loss, failure.oracle.loss
    if ours is None or theirs is None:
        return False
    return (ours - theirs) * failure.tokens >= _MUCH_LIKELIER


def _ends_wrongly(failure: Failure) -> bool:
    """Tell whether what was written is right as far as it goes, or is no answer at all."""
    wanted, given = first_line(failure.wanted), first_line(failure.given)
    if not given.strip() or failure.score.parses is False or failure.score.finish == "length":
        return True
    if _lines(failure.given) > _lines(failure.wanted):
        return True
    return wanted.startswith(given) or given.startswith(wanted)


def _lines(text: str) -> int:
    return text.strip().count("\n")


def _nats_within_reach(failure: Failure) -> float | None:
    """Return how unlikely the wanted first line was with everything shown; None: not measured.

    Of a longer hole the first line has as much of it as it has characters.
    """
    shown = failure.oracle or failure.score
    if shown.loss is None:
        return None
    share = len(first_line(failure.wanted)) / max(len(failure.wanted.strip()), 1)
    return shown.loss * failure.tokens * min(share, 1.0)
