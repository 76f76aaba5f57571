"""Whether the folder's index is there, whole and of this version, and has vectors."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from homespun.cli.doctor.checks.finding import Finding, Patient, Problem, megabytes
from homespun.errors import FolderRefused
from homespun.indexer.config import CHUNKER_VERSION, IndexConfig
from homespun.indexer.errors import IndexDamaged, IndexLocked, IndexMissing, NotADirectory
from homespun.indexer.storage import manifest
from homespun.indexer.words.tokens import WORDS_VERSION
from homespun.models.errors import ModelsError
from homespun.models.remote.vectors.encoder_name import is_address
from homespun.paths import WORKSPACE_FOLDER
from homespun.settings import resolve
from homespun.storage import check_workspace_folder

if TYPE_CHECKING:
    from homespun.indexer.index import Index

_NAMED_LICENCES = 3
_WAIT_SECONDS = 0.5  # for somebody who writes meanwhile


def check_index(patient: Patient) -> Finding:
    """Open the index as a search does; everything of it is read, nothing is written."""
    config = resolve(IndexConfig, "index", workspace=patient.workspace).value
    config = replace(config, lock_wait_seconds=min(config.lock_wait_seconds, _WAIT_SECONDS))
    facts: dict[str, object] = {"root": str(patient.folder), "versions": _versions()}
    try:
        index = _opened(patient, config)
    except NotADirectory as error:
        return Finding("no folder", facts, (Problem(str(error), "homespun doctor DIR"),))
    except IndexMissing:
        missing = f"{str(patient.folder)!r} has no index, so nothing of the repository is found"
        return Finding("none", facts, (Problem(missing, _build(patient)),))
    except IndexDamaged as error:
        return Finding("damaged", facts, (Problem(str(error), _build(patient)),))
    except FolderRefused as error:
        mend = f"delete {patient.folder / WORKSPACE_FOLDER}, then {_build(patient)}"
        return Finding("refused", facts, (Problem(str(error), mend),))
    except IndexLocked as error:
        busy = Problem(str(error), "try again when that has ended", is_broken=False)
        return Finding("being written", facts, (busy,))
    return _finding(index, config, patient, facts)


def _opened(patient: Patient, config: IndexConfig) -> Index:
    """Open the index; raises as `Index.open` does, and imports no store where there is nothing."""
    if patient.workspace is not None:
        check_workspace_folder(patient.folder)
        if manifest.identity(patient.folder / WORKSPACE_FOLDER) is None:
            raise IndexMissing(f"no index in {str(patient.folder)!r}")
    from homespun.indexer.index import Index  # LanceDB: more than half of what a checkup takes

    return Index.open(patient.folder, config)


def _finding(
    index: Index, config: IndexConfig, patient: Patient, facts: dict[str, object]
) -> Finding:
    problems = [*_vector_problems(index, config, patient)]
    info = index.info()
    age = _age_seconds(patient)
    facts |= {
        **info.to_json(),
        "age_seconds": age,
        "wanted_encoder": "a server" if is_address(config.encoder) else config.encoder,
    }
    licences = _licences(index)
    facts |= licences
    if not info.files:
        problems.append(Problem("the index holds no file", _build(patient), is_broken=False))
    vectors = f"{info.vectors:,} vectors" if info.vectors else "no vectors"
    return Finding(
        line=f"{info.files:,} files, {info.chunks:,} chunks, {vectors}, "
        f"{megabytes(info.disk_bytes)}, written {_ago(age)}"
        f"; {_said_of(licences)}",
        facts=facts,
        problems=tuple(problems),
    )


def _licences(index: Index) -> dict[str, object]:
    """Return the repository's licence, and how many files are under which other one."""
    from homespun.indexer.licences.copied import OtherLicences

    others = OtherLicences(index)
    counted = Counter(found.expression for found in others.files().values())
    ranked = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return {"licence": others.own, "other_licences": dict(ranked)}


def _said_of(licences: dict[str, object]) -> str:
    """Return how many files are under other licences than the root's."""
    others = licences["other_licences"]
    assert isinstance(others, dict)
    if not others:
        return f"licence {licences['licence']}, no file under another"
    named = ", ".join(f"{count:,} {name}" for name, count in [*others.items()][:_NAMED_LICENCES])
    more = ", …" if len(others) > _NAMED_LICENCES else ""
    files = "file" if (total := sum(others.values())) == 1 else "files"
    return f"licence {licences['licence']}, {total:,} {files} under others ({named}{more})"


def _vector_problems(index: Index, config: IndexConfig, patient: Patient) -> Iterator[Problem]:
    """Open the encoder that the vectors are of, and say why they cannot be used, if so."""
    from homespun.indexer.embedding.encoders import open_encoder

    if config.encoder == "none" or is_address(config.encoder):  # nothing is sent to find out
        return
    stamp = index.encoder_stamp
    name = stamp.name if stamp and not is_address(stamp.name) else config.encoder
    try:
        index.use_encoder(open_encoder(name))
    except ModelsError as error:
        yield Problem(str(error), f"homespun models fetch {name}", is_broken=False)
        return
    if why := index.why_not_dense():
        yield Problem(why, _build(patient), is_broken=False)
    elif stamp and stamp.name != config.encoder:
        yield Problem(
            f"the index has vectors of {stamp.name!r}, and the setting index.encoder is "
            f"{config.encoder!r}",
            _build(patient),
            is_broken=False,
        )


def _versions() -> dict[str, int]:
    return {
        "format": manifest.FORMAT_VERSION,
        "chunker": CHUNKER_VERSION,
        "words": WORDS_VERSION,
    }


def _age_seconds(patient: Patient) -> int:
    """Return how long ago the index was written last; 0 where it is being written."""
    seen = manifest.identity(patient.folder / WORKSPACE_FOLDER)
    return max(0, round(time.time() - seen[1] / 1e9)) if seen else 0


def _ago(seconds: int) -> str:
    for name, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if count := seconds // size:
            return f"{count} {name}{'s' * (count > 1)} ago"
    return "just now"


def _build(patient: Patient) -> str:
    return f"homespun index {patient.shown}"
