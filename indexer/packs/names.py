"""What a repository, a place of packs and a file of another repository are called.

A repository is "acme/auth". A file of it is "acme/auth@1a2b3c:src/auth/token.py" (*a foreign
path*): no path of one's own repository, so the two are never mixed up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from urllib.parse import urlsplit
from urllib.request import url2pathname

from homespun.indexer.errors import PackRefused

BUCKETS = ("s3", "gs", "az")
MAX_NAME_CHARS = 200
MAX_PARTS = 5  # of a name: groups of groups
REVISION_CHARS = 6  # of a revision, as it is shown
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_REVISION = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_FOREIGN = re.compile(r"(?P<label>[A-Za-z0-9._/-]+@[0-9a-f]{6}):(?P<path>.+)", re.DOTALL)


def check_repo(name: str) -> str:
    """Return a repository's name as it is. Raises `PackRefused` where it is none."""
    if not is_repo(name):
        raise PackRefused(
            f"{name[:MAX_NAME_CHARS]!r} is no name of a repository; give one such as acme/auth, of "
            "letters, digits, '.', '_' and '-'"
        )
    return name


def is_repo(name: str) -> bool:
    """Tell whether a text names a repository; such a name is a safe path as well."""
    parts = name.split("/")
    is_short = len(name) <= MAX_NAME_CHARS and len(parts) <= MAX_PARTS
    return is_short and all(_PART.fullmatch(part) for part in parts)


def is_revision(text: object) -> bool:
    """Tell whether a value is a commit's full hash, in hex."""
    return isinstance(text, str) and _REVISION.fullmatch(text) is not None


def label_of(repo: str, revision: str) -> str:
    """Return what the files of another repository are called by here, before the colon."""
    return f"{repo}@{revision[:REVISION_CHARS]}"


def is_foreign(path: str) -> bool:
    """Tell whether a path is of another repository."""
    return _FOREIGN.fullmatch(path) is not None


def scheme_of(root: str) -> str:
    """Return "file", "s3", "gs" or "az" for the address of a place. Raises `PackRefused`."""
    if "://" not in root:
        return "file"
    address = urlsplit(root)
    if "@" in address.netloc or address.query or address.fragment:
        raise PackRefused(
            "the address of the place of packs holds a user, a query or a fragment; give the plain "
            "address, and the credentials by the environment"
        )
    if address.scheme == "file" and address.netloc in ("", "localhost"):
        return "file"
    if address.scheme in BUCKETS and address.netloc:
        return address.scheme
    raise PackRefused(
        f"{root!r} is no place for packs; give a folder, file://, "
        + ", ".join(f"{scheme}://" for scheme in BUCKETS)
    )


def folder_path(root: str) -> str:
    """Return the path of a place that is a folder."""
    return url2pathname(urlsplit(root).path) if "://" in root else root


def chosen(names: Iterable[str], offered: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the repositories to use, each once, and a sentence on each that is not taken.

    `offered` are patterns ("acme/*"): what the user lets a workspace name.
    """
    taken, refused = [], []
    for name in dict.fromkeys(names):
        if not is_repo(name):
            refused.append(f"sibling {name[:80]!r} is ignored: it is no name such as acme/auth")
        elif not any(fnmatchcase(name, pattern) for pattern in offered):
            refused.append(
                f"sibling {name!r} is ignored: the user's setting index.siblings_offered lets "
                "nobody name it"
            )
        else:
            taken.append(name)
    return taken, refused
