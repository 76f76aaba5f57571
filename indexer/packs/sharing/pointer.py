"""The one object of a repository that changes: which pack is the newest, and of which revision.

It is moved last, under a condition: an upload that broke off is never seen. What it says is a
stranger's word: every field is looked at, and what is unknown is left aside.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import Any

from homespun.errors import in_words
from homespun.indexer.config import CHUNKER_VERSION
from homespun.indexer.errors import PackRefused, PointerBroken
from homespun.indexer.packs.file import PACK_FORMAT
from homespun.indexer.packs.names import is_revision
from homespun.indexer.words.tokens import WORDS_VERSION
from homespun.parsing import parse_json

CURRENT = "current"
MAX_POINTER_BYTES = 64_000
MAX_BEFORE = 200  # packs that were named before, of which it keeps note
_SHA256 = re.compile(r"[0-9a-f]{64}")
_LAST_TIME = 1 << 40  # seconds: no clock says more


@dataclass(frozen=True, slots=True)
class PackPointer:
    """What is offered of a repository; times are seconds since 1970."""

    repo: str
    revision: str  # the commit
    time: int  # when that was committed; of a gone repository, when it was said to be gone
    pack: str = ""  # sha256 of its bytes, "" where the repository is gone
    what: str = "definitions"
    rows: int = 0
    published: int = 0
    before: dict[str, int] = field(default_factory=dict)  # pack -> when it ceased to be named

    @property
    def is_gone(self) -> bool:
        """Whether the repository is no more."""
        return not self.pack

    def followed_by(self, other: PackPointer) -> PackPointer:
        """Return `other` with a note of what this one named."""
        before = dict(self.before)
        if self.pack and self.pack != other.pack:
            before[self.pack] = other.published
        before.pop(other.pack, None)
        newest = sorted(before.items(), key=lambda item: -item[1])[:MAX_BEFORE]
        return replace(other, before=dict(newest))

    def to_bytes(self) -> bytes:
        """Return what lies at the place."""
        body: dict[str, object] = {
            "format": PACK_FORMAT,
            "repo": self.repo,
            "revision": self.revision,
            "time": self.time,
            "published": self.published,
            "before": self.before,
        }
        if self.is_gone:
            body["gone"] = True
        else:
            body |= {"pack": self.pack, "what": self.what, "rows": self.rows}
            body |= {"chunker": CHUNKER_VERSION, "tokenizer": WORDS_VERSION}
        return json.dumps(body, indent=1, sort_keys=True).encode() + b"\n"


def read_pointer(data: bytes, repo: str) -> PackPointer:
    """Return what a pointer says of a repository.

    Raises `PackRefused` where another version made it, `PointerBroken` where none did.
    """
    try:
        return _read(parse_json(data), repo)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        said = f"{error} is missing" if isinstance(error, KeyError) else in_words(error)
        raise PointerBroken(
            f"what is offered of {repo!r} cannot be believed ({said}); have it published again"
        ) from error


def is_pack(name: str) -> bool:
    """Tell whether this may be a pack's name: the sha256 of its bytes, in hexadecimal."""
    return _SHA256.fullmatch(name) is not None


def is_of_these_versions(data: bytes) -> bool:
    """Tell whether what a pointer names was made as this version makes it."""
    try:
        body = parse_json(data)
        found = (body["format"], body["chunker"], body["tokenizer"])
    except (ValueError, KeyError, TypeError):
        return False
    return found == (PACK_FORMAT, CHUNKER_VERSION, WORDS_VERSION)


def _read(body: dict[str, Any], repo: str) -> PackPointer:
    if body["format"] != PACK_FORMAT:
        raise PackRefused(
            f"what is offered of {repo!r} has the format {str(body['format'])[:20]!r}, this "
            f"version reads {PACK_FORMAT}; bring the older of the two homespuns up to date"
        )
    if body["repo"] != repo:
        raise ValueError("it is of another repository")
    if not is_revision(body["revision"]):
        raise ValueError("its revision is none")
    is_gone = body.get("gone", False) is True
    before = body.get("before", {})
    return PackPointer(
        repo=repo,
        revision=body["revision"],
        time=_number(body["time"], _LAST_TIME),
        pack="" if is_gone else _hash(body["pack"]),
        what="chunks" if body.get("what") == "chunks" else "definitions",
        rows=0 if is_gone else _number(body.get("rows", 0), _LAST_TIME),
        published=_number(body.get("published", 0), _LAST_TIME),
        before={_hash(name): _number(when, _LAST_TIME) for name, when in before.items()},
    )


def _number(value: object, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError("a number in it is none")
    return value


def _hash(value: object) -> str:
    if not isinstance(value, str) or not is_pack(value):
        raise ValueError("it names no pack")
    return value
