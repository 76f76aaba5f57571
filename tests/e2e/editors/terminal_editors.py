"""Neovim and Emacs as a person sees them in a terminal: open, type, accept, save, ask.

The same few methods for both, so that one test is for all. Nothing is read from inside an editor:
what counts is the screen and what is on the disk.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.editors.terminal import Terminal
from tests.e2e.editors.waiting import settled

HERE = Path(__file__).parent
_PICTURE_SIZE = (100, 18)
SIZE = (150, 40)  # columns, rows; in 160 columns Emacs puts windows side by side
_LINE_NUMBER = re.compile(r"[\s\d]*")


@dataclass(frozen=True)
class Place:
    """A place that an editor lists."""

    file: Path
    line: int  # from 1
    text: str


class Editor:
    """What all have in common; a subclass says how the rest is done in its editor."""

    name = ""
    to_line_end: tuple[str, ...] = ()  # keys

    def __init__(self, workspace: Path, state: Path, *, path: Path) -> None:
        """Prepare. `state` is a folder for what the editor keeps, `path` is first in the PATH."""
        self.workspace, self.state = workspace, state
        state.mkdir(parents=True, exist_ok=True)
        self._environment = {"PATH": f"{path}{os.pathsep}{os.environ['PATH']}"}

    def __enter__(self) -> Editor:
        environment = {**self._environment, **self.environment()}
        self.terminal = Terminal(
            self.argv(), cwd=self.workspace, environment=environment, size=SIZE
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.terminal.__exit__()

    def argv(self) -> list[str]:
        """Return the command that starts the editor."""
        raise NotImplementedError

    def environment(self) -> Mapping[str, str]:
        """Return what it needs in its environment."""
        raise NotImplementedError

    def open(self, file: str, line: int) -> None:
        """Show a file of the workspace with the cursor in a line (from 1)."""
        raise NotImplementedError

    def command(self, name: str) -> None:
        """Run a command of the client: `status`, `sources`, ..."""
        raise NotImplementedError

    def write(self) -> None:
        """Press the keys that save."""
        raise NotImplementedError

    def says_saved(self) -> bool:
        """Say whether the editor shows that it has saved."""
        raise NotImplementedError

    def status(self) -> str:
        """Return what the client shows in the status line, "" where it shows nothing."""
        raise NotImplementedError

    def sources(self) -> list[Place]:
        """Return the places that the command `sources` has listed, once it has."""
        raise NotImplementedError

    def jump(self, number: int) -> None:
        """Go to a place of the list, numbered as in `sources`."""
        raise NotImplementedError

    def one_window(self) -> None:
        """Leave the window with the cursor alone, as it was before a command opened others."""
        raise NotImplementedError

    def dress(self) -> None:
        """Look as on a picture."""
        self.terminal.resize(*_PICTURE_SIZE)

    def undress(self) -> None:
        """Look as before."""
        self.terminal.resize(*SIZE)

    def shows_file(self, name: str) -> bool:
        """Say whether a window shows the file of this name."""
        return any(re.search(rf"[/ ]{re.escape(name)} ", row) for row in self._rows())

    def wait_until_ready(self, seconds: float = 300.0) -> None:
        """Wait until the status line says so."""
        self.terminal.wait(
            lambda: self.status() == "homespun", what="ready in the status line", seconds=seconds
        )

    def append(self, text: str) -> None:
        """Go to the end of the line and type, in one go; a line break is the key Enter."""
        first, *rest = text.split("\n")
        keys = (*self.to_line_end, *([] if first else ["Enter"]))
        if not first:
            first, *rest = rest
        self.terminal.text(first, after=keys) if first else self.terminal.keys(*keys)
        self.type("".join(f"\n{line}" for line in rest))

    def type(self, text: str) -> None:
        """Type text; a line break is the key Enter."""
        for number, line in enumerate(text.split("\n")):
            if number:
                self.terminal.keys("Enter")
            if line:
                self.terminal.text(line)

    def shown(self, line: str) -> list[str]:
        """Return the rows from what follows `line` in the cursor's row on; [] without ghost text.

        `line` is all that the file has in that line before the cursor, which is its end.
        """
        row, *below = (it.rstrip() for it in self.terminal.rows_from_cursor())
        start = row.find(line)
        if start < 0 or not _LINE_NUMBER.fullmatch(row[:start]):
            return []
        after = row[start + len(line) :]
        return [after, *below] if after else []

    def settled(self, line: str) -> list[str]:
        """Return what `shown` returns once it has stayed the same for a moment, however empty."""
        return settled(lambda: self.shown(line), told=self.terminal.told)

    def wait_for_ghost(self, line: str, begin: str = "") -> list[str]:
        """Return what `settled` returns once that is ghost text that begins with `begin`."""
        rows: list[str] = []

        def is_there() -> bool:
            nonlocal rows
            seen = self.shown(line)
            # What an earlier key was answered with may go again, and on a slow machine the
            # answer to the last key takes longer than emptiness takes to be at rest.
            rows = self.settled(line) if seen and seen[0].startswith(begin) else []
            return bool(rows) and rows[0].startswith(begin)

        self.terminal.wait(is_there, what=f"ghost text {begin!r}")
        return rows

    def accept(self) -> None:
        """Press the key that accepts."""
        self.terminal.keys("Tab")

    def save(self, file: Path) -> bytes:
        """Save and return what is in the file then."""
        before = file.stat().st_mtime_ns
        self.write()
        self.terminal.wait(
            lambda: file.stat().st_mtime_ns != before and self.says_saved(), what="saved file"
        )
        return file.read_bytes()

    def _rows(self) -> list[str]:
        return [row.rstrip() for row in self.terminal.screen().split("\n")]


class Neovim(Editor):
    """Neovim with the module as it comes; the ghost text of its own or what the module draws."""

    to_line_end = ("A",)

    def __init__(
        self, workspace: Path, state: Path, *, path: Path, program: str, ghost_text: str
    ) -> None:
        """Prepare; the version decides what `ghost_text` ("builtin" or "drawn") may be."""
        super().__init__(workspace, state, path=path)
        self._program, self._ghost_text = program, ghost_text

    def argv(self) -> list[str]:
        """Return the command that starts the editor."""
        init = str(HERE / "nvim_init.lua")
        return [self._program, "--clean", "--cmd", "set noswapfile", "-u", init]

    def environment(self) -> dict[str, str]:
        """Return what it needs in its environment."""
        return {"XDG_STATE_HOME": str(self.state), "HOMESPUN_GHOST_TEXT": self._ghost_text}

    def open(self, file: str, line: int) -> None:
        """Show a file of the workspace with the cursor in a line (from 1)."""
        self.terminal.keys("Escape")
        self.terminal.text(f":edit! +{line} {file}\n")
        shown = re.compile(rf"{re.escape(file)} homespun")
        self.terminal.wait(
            lambda: any(shown.match(row) for row in self._rows()), what=f"{file} in the editor"
        )

    def dress(self) -> None:
        """Look as on a picture."""
        super().dress()
        self.terminal.text(":set number termguicolors\n", after=("Escape",))

    def undress(self) -> None:
        """Look as before."""
        super().undress()
        self.terminal.text(":set nonumber notermguicolors\n", after=("Escape",))

    def command(self, name: str) -> None:
        """Run a command of the client: `status`, `sources`, ..."""
        self.terminal.keys("Escape")
        self.terminal.text(f":Homespun {name}\n")

    def write(self) -> None:
        """Press the keys that save."""
        self.terminal.keys("Escape")
        self.terminal.text(":w\n")

    def says_saved(self) -> bool:
        """Say whether the editor shows that it has saved."""
        return any(re.search(r'^".+ written$', row) for row in self._rows())

    def status(self) -> str:
        """Return what the client shows in the status line, "" where it shows nothing."""
        found = [it[1] for row in self._rows() if (it := re.search(r"^\S+ (homespun.*)$", row))]
        return found[0] if found else ""

    def sources(self) -> list[Place]:
        """Return the places that the command `sources` has listed, once it has."""
        self.terminal.wait(
            lambda: any("[Quickfix List]" in row for row in self._rows()), what="the list"
        )
        found = [re.match(r"(\S+?)\|(\d+)\S*\| (.*)$", row) for row in self._rows()]
        return [Place(self.workspace / it[1], int(it[2]), it[3]) for it in found if it]

    def jump(self, number: int) -> None:
        """Go to a place of the list, numbered as in `sources`."""
        self.terminal.text(f":{number + 1}\n")
        self.terminal.keys("Enter")

    def one_window(self) -> None:
        """Leave the window with the cursor alone, as it was before a command opened others."""
        self.terminal.keys("Escape")
        self.terminal.text(":only\n")


class Emacs(Editor):
    """Emacs with lsp-mode and the package as it comes."""

    to_line_end = ("C-e",)

    def __init__(self, workspace: Path, state: Path, *, path: Path, packages: str) -> None:
        """Prepare; `packages` is the folder of lsp-mode and what it needs."""
        super().__init__(workspace, state, path=path)
        self._packages = packages

    def argv(self) -> list[str]:
        """Return the command that starts the editor."""
        settings = [
            part for it in ("before", "init") for part in ("-l", str(HERE / f"emacs_{it}.el"))
        ]
        return ["emacs", "-nw", "-Q", *settings]

    def environment(self) -> dict[str, str]:
        """Return what it needs in its environment."""
        return {
            "HOME": str(self.state),
            "EMACS_STATE": str(self.state),
            "EMACS_LSP_MODE": self._packages,
        }

    def open(self, file: str, line: int) -> None:
        """Show a file of the workspace with the cursor in a line (from 1)."""
        self.terminal.wait(
            lambda: "*scratch*" in self.terminal.screen() or self.status(), what="it"
        )
        self.terminal.keys("C-x", "1", "C-x", "C-f")
        self.terminal.wait(lambda: "Find file:" in self.terminal.screen(), what="the question")
        self.terminal.text(f"{self.workspace / file}\n")
        name = f" {Path(file).name} "
        self.terminal.wait(
            lambda: name in self._mode_line() and " homespun" in self._mode_line(),
            what=f"{file} in the editor",
        )
        self.terminal.keys("M-g", "g")
        self.terminal.wait(lambda: "Goto line" in self.terminal.screen(), what="the question")
        self.terminal.text(f"{line}\n")
        self.terminal.wait(lambda: f" L{line} " in self._mode_line(), what=f"line {line}")

    def command(self, name: str) -> None:
        """Run a command of the client: `status`, `sources`, ..."""
        self.terminal.keys("M-x")
        self.terminal.text(f"homespun-{name}\n")

    def write(self) -> None:
        """Press the keys that save."""
        self.terminal.keys("C-x", "C-s")

    def says_saved(self) -> bool:
        """Say whether the editor shows that it has saved."""
        return "Wrote " in self.terminal.screen()

    def status(self) -> str:
        """Return what the client shows in the mode line, "" where it shows nothing."""
        found = re.search(r" (homespun(?::(?: [a-z]+| \d+ %)+)?)", self._mode_line())
        return found[1] if found else ""

    def sources(self) -> list[Place]:
        """Return the places that the command `sources` has listed, once it has."""
        self.terminal.wait(lambda: "*xref*" in self.terminal.screen(), what="the list")
        places, file = [], self.workspace
        for row in self._rows():
            if (found := re.match(r"\s*(\d+): (.*)$", row)) is not None:
                places.append(Place(file, int(found[1]), found[2]))
            elif row.endswith(".py"):
                file = self.workspace / row
        return places

    def jump(self, number: int) -> None:
        """Go to a place of the list, numbered as in `sources`."""
        self.terminal.keys("M-<", *["n"] * (number + 1), "Enter")

    def one_window(self) -> None:
        """Leave the window with the cursor alone, as it was before a command opened others."""
        self.terminal.keys("C-x", "1")

    def _mode_line(self) -> str:
        """Return the mode line of the window with the cursor, as far as the screen tells."""
        rows = [row for row in self._rows() if re.match(r"-\S+F\d\s", row)]
        return f"{rows[-1]} " if rows else ""
