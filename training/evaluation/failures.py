"""Why a completion failed, decided mechanically, and what would mend it.

- "K", a gap of knowledge: the hole needs a name of the repository that the prompt did not show, and
  with the name shown (the oracle's context) the model gets it, or finds it much likelier. Mend the
  retrieval.
- "S", a gap of style: everything was shown, and the completion says the same in another form.
- "B": both.
- "X", broken: the document no longer parses, or the completion runs on. Mend the stopping.
- "I": the intent was not to be known; the completion is well-formed and says something else.

Without an oracle arm a missing name that the completion does not have either counts as knowledge.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from homespun.training.evaluation.metrics import Score

SORTS = ("K", "S", "B", "X", "I")
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
    """Return K, S, B, X or I; "" where the first line is right."""
    if failure.score.exact_line:
        return ""
    lacks = _lacks_knowledge(failure)
    is_form = same_but_for_form(failure.wanted, failure.given)
    if lacks:
        return "B" if is_form else "K"
    if is_form:
        return "S"
    return "X" if failure.score.parses is False or failure.score.runs_on else "I"


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
