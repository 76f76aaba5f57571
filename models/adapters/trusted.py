"""What the user said of adapters that were not made on this machine, in his own state folder.

    trusted.json    {"adapters": {SHA256: {"id": …, "answer": "trusted" or "declined", "when": …}}}

The sha256 is that of the adapter's manifest, which holds the hashes of its files: other bytes under
the same name are unknown again.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, cast

from homespun import paths
from homespun.locks import lock_file
from homespun.parsing import read_json
from homespun.storage import make_private_folder, write_private, writing

logger = logging.getLogger(__name__)

Answer = Literal["trusted", "declined"]

_MAX_BYTES = 4_000_000


def answer_about(sha256: str) -> Answer | None:
    """Return what the user said of an adapter; None where he was not asked or did not answer."""
    answer = _entry(_read(_path()), sha256).get("answer")
    return cast(Answer, answer) if answer in ("trusted", "declined") else None


def record(sha256: str, identifier: str, answer: Answer) -> None:
    """Write down what the user said. Raises `StorageFull`."""
    path = _path()
    with writing(path.parent):
        make_private_folder(path.parent)
        with lock_file(path.with_suffix(".lock")):
            adapters = _read(path)
            when = datetime.now().astimezone().isoformat(timespec="seconds")
            said = {"id": identifier, "answer": answer, "when": when}
            body = {"adapters": {**adapters, sha256: said}}
            write_private(path, json.dumps(body, indent=1, sort_keys=True) + "\n")


def _path() -> Path:
    return paths.state_home() / "trusted.json"


def _read(path: Path) -> dict[str, Any]:
    try:
        body = read_json(path, max_bytes=_MAX_BYTES)
        return dict(body["adapters"])
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        logger.warning("%s cannot be read, so no adapter of others is trusted: %s", path, error)
        return {}


def _entry(adapters: Mapping[str, Any], sha256: str) -> Mapping[str, Any]:
    entry = adapters.get(sha256)
    return entry if isinstance(entry, dict) else {}
