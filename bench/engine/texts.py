"""Token ids to measure with: code of Python's standard library, never the same twice."""

from __future__ import annotations

import random
import sysconfig
from pathlib import Path

from bench.common.tokenizer import tokenizer_of

# Large modules of plain code; the first list has families of nearly equal functions.
_REPEATING = ("_pydecimal", "ipaddress", "turtle", "stat", "operator", "opcode", "sched")
_OTHER = ("argparse", "inspect", "tarfile", "typing", "zipfile", "subprocess", "ast", "socket")
_GRAM = 4
_LOOK_TOKENS = 64  # behind a place: what would be written there
_REPEATING_SHARE, _OTHER_SHARE = 0.7, 0.15


class Supply:
    """Draws stretches of code, by a seed."""

    def __init__(self, model: str, *, seed: int) -> None:
        """Encode the modules with the model's tokenizer."""
        tokenizer = tokenizer_of(model)
        self._random = random.Random(seed)
        self._modules = [tokenizer.encode(text) for text in map(_source, _REPEATING + _OTHER)]

    def code(self, tokens: int) -> list[int]:
        """Draw any stretch of `tokens` tokens."""
        return self._draw(tokens, 0.0, 1.0)

    def repeating(self, tokens: int) -> list[int]:
        """Draw a stretch behind which the file goes on with what stands in it already."""
        return self._draw(tokens, _REPEATING_SHARE, 1.0)

    def other(self, tokens: int) -> list[int]:
        """Draw a stretch behind which the file goes on with something else."""
        return self._draw(tokens, 0.0, _OTHER_SHARE)

    def _draw(self, tokens: int, low: float, high: float) -> list[int]:
        rooms = [module for module in self._modules if len(module) > tokens + _LOOK_TOKENS]
        for _ in range(5000):
            module = self._random.choice(rooms)
            start = self._random.randrange(len(module) - tokens - _LOOK_TOKENS)
            middle = start + tokens
            before, behind = module[start:middle], module[middle : middle + _LOOK_TOKENS]
            if low <= repeated_share(before, behind) <= high:
                return before
        raise RuntimeError(f"no stretch of {tokens} tokens repeats between {low} and {high}")


def repeated_share(before: list[int], behind: list[int]) -> float:
    """Share of runs of four tokens in `behind` that `before` has as well."""
    known = {tuple(before[at : at + _GRAM]) for at in range(len(before) - _GRAM + 1)}
    runs = [tuple(behind[at : at + _GRAM]) for at in range(len(behind) - _GRAM + 1)]
    return sum(run in known for run in runs) / len(runs)


def _source(module: str) -> str:
    path = Path(sysconfig.get_paths()["stdlib"]) / f"{module}.py"
    if not path.exists():  # a package in newer versions of Python
        path = path.with_suffix("") / "__init__.py"
    return path.read_text(encoding="utf-8")
