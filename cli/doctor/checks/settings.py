"""What is set, where each value comes from, and what was refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from homespun.cli.doctor.checks.finding import Finding, Patient, Problem
from homespun.indexer.config import IndexConfig
from homespun.models.adapters.upkeep.options import SECTION as ADAPTER_SECTION
from homespun.models.adapters.upkeep.options import AdapterOptions
from homespun.models.observe.options import SECTION as OBSERVE_SECTION
from homespun.models.observe.options import ObserveOptions
from homespun.models.remote.options import SECTION, RemoteOptions
from homespun.models.remote.vectors.options import SECTION as ENCODER_SECTION
from homespun.models.remote.vectors.options import EncoderOptions
from homespun.models.rerank.options import SECTION as RERANKER_SECTION
from homespun.models.rerank.options import RerankerOptions
from homespun.server.options import CompletionOptions, LicenceOptions, ServerOptions
from homespun.settings import resolve, user_file

SECTIONS: Mapping[str, type[Any]] = {
    "completion": CompletionOptions,
    SECTION: RemoteOptions,
    "index": IndexConfig,
    ENCODER_SECTION: EncoderOptions,
    RERANKER_SECTION: RerankerOptions,
    ADAPTER_SECTION: AdapterOptions,
    OBSERVE_SECTION: ObserveOptions,
    "licences": LicenceOptions,
    "server": ServerOptions,
}
_PRIVATE = "(set, not shown)"


def check_settings(patient: Patient) -> Finding:
    """Resolve each section as the verbs do; what only an editor says is not known here."""
    values: dict[str, dict[str, object]] = {}
    problems: dict[str, Problem] = {}  # one for a file that cannot be read, not one a section
    changed = 0
    for name, options in SECTIONS.items():
        values[name] = dict(_rows(name, options, patient.workspace))
        changed += sum(row["origin"] != "default" for row in _dicts(values[name]))
        for problem in _problems(name, options, patient.workspace):
            problems.setdefault(problem.sentence, problem)
    total = sum(len(rows) for rows in values.values())
    return Finding(
        line=f"{changed} of {total} are not the default",
        facts={"values": values, "user_file": str(user_file())},
        problems=tuple(problems.values()),
    )


def _rows(
    section: str, options: type[Any], workspace: Path | None
) -> Iterator[tuple[str, dict[str, object]]]:
    resolved = resolve(options, section, workspace=workspace)
    for field in dataclasses.fields(options):
        value = getattr(resolved.value, field.name)
        if field.metadata.get("private") and field.metadata.get("yours", bool)(value):
            value = _PRIVATE  # the name of an encoder is shown, an address of one is not
        value = list(value) if isinstance(value, tuple) else value
        yield field.name, {"value": value, "origin": resolved.origins[field.name]}


def _problems(section: str, options: type[Any], workspace: Path | None) -> Iterator[Problem]:
    """Yield what is wrong: the user's own faults break something, a folder's are only refused."""
    own = resolve(options, section, workspace=None).faults
    for sentence in own:
        yield Problem(sentence, f"edit {_place(sentence)}")
    for sentence in resolve(options, section, workspace=workspace).faults:
        if sentence not in own and not _is_same_value(sentence, own):
            yield Problem(sentence, "take it out of the folder's settings file", is_broken=False)


def _is_same_value(sentence: str, own: list[str]) -> bool:
    """Tell whether it is one of the user's, whose fallback alone reads otherwise here."""
    return sentence.partition("; using ")[0] in {each.partition("; using ")[0] for each in own}


def _place(sentence: str) -> str:
    """Return what the user has to edit: a variable where the sentence names one, else his file."""
    _, dollar, rest = sentence.partition(" in $HOMESPUN_")
    if dollar:
        return f"the variable HOMESPUN_{rest.split()[0]}"
    return str(user_file())


def _dicts(rows: Mapping[str, object]) -> Iterator[dict[str, object]]:
    yield from (row for row in rows.values() if isinstance(row, dict))
