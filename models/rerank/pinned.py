"""The files of a cross-encoder, and that they stay what they were when the user chose them.

    rerankers.json    {"folders": {PATH: SHA256}}, sealed, in the user's state folder

Native code reads the graph, so a file that somebody else has put in its place is not loaded.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from homespun import paths
from homespun.errors import in_words
from homespun.locks import lock_file
from homespun.models.errors import ModelDamaged, ModelMissing, WrongHash
from homespun.parsing import read_json
from homespun.storage import make_private_folder, write_private, writing
from homespun.trust import has_seal, with_seal

logger = logging.getLogger(__name__)

_GRAPHS = ("model.onnx", "onnx/model.onnx")
_TOKENIZER = "tokenizer.json"
_NOT_LOADED = (".md", ".gitattributes", ".gitignore")
_MAX_FILES = 100
_PURPOSE = "cross-encoders of the user"
_MAX_BYTES = 1_000_000
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class CrossEncoderFiles:
    """What of a folder is loaded."""

    folder: Path
    graph: Path
    tokenizer: Path
    sha256: str  # of all that may be loaded


def files_of(folder: Path) -> CrossEncoderFiles:
    """Find the files of a folder and hash them. Raises `ModelMissing`, `ModelDamaged`."""
    folder = folder.resolve()
    graph = next((folder / name for name in _GRAPHS if (folder / name).is_file()), None)
    tokenizer = folder / _TOKENIZER
    if graph is None or not tokenizer.is_file():
        raise ModelMissing(
            f"search.reranker is the folder {str(folder)!r}, which lacks {_GRAPHS[0]} or "
            f"{_TOKENIZER}; put a cross-encoder there, as `optimum-cli export onnx` writes it"
        )
    try:
        digest = _sha256([*_beside(graph), tokenizer])
    except OSError as error:
        raise ModelDamaged(f"{str(folder)!r} cannot be read: {in_words(error)}") from error
    return CrossEncoderFiles(folder, graph, tokenizer, digest)


def check(files: CrossEncoderFiles, wanted: str, *, say: Callable[[str], None]) -> None:
    """Raise `WrongHash` unless the files are `wanted`, or, where that is empty, as at first use."""
    where = str(files.folder)
    if wanted:
        if wanted.lower() != files.sha256:
            raise WrongHash(
                f"the cross-encoder in {where!r} has the sha256 {files.sha256}, and "
                f"search.reranker_sha256 is {wanted!r}; it is not loaded"
            )
        return
    path = paths.state_home() / "rerankers.json"
    with writing(path.parent):
        make_private_folder(path.parent)
        with lock_file(path.with_suffix(".lock")):
            known = _known(path)
            if where not in known:
                body = with_seal({"folders": {**known, where: files.sha256}}, purpose=_PURPOSE)
                write_private(path, json.dumps(body, indent=1, sort_keys=True) + "\n")
                say(f"the cross-encoder in {where!r} is used from now on: sha256 {files.sha256}")
                return
    if known[where] != files.sha256:
        raise WrongHash(
            f"the cross-encoder in {where!r} is not the one of its first use: its sha256 is "
            f"{files.sha256}, it was {known[where]}; if it was you who changed it, set "
            "search.reranker_sha256 to the first"
        )


def _beside(graph: Path) -> list[Path]:
    """Return all that a graph may read its weights from: what lies in its folder."""
    found = [path for path in graph.parent.rglob("*") if path.is_file()]
    loaded = sorted(path for path in found if not path.name.endswith(_NOT_LOADED))
    if len(loaded) > _MAX_FILES:
        raise ModelDamaged(
            f"{str(graph.parent)!r} holds {len(loaded)} files; give a cross-encoder a folder of "
            f"its own, with at most {_MAX_FILES}"
        )
    return loaded


def _known(path: Path) -> dict[str, str]:
    try:
        body = read_json(path, max_bytes=_MAX_BYTES)
        if not isinstance(body, dict) or not has_seal(body, purpose=_PURPOSE):
            raise ValueError("it has not our seal")
        return {str(where): str(digest) for where, digest in body["folders"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise ModelDamaged(
            f"{str(path)!r}, which says what cross-encoders were at their first use, cannot be "
            f"believed ({error}); delete it, or set search.reranker_sha256"
        ) from error


def _sha256(files: list[Path]) -> str:
    """Return one hash of some files: their names, their sizes and their bytes."""
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                digest.update(chunk)
    return digest.hexdigest()
