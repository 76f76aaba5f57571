"""A prompt in token ids taken apart, made safe to send, and put together as a server takes it.

The ids come from the one way from text to prompts (`server/prompt/`), in the local tokenizer. What
lies between their control tokens is plain text of the user's: its secrets are masked here whatever
was done before, and a string in it that the other model takes for a control token is broken up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from homespun.models.remote.fim_formats import FORMATS, FimFormat
from homespun.models.types import FimTokens, Tokenizer

_USUAL_CONTROL = r"<[|｜][^<>|｜\s]{1,64}[|｜]>"  # the form that most control tokens have
_CHECKED_CHARS = 400  # of the code behind the cursor, for an answer that repeats it
_MIN_REPEATED_CHARS = 20


@dataclass(frozen=True, slots=True)
class PromptParts:
    """The three texts of a prompt, secrets masked."""

    before: str  # code of other places as comments, and what stands above the cursor's line
    after: str  # what stands behind the cursor
    typed: str  # what stands on the cursor's line, as far as it is known to be whole tokens

    def as_text(self, format_: FimFormat, heal: str) -> str:
        """Return the prompt in another model's control strings."""
        before, after = broken_up(self.before, format_), broken_up(self.after, format_)
        return format_.arranged(before, after, broken_up(self.typed + heal, format_))

    def as_halves(self, format_: FimFormat | None, heal: str) -> tuple[str, str]:
        """Return prompt and suffix for a server that puts them together itself."""
        prompt = broken_up(self.before + self.typed + heal, format_)
        return prompt, broken_up(self.after, format_)


class PromptSplitter:
    """Takes the prompts of one tokenizer apart."""

    def __init__(self, tokenizer: Tokenizer, fim: FimTokens, *, mask: Callable[[str], str]) -> None:
        """`mask` replaces secrets by as many other characters."""
        self._tokenizer = tokenizer
        self._mask = mask
        self._roles = {tokenizer.control(fim.prefix): "before"}
        self._roles[tokenizer.control(fim.suffix)] = "after"
        self._roles[tokenizer.control(fim.middle)] = "typed"

    def parts(self, prompt: Sequence[int]) -> PromptParts:
        """Return the texts of a prompt."""
        texts = {"before": "", "after": "", "typed": ""}
        for role, ids in self._runs(prompt):
            texts[role] += self._mask(self._tokenizer.decode(ids))
        return PromptParts(**texts)

    def safe_ids(self, prompt: Sequence[int]) -> tuple[int, ...]:
        """Return the prompt's ids; those of a text in which a secret stood are made anew."""
        safe: list[int] = []
        controls = {role: token for token, role in self._roles.items()}
        for role, ids in self._runs(prompt):
            safe.append(controls[role])
            text = self._tokenizer.decode(ids)
            masked = self._mask(text)
            safe += ids if masked == text else self._tokenizer.encode(masked)
        return tuple(safe)

    def _runs(self, prompt: Sequence[int]) -> list[tuple[str, list[int]]]:
        """Return each run of plain ids and what it is."""
        runs: list[tuple[str, list[int]]] = []
        for token in prompt:
            if token in self._roles:
                runs.append((self._roles[token], []))
            elif runs:
                runs[-1][1].append(token)
            else:
                runs.append(("before", [token]))
        return runs


def broken_up(text: str, format_: FimFormat | None) -> str:
    """Return the text with a space in each string that the model may take for a control token."""
    return _controls_of(format_).sub(lambda match: f"{match[0][0]} {match[0][1:]}", text)


def first_control(text: str, format_: FimFormat | None) -> int:
    """Return where the first control string begins, -1 where there is none."""
    match = _controls_of(format_).search(text)
    return match.start() if match else -1


def sign_of_wrong_format(text: str, after: str, format_: FimFormat | None) -> str:
    """Return how an answer shows that the model was not asked in its own way, "" where not.

    That is a control string that ends no answer, a fence of a chat, or the code behind the cursor
    over again.
    """
    ends = format_.ends if format_ is not None else ()
    strange = [match[0] for match in _controls_of(None).finditer(text) if match[0] not in ends]
    if strange:
        return f"holds {strange[0]!r}"
    if text.lstrip().startswith("```"):
        return "begins with the fence of a chat"
    below = [line.strip() for line in after[:_CHECKED_CHARS].split("\n") if line.strip()][:2]
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if len(below) == 2 and sum(map(len, below)) > _MIN_REPEATED_CHARS and lines[:2] == below:
        return "repeats the code behind the cursor"
    return ""


@cache
def _controls_of(format_: FimFormat | None) -> re.Pattern[str]:
    """Return what finds a format's control strings; of one that is not known, those of all."""
    formats = FORMATS if format_ is None else (format_,)
    marks = sorted({re.escape(mark) for each in formats for mark in each.marks})
    return re.compile("|".join([_USUAL_CONTROL, *marks]))
