"""Packs that somebody puts into the bucket by hand: the reader goes on with the last good one."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

from homespun.indexer.packs import file
from homespun.indexer.packs.definition import FILE, PackRow
from tests.e2e.scale.steps.shared import Laptop, Steps, Team, is_last_good

_GOOD = PackRow("a.py", FILE, "a", "a", 1, 1, "", "")


def bad_packs(steps: Steps, team: Team) -> None:
    """Offer one after the other, then mend it."""
    laptop = Laptop(team, team.folder.parent / "laptop-bad")
    before, good = laptop.look(), team.pointer()
    pack = team.object(f"{good['pack']}.parquet")
    tries = (
        ("a damaged pack", _damaged(good, pack), "has other bytes than its name says"),
        ("a poisoned pack", _poisoned(good), "no pack that can be believed"),
        ("a pack that is no pack", _offered(good, b"no pack\n"), "no pack that can be believed"),
        ("a pack of another version", (good | {"format": 99}, {}), "has the format '99'"),
    )
    for what, (pointer, packs), why in tries:
        for name, data in packs.items():
            team.place(f"{name}.parquet", data)
        team.place("current", json.dumps(pointer).encode())
        found = laptop.look()
        said = f"{what}: the reader goes on with the last good one and says its age"
        steps.check(is_last_good(found, before, why), said, found)
    team.place("current", json.dumps(good).encode())
    team.publish(14)
    found = laptop.look()
    holds = (found["trouble"], found["revision"]) == ("", team.pointer()["revision"])
    steps.check(
        holds and found != before,
        "the pointer put back, published again: the reader has the newest",
        found,
    )


def _damaged(good: dict[str, Any], pack: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    """A newer pointer to a pack of which one byte is another one."""
    whole = pack[:-1] + b"y"
    name = hashlib.sha256(whole).hexdigest()
    return _newer(good, name), {name: whole[:-1] + b"x"}


def _poisoned(good: dict[str, Any]) -> tuple[dict[str, Any], dict[str, bytes]]:
    return _offered(good, file.packed([_GOOD, replace(_GOOD, path="../../outside.py")]))


def _offered(good: dict[str, Any], data: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    """A newer pointer to bytes that have the name they should."""
    name = hashlib.sha256(data).hexdigest()
    return _newer(good, name), {name: data}


def _newer(good: dict[str, Any], name: str) -> dict[str, Any]:
    return good | {"pack": name, "time": good["time"] + 1}
