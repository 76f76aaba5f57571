"""Which publication of a shared place was seen last on this machine, so that none goes back.

pulled.json    {PLACE: {"number": …, "adapter": SHA256}}    in the user's state folder
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from homespun import paths
from homespun.locks import lock_file
from homespun.models.adapters.sharing.place import Pointer
from homespun.models.errors import ShareRefused
from homespun.parsing import read_json
from homespun.storage import make_private_folder, write_private, writing

logger = logging.getLogger(__name__)

_MAX_BYTES = 1_000_000


def check_newer(root: Path, pointer: Pointer) -> None:
    """Raise `ShareRefused` where a later publication of a place was seen here before."""
    number, adapter = _last(root)
    is_other = pointer.number == number and pointer.adapter != adapter
    if pointer.number < number or is_other:
        raise ShareRefused(
            f"{str(root)!r} offers publication {pointer.number} ({pointer.id!r}), but "
            f"{'another ' * is_other}publication {number} was seen there before; "
            "--older takes it all the same"
        )


def last_number(root: Path) -> int:
    """Return the number of the last publication that was seen of a place, 0 for none."""
    return _last(root)[0]


def remember(root: Path, pointer: Pointer) -> None:
    """Write down which publication was seen. Raises `StorageFull`."""
    path = _path()
    with writing(path.parent):
        make_private_folder(path.parent)
        with lock_file(path.with_suffix(".lock")):
            seen = {"number": pointer.number, "adapter": pointer.adapter}
            body = {**_read(path), str(root): seen}
            write_private(path, json.dumps(body, indent=1, sort_keys=True) + "\n")


def _last(root: Path) -> tuple[int, str]:
    seen = _read(_path()).get(str(root))
    if not isinstance(seen, dict) or type(number := seen.get("number")) is not int:
        return 0, ""
    return number, str(seen.get("adapter"))


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(read_json(path, max_bytes=_MAX_BYTES))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError) as error:
        logger.warning("%s cannot be read, so what is older is not known: %s", path, error)
        return {}


def _path() -> Path:
    return paths.state_home() / "pulled.json"
