"""From a model's name to files that other servers take."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from homespun.models.errors import UnsupportedModel
from homespun.models.export.folder import write_folder
from homespun.models.export.gguf_file import write_gguf
from homespun.models.serve import fim_of, float_weights
from homespun.progress import Progress

ExportForm = Literal["safetensors", "gguf"]


def export(name: str, folder: Path, *, form: ExportForm, progress: Progress | None = None) -> Path:
    """Write a model as shipped, its general adapter merged; return the folder or the file.

    Nothing that lies in `folder` already is written over. Raises like
    `homespun.models.serve.float_weights`, and `UnsupportedModel` for what is in the way.
    """
    source, fim = float_weights(name, progress), fim_of(name)
    short = Path(name).name.removesuffix(".gguf")
    file = folder / ("model.safetensors" if form == "safetensors" else f"{short}.gguf")
    if file.exists():
        raise UnsupportedModel(f"{str(file)!r} is there already; remove it or give another folder")
    if form == "safetensors":
        return write_folder(source, folder, fim=fim, progress=progress)
    return write_gguf(source, file, name=short, fim=fim, progress=progress)
