"""Questions to a tree that favour nobody: drawn from its files by plain patterns."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from pathlib import Path

_NAME = re.compile(r"^\s*(?:def|class)\s+([A-Za-z][A-Za-z0-9_]{5,40})\b", re.MULTILINE)
_SENTENCE = re.compile(r'"""([A-Z][a-z]+(?: [A-Za-z0-9_,]+){3,10})\.')
_FILES = 400


def drawn(root: Path, files: Sequence[Path], count: int, *, seed: int = 0) -> list[str]:
    """Return `count` questions or fewer: names, sentences of documentation, paths and code."""
    dice = random.Random(seed)
    kinds: list[list[str]] = [[], [], [], []]
    python = [path for path in files if path.suffix == ".py"]
    for path in dice.sample(python, min(_FILES, len(python))):
        text = (root / path).read_text(encoding="utf-8", errors="replace")
        lines = [line.strip() for line in text.split("\n") if 30 < len(line.strip()) < 90]
        kinds[0] += _picked(dice, _NAME.findall(text))
        kinds[1] += _picked(dice, _SENTENCE.findall(text))
        kinds[2].append("/".join(path.parts[-2:]))
        kinds[3] += _picked(dice, lines)
    questions = [found[: count // len(kinds)] for found in kinds]
    return [question for found in questions for question in found]


def words(question: str) -> list[str]:
    """Return what a text search is asked for: the words of some length, at most five."""
    found = re.findall(r"[A-Za-z_][A-Za-z0-9_]{2,}", question)
    return sorted(found, key=len, reverse=True)[:5] or [question]


def _picked(dice: random.Random, found: list[str]) -> list[str]:
    return [dice.choice(found)] if found else []
