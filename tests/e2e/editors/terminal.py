"""Drives an editor in tmux: types, waits for ghost text, accepts, saves, times, takes a picture.

By hand, with `homespun` on the PATH and the workspace indexed:
    python terminal.py nvim WORKSPACE FILE:LINE TEXT --config nvim_init.lua
    python terminal.py emacs WORKSPACE FILE:LINE TEXT --config emacs_init.el --lsp-mode DIR
TEXT is typed at the end of that line of FILE, which stays changed. Other arguments: --help.
"""

from __future__ import annotations

import argparse
import itertools
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.editors.picture import save_picture
from tests.e2e.editors.programs import DEBUG, put_program
from tests.e2e.editors.waiting import wait

COLUMNS, ROWS = 100, 18
_numbers = itertools.count()


class Terminal:
    """A program in a tmux session of its own; closes with the `with` block."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        environment: dict[str, str],
        size: tuple[int, int] = (COLUMNS, ROWS),
    ) -> None:
        self._tmux = ("tmux", "-L", f"homespun-{os.getpid()}-{next(_numbers)}")
        colours = "set -g default-terminal tmux-256color; set -g escape-time 0"
        with tempfile.NamedTemporaryFile("w", suffix=".conf", encoding="utf-8") as settings:
            settings.write(colours.replace("; ", "\n") + "\n")
            settings.flush()
            place = ("-x", str(size[0]), "-y", str(size[1]), "-c", str(cwd))
            command = ("-f", settings.name, "new-session", "-d", *place)
            self._run(*command, shlex.join(argv), environment=os.environ | environment)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run([*self._tmux, "kill-server"], capture_output=True, check=False)

    def keys(self, *names: str) -> None:
        """Press keys by tmux's names: `Escape`, `Tab`, `C-s`."""
        self._run("send-keys", *names)

    def text(self, text: str, *, after: Sequence[str] = ()) -> None:
        """Type text, all of it at once, and right before it the keys of `after`."""
        before = ("send-keys", *after, ";") if after else ()
        self._run(*before, "send-keys", "-l", "--", text)

    def screen(self, *, colours: bool = False) -> str:
        """Return what is on the screen, with escape sequences for colours if wanted."""
        return self._run("capture-pane", "-p", *(["-e"] if colours else []))

    def resize(self, columns: int, rows: int) -> None:
        """Make the terminal as large."""
        self._run("resize-window", "-x", str(columns), "-y", str(rows))

    def save_picture(self, out: Path, *, title: str = "") -> None:
        """Save the screen as a PNG, with the cursor."""
        place = self._run("display-message", "-p", "#{cursor_y} #{cursor_x}").split()
        row, column = int(place[0]), int(place[1])
        save_picture(self.screen(colours=True), out, title=title, cursor=(row, column))

    def rows_from_cursor(self) -> list[str]:
        """Return the rows of the screen from that with the cursor on."""
        place, _, screen = self._run(
            "display-message", "-p", "#{cursor_y}", ";", "capture-pane", "-p"
        ).partition("\n")
        return screen.split("\n")[int(place) :]

    def cursor_row(self) -> str:
        """Return the row of the screen that the cursor is in."""
        return self.rows_from_cursor()[0]

    def ghost_text(self, typed: str) -> str:
        """Return what stands in the cursor's row after the typed text, "" where nothing does."""
        _, found, after = self.cursor_row().partition(typed.strip())
        return after.rstrip() if found else ""

    def wait(self, seen: Callable[[], object], *, what: str, seconds: float = 240.0) -> None:
        """Wait until `seen` is true."""
        wait(seen, what, seconds, told=self.told)

    def told(self) -> str:
        """Return what is told of a failure."""
        return f"; the screen was\n{self.screen()}"

    def _run(self, *arguments: str, environment: dict[str, str] | None = None) -> str:
        done = subprocess.run(
            [*self._tmux, *arguments], capture_output=True, text=True, check=True, env=environment
        )
        return done.stdout


@dataclass(frozen=True)
class Editor:
    """How to call an editor and which keys do what in it."""

    argv: Callable[[argparse.Namespace, str, int], list[str]]  # arguments, file, line
    begin: tuple[str, ...]  # keys: to the line's end, ready to type
    accept: tuple[str, ...]
    save: tuple[str, ...]
    take_back: Callable[[str], tuple[str, ...]]  # typed text -> keys: the line as it was


def _nvim(args: argparse.Namespace, file: str, line: int) -> list[str]:
    quiet = ["--cmd", "set noswapfile termguicolors number"]
    return [args.program or "nvim", "--clean", *quiet, "-u", str(args.config), f"+{line}", file]


def _emacs(args: argparse.Namespace, file: str, line: int) -> list[str]:
    before = Path(__file__).with_name("emacs_before.el")
    config = ["-l", str(before), "-l", str(args.config)]
    return [args.program or "emacs", "-nw", "-Q", *config, f"+{line}", file]


EDITORS = {
    "nvim": Editor(
        argv=_nvim,
        begin=("A",),
        accept=("Tab",),
        save=("Escape", ":w", "Enter"),
        take_back=lambda _: ("Escape", "u"),
    ),
    "emacs": Editor(
        argv=_emacs,
        begin=("C-e",),
        accept=("Tab",),
        save=("C-x", "C-s"),
        take_back=lambda typed: ("BSpace",) * len(typed),
    ),
}


def main() -> int:
    """Run one editor through one suggestion."""
    args = _arguments()
    editor = EDITORS[args.editor]
    name, _, line = args.place.rpartition(":")
    file = args.workspace / name
    environment = _environment(args)
    with Terminal(
        editor.argv(args, name, int(line)), cwd=args.workspace, environment=environment
    ) as terminal:
        terminal.wait(lambda: Path(name).name in terminal.screen(), what=f"{name} in the editor")
        _wait_for_log(args.log, "is ready", seconds=120)
        time.sleep(args.settle)
        shown_after = _time_suggestions(terminal, editor, args)
        _say(f"ghost text: {terminal.ghost_text(args.text)!r}")
        _say("key to ghost text, ms: " + ", ".join(f"{ms:.0f}" for ms in shown_after))
        if args.picture:
            time.sleep(0.3)  # the status line settles
            terminal.save_picture(args.picture, title=args.title)
        terminal.keys(*editor.accept)
        _wait_for_log(args.log, "accepted: ", seconds=10)
        if args.picture_after:
            time.sleep(0.3)
            terminal.save_picture(args.picture_after, title=args.title)
        before = file.stat().st_mtime_ns
        terminal.keys(*editor.save)
        terminal.wait(lambda: file.stat().st_mtime_ns != before, what="saved file")
    saved = file.read_text(encoding="utf-8").splitlines()[int(line) - 1]
    _say(f"saved: {saved!r}")
    if not saved.partition(args.text.strip())[2].strip():
        _say("nothing was accepted")
        return 1
    return 0


def _time_suggestions(terminal: Terminal, editor: Editor, args: argparse.Namespace) -> list[float]:
    """Type the text several times, return the milliseconds from its last key to ghost text."""
    times = []
    for round_number in range(args.rounds):
        if round_number:
            terminal.keys(*editor.take_back(args.text))
            terminal.wait(lambda: args.text.strip() not in terminal.cursor_row(), what="empty line")
            time.sleep(1.0)  # what this edit asked for is answered
        terminal.keys(*editor.begin)
        begun = time.monotonic()
        terminal.text(args.text)
        terminal.wait(lambda: terminal.ghost_text(args.text), what="ghost text", seconds=60)
        times.append(1000 * (time.monotonic() - begun))
    return times


def _environment(args: argparse.Namespace) -> dict[str, str]:
    """Put a `homespun` that logs everything before the real one; the configurations stay as is."""
    state = Path(tempfile.mkdtemp(prefix="homespun-editor-"))
    real = shutil.which("homespun")
    if real is None:
        raise SystemExit("homespun is not on the PATH")
    args.log.write_text("", encoding="utf-8")
    put_program(state / "homespun", [real], log=args.log, more=DEBUG)
    return {
        "PATH": f"{state}{os.pathsep}{os.environ['PATH']}",
        "XDG_CONFIG_HOME": str(state / "config"),
        "XDG_STATE_HOME": str(state / "state"),
        "EMACS_LSP_MODE": str(args.lsp_mode or ""),
        "EMACS_STATE": str(state),
    }


def _wait_for_log(log: Path, sentence: str, *, seconds: float) -> None:
    what = f"{sentence!r} in the server's log {str(log)!r}"
    wait(lambda: sentence in log.read_text(encoding="utf-8"), what, seconds)
    lines = re.findall(rf".*{re.escape(sentence)}.*", log.read_text(encoding="utf-8"))
    _say(f"server: {lines[-1]}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("editor", choices=sorted(EDITORS))
    parser.add_argument("workspace", type=lambda text: Path(text).resolve())
    parser.add_argument("place", metavar="FILE:LINE")
    parser.add_argument("text")
    parser.add_argument("--config", type=lambda text: Path(text).resolve(), required=True)
    parser.add_argument("--program", help="the editor's program, if not the one on the PATH")
    parser.add_argument("--lsp-mode", help="Emacs: folder of unpacked packages, lsp-mode in it")
    parser.add_argument("--log", type=Path, default=Path("server.log"))
    parser.add_argument("--picture", type=Path, help="PNG while the ghost text shows")
    parser.add_argument("--picture-after", type=Path, help="PNG after it was accepted")
    parser.add_argument("--title", default="")
    parser.add_argument("--rounds", type=int, default=3, help="how often it is typed and timed")
    parser.add_argument("--settle", type=float, default=2.0, help="seconds after the model is here")
    args = parser.parse_args()
    args.log = args.log.resolve()
    return args


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
