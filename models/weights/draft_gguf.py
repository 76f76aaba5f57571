"""EDGE gguf: writing a GGUF file, which is there only once it is whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from homespun.storage import replace


@contextmanager
def gguf_file(path: Path, architecture: str) -> Iterator[Any]:
    """Yield the library's writer; what it was given stands at `path` at the end of the block.

    The folder has to be there. Where the block raises, `path` is as it was.
    """
    import gguf

    # The library opens by name: in a folder of a drawn name nobody has put a link before.
    with TemporaryDirectory(dir=path.parent, prefix=".gguf-") as drafts:
        draft = Path(drafts) / path.name
        writer: Any = gguf.GGUFWriter(str(draft), architecture)
        try:
            yield writer
            writer.write_header_to_file()
            writer.write_kv_data_to_file()
            writer.write_tensors_to_file()
        finally:
            writer.close()
        replace(draft, path)
