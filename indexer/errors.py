"""Errors of the indexer; every leaf's text says what, which value, what to do.

IndexerError
├── NotADirectory      the path to index is no readable directory
├── IndexMissing       search or completion asked for an index that is not there
├── IndexLocked        another process is writing, and waiting was not wanted or timed out
├── IndexDamaged       the store cannot be read (the writer rebuilds; a reader says so)
├── StoreFull          writing failed: no space, no permission
├── GitFailed          git is missing, refuses, or takes too long
├── PackRefused        a place of packs, or a pack in it, is not what it should be; nothing is taken
├── PackOlder          a pack would go back to an older revision than the one that is offered
├── PointerBroken      what lies at a pointer's place is none
├── PointerMoved       somebody else has published since the pointer was read
├── TableRefused      a table of many repositories, or its list, is not what it should be
├── BadQueries         a file of queries with their answers is not what it should be
└── BadReport          an evaluation's report cannot be read, or not written
"""

from homespun.errors import HomespunError


class IndexerError(HomespunError):
    """Base of everything this room raises on purpose."""


class NotADirectory(IndexerError):
    """The path to index is no readable directory."""


class IndexMissing(IndexerError):
    """There is no index yet."""


class IndexLocked(IndexerError):
    """Another process holds the write lock."""


class IndexDamaged(IndexerError):
    """The store cannot be read."""


class StoreFull(IndexerError):
    """Writing failed: no space left, or no permission."""


class GitFailed(IndexerError):
    """Git is missing, refuses, or takes too long."""


class PackRefused(IndexerError):
    """A place of packs, or a pack in it, is not what it should be."""


class PackOlder(PackRefused):
    """What is offered already is newer than what would be published, or was seen before."""


class PointerBroken(PackRefused):
    """What lies at a pointer's place is none; who publishes puts a whole one there."""


class PointerMoved(IndexerError):
    """A pointer is not as it was when it was read; it was left as it is."""


class TableRefused(IndexerError):
    """A table of many repositories cannot be reached, is none of ours, or its list is wrong."""


class BadQueries(IndexerError):
    """A file of queries is not what it should be."""


class BadReport(IndexerError):
    """An evaluation's report cannot be read, or not written."""
