"""A timing that is kept: while the machine is the same, a start need not time it again."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path

from homespun import paths
from homespun.models.recommend.machine import MachineFacts
from homespun.models.recommend.speeds import ROWS, MachineSpeeds
from homespun.parsing import read_json
from homespun.storage import make_private_folder, write_private

_FORMAT = 1
_MAX_BYTES = 65_536


def timing_file() -> Path:
    """Return where the timing is kept; it may not exist."""
    return paths.home() / "machine-timing.json"


def keep(facts: MachineFacts, speeds: MachineSpeeds) -> None:
    """Write a timing down with the machine that it is of. Raises `OSError`."""
    path = timing_file()
    make_private_folder(path.parent)
    body = {"format": _FORMAT, "machine": asdict(facts), "speeds": asdict(speeds)}
    write_private(path, json.dumps(body, indent=1) + "\n")


def kept(facts: MachineFacts) -> tuple[MachineSpeeds | None, str]:
    """Return the timing of this very machine; else None, and why in a sentence.

    The sentence is "" where nothing was kept yet: that is nothing to tell.
    """
    path = timing_file()
    try:
        body = read_json(path, max_bytes=_MAX_BYTES)
    except FileNotFoundError:
        return None, ""
    except (OSError, ValueError) as error:
        return None, _broken(path, str(error))
    if not isinstance(body, dict) or body.get("format") != _FORMAT:
        return None, _broken(path, "it is of another form")
    if body.get("machine") != asdict(facts):
        return None, "the machine or homespun is another than when it was timed; timing it anew"
    speeds = _speeds(body.get("speeds"))
    if speeds is None:
        return None, _broken(path, "its figures are none")
    return speeds, ""


def _broken(path: Path, why: str) -> str:
    return f"{str(path)!r} cannot be used ({why}); timing the machine anew"


def _speeds(value: object) -> MachineSpeeds | None:
    """Return speeds from JSON; None for anything but a positive number for each of `ROWS`."""
    if not isinstance(value, dict):
        return None
    rows = [_times(value.get(name)) for name in ("layer_ms", "gigabyte_ms")]
    return MachineSpeeds(*rows) if all(rows) else None


def _times(value: object) -> tuple[float, ...]:
    if not isinstance(value, list) or len(value) != len(ROWS):
        return ()
    if not all(isinstance(each, int | float) and math.isfinite(each) for each in value):
        return ()
    times = tuple(float(each) for each in value)
    return times if min(times) > 0 else ()
