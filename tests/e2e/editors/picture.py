"""A terminal's screen as a PNG: escape sequences -> HTML -> headless Chromium.

By hand: `tmux capture-pane -p -e | python picture.py OUT.png [TITLE]`
"""

from __future__ import annotations

import html
import io
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.text import Text

_PAGE = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; background: {background}; }}
.title {{ font: 13px "DejaVu Sans", sans-serif; color: #9aa4b2; background: #11151b;
  padding: 7px 12px; }}
pre {{ margin: 10px 12px; font: 14px/18px "DejaVu Sans Mono", monospace; color: {foreground}; }}
</style>{title}<pre>{code}</pre>"""
_BACKGROUND, _FOREGROUND = (20, 22, 27), (224, 226, 234)  # red, green, blue
_CHARACTER_PIXELS, _LINE_PIXELS = 8.43, 18  # of DejaVu Sans Mono at 14 px


def save_picture(
    screen: str, out: Path, *, title: str = "", cursor: tuple[int, int] | None = None
) -> None:
    """Draw a screen with its colours; the cursor is a row and a column, from 0."""
    from rich.console import Console
    from rich.terminal_theme import MONOKAI, TerminalTheme
    from rich.text import Text

    text = Text.from_ansi(screen.rstrip("\n"))
    if cursor is not None:
        _draw_cursor(text, *cursor)
    rows = text.plain.count("\n") + 1
    columns = max((len(row) for row in text.plain.split("\n")), default=1)
    console = Console(record=True, width=max(columns, 1), file=io.StringIO())
    console.print(text, soft_wrap=True)
    theme = TerminalTheme(_BACKGROUND, _FOREGROUND, [MONOKAI.ansi_colors[i] for i in range(16)])
    page = _PAGE.format(
        background=_hexadecimal(_BACKGROUND),
        foreground=_hexadecimal(_FOREGROUND),
        title=f'<div class="title">{html.escape(title)}</div>' if title else "",
        code=console.export_html(theme=theme, inline_styles=True, code_format="{code}"),
    )
    width = int(24 + columns * _CHARACTER_PIXELS + 1)
    height = 20 + rows * _LINE_PIXELS + (30 if title else 0)
    _screenshot(page, out, width, height)


def _hexadecimal(colour: tuple[int, int, int]) -> str:
    return "#" + bytes(colour).hex()


def _draw_cursor(text: Text, row: int, column: int) -> None:
    before = text.plain.split("\n")[:row]
    offset = sum(len(line) + 1 for line in before) + column
    if text.plain[offset : offset + 1].strip("\n"):
        style = f"{_hexadecimal(_BACKGROUND)} on {_hexadecimal(_FOREGROUND)}"
        text.stylize(style, offset, offset + 1)


def _screenshot(page: str, out: Path, width: int, height: int) -> None:
    names = ("chromium", "chromium-browser", "google-chrome")
    browser = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if browser is None:
        raise SystemExit("no Chromium on the PATH; set CHROMIUM")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "screen.html")
        source.write_text(page, encoding="utf-8")
        arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--user-data-dir={folder}/profile",
            f"--window-size={width},{height}",
            f"--screenshot={out.resolve()}",
            source.as_uri(),
        ]
        subprocess.run([browser, *arguments], capture_output=True, check=True)


if __name__ == "__main__":
    save_picture(sys.stdin.read(), Path(sys.argv[1]), title=" ".join(sys.argv[2:]))
