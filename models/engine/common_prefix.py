"""How much two sequences share at their start: tokens of prompts, characters of texts."""

from __future__ import annotations

from collections.abc import Sequence


def common_prefix(left: Sequence[object], right: Sequence[object]) -> int:
    """Return the length of the common prefix of two sequences of one type.

    Slices are compared at the speed of C; the last stretch is found by halving.
    """
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
