"""Our index in a process of its own; see bench/index/process.py for what the operations answer."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from bench.engine.workers.base import memory_mb, serve
from bench.index import worker
from homespun.indexer.config import IndexConfig
from homespun.indexer.embedding.encoders import open_encoder
from homespun.indexer.index import Index

ENCODER = "homespun-static-1"

_open: dict[str, Any] = {}


def build(root: str) -> dict[str, Any]:
    """Index from nothing: words and symbols, the store's own indexes, vectors; then open again."""
    seconds = {}
    began = time.perf_counter()
    index = Index.open(Path(root), IndexConfig(), create=True)
    report = index.update(care=False)
    seconds["words and symbols"] = time.perf_counter() - began
    began = time.perf_counter()
    index.care()
    seconds["indexes of the store"] = time.perf_counter() - began
    began = time.perf_counter()
    index.use_encoder(open_encoder(ENCODER))
    vectors = index.embed()
    seconds["vectors"] = time.perf_counter() - began
    _open["index"] = index
    paths = index.paths()
    return {
        "seconds": seconds,
        "files": report.files,
        "chunks": report.chunks,
        "symbols": report.symbols,
        "vectors": vectors,
        "paths": paths,
        "disk_mb": index.info().disk_bytes / 1e6,
        "memory_mb": memory_mb(),
    }


def reopen(root: str) -> dict[str, Any]:
    """Open what is on the disk, until a search can be asked."""
    encoder = open_encoder(ENCODER)
    began = time.perf_counter()
    _open["index"] = Index.open(Path(root), IndexConfig(), encoder=encoder)
    return {"seconds": time.perf_counter() - began, "memory_mb": memory_mb()}


def queries(texts: list[str], mode: str) -> dict[str, Any]:
    """Ask each question once to warm up, then once for the time."""
    index: Index = _open["index"]
    for text in texts:
        index.search(text, mode=mode)
    return {"ms": [worker.timed(lambda t=text: index.search(t, mode=mode)) for text in texts]}


def update(root: str, paths: list[str]) -> dict[str, Any]:
    """Change single files; a time ends when a search finds the new function in its file.

    `vectors_ms` is what the vectors of the change take after that.
    """
    index: Index = _open["index"]
    visible, vectors = [], []
    for path in paths:
        with worker.changed(Path(root), path) as name:
            began = time.perf_counter()
            index.update(paths=[path], care=False)
            hits = index.search(name, limit=10, mode="lexical")
            visible.append((time.perf_counter() - began) * 1000)
            if path not in [hit.path for hit in hits]:
                raise RuntimeError(f"{name!r} in {path!r} is not found")
            vectors.append(worker.timed(index.embed))
        index.update(paths=[path], care=False)
    care = worker.timed(index.care)
    return {"ms": visible, "vectors_ms": vectors, "care_ms": care, "memory_mb": memory_mb()}


if __name__ == "__main__":
    serve({"build": build, "reopen": reopen, "queries": queries, "update": update})
