"""A repository's history, as training and evaluation read it.

    with Repository.open(folder) as repository:
        windows = repository.windows(until="2025-06-30")
        for commit in windows.test:
            for path, ranges in commit.added.items():
                text = repository.file_at(commit.id, path)
                parent = repository.file_at(commit.parent, commit.parent_path(path))

Commits are those of the first-parent history of what is checked out, oldest first; their order is
the order that counts, whatever their dates say. Paths are relative to the folder that was opened,
with "/"; lines are 1-based and inclusive at both ends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import TracebackType

from homespun.indexer.scan.decode import decode
from homespun.indexer.scan.git import Blobs, Git
from homespun.indexer.types import Skipped
from homespun.training.errors import HistoryUnreadable
from homespun.training.history.commits import (
    Commit,
    Entry,
    TreeFile,
    Windows,
    day_of,
    is_merge_history,
    reverts,
    timestamp,
    usable,
)
from homespun.training.history.diffs import (
    CommitChanges,
    FileChange,
    Hunk,
    Ranges,
    read_differences,
)
from homespun.training.history.formatting import is_only_format

__all__ = ["Commit", "FileChange", "Hunk", "Ranges", "Repository", "TreeFile", "Windows"]

MAX_FILES = 50  # of a commit that people wrote by hand
_MAX_COMMITS = 5_000  # the newest; older code has been rewritten since
_FIELDS = ("%H", "%P", "%T", "%ct", "%s", "%b")
_FORMAT = "%x1f".join(_FIELDS) + "%x1e"
_DIFF = (
    "diff-tree --stdin -r -p -U0 -M --root --full-index --no-prefix --no-color --no-ext-diff "
    "--no-textconv --inter-hunk-context=0 --ignore-submodules=all"
).split()


class Repository:
    """Reads one repository; nothing in it is changed or executed."""

    def __init__(self, folder: Path, git: Git, prefix: str, head: str) -> None:
        """Use `open`."""
        self.folder = folder
        self.head = head  # the commit that is checked out
        self._git = git
        self._prefix = prefix  # of the folder in the work tree, "" or with a final "/"

    @classmethod
    def open(cls, folder: Path | str) -> Repository:
        """Open the repository that a folder belongs to; only what lies below the folder is seen.

        Raises `HistoryUnreadable` where there is none, no git, no commit, or nothing committed in
        the folder.
        """
        folder = Path(folder).resolve()
        if not folder.is_dir():
            raise HistoryUnreadable(f"{str(folder)!r} is no folder; give that of a repository")
        git = Git(folder, failure=HistoryUnreadable)
        git.run("rev-parse", "--git-dir")
        prefix = git.run("rev-parse", "--show-prefix").decode("utf-8", "surrogateescape")
        head = git.ask("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        if head is None:
            raise HistoryUnreadable(f"the repository of {str(folder)!r} has no commit yet")
        found = cls(folder, git, prefix.rstrip("\n"), head)
        if git.ask("cat-file", "-e", found._name(head, "")) is None:
            raise HistoryUnreadable(f"nothing in {str(folder)!r} is committed")
        return found

    def close(self) -> None:
        """End the reader of objects; it starts again when it is asked."""
        blobs = self.__dict__.pop("_blobs", None)
        if blobs is not None:
            blobs.close()

    def __enter__(self) -> Repository:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    @property
    def name(self) -> str:
        """The folder's name, without the ".git" of a bare repository."""
        return self.folder.name.removesuffix(".git")

    @property
    def is_shallow(self) -> bool:
        """Tell whether the clone's history is cut off."""
        return self._git.ask("rev-parse", "--is-shallow-repository") == "true"

    # Files

    @cached_property
    def _blobs(self) -> Blobs:
        return self._git.blobs()

    def blob(self, name: str) -> bytes | None:
        """Return the bytes of an object by its ID; None where it is missing."""
        return self._blobs.read(name)

    def source_at(self, revision: str, path: str) -> bytes | None:
        """Return a file's bytes; None where it is missing."""
        return self._blobs.read(self._name(revision, path)) if revision and path else None

    def file_at(self, revision: str, path: str) -> str | None:
        r"""Return a file's text with `\n` line ends; None where it is missing or no text."""
        source = self.source_at(revision, path)
        text = None if source is None else decode(source)
        return None if isinstance(text, Skipped) else text

    def files(self, revision: str) -> list[TreeFile]:
        """List the tree of a revision, sorted by path; links and submodules too."""
        tree = self._name(revision, "") if self._prefix else f"{revision}^{{tree}}"
        found = []
        listed = self._git.run("ls-tree", "-r", "-z", "-l", "--full-tree", tree)
        for row in listed.split(b"\0")[:-1]:
            facts, _, path = row.partition(b"\t")
            mode, _, blob, size = facts.decode("ascii").split()
            bytes_ = int(size) if size.isdigit() else -1
            found.append(TreeFile(path.decode("utf-8", "surrogateescape"), mode, blob, bytes_))
        return sorted(found)

    def changed_between(self, old: str, new: str) -> list[tuple[str, str, str]]:
        """Return (path, mode, blob) of what differs in `new`; mode and blob are "" if deleted."""
        trees = [self._name(rev, "") if self._prefix else f"{rev}^{{tree}}" for rev in (old, new)]
        listed = self._git.run("diff-tree", "-r", "--raw", "-z", "--no-renames", *trees)
        parts = listed.split(b"\0")[:-1]
        found = []
        for facts, path in zip(parts[::2], parts[1::2], strict=True):
            _, mode, _, blob, status = facts.decode("ascii").lstrip(":").split()
            name = path.decode("utf-8", "surrogateescape")
            found.append((name, "", "") if status == "D" else (name, mode, blob))
        return found

    def _name(self, revision: str, path: str) -> str:
        return f"{revision}:{self._prefix}{path}"

    # Commits

    def resolve(self, until: str) -> str:
        """Return the commit of a revision or date: the last of this history up to that day's end.

        A date is "2025-06-30" or with a time, UTC unless it says otherwise. Where dates are in odd
        order the nearest commit to the tip counts, with everything before it.
        """
        commit = self._git.ask(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{until}^{{commit}}"
        )
        if commit is not None:
            return commit
        last = timestamp(until)
        if last is None:
            raise HistoryUnreadable(
                f"{until!r} is neither a revision of {str(self.folder)!r} nor a date: give a "
                "commit, a tag, a branch, or a day such as 2025-06-30"
            )
        for entry in self._entries(self.head):
            if entry.date <= last:
                return entry.id
        raise HistoryUnreadable(
            f"nothing was committed up to {until!r}: give a later day or a revision"
        )

    def authors(self, *, most: int = _MAX_COMMITS) -> list[tuple[str, int]]:
        """Return (address of the author, date) of the first-parent history, newest first."""
        limit = f"--max-count={most}"
        form = "--format=%ae%x1f%ct"
        listed = self._git.run("log", "--first-parent", "-z", limit, form, self.head, "--")
        rows = (row.rpartition("\x1f") for row in listed.decode("utf-8", "replace").split("\0"))
        return [(who.lower(), int(date)) for who, _, date in rows if date]

    def ancestors(self, revision: str) -> frozenset[str]:
        """Return the IDs of everything that was there when a commit was made, itself included."""
        return frozenset(self._git.run("rev-list", revision, "--").decode("ascii").split())

    def commits(
        self, *, until: str | None = None, since: str | None = None, most: int = _MAX_COMMITS
    ) -> list[Commit]:
        """Return the first-parent history behind `since` and up to `until`, oldest first.

        Every commit is in it, those that are no examples with their `reason`. Of a longer history
        the newest `most` are read.
        """
        tip = self.head if until is None else self.resolve(until)
        excluded = [f"^{self.resolve(since)}"] if since is not None else []
        entries = self._entries(tip, *excluded, most=most)[::-1]
        return self._commits(entries, uses_merges=is_merge_history(entries))

    def windows(
        self,
        *,
        until: str | None = None,
        test_share: float = 0.0,
        validation_share: float = 0.1,
        most_validation: int = 200,
        most: int = _MAX_COMMITS,
    ) -> Windows:
        """Cut the history in training, validation and test by its order.

        The cut-off is `until` (a revision or a date); without it `test_share` of the commits stay
        behind it. Validation is the last `validation_share` of the commits up to the cut-off, at
        most `most_validation`.
        """
        before, after = self._split(until, test_share, most)
        uses_merges = is_merge_history([*before, *after])
        known = self._commits(before, uses_merges=uses_merges)
        later = self._commits(after, uses_merges=uses_merges)
        held = min(round(validation_share * len(known)), most_validation, len(known) - 1)
        if validation_share > 0 and held == 0 and len(known) > 1:
            held = 1
        train, validation = known[: len(known) - held], known[len(known) - held :]
        dropped = Counter(commit.reason for commit in (*known, *later) if commit.reason)
        return Windows(
            train=usable(train),
            validation=usable(validation),
            test=usable(later),
            tree=train[-1].id,
            tree_date=train[-1].date,
            cutoff=known[-1].id,
            cutoff_date=known[-1].date,
            tip=(later or known)[-1].id,
            dropped=dict(dropped),
            notes=tuple(self._notes(before, after, uses_merges=uses_merges)),
        )

    def _split(
        self, until: str | None, test_share: float, most: int
    ) -> tuple[list[Entry], list[Entry]]:
        if until is not None:
            cutoff = self.resolve(until)
            after = self._entries(self.head, f"^{cutoff}")[::-1]
            return self._entries(cutoff, most=most)[::-1], after
        entries = self._entries(self.head, most=most)[::-1]
        kept = max(1, len(entries) - round(test_share * len(entries)))
        return entries[:kept], entries[kept:]

    def _notes(
        self, before: Sequence[Entry], after: Sequence[Entry], *, uses_merges: bool
    ) -> list[str]:
        notes = []
        if self.is_shallow:
            notes.append(
                f"the clone is shallow: only {len(before) + len(after)} commits are here; "
                "`git fetch --unshallow` gets the rest"
            )
        if uses_merges:
            notes.append(
                "most commits are merges: each is read as one change, against its first parent"
            )
        if not after:
            day = day_of(before[-1].date)
            notes.append(
                f"nothing was committed after the cut-off {before[-1].id[:12]} ({day}): there is "
                "nothing to judge an adapter on; give an earlier one with --until"
            )
        dates = [entry.date for entry in (*before, *after)]
        odd = sum(later < earlier for earlier, later in zip(dates, dates[1:], strict=False))
        if odd:
            notes.append(f"{odd} commits are dated before their parents: the order decides")
        return notes

    def _entries(self, *revisions: str, most: int = -1) -> list[Entry]:
        """Return the first-parent history, newest first."""
        limit = [f"--max-count={most}"] if most >= 0 else []
        listed = self._git.run(
            "log", "--first-parent", "-z", *limit, f"--format={_FORMAT}", *revisions, "--"
        )
        found = []
        for row in listed.decode("utf-8", "replace").split("\x1e"):
            parts = row.lstrip("\0\n").split("\x1f")
            if len(parts) == len(_FIELDS):
                commit, parents, tree, date, subject, body = parts
                found.append(Entry(commit, tuple(parents.split()), tree, int(date), subject, body))
        return found

    def _commits(self, entries: Sequence[Entry], *, uses_merges: bool) -> list[Commit]:
        differences = self._differences(entries)
        taken_back = reverts(entries)
        boundary = self._shallow_boundary()
        found = []
        for entry in entries:
            reason = ""
            if entry.id in boundary:
                reason = "shallow"  # everything looks new in it
            elif len(entry.parents) > 1 and not uses_merges:
                reason = "merge"
            elif entry.id in taken_back:
                reason = taken_back[entry.id]
            found.append(self._commit(entry, differences.get(entry.id), reason))
        return found

    def _commit(self, entry: Entry, difference: CommitChanges | None, reason: str) -> Commit:
        commit = Commit(
            id=entry.id,
            parent=entry.parents[0] if entry.parents else "",
            date=entry.date,
            is_merge=len(entry.parents) > 1,
            subject=entry.subject,
            changes=() if difference is None else tuple(difference.changes),
            files=0 if difference is None else difference.files,
            reason=reason,
        )
        if reason:
            return commit
        if difference is None:
            return replace(commit, reason="unreadable")
        if difference.files > MAX_FILES:
            return replace(commit, reason="huge")
        if difference.may_be_format and self._is_format(commit):
            return replace(commit, reason="format")
        return commit if commit.added else replace(commit, reason="nothing-added")

    def _is_format(self, commit: Commit) -> bool:
        return all(
            is_only_format(
                change.path,
                self.file_at(commit.parent, change.old_path),
                self.file_at(commit.id, change.path),
            )
            for change in commit.changes
            if change.hunks
        )

    def _differences(self, entries: Sequence[Entry]) -> dict[str, CommitChanges]:
        """Return what each commit did against its first parent; none for what is unreadable.

        Git stops at the first object that is missing: that commit is left out, the rest goes on.
        """
        found: dict[str, CommitChanges] = {}
        rest = list(entries)
        while rest:
            read, ended = self._read(rest, found)
            if ended:
                break
            # Where git stopped before it named the commit, it was the next one that it missed.
            self._read(rest[read : read + 1], found)
            rest = rest[read + 1 :]
        return found

    def _read(self, entries: Sequence[Entry], found: dict[str, CommitChanges]) -> tuple[int, bool]:
        """Add differences to `found`; return how many are sure, and whether git came to the end."""
        relative = [f"--relative={self._prefix}"] if self._prefix else []
        feed = "".join(f"{' '.join([entry.id, *entry.parents[:1]])}\n" for entry in entries)
        read = 0
        try:
            with self._git.lines(*_DIFF, "--always", *relative, feed=feed.encode()) as lines:
                for difference in read_differences(lines):
                    found[difference.commit] = difference
                    read += 1
        except HistoryUnreadable:
            return read, False
        return read, True

    def _shallow_boundary(self) -> frozenset[str]:
        if not self.is_shallow:
            return frozenset()
        path = self._git.ask("rev-parse", "--git-path", "shallow")
        try:
            return frozenset((self.folder / (path or "")).read_text(encoding="ascii").split())
        except OSError as error:
            raise HistoryUnreadable(f"the list of the shallow clone's ends: {error}") from error
