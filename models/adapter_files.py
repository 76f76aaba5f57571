"""The folder of an adapter that is finished: its files, and the manifest with their hashes.

The manifest is written last and the folder is never changed again. The general adapter that is
shipped and the adapters of a repository have the same form.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from homespun.models.errors import AdapterDamaged
from homespun.models.lora import CONFIG, WEIGHTS
from homespun.models.served_form import MANIFEST, file_sha256
from homespun.models.storage import write_private

SERVED_FILES = (WEIGHTS, CONFIG)  # what the merged weights are made from
NEEDED = ("base_sha256", "tokenizer_sha256", "prompt_version")  # facts, beside `files`


def seal(directory: Path, facts: Mapping[str, object]) -> dict[str, Any]:
    """Hash all files of `directory` and write its manifest with `facts`; return the manifest.

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
    manifest = {**facts, "files": files}
    text = json.dumps(manifest, indent=1, sort_keys=True)
    write_private(directory / MANIFEST, text + "\n")
    return manifest


def read_sealed(directory: Path, *, needed: Iterable[str] = NEEDED) -> dict[str, Any]:
    """Return the manifest of a finished adapter; hashes nothing.

    Raises `AdapterDamaged` where it cannot be read or lacks a fact that is `needed`.
    """
    path = directory / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        for name in needed:
            manifest[name]
        for name in SERVED_FILES:
            bytes.fromhex(manifest["files"][name])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AdapterDamaged(
            f"{str(path)!r} is not a readable manifest of an adapter ({error!r}); "
            "without it nothing says what the adapter was made for"
        ) from error
    return dict(manifest)


def check_sealed(
    directory: Path, manifest: Mapping[str, Any], *, names: Iterable[str] | None = None
) -> None:
    """Hash the files that the manifest lists, or only `names` of them. Raises `AdapterDamaged`."""
    files = manifest["files"]
    for name in files if names is None else names:
        path, wanted = directory / name, files[name]
        try:
            found = file_sha256(path)
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
