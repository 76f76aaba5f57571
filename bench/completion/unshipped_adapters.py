"""General adapters that are not shipped: opened in place of the shipped one, then cleared away."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from homespun.models.adapters import shipped as general_adapter
from homespun.models.types import Generator
from homespun.progress import Progress
from homespun.stats import Estimate
from homespun.training.evaluation.served_model import open_model
from homespun.training.pipeline.register import drop_served

_FILES = ("adapter_config.json", "adapter_model.safetensors")


def copied(adapter: Path, folder: Path) -> Path:
    """Copy an adapter without its manifest into a new folder; return that folder."""
    folder.mkdir()
    for name in _FILES:
        shutil.copyfile(adapter / name, folder / name)
    return folder


@contextmanager
def opened(
    model: str, adapter: Path, *, context_tokens: int, progress: Progress | None = None
) -> Iterator[Generator]:
    """Open the original weights of a model with the adapter of a folder, and nothing else.

    What was served is deleted at the end: it is as large as the model.
    """
    with tempfile.TemporaryDirectory() as temporary:
        scratch = Path(temporary)
        copy = copied(adapter, scratch / "adapter")
        with _nothing_shipped(scratch):
            generator = open_model(
                model, copy, workspace=scratch, context_tokens=context_tokens, progress=progress
            ).generator
        try:
            yield generator
        finally:
            with _nothing_shipped(scratch):
                drop_served(model, scratch, copy)


def difference_cell(difference: Estimate) -> str:
    """Return a difference with its interval, as the tables show it."""
    return f"{difference.mean:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}]"


@contextmanager
def _nothing_shipped(scratch: Path) -> Iterator[None]:
    shipped = general_adapter.folder
    general_adapter.folder = lambda: scratch / "none"
    try:
        yield
    finally:
        general_adapter.folder = shipped
