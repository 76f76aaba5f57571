"""What the extension costs and how soon ghost text comes, in a real VS Code (`make bench-editor`).

    python -m bench.editor FOLDER-OF-VSCODE [--rounds 3]

FOLDER-OF-VSCODE is what tests/e2e/editors/setup_vscode.sh filled. The folder that is opened is
coverage 7.17.3 from PyPI, 50 kLoC of Python, as its archive has it; the model is in the cache, an
index is not there. Each round opens a fresh window with the extension and one without, in turn.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Playwright, sync_playwright

from bench.common.provenance import RESULTS, ROOT
from homespun.training.shipped.packages import unpacked
from tests.e2e.editors.vscode import CodeServer, Window, browser_page, resident_mb
from tests.e2e.editors.waiting import wait
from tests.e2e.editors.workspace import COVERAGE, put_server, repository

VSIX = ROOT / "editor-client" / "homespun.vsix"
REPORT = RESULTS / "editor.json"
FILE = "coverage/newest.py"
TEXT = '''"""The newest data file."""

from __future__ import annotations

from bench.common.provenance import RESULTS, ROOT

from coverage.data import CoverageData


def read_newest(data: CoverageData) -> None:
    """Read what was measured last."""
'''
TYPED = "    data."
TARGETS = {"activation_ms": 300, "vsix_mb": 1, "first_ghost_s": 20, "extension_host_mb": 80}


def main() -> int:
    """Measure, print a table, write it down."""
    args = _arguments()
    sources = unpacked(COVERAGE).rglob("*.py")
    lines = sum(len(file.read_bytes().splitlines()) for file in sources)
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        rounds = [
            _round(playwright, args.installed, Path(scratch) / f"{arm}-{number}", arm == "with")
            for number in range(args.rounds)
            for arm in ("with", "without")
        ]
    having = [row for row in rounds if "first_ghost_s" in row]
    bare = [row for row in rounds if "first_ghost_s" not in row]
    figures = {name: [row[name] for row in having] for name in having[0] if name != "host_mb"}
    figures["extension_host_mb"] = [
        with_it["host_mb"] - without["host_mb"]
        for with_it, without in zip(having, bare, strict=True)
    ]
    figures["vsix_mb"] = [VSIX.stat().st_size / 1e6]
    _print(figures, lines)
    REPORT.write_text(json.dumps({"lines": lines, "rounds": rounds} | figures, indent=1) + "\n")
    return 0


def _round(
    playwright: Playwright, installed: Path, state: Path, with_extension: bool
) -> dict[str, float]:
    folder = repository(state / "coverage", COVERAGE)
    (folder / FILE).write_text(TEXT, encoding="utf-8")
    serve = put_server(state / "bin" / "homespun", log=state / "log")
    extension = VSIX if with_extension else None
    settings = {"homespun.serverCommand": serve} if with_extension else {}
    with (
        CodeServer(installed, state / "profile", extension=extension, settings=settings) as server,
        browser_page(playwright, state / "browser", size=(1100, 1000)) as page,
    ):
        window = Window(page, server.port)
        began = time.monotonic()
        window.open(folder, FILE)
        opened = time.monotonic() - began
        if not with_extension:
            time.sleep(10)  # as long as the other window is open, about
            return {"opened_s": opened, "host_mb": _host_mb(server)}
        first = _first_ghost(window, began)
        window.keys("Escape")
        window.wait_until_ready()
        return {
            "opened_s": opened,
            "first_ghost_s": first,
            "ready_s": time.monotonic() - began,
            "activation_ms": _activation_ms(window),
            "host_mb": _host_mb(server),
        }


def _first_ghost(window: Window, began: float) -> float:
    """Type as somebody who tries again every second; return the seconds until ghost text shows."""
    window.show(FILE, TEXT.count("\n") + 1)
    window.type(TYPED)
    while True:
        end = time.monotonic() + 1
        while time.monotonic() < end:
            if window.ghost():
                return time.monotonic() - began
            time.sleep(0.02)
        window.keys("Backspace")
        window.type(TYPED[-1])


def _activation_ms(window: Window) -> float:
    window.command("Developer: Show Running Extensions")
    row = window.page.locator(".runtime-extensions-editor .monaco-list-row")
    homespun = row.filter(has_text="Homespun").first
    homespun.wait_for()
    said = wait(lambda: re.search(r"Activation: (\d+)\s*ms", homespun.inner_text()), "activation")
    assert said is not None  # since it was waited for
    return float(said[1])


def _host_mb(server: CodeServer) -> float:
    (host,) = server.extension_hosts()
    return resident_mb(host)


def _print(figures: dict[str, Sequence[float]], lines: int) -> None:
    print(f"{lines} lines of Python, {len(figures['first_ghost_s'])} rounds")
    print("| | median | of | target |\n|---|--:|---|--:|")
    for name, values in figures.items():
        each = ", ".join(f"{value:.3g}" for value in values)
        target = f"< {TARGETS[name]}" if name in TARGETS else ""
        print(f"| {name} | {statistics.median(values):.3g} | {each} | {target} |")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("installed", type=lambda text: Path(text).resolve())
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
