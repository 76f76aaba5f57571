"""The secret that a team's machines share, from the environment alone; it is in no sentence."""

from __future__ import annotations

import os

from homespun.models.errors import ShareRefused

VARIABLE = "HOMESPUN_TEAM_KEY"
_MIN_CHARS = 32  # whoever reads the place may try keys as fast as his machine computes


def team_key() -> bytes | None:
    """Return the team's key, None where none is set. Raises `ShareRefused` for a short one."""
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return None
    if len(text) < _MIN_CHARS:
        raise ShareRefused(
            f"${VARIABLE} has {len(text)} characters and can be guessed; take {_MIN_CHARS} or "
            "more, such as `openssl rand -hex 32` prints"
        )
    return text.encode()
