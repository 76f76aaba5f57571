"""Real code to retype: pinned source packages, and working copies of them without some lines."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from homespun.training.shipped.packages import Package

# Not code that people work on; a copy of the same lines may stand there, too.
_SIDELINES = re.compile(
    r"(?:^|/)(?:tests?|docs?|examples?|benchmarks?|_vendor)/|conftest|setup\.py|__init__"
)
_SPREAD_LINES = 80  # a file with fewer has no middle to speak of


# Younger than the model, so that it cannot know the lines by heart.
PACKAGES = tuple(
    Package("pypi", name, version, sha256)
    for name, version, sha256 in (
        ("pygls", "2.1.1", "1da03ba9053201bb337dcdd8d121df70feb2a91e1a0dcc74de5da79755b1a201"),
        ("starlette", "0.52.1", "834edd1b0a23167694292e94f597773bc3f89f362be6effee198165a35d62933"),
        ("click", "8.3.1", "12ff4785d337a1bb490bb7e9c2b1ee5da3112e94a8622f26a6c77f5d2fc6842a"),
    )
)


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
