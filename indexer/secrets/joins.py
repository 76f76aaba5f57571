"""Strings that are written in pieces, "abc" + "def", as the one string that they are."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import accumulate

# A quote, what joins in one language or another, a quote; secrets have no space beside either.
_JOINT = re.compile(
    r"[\"'`](?<=[^\s\"'`]{4}.)\)?[ \t]{0,20}(?:\\?\n[ \t]{0,80})?"
    r"(?:\+\+?|\.\.?|&|<>)?[ \t]{0,20}(?:\\?\n[ \t]{0,80})?[rbfuRBFU]?[\"'`](?=[^\s\"'`]{4})"
)
_MAX_CHARS = 20_000  # of lines with joints, one below the other: data, and no key
_DIGIT = re.compile(r"\d")


def joined_spans(
    text: str, find: Callable[[str], Iterator[tuple[int, int]]]
) -> Iterator[tuple[int, int]]:
    """Yield the (start, end) that `find` yields where the joints are taken out of the text."""
    for start, end, joints in _chains(text):
        if end - start > _MAX_CHARS or not _DIGIT.search(text, start, end):
            continue
        pieces = _between(start, end, joints)
        joined = "".join(text[first:last] for first, last in pieces)
        # Where each piece begins in the joined text.
        begins = list(accumulate((last - first for first, last in pieces), initial=0))
        for found_start, found_end in find(joined):
            for number in range(
                bisect_right(begins, found_start) - 1, bisect_right(begins, found_end - 1)
            ):
                first, last = pieces[number]
                offset = first - begins[number]
                yield max(first, found_start + offset), min(last, found_end + offset)


def _between(start: int, end: int, joints: list[re.Match[str]]) -> list[tuple[int, int]]:
    starts = [start, *(joint.end() for joint in joints)]
    return list(zip(starts, [*(joint.start() for joint in joints), end], strict=True))


def _chains(text: str) -> Iterator[tuple[int, int, list[re.Match[str]]]]:
    """Yield (start, end, joints) of runs of lines with joints, and the line above them."""
    joints: list[re.Match[str]] = []
    start = end = -1
    for joint in _JOINT.finditer(text):
        if joint.start() > end:
            if joints:
                yield start, end, joints
            above = text.rfind("\n", 0, joint.start())
            start = text.rfind("\n", 0, max(above, 0)) + 1 if above > 0 else 0
            joints = []
        joints.append(joint)
        line_end = text.find("\n", joint.end())
        end = line_end if line_end >= 0 else len(text)
    if joints:
        yield start, end, joints
