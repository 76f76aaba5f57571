"""Which editors of this user have a client of homespun, and of which version.

What docs/editors.md installs leaves files in the editor's own folders. Nothing is started, and
these folders are the user's: a link in them is followed, as dotfiles want it.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from itertools import islice
from pathlib import Path

from homespun import programs
from homespun.cli.doctor.checks.finding import Finding, Patient, Problem
from homespun.parsing import parse_json
from homespun.storage import read_beginning

_MAX_BYTES = 1_000_000  # of a package.json
_HEAD_BYTES = 4_096  # of an Emacs package, whose version stands in its first lines
_MAX_FOUND = 20  # clients of one editor
_EXTENSION = "homespun.homespun-*"  # publisher.name-version, as VS Code names the folder
# Editors that take extensions of VS Code, by the folder in the user's home.
_EXTENSION_FOLDERS = {
    "VS Code": (".vscode", ".vscode-server"),
    "VS Code Insiders": (".vscode-insiders", ".vscode-server-insiders"),
    "VSCodium": (".vscode-oss", ".vscodium-server"),
    "Cursor": (".cursor", ".cursor-server"),
    "Windsurf": (".windsurf", ".windsurf-server"),
    "code-server": (".local/share/code-server",),
}
_EMACS_FILES = (
    "homespun.el",
    "*/homespun.el",
    "elpa/homespun*/homespun.el",
    "straight/repos/*/editor-client/emacs/homespun.el",
)
_NEOVIM_FILES = (
    "site/pack/*/*/*/lua/homespun/init.lua",
    "lazy/*/lua/homespun/init.lua",
    "lazy/*/editor-client/nvim/lua/homespun/init.lua",
    "plugged/*/lua/homespun/init.lua",
)
_EMACS_VERSION = re.compile(r"^;; Version: *([\w.+-]{1,40})", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class InstalledClient:
    """A client of homespun in an editor's folder."""

    editor: str
    path: str
    version: str  # "" where it says none


def check_editors(patient: Patient) -> Finding:
    """Look where docs/editors.md has the clients put, and for the program that they start."""
    clients = list(installed_clients(Path.home()))
    program = programs.find("homespun", outside=patient.folder)
    named = [f"{each.editor} {each.version}".strip() for each in clients]
    return Finding(
        line=", ".join(named) or "no client found",
        facts={"clients": [asdict(each) for each in clients], "program_on_path": program},
        problems=(*_versions(clients), *_programs(clients, program)),
    )


def installed_clients(home: Path) -> Iterator[InstalledClient]:
    """Yield the clients in a user's folders."""
    for editor, folders in _EXTENSION_FOLDERS.items():
        for folder in folders:
            for found in _found(home / folder / "extensions", (_EXTENSION,)):
                yield InstalledClient(editor, str(found), _extension_version(found))
    neovim = os.environ.get("NVIM_APPNAME") or "nvim"
    config = _folder("XDG_CONFIG_HOME", home / ".config")
    data = _folder("XDG_DATA_HOME", home / ".local" / "share")
    modules = [
        *_found(config / neovim, ("lua/homespun/init.lua",)),
        *_found(data / neovim, _NEOVIM_FILES),
    ]
    for found in modules:
        yield InstalledClient("Neovim", str(found.parent), "")
    for emacs in (home / ".emacs.d", config / "emacs"):
        for found in _found(emacs, _EMACS_FILES):
            yield InstalledClient("Emacs", str(found), _emacs_version(found))


def _found(folder: Path, patterns: tuple[str, ...]) -> Iterator[Path]:
    paths = (path for pattern in patterns for path in sorted(folder.glob(pattern)))
    yield from islice(paths, _MAX_FOUND)


def _folder(variable: str, usual: Path) -> Path:
    given = os.environ.get(variable, "")
    return Path(given) if os.path.isabs(given) else usual


def _extension_version(folder: Path) -> str:
    try:
        data = read_beginning(folder / "package.json", most_bytes=_MAX_BYTES, follow_links=True)
        version = parse_json(data)["version"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""  # half removed; the folder is named all the same
    return str(version)[:40]


def _emacs_version(path: Path) -> str:
    try:
        head = read_beginning(path, most_bytes=_HEAD_BYTES, follow_links=True)
    except OSError:
        return ""
    match = _EMACS_VERSION.search(head.decode("utf-8", "replace"))
    return match[1] if match else ""


def _versions(clients: list[InstalledClient]) -> Iterator[Problem]:
    ours = metadata.version("homespun")
    for client in clients:
        if client.version and client.version != ours:
            yield Problem(
                f"the client in {client.editor} is of version {client.version}, and homespun here "
                f"is {ours}",
                f"install the one of {ours} as docs/editors.md says",
                is_broken=False,
            )


def _programs(clients: list[InstalledClient], program: str | None) -> Iterator[Problem]:
    """Yield that a client which looks on the PATH alone finds nothing there."""
    editors = dict.fromkeys(each.editor for each in clients if each.editor in ("Neovim", "Emacs"))
    if editors and program is None:
        own = Path(sys.prefix) / ("Scripts" if os.name == "nt" else "bin") / "homespun"
        yield Problem(
            f"{' and '.join(editors)} look for homespun on the PATH, and outside of the folder "
            "there is none",
            f"ln -s {own} ~/.local/bin/",
            is_broken=False,
        )
