"""EDGE torch: examples -> rows of ids for the model, with what each id may look at.

One example a row needs no mask: padding stands on the right, where causal attention never looks.
Packed, several examples and the strands of each share a row behind a mask; position numbers begin
anew, so each id has the meaning that it has alone. Rows of one length are one shape for the
processor's kernels, and little of them is padding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from homespun.training.dataset.examples import EncodedExample, Strand

if TYPE_CHECKING:
    import torch

# Every new shape has its kernels made anew and keeps memory of its own, so lengths are rounded up.
_PAD_TO = 64
_MAX_WIDER = 1.6  # than asked for: attention over a row grows with its square


@dataclass(frozen=True, slots=True)
class BatchRows:
    """What goes through the model at once."""

    ids: torch.Tensor  # (rows, tokens)
    positions: torch.Tensor | None  # likewise; None: 0, 1, 2 …
    mask: torch.Tensor | None  # (rows, 1, tokens, tokens), true: is looked at; None: causal
    starts: tuple[tuple[int, int], ...]  # of each example: its row, and where it begins there


def one_a_row(batch: Sequence[EncodedExample]) -> BatchRows:
    """Give each example a row."""
    import torch

    longest = max(len(example.ids) for example in batch)
    ids = torch.zeros((len(batch), -(-longest // _PAD_TO) * _PAD_TO), dtype=torch.long)
    for row, example in enumerate(batch):
        ids[row, : len(example.ids)] = torch.tensor(example.ids)
    return BatchRows(ids, None, None, tuple((row, 0) for row in range(len(batch))))


def packed(batch: Sequence[EncodedExample], *, row_tokens: int) -> BatchRows:
    """Give rows of about `row_tokens` to as many examples as fit, the longest ones first.

    Of some lengths that is taken which leaves the least padding.
    """
    import torch

    longest = max(len(example.ids) for example in batch)
    least = -(-max(longest, row_tokens) // _PAD_TO) * _PAD_TO
    widths = range(least, max(least, int(row_tokens * _MAX_WIDER)) + 1, _PAD_TO)
    width = min(widths, key=lambda wide: wide * len(_places(batch, wide)[1]))
    starts, used = _places(batch, width)
    ids = torch.zeros((len(used), width), dtype=torch.long)
    positions = torch.zeros_like(ids)
    # Padding looks at itself: a row that looks at nothing has no softmax.
    mask = torch.eye(width, dtype=torch.bool).repeat(len(used), 1, 1)
    for (row, start), example in zip(starts, batch, strict=True):
        end = start + len(example.ids)
        ids[row, start:end] = torch.tensor(example.ids)
        seen, numbers = _sight(example)
        mask[row, start:end, start:end] = seen
        positions[row, start:end] = numbers
    return BatchRows(ids, positions, mask.unsqueeze(1), starts)


def previous(example: EncodedExample) -> list[int]:
    """Return the place of the id that each id follows; -1 for the first one."""
    before = list(range(-1, len(example.ids) - 1))
    for strand in example.strands:
        parent = strand.parent
        before[strand.start] = example.strands[parent].end - 1 if parent >= 0 else -1
    return before


def _places(
    batch: Sequence[EncodedExample], width: int
) -> tuple[tuple[tuple[int, int], ...], list[int]]:
    """Return where each example goes, and how full each row is (first fit, longest first)."""
    used: list[int] = []
    starts: dict[int, tuple[int, int]] = {}
    for number in sorted(range(len(batch)), key=lambda n: -len(batch[n].ids)):
        length = len(batch[number].ids)
        row = next((r for r, taken in enumerate(used) if taken + length <= width), len(used))
        if row == len(used):
            used.append(0)
        starts[number] = (row, used[row])
        used[row] += length
    return tuple(starts[number] for number in range(len(batch))), used


def _sight(example: EncodedExample) -> tuple[torch.Tensor, torch.Tensor]:
    """Return which ids each id of one example looks at, and the ids' position numbers."""
    import torch

    count = len(example.ids)
    strands = example.strands or (Strand(0, count, -1),)
    seen = torch.zeros((count, count), dtype=torch.bool)
    numbers = torch.zeros(count, dtype=torch.long)
    for strand in strands:
        own = slice(strand.start, strand.end)
        length = strand.end - strand.start
        seen[own, own] = torch.ones((length, length), dtype=torch.bool).tril()
        first = 0
        if strand.parent >= 0:
            last = strands[strand.parent].end - 1
            seen[own] |= seen[last]
            first = int(numbers[last]) + 1
        numbers[own] = torch.arange(first, first + length)
    return seen, numbers
