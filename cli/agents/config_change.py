"""One file of the user's as it is and as it is to be: shown, then written as it was shown."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from homespun.cli.errors import ChangeRefused
from homespun.errors import in_words
from homespun.storage import is_link, make_shared_folder, read_bounded, rewrite

_MAX_BYTES = 1_000_000
Edit = Callable[[str | None], str | None]  # the text, None = no file


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """A file below a folder; None = there is none, or there is to be none."""

    folder: Path  # the user's own word: only what lies below it is looked at for links
    path: str  # in there, with "/"
    before: bytes | None
    after: bytes | None

    @property
    def is_none(self) -> bool:
        """Whether nothing is to change."""
        return self.before == self.after

    def diff(self) -> str:
        """Return the change as a unified diff, each line with its end."""
        old, new = (_lines(data) for data in (self.before, self.after))
        where = str(self.folder / self.path)
        before = os.devnull if self.before is None else where
        after = os.devnull if self.after is None else where
        rows = difflib.unified_diff(old, new, before, after, lineterm="")
        return "".join(f"{row}\n" for row in rows)

    def apply(self) -> None:
        """Write it. Raises `ChangeRefused` where the file is another one by now, and `OSError`."""
        if _read(self.folder, self.path) != self.before:
            raise ChangeRefused(
                f"{str(self.folder / self.path)!r} has changed meanwhile, so it was left as it is; "
                "run the command again"
            )
        target = self.folder / self.path
        if self.after is not None:
            for parent in reversed(Path(self.path).parents[:-1]):
                make_shared_folder(self.folder / parent)
            rewrite(target, self.after)
        elif self.before is not None:
            target.unlink()
            for parent in Path(self.path).parents[:-1]:
                with suppress(OSError):  # it holds something else
                    (self.folder / parent).rmdir()


def change_of(folder: Path, path: str, edit: Edit) -> ConfigChange:
    """Return what an edit makes of a file. Raises `ChangeRefused`, with the file's name."""
    before = _read(folder, path)
    try:
        after = edit(_text(before))
    except ChangeRefused as error:
        raise ChangeRefused(
            f"{str(folder / path)!r} was left as it is: {error}; change it by hand"
        ) from None
    return ConfigChange(folder, path, before, None if after is None else after.encode())


def text_of(folder: Path, path: str) -> str | None:
    """Return a file's text, None where there is none. Raises `ChangeRefused`."""
    return _text(_read(folder, path))


def check_written(found: object, wanted: object) -> None:
    """Raise `ChangeRefused` unless a file would say what is wanted: the last look at it."""
    if found != wanted:
        raise ChangeRefused("it is written in a way that homespun does not change safely")


def _read(folder: Path, path: str) -> bytes | None:
    """Return a file's bytes; no link on the way there is followed. Raises `ChangeRefused`."""
    for part in (*reversed(Path(path).parents[:-1]), Path(path)):
        if is_link(folder / part):
            raise ChangeRefused(
                f"{str(folder / part)!r} is a link, and links are not followed; "
                "change the file that it leads to by hand"
            )
    try:
        return read_bounded(folder / path, max_bytes=_MAX_BYTES)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ChangeRefused(
            f"{str(folder / path)!r} cannot be read ({in_words(error)}); look at that path"
        ) from error


def _text(data: bytes | None) -> str | None:
    try:
        return None if data is None else data.decode("utf-8")
    except UnicodeDecodeError:
        raise ChangeRefused("it is no UTF-8") from None


def _lines(data: bytes | None) -> list[str]:
    return [] if data is None else data.decode("utf-8").splitlines()
