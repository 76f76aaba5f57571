"""The folder of an adapter that is finished: its files, and the manifest with their hashes.

The manifest is written last and the folder is never changed again. The general adapter that is
shipped and the adapters of a repository have the same form; those of a repository carry this
machine's seal, without which nobody takes them for ours (`models/adapters/registry.py`).
"""

from __future__ import annotations

import hashlib
import json
import re
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from homespun.errors import FolderRefused
from homespun.models.convert.served_form import MANIFEST, file_sha256
from homespun.models.errors import AdapterDamaged
from homespun.models.weights.lora import CONFIG, WEIGHTS
from homespun.parsing import parse_json
from homespun.storage import check_plain, check_without_links, read_bounded, write_private
from homespun.trust import SEAL, has_seal, with_seal

SERVED_FILES = (WEIGHTS, CONFIG)  # what the merged weights are made from
NEEDED = ("base_sha256", "tokenizer_sha256", "prompt_version")  # facts, beside `files`
_PURPOSE = "adapter"  # of the seal; it is bound to no place, a moved repository keeps its adapters
_MAX_MANIFEST_BYTES = 1_000_000
_MAX_FILES = 200
_PLAIN = re.compile(r"[\w.+ -]{1,200}", re.ASCII)


def seal(directory: Path, facts: Mapping[str, object]) -> dict[str, Any]:
    """Hash all files of `directory` and write its manifest, with this machine's seal; return it.

    Its `files` are names relative to the folder, with their sha256. `facts` must say
    `base_sha256`, `tokenizer_sha256` and `prompt_version`; beside them it holds whatever shaped
    the adapter, as JSON. Raises ValueError when one is missing or reserved.
    """
    missing = [name for name in NEEDED if not facts.get(name)]
    if missing or "files" in facts:
        raise ValueError(
            f"the facts of an adapter lack {missing}" if missing else "'files' is ours"
        )
    files = {
        path.relative_to(directory).as_posix(): file_sha256(path)
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path != directory / MANIFEST
    }
    as_read = json.loads(json.dumps({**facts, "files": files}))
    manifest = with_seal(as_read, purpose=_PURPOSE)
    write_private(directory / MANIFEST, json.dumps(manifest, indent=1, sort_keys=True) + "\n")
    return manifest


def is_ours(manifest: Mapping[str, Any]) -> bool:
    """Tell whether a manifest is as this machine wrote it."""
    return has_seal(manifest, purpose=_PURPOSE)


def identity_of(manifest: Mapping[str, Any]) -> str:
    """Return the sha256 of a manifest, and by the hashes in it of the adapter's files."""
    content = {name: value for name, value in manifest.items() if name != SEAL}
    return hashlib.sha256(identified_bytes(content)).hexdigest()


def identified_bytes(manifest: Mapping[str, Any]) -> bytes:
    """Return what the identity of a manifest without a seal is the sha256 of."""
    return json.dumps(manifest, sort_keys=True).encode()


def read_finished(directory: Path) -> dict[str, Any]:
    """Return the manifest of a workspace's adapter; hashes nothing, and asks not whose it is.

    Raises `AdapterDamaged` where it cannot be read or lacks a fact, and for a folder that is a
    link, holds one, or lists a file outside of itself.
    """
    try:
        check_plain(directory)
        check_without_links(directory)
    except (FolderRefused, OSError) as error:
        raise AdapterDamaged(str(error)) from error
    return _read(directory, NEEDED, follow_links=False)


def read_shipped(directory: Path) -> dict[str, Any]:
    """Return the manifest of an adapter that is part of the package; raises like `read_finished`.

    It may be another user's, and a link: that is how packages are installed.
    """
    # The hash of the base weights stands for the tokenizer as well: it is in the same file.
    return _read(directory, ("base_sha256", "prompt_version"), follow_links=True)


def check_finished(
    directory: Path, manifest: Mapping[str, Any], *, names: Iterable[str] | None = None
) -> None:
    """Hash the files that the manifest lists, or only `names` of them. Raises `AdapterDamaged`."""
    files = manifest["files"]
    for name in files if names is None else names:
        path, wanted = directory / name, files[name]
        try:
            found = _sha256(path)
        except OSError as error:
            raise AdapterDamaged(
                f"{str(path)!r} cannot be read ({error.strerror or error}), but the adapter's "
                "manifest lists it"
            ) from error
        if found != wanted:
            raise AdapterDamaged(f"{str(path)!r} is damaged: its sha256 is {found}, not {wanted}")


def weights_digest(manifest: Mapping[str, Any]) -> str:
    """Return one sha256 for what an adapter does to the weights: factors and configuration."""
    return _digest(manifest["files"][name] for name in SERVED_FILES)


def draft_digest(directory: Path) -> str:
    """Return the digest that an unfinished adapter's folder would have. Raises `AdapterDamaged`."""
    try:
        return _digest(file_sha256(directory / name) for name in SERVED_FILES)
    except OSError as error:
        raise AdapterDamaged(
            f"{str(directory)!r} is no adapter ({error}); it needs {' and '.join(SERVED_FILES)}"
        ) from error


def _digest(hashes: Iterable[str]) -> str:
    return hashlib.sha256(b"".join(bytes.fromhex(value) for value in hashes)).hexdigest()


def _read(directory: Path, needed: Iterable[str], *, follow_links: bool) -> dict[str, Any]:
    path = directory / MANIFEST
    try:
        data = read_bounded(path, max_bytes=_MAX_MANIFEST_BYTES, follow_links=follow_links)
        manifest = parse_json(data)
        for name in needed:
            manifest[name]
        files = manifest["files"]
        _check_names(files)
        for name in SERVED_FILES:
            bytes.fromhex(files[name])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise AdapterDamaged(
            f"{str(path)!r} is not a readable manifest of an adapter ({error!r}); "
            "without it nothing says what the adapter was made for"
        ) from error
    return dict(manifest)


def _sha256(path: Path) -> str:
    if not stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for
        raise OSError(f"{str(path)!r} is no regular file")
    return file_sha256(path)


def _check_names(files: Mapping[str, Any]) -> None:
    """Raise `ValueError` for a name that is no plain one below the adapter's folder."""
    if len(files) > _MAX_FILES:
        raise ValueError(f"it lists {len(files)} files, more than {_MAX_FILES}")
    for name, sha256 in files.items():
        parts = name.split("/")
        if not all(_PLAIN.fullmatch(part) and part.strip(". ") for part in parts):
            raise ValueError(f"{name[:200]!r} is no plain name of a file")
        if not isinstance(sha256, str):
            raise ValueError(f"the hash of {name!r} is no text")
