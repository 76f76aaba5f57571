"""A file that is ours as a whole, known by its last line; one of the user's at its place stays."""

from __future__ import annotations

from homespun.cli.errors import ChangeRefused

_MARK = "<!-- homespun: written by `homespun install-agent`, `--remove` takes it away -->"


def with_text(text: str | None, body: str) -> str:
    """Return the file with this body; None = there was no file. Raises `ChangeRefused`."""
    if text is not None and not _is_ours(text):
        raise ChangeRefused("it is not homespun's")
    return f"{body}\n\n{_MARK}\n"


def without_text(text: str) -> str | None:
    """Return a file that is not ours as it is, None of ours."""
    return None if _is_ours(text) else text


def _is_ours(text: str) -> bool:
    return text.rstrip().endswith(_MARK)
