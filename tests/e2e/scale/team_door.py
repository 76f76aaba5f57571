"""The door of a team's server, docs/scale/team/nginx.conf, run here by Debian's nginx.

The file is taken as it is; ports, folders and logs alone are put where this machine has room.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.support.processes import free_port, wait_until_it_listens

FILES = Path(__file__).resolve().parents[3] / "docs" / "scale" / "team"
_PATIENCE_SECONDS = 60.0
_SBIN = "/usr/sbin"  # where Debian has it, which is not on every user's path


def nginx_program() -> str | None:
    """Return where nginx is, None where it is not."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:{_SBIN}")


def missing() -> str:
    """Say in a sentence what is not here; "" where all is."""
    if nginx_program() is None:
        return "needs nginx (Debian: apt-get install nginx)"
    return "" if shutil.which("openssl") else "needs openssl to make certificates"


class Door:
    """A running nginx."""

    def __init__(self, folder: Path, port: int, tokens: Mapping[str, str]) -> None:
        """`tokens` are the users' by name."""
        self.folder, self.port = folder, port
        self.tokens = dict(tokens)
        self.url = f"https://127.0.0.1:{port}"
        self.authority = folder / "secret" / "ca.crt"
        self.pid = 0

    def client(self, user: str = "", *, token: str = "") -> httpx.Client:
        """Return a client with a user's token, another one, or none."""
        token = token or (self.tokens[user] if user else "")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        trusted = ssl.create_default_context(cafile=str(self.authority))
        return httpx.Client(
            base_url=self.url, headers=headers, verify=trusted, trust_env=False, timeout=60
        )

    def rotate(self, user: str) -> str:
        """Give a user another token and have nginx read it; return the old one."""
        old, self.tokens[user] = self.tokens[user], secrets.token_hex(32)
        write_tokens(self.folder, self.tokens)
        os.kill(self.pid, signal.SIGHUP)
        return old

    def said(self) -> str:
        """Return both logs."""
        return "".join((self.folder / f"{kind}.log").read_text() for kind in ("access", "error"))


@contextmanager
def door(
    folder: Path, backend: str, *, users: tuple[str, ...], changes: Mapping[str, str] = {}
) -> Iterator[Door]:
    """Run nginx in front of a server at the URL `backend`; `changes` are made to the file, too."""
    folder.chmod(0o755)
    for name in ("secret", "tmp"):
        (folder / name).mkdir()
    subprocess.run(
        [str(FILES / "certificate.sh"), "127.0.0.1", str(folder / "secret")],
        check=True,
        capture_output=True,
    )
    found = Door(folder, free_port(), {user: secrets.token_hex(32) for user in users})
    write_tokens(folder, found.tokens)
    file = folder / "nginx.conf"
    file.write_text(_placed(found, backend, changes), encoding="utf-8")
    program = nginx_program()
    assert program is not None, missing()
    command = [program, "-p", str(folder), "-c", str(file), "-e", str(folder / "error.log")]
    process = subprocess.Popen([*command, "-g", "daemon off;"], stdin=subprocess.DEVNULL)
    found.pid = process.pid
    try:
        log = folder / "error.log"
        wait_until_it_listens(
            found.port,
            process,
            name="nginx",
            patience_seconds=_PATIENCE_SECONDS,
            said=lambda: log.read_text() if log.exists() else "",
        )
        yield found
    finally:
        process.terminate()
        process.wait()


def write_tokens(folder: Path, tokens: Mapping[str, str]) -> None:
    """Write the map as an administrator would."""
    lines = (f'"Bearer {token}" "{user}";\n' for user, token in tokens.items())
    (folder / "secret" / "tokens.map").write_text("".join(lines), encoding="utf-8")


def _placed(found: Door, backend: str, changes: Mapping[str, str]) -> str:
    text = (FILES / "nginx.conf").read_text(encoding="utf-8")
    folder = found.folder
    places = {
        "listen 8443 ssl;": f"listen 127.0.0.1:{found.port} ssl;",
        "server 127.0.0.1:8000;": f"server {backend.removeprefix('http://')};",
        "/etc/nginx/team/": f"{folder}/secret/",
        "/tmp/": f"{folder}/tmp/",
        "/dev/stderr": f"{folder}/error.log",
        "/dev/stdout": f"{folder}/access.log",
        **changes,
    }
    # All at once by marks, as a folder of this machine may well lie below /tmp/ itself.
    for number, old in enumerate(places):
        assert old in text, f"{old!r} is not in nginx.conf any more"
        text = text.replace(old, f"\0{number}\0")
    for number, new in enumerate(places.values()):
        text = text.replace(f"\0{number}\0", new)
    return text
