"""Folder -> the files to index; what is left out is counted with its reason, never raised.

Here files are judged by path and size alone; reasons in the content come from `parse.parse_file`.
Symbolic links are not followed: what they point to is either met under its own name, or outside.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from homespun.indexer.config import IndexConfig
from homespun.indexer.errors import GitFailed, NotADirectory
from homespun.indexer.scan import skip
from homespun.indexer.scan.git import Git, repository_of
from homespun.indexer.scan.globs import MAX_PATTERN_CHARS, MAX_PATTERNS, IgnoreRules
from homespun.indexer.types import Skipped
from homespun.paths import WORKSPACE_FOLDER
from homespun.storage import is_junction, read_beginning
from homespun.traces.traced import traced

IGNORE_FILE = ".homespunignore"

_EXAMPLES = 5  # paths kept for each reason
_MAX_NOTES = 20
_MAX_IGNORE_BYTES = 256 * 1024  # of an ignore file; the longest of real ones has 20 KB
_LIST_FILES = ("ls-files", "--cached", "--others", "--exclude-standard", "-z")


class FoundFile(NamedTuple):
    """A file to index, as the file system shows it."""

    path: str  # relative to the root, with "/"
    size: int  # bytes
    mtime_ns: int


@dataclass(slots=True)
class FileScan:
    """What `walk` found."""

    files: list[FoundFile] = field(default_factory=list)  # sorted by path
    skipped: dict[str, int] = field(default_factory=dict)  # reason -> number of files
    examples: dict[str, list[str]] = field(default_factory=dict)  # reason -> few paths
    notes: list[str] = field(default_factory=list)  # sentences for the user
    tracked_state: list[str] = field(default_factory=list)  # files of `.homespun` that git knows

    def skip(self, path: str, reason: str) -> None:
        """Count a file that is left out."""
        self.skipped[reason] = self.skipped.get(reason, 0) + 1
        examples = self.examples.setdefault(reason, [])
        if len(examples) < _EXAMPLES:
            examples.append(path)

    def note(self, sentence: str) -> None:
        """Say something once; a folder of ten thousand odd files is no reason for as many."""
        if sentence not in self.notes and len(self.notes) < _MAX_NOTES:
            self.notes.append(sentence)


@traced("index.scan")
def walk(root: Path, config: IndexConfig) -> FileScan:
    """List the files under `root` that are worth reading.

    Inside a git work tree git says which files exist and which are ignored; elsewhere, or where
    git does not answer, the tree is walked and `.gitignore` files are honoured all the same.

    Raises `NotADirectory` where `root` is no readable directory.
    """
    if not root.is_dir():
        raise NotADirectory(f"{str(root)!r} is no directory; give the folder of a repository")
    root = Path(os.path.realpath(root))
    scan = FileScan()
    listed = _listed_by_git(root, scan)
    paths = sorted(set(_walked(root, scan) if listed is None else listed))
    if listed is not None:
        _note_tracked_state(paths, scan)
    rules = _own_rules(root, config, scan)
    tool_made = _tool_made(paths)
    folders = _PlainFolders(root)
    for path in paths:
        if not _below_any(path, tool_made):
            _judge(folders, path, rules, config, scan)
    return scan


def judge(root: Path, path: str, config: IndexConfig) -> FoundFile | Skipped | None:
    """Judge one path as `walk` does (without the ignore files of git); None: it is not there."""
    scan = FileScan()
    root = Path(os.path.realpath(root))
    _judge(_PlainFolders(root), path, _own_rules(root, config, scan), config, scan)
    if scan.files:
        return scan.files[0]
    return Skipped(next(iter(scan.skipped))) if scan.skipped else None


def is_inside(root: Path, path: str) -> bool:
    """Tell whether a path leads to a place in the root itself: no link on the way, no step out."""
    return _PlainFolders(Path(os.path.realpath(root))).is_inside(path)


def read(root: Path, path: str, config: IndexConfig) -> bytes | Skipped:
    """Return a file's bytes; never more than the size limit, and never from a device or a link."""
    try:
        # A pipe or a device that took the file's place must not block or flood us.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        descriptor = os.open(root / path, flags | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(descriptor, "rb") as stream:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return Skipped("special")
            source = stream.read(config.max_file_bytes + 1)
    except (OSError, ValueError):
        return Skipped("unreadable")
    return Skipped("too-large") if len(source) > config.max_file_bytes else source


def _note_tracked_state(paths: Iterable[str], scan: FileScan) -> None:
    """Find what of `.homespun` git lists: it ignores itself, so somebody has added it by force."""
    inside = WORKSPACE_FOLDER + "/"
    scan.tracked_state = [path for path in paths if path.casefold().startswith(inside)]
    if scan.tracked_state:
        scan.notes.append(
            f"git tracks {len(scan.tracked_state)} files in {WORKSPACE_FOLDER!r}; what a "
            "repository brings there is not believed, and `git rm -r --cached .homespun` takes "
            "them out of it"
        )


class _PlainFolders:
    """Which folders lie in the root itself: no link on the way, no step out of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known: dict[str, bool] = {}

    def is_inside(self, path: str) -> bool:
        """Tell whether a file of this path would lie in the root; asks once a folder."""
        folder = path.rpartition("/")[0]
        if folder not in self._known:
            self._known[folder] = self._is_plain(folder)
        return self._known[folder] and not os.path.isabs(path) and path != ".."

    def _is_plain(self, folder: str) -> bool:
        if not folder:
            return True
        if os.path.isabs(folder) or ".." in folder.split("/") or "\0" in folder:
            return False
        # Git goes on naming files below a folder that a link has taken the place of.
        plain = os.path.normcase(os.path.normpath(self.root / folder))
        return os.path.normcase(os.path.realpath(self.root / folder)) == plain


def _judge(
    folders: _PlainFolders, path: str, rules: IgnoreRules, config: IndexConfig, scan: FileScan
) -> None:
    if not folders.is_inside(path):
        scan.skip(path.encode("utf-8", "backslashreplace").decode("utf-8"), "outside")
        return
    root = folders.root
    wanted = rules.decide(path)
    if wanted is False or skip.in_tool_folder(path):
        return
    if not _is_clean(path):
        scan.skip(path.encode("utf-8", "backslashreplace").decode("utf-8"), "undecodable")
        return
    try:
        status = os.lstat(root / path)
    except FileNotFoundError:
        return  # deleted, but still known to git
    except (OSError, ValueError):
        scan.skip(path, "unreadable")
        return
    reason = _reason(path, status, config, forced=wanted is True)
    if reason is None:
        scan.files.append(FoundFile(path, status.st_size, status.st_mtime_ns))
    elif reason != "directory":
        scan.skip(path, reason)


def _reason(path: str, status: os.stat_result, config: IndexConfig, *, forced: bool) -> str | None:
    if stat.S_ISDIR(status.st_mode):
        return "directory"
    if stat.S_ISLNK(status.st_mode):
        return "symlink"
    if not stat.S_ISREG(status.st_mode):
        return "special"
    by_name = skip.reason_by_name(path)
    # `!pattern` in .homespunignore brings back what we leave out, but never a secret.
    if by_name is not None and (by_name == "secret" or not forced):
        return by_name
    if status.st_size == 0:
        return "empty"
    return "too-large" if status.st_size > config.max_file_bytes else None


def _is_clean(path: str) -> bool:
    """Tell whether the name is valid Unicode: any other can be neither stored nor shown."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


# --- rules of our own: .homespunignore and the setting `exclude`


def _own_rules(root: Path, config: IndexConfig, scan: FileScan) -> IgnoreRules:
    rules = IgnoreRules([*_lines_of(root / IGNORE_FILE, scan), *config.exclude])
    _note_faults(rules, IGNORE_FILE, scan)
    for line in rules.faults[:_EXAMPLES]:
        scan.note(f"the ignore pattern {line!r} is not valid and has no effect")
    return rules


def _note_faults(rules: IgnoreRules, name: str, scan: FileScan) -> None:
    if rules.left_out:
        scan.note(
            f"{rules.left_out} patterns of {name!r} have no effect: at most {MAX_PATTERNS} are "
            f"read, of at most {MAX_PATTERN_CHARS} characters each; shorten the file"
        )


def _lines_of(path: Path, scan: FileScan) -> list[str]:
    """Return the lines of an ignore file, none where there is no plain file of this name."""
    try:
        begin = read_beginning(path, most_bytes=_MAX_IGNORE_BYTES + 1)
    except OSError:
        return []  # most folders have none
    text = begin.decode("utf-8", "replace")
    if len(text) > _MAX_IGNORE_BYTES:
        scan.note(
            f"{path.name!r} is read up to {_MAX_IGNORE_BYTES} bytes; what follows has no effect"
        )
        text = text[:_MAX_IGNORE_BYTES].rpartition("\n")[0]
    return text.split("\n")


def _tool_made(paths: Iterable[str]) -> frozenset[str]:
    """Folders that hold a marker of a virtual environment or a cache, whatever their name."""
    split = (path.rpartition("/") for path in paths)
    return frozenset(folder for folder, _, name in split if folder and name in skip.TOOL_MARKERS)


def _below_any(path: str, folders: frozenset[str]) -> bool:
    if not folders:
        return False
    parts = path.split("/")
    return any("/".join(parts[:end]) in folders for end in range(1, len(parts)))


# --- the list from git


def _listed_by_git(root: Path, scan: FileScan) -> list[str] | None:
    """Paths that git tracks or would add; None where the tree must be walked instead."""
    around = repository_of(root)
    if around is None:
        scan.notes.append("no git repository: the folder is walked, .gitignore files are honoured")
        return None
    if WORKSPACE_FOLDER in root.relative_to(around).parts:
        scan.notes.append("the folder is ignored by the git repository around it: it is walked")
        return None
    if pipe := _pipe_for_git(root, around):
        scan.notes.append(f"{str(pipe)!r} is no file, git would wait for it: the folder is walked")
        return None
    listed = _list_files(root)
    if listed is None:
        scan.notes.append("git gave no list of files: the folder is walked instead")
        return None
    if not listed and Git(root).ask("check-ignore", "-q", ".") is not None:
        scan.notes.append("the folder is ignored by the git repository around it: it is walked")
        return None
    return list(_with_nested(root, listed))


def _pipe_for_git(root: Path, around: Path) -> Path | None:
    """Return what git would read from and wait for, an ignore file from the folder up, if any."""
    steps = (root, *root.parents)
    asked = [step / ".gitignore" for step in steps[: steps.index(around) + 1]]
    for path in (*asked, around / ".git" / "info" / "exclude"):
        try:
            if not stat.S_ISREG(mode := path.stat().st_mode) and not stat.S_ISDIR(mode):
                return path
        except OSError:
            continue
    return None


def _with_nested(root: Path, listed: bytes) -> Iterator[str]:
    """Yield the listed files; a nested repository or submodule, which git names only, in full."""
    pending = [("", listed)]
    seen = set()
    while pending:
        prefix, names = pending.pop()
        for raw in names.split(b"\0"):
            path = prefix + os.fsdecode(raw).rstrip("/")
            nested = root / path
            if not raw or not _is_repository(nested):
                if raw:
                    yield path
            elif path not in seen and not skip.in_tool_folder(path + "/"):
                seen.add(path)
                pending.append((path + "/", _list_files(nested) or b""))


def _is_repository(path: Path) -> bool:
    try:
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            return False
    except (OSError, ValueError):
        return False
    return (path / ".git").exists()


def _list_files(folder: Path) -> bytes | None:
    """Return what git lists; None where it is missing, refuses or takes too long."""
    try:
        return Git(folder).run(*_LIST_FILES)
    except GitFailed:
        return None


# --- the walk without git


def _walked(root: Path, scan: FileScan) -> Iterator[str]:
    """Yield the paths of all files that no `.gitignore` on the way excludes."""
    pending: list[tuple[str, tuple[_Level, ...]]] = [("", ())]
    while pending:
        folder, levels = pending.pop()
        try:
            with os.scandir(root / folder) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            scan.skip(folder.rstrip("/"), "unreadable")
            continue
        if any(entry.name == ".gitignore" for entry in found):
            levels = (*levels, _Level(folder, _gitignore(root / folder, scan)))
        for entry in found:
            path = folder + entry.name
            if not _is_folder(entry):
                if not _ignored(path, levels):
                    yield path
            elif entry.name not in skip.TOOL_FOLDERS and not _ignored(path + "/", levels):
                pending.append((path + "/", levels))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False) and not is_junction(entry.path)


class _Level(NamedTuple):
    folder: str  # "" or with a final "/"
    rules: IgnoreRules


def _gitignore(folder: Path, scan: FileScan) -> IgnoreRules:
    rules = IgnoreRules(_lines_of(folder / ".gitignore", scan))
    _note_faults(rules, ".gitignore", scan)  # of a fault git says nothing either
    return rules


def _ignored(path: str, levels: tuple[_Level, ...]) -> bool:
    """Ask the levels, deepest first: the first `.gitignore` that says something decides."""
    for level in reversed(levels):
        decision = level.rules.decide(path[len(level.folder) :])
        if decision is not None:
            return decision is False
    return False
