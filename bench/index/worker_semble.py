"""Semble in a process of its own, under the interpreter of its environment.

Its weights stand on a hub that is not always to be had, so its dense side is switched off and costs
nothing. What is measured is its walk, chunks, BM25 and ranking.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from semble.index.create import create_index_from_path
from semble.index.index import SembleIndex
from semble.index.types import PreviousIndex
from semble.search import search
from semble.types import ContentType, SearchResult

from bench.engine.workers.base import memory_mb, serve
from bench.index import worker

_CONTENT = (ContentType.CODE, ContentType.DOCS, ContentType.CONFIG)
_open: dict[str, Any] = {}


class NoVectors:
    """In the place of its static encoder."""

    dim = 1

    def encode(self, texts: list[str], **_: object) -> np.ndarray:
        """Return `(len(texts), 1)` float32."""
        return np.ones((len(texts), 1), np.float32)


class NoDense:
    """In the place of its vector index: finds nothing, at once."""

    def query(self, vectors: np.ndarray, **_: object) -> list[tuple[list[int], list[float]]]:
        """Return no neighbours."""
        return [([], [])]


def _search(query: str, count: int) -> list[SearchResult]:
    """Ask as `SembleIndex.search` does, without the statistics that it writes to the disk."""
    index: SembleIndex = _open["index"]
    return search(query, NoVectors(), NoDense(), index._bm25_index, index.chunks, count, alpha=0.0)


def _made(root: str, previous: PreviousIndex | None) -> SembleIndex:
    model, path = NoVectors(), Path(root)
    bm25, dense, chunks, manifest = create_index_from_path(
        path, model, _CONTENT, display_root=path, previous=previous
    )
    return SembleIndex(
        model, bm25, dense, chunks, "none", root=path, content=_CONTENT, manifest=manifest
    )


def build(root: str) -> dict[str, Any]:
    """Index from nothing, then write it to the disk."""
    began = time.perf_counter()
    index = _made(root, None)
    seconds = {"words": time.perf_counter() - began}
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        index.save(folder)
        seconds["writing to the disk"] = time.perf_counter() - began
        disk = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
    _open["index"] = index
    return {
        "seconds": seconds,
        "files": len(index._manifest),
        "chunks": len(index.chunks),
        "paths": sorted(index._manifest),
        "disk_mb": disk / 1e6,
        "memory_mb": memory_mb(),
    }


def queries(texts: list[str], mode: str) -> dict[str, Any]:
    """Ask each question once to warm up, then once for the time."""
    for text in texts:
        _search(text, 10)
    return {"ms": [worker.timed(lambda t=text: _search(t, 10)) for text in texts]}


def update(root: str, paths: list[str]) -> dict[str, Any]:
    """Change single files; a time ends when a search finds the new function in its file.

    The index in memory is brought up to date, nothing is written to the disk.
    """
    visible = []
    for path in paths:
        if path not in _open["index"]._manifest:
            continue  # it leaves out other files than we do
        with worker.changed(Path(root), path) as name:
            began = time.perf_counter()
            _refresh(root)
            hits = _search(name, 10)
            visible.append((time.perf_counter() - began) * 1000)
            if path not in [hit.chunk.file_path for hit in hits]:
                raise RuntimeError(f"{name!r} in {path!r} is not found")
        _refresh(root)
    return {"ms": visible, "memory_mb": memory_mb()}


def _refresh(root: str) -> None:
    index: SembleIndex = _open["index"]
    previous = PreviousIndex(
        chunks=index.chunks,
        manifest=index._manifest,
        vectors=index._semantic_index.vectors,
        bm25_index=index._bm25_index,
    )
    _open["index"] = _made(root, previous)


if __name__ == "__main__":
    serve({"build": build, "queries": queries, "update": update})
