"""The file for a bug report: what the doctor found, without source text, secrets and names.

No fact holds source text. What a person's own words may be in is taken out here: his home folder
and his name in paths, the hosts of his servers, the words of his lists of paths. At the end what
looks like a secret is masked, wherever it stands.
"""

from __future__ import annotations

import getpass
import json
import re
from collections.abc import Iterable
from pathlib import Path

from homespun.cli.doctor.checkup import Checkup
from homespun.cli.errors import Unavailable
from homespun.storage import write_private

_HOME_FOLDERS = re.compile(r"([\\/]+(?:home|Users)[\\/]+)[^\\/'\"\s:,;]+", re.IGNORECASE)
_OF_OTHERS = r"\1USER"
_HOST = "HOST"
_PATH = re.compile(r"[^\s'\"]*[\\/-][^\s'\"]*")  # or what is named after a folder
_MIN_NAME_CHARS = 3  # a shorter one is found in words that are no name


def write_bundle(checkup: Checkup, path: Path) -> None:
    """Write the file, readable by its user alone. Raises `Unavailable`, and `OSError`."""
    if path.exists() or path.is_symlink():
        raise Unavailable(f"{str(path)!r} is there already; name another file for the bundle")
    if not path.absolute().parent.is_dir():
        raise Unavailable(f"the folder of {str(path)!r} is not there; make it, or name another")
    write_private(path, json.dumps(bundled(checkup), indent=1) + "\n")


def bundled(checkup: Checkup) -> object:
    """Return the checkup's JSON without what is nobody else's business."""
    hidden = [word for result in checkup.results for word in result.finding.hidden]
    return Scrubber(Path.home(), _user(), hidden).scrubbed(checkup.to_json())


class Scrubber:
    """Takes a person out of texts."""

    def __init__(self, home: Path, user: str, hidden: Iterable[str]) -> None:
        homes = dict.fromkeys((str(home), str(home.resolve())))
        self._homes = [each for each in homes if each not in ("/", "")]
        self._names = _name_in_path({user, home.name})
        self._hidden = sorted({word for word in hidden if word}, key=len, reverse=True)

    def scrubbed(self, value: object) -> object:
        """Return JSON with each text made plain; lists of a setting's own words are counted."""
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, dict):
            if set(value) == {"value", "origin"} and isinstance(value["value"], list):
                return {"entries": len(value["value"]), "origin": self.scrubbed(value["origin"])}
            return {key: self.scrubbed(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.scrubbed(inner) for inner in value]
        return value

    def _text(self, text: str) -> str:
        from homespun.indexer.secrets.mask import mask

        for word in self._hidden:
            text = text.replace(word, _HOST)
        for home in self._homes:
            text = re.sub(re.escape(home) + r"(?![\w.-])", "~", text)
        text = _HOME_FOLDERS.sub(_OF_OTHERS, text)
        text = _PATH.sub(lambda path: self._names.sub("USER", path[0]), text)
        return mask(text)


def _name_in_path(names: set[str]) -> re.Pattern[str]:
    """Return what finds a user's name as a whole word of a path; without a name, nothing."""
    known = [re.escape(name) for name in sorted(names) if len(name) >= _MIN_NAME_CHARS]
    if not known:
        return re.compile(r"(?!)")
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(known)})(?![^\W_])", re.IGNORECASE)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a number without a name
        return ""
