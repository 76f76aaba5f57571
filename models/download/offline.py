"""`HOMESPUN_OFFLINE`: whoever sets it wants no connection at all."""

from __future__ import annotations

import os

from homespun.models.errors import DownloadFailed

_NO = ("", "0", "false", "no")


def is_offline() -> bool:
    """Say whether the environment forbids connections."""
    return os.environ.get("HOMESPUN_OFFLINE", "").strip().lower() not in _NO


def refuse_offline() -> None:
    """Raise `DownloadFailed` where the environment forbids connections."""
    if is_offline():
        raise DownloadFailed("HOMESPUN_OFFLINE is set, so no connection was opened")
