"""The last stage of a run: the draft becomes an adapter of the workspace, and serves if it may."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from homespun.models.adapters.registry import Registry
from homespun.models.adapters.upkeep.options import SECTION, AdapterOptions
from homespun.models.adapters.upkeep.prune import prune
from homespun.models.errors import AdapterError
from homespun.models.promote import delete_served, promote
from homespun.models.serve import identity, served_target
from homespun.progress import Progress, TrainProgress
from homespun.server.completion.open import completion_settings
from homespun.server.prompt.render import DEFAULT_LAYOUT, PROMPT_VERSION
from homespun.settings import settings_of
from homespun.training.config import DatasetReport, TrainOptions
from homespun.training.gate.verdict import GateVerdict
from homespun.training.pipeline.learn import preset_of
from homespun.training.runs import Run, libraries, writing

_KEPT = ("report.html", "evaluation.json", "probes.json", "verdict.json", "fit.json")


def register(
    workspace: Path,
    run: Run,
    options: TrainOptions,
    dataset: DatasetReport,
    verdict: GateVerdict,
    progress: Progress,
) -> str:
    """Add the draft to the registry, once, with all that shaped it; return its ID."""
    registry = Registry(workspace)
    known = _registered(registry, run)
    if known is not None:
        return known
    draft = run.folder / "draft"
    with writing(draft):
        for name in _KEPT:
            if (run.folder / name).is_file():
                shutil.copyfile(run.folder / name, draft / name)
        for name in ("data_card.json", "data_card.md"):
            shutil.copyfile(dataset.directory / name, draft / name)
        facts = facts_of(run, options, dataset, verdict, progress)
        return registry.add(draft, facts).id


def serve_if_proven(
    workspace: Path,
    identifier: str,
    options: TrainOptions,
    verdict: GateVerdict,
    progress: Progress,
) -> tuple[str, bool]:
    """Promote an adapter that the gate lets through; say what was done, and whether it serves."""
    if verdict.is_for_a_server:
        return _for_a_server(identifier), False
    if not verdict.promote:
        drop_served(options.model, workspace, identifier)
        return (
            f"The adapter is kept as the candidate {identifier!r} and does not serve; the model "
            "completes as before.",
            False,
        )
    if not options.promote:
        return (
            f"The adapter is kept as the candidate {identifier!r}; "
            f"`homespun adapters promote {identifier}` puts it to work.",
            False,
        )
    promote(
        Registry(workspace),
        identifier,
        model=options.model,
        prompt_version=PROMPT_VERSION,
        progress=progress,
    )
    return (
        f"The adapter {identifier!r} serves from now on; editors follow within seconds, "
        "`homespun adapters rollback` undoes it.",
        True,
    )


def _for_a_server(identifier: str) -> str:
    return (
        f"The adapter is kept as the candidate {identifier!r}, proven for a server: `homespun "
        f"adapters push URL --id {identifier} --folder DIR --without-general` loads it there, and "
        f"model.remote.model = {identifier!r} asks for it. On this machine it does not serve."
    )


def keep_the_newest(workspace: Path, progress: TrainProgress) -> None:
    """Delete adapters beyond those that the user keeps; where that cannot be done, say so."""
    options = settings_of(AdapterOptions, SECTION, workspace=workspace, say=progress.say)
    setting = completion_settings(workspace, say=progress.say).adapter  # may be an identifier
    try:
        gone = prune(Registry(workspace), options.keep, spared={setting})
    except (AdapterError, OSError) as error:
        progress.say(f"no older adapter is deleted: {error}")
        return
    if gone:
        names = ", ".join(adapter.id for adapter in gone)
        progress.say(
            f"older adapters are deleted, {options.keep} are kept (adapters.keep): {names}"
        )


def drop_served(model: str, workspace: Path, adapter: str | Path) -> None:
    """Delete the served form of an adapter that is not to serve: it is as large as the model."""
    delete_served(served_target(model, adapter=adapter, workspace=workspace))


def facts_of(
    run: Run,
    options: TrainOptions,
    dataset: DatasetReport,
    verdict: GateVerdict,
    progress: Progress,
) -> dict[str, Any]:
    """Return the manifest's facts: everything that shaped the adapter."""
    return {
        **identity(options.model, progress).facts(),
        "run": _mark(run),
        "trained": datetime.now().astimezone().isoformat(timespec="seconds"),
        "repo": dataset.repo,
        "commit": dataset.cutoff,
        "tree": dataset.tree,
        "cutoff_date": dataset.cutoff_date,
        "has_history": dataset.has_history,
        "prompt_version": PROMPT_VERSION,
        "layout": DEFAULT_LAYOUT,
        "options": options.told(),
        "preset": asdict(preset_of(options)),
        "seed": options.seed,
        "data_card_sha256": dataset.card_sha256,
        "examples": dataset.train,
        "libraries": libraries(),
        "gate": verdict.to_json(),
    }


def _registered(registry: Registry, run: Run) -> str | None:
    """Return the ID of this run's adapter, if it was added before the run was killed."""
    mark = _mark(run)
    ours = (one for one in registry.adapters() if one.is_known)
    return next((one.id for one in ours if one.manifest.get("run") == mark), None)


def _mark(run: Run) -> str:
    """Name a run for good: numbers begin anew when the folder of the trainings is deleted."""
    return f"{run.name} {run.options.get('began', '')}".strip()


def dataset_of(row: Mapping[str, Any]) -> DatasetReport:
    """Read `DatasetReport.to_json` back."""
    return DatasetReport(**{**row, "directory": Path(row["directory"])})
