"""Real code to retype: pinned source packages, and working copies of them without some lines."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from homespun.models.paths import home

# Not code that people work on; a copy of the same lines may stand there, too.
_SIDELINES = re.compile(
    r"(?:^|/)(?:tests?|docs?|examples?|benchmarks?|_vendor)/|conftest|setup\.py|__init__"
)
_SPREAD_LINES = 80  # a file with fewer has no middle to speak of


@dataclass(frozen=True, slots=True)
class Package:
    """A source package on PyPI, by hash."""

    pin: str
    sha256: str

    @property
    def name(self) -> str:
        """The name of its folder."""
        return self.pin.replace("==", "-")


# Younger than the model, so that it cannot know the lines by heart.
_PINS = {
    "pygls==2.1.1": "1da03ba9053201bb337dcdd8d121df70feb2a91e1a0dcc74de5da79755b1a201",
    "starlette==0.52.1": "834edd1b0a23167694292e94f597773bc3f89f362be6effee198165a35d62933",
    "click==8.3.1": "12ff4785d337a1bb490bb7e9c2b1ee5da3112e94a8622f26a6c77f5d2fc6842a",
}
PACKAGES = tuple(Package(pin, sha256) for pin, sha256 in _PINS.items())


def unpacked(package: Package) -> Path:
    """Return the folder of a package's files below the state directory; fetched once."""
    target = home() / "bench" / package.name
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        wanted = Path(scratch) / "requirements.txt"
        wanted.write_text(f"{package.pin} --hash=sha256:{package.sha256}\n", encoding="utf-8")
        options = ["--no-deps", "--no-binary=:all:", "--require-hashes", "--dest", scratch]
        pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "download"]
        subprocess.run([*pip, *options, "-r", str(wanted)], check=True)
        (archive,) = Path(scratch).glob("*.tar.gz")
        with tarfile.open(archive) as tar:
            tar.extractall(scratch, filter="data")
        (folder,) = (path for path in Path(scratch).iterdir() if path.is_dir())
        folder.replace(target)
    return target


def source_files(root: Path) -> dict[str, str]:
    """Return the package's modules that are worth an editing session: path -> text."""
    texts = {}
    for path in sorted(root.rglob("*.py")):
        relative = path.relative_to(root).as_posix()
        if _SIDELINES.search(relative) or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8")
        if text.count("\n") >= _SPREAD_LINES and "\r" not in text:
            texts[relative] = text
    return texts


def copy_with(root: Path, target: Path, changed: Mapping[str, str]) -> None:
    """Copy a package and write other texts into some of its files."""
    shutil.copytree(root, target, ignore=shutil.ignore_patterns(".homespun", ".git"))
    for relative, text in changed.items():
        (target / relative).write_text(text, encoding="utf-8")
