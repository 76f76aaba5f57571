"""Which weights are on this machine, and whether they are the pinned ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from homespun.cli.doctor.checks.finding import Finding, Patient, Problem, megabytes
from homespun.models import catalogue
from homespun.models.catalogue import CatalogueEntry, ModelFile
from homespun.models.convert.served_form import check_files
from homespun.models.download import cache
from homespun.models.errors import AdapterError, ModelDamaged
from homespun.models.recommend.auto import AUTO
from homespun.models.recommend.machine import free_memory_mb
from homespun.models.recommend.predict import resident_mb
from homespun.models.remote.options import SECTION, RemoteOptions
from homespun.models.status import ModelState, state_of
from homespun.server.options import CompletionOptions
from homespun.settings import resolve


def check_models(patient: Patient) -> Finding:
    """Look at sizes and at what was hashed before; hashes the files only if it is thorough."""
    setting = resolve(CompletionOptions, "completion", workspace=patient.workspace).value.model
    chosen = setting if setting != AUTO else _of_auto()
    problems: list[Problem] = []
    rows = []
    for name in catalogue.names():
        try:
            state = state_of(catalogue.get(name))
        except AdapterError as error:  # a part of the wheel is not as shipped
            problems.append(Problem(str(error), "pip install --force-reinstall homespun"))
            continue
        files = [_file_facts(state.entry, file, patient) for file in state.entry.files]
        rows.append({**state.to_json(), "files": files})
        problems += _damages(state, files, is_chosen=name == chosen)
        if patient.thorough and state.state == "ready":
            problems += _served_damages(state, is_chosen=name == chosen)
    problems += _missing(chosen, _own(setting))
    return Finding(
        line=_line(setting, chosen),
        facts={"setting": setting, "chosen": chosen, "is_own": _own(setting), "models": rows},
        problems=tuple(problems),
    )


def _line(setting: str, chosen: str) -> str:
    if chosen not in catalogue.names():
        return chosen
    entry = catalogue.get(chosen)
    name = chosen if setting == chosen else f"{setting} ({chosen})"
    try:
        state = state_of(entry).state
    except AdapterError:
        state = "missing"
    words = {"missing": "not here", "downloaded": "here, not converted yet", "ready": "ready"}
    return f"{name}: {words[state]}, {megabytes(entry.total_bytes)}"


def _of_auto() -> str:
    """Return what "auto" stands for if that needs no timing: the largest generator that is here."""
    here = [entry for entry in catalogue.generators() if cache.is_here(entry)]
    largest = max(here, key=lambda entry: entry.total_bytes, default=None)
    return largest.name if largest else catalogue.default_generator()


def _own(setting: str) -> bool:
    """Tell whether the setting is the path of what may be a model of the user's own."""
    path = Path(setting).expanduser()
    if setting in (*catalogue.names(), AUTO):
        return False
    return path.suffix == ".gguf" and path.is_file() or any(path.glob("*.safetensors"))


def _missing(chosen: str, is_own: bool) -> Iterator[Problem]:
    if is_own:
        return
    if chosen not in catalogue.names():
        yield Problem(
            f"the setting completion.model is {chosen!r}, which is neither in the catalogue nor a "
            ".gguf file or a folder with safetensors on this machine",
            "homespun models list",
        )
        return
    entry = catalogue.get(chosen)
    if not cache.is_here(entry):
        yield Problem(
            f"the model {chosen} is not on this machine ({megabytes(entry.total_bytes)})",
            f"homespun models fetch {chosen}",
            is_broken=not _is_remote(),
        )
        return
    need = resident_mb(entry.shape) if entry.shape else 0
    free = free_memory_mb()
    if free and free < need:
        yield Problem(
            f"{free:,} MB of memory are free, and a server with {chosen} takes {need:,} MB",
            "close what you do not need, or homespun models recommend",
            is_broken=False,
        )


def _is_remote() -> bool:
    """Tell whether a server of the user's answers, so that no model is needed here."""
    return resolve(RemoteOptions, SECTION, workspace=None).value.is_on


def _file_facts(entry: CatalogueEntry, file: ModelFile, patient: Patient) -> dict[str, object]:
    """Return a file's place, pinned hash and state; the hash of a damaged one is told apart."""
    path = cache.file_path(entry, file)
    size = cache.size_of(path)
    state = "missing"
    if size and size != file.bytes:
        state = "wrong size"
    elif size and patient.thorough:
        state = "verified" if cache.sha256_of(path) == file.sha256 else "wrong hash"
    elif size:
        state = "verified" if cache.is_verified(entry, file) else "not verified"
    return {"name": file.name, "bytes": size, "sha256": file.sha256, "state": state}


def _damages(
    state: ModelState, files: list[dict[str, object]], *, is_chosen: bool
) -> Iterator[Problem]:
    name = state.entry.name
    for file in files:
        what = f"{str(state.source / str(file['name']))!r}"
        if file["state"] == "wrong size":
            wanted = state.entry.file(str(file["name"])).bytes
            yield Problem(
                f"{what} is damaged: it has {file['bytes']:,} bytes, not {wanted:,}",
                f"homespun models fetch {name}",
                is_broken=is_chosen,
            )
        elif file["state"] == "wrong hash":
            yield Problem(
                f"{what} is damaged: its sha256 is not the pinned one",
                f"homespun models verify {name}, then homespun models fetch {name}",
                is_broken=is_chosen,
            )
        elif file["state"] == "not verified":
            yield Problem(
                f"{what} has changed since its sha256 was compared, or never was",
                f"homespun models verify {name}",
                is_broken=False,
            )


def _served_damages(state: ModelState, *, is_chosen: bool) -> Iterator[Problem]:
    try:
        check_files(state.served)
    except ModelDamaged as error:
        mend = f"homespun models verify {state.entry.name}"
        yield Problem(str(error), mend, is_broken=is_chosen)
