"""Puts an adapter to work: checked, merged, rounded to int8, compared, and only then the alias.

The alias is moved last, so whatever ends a promotion early leaves the champion as it was; a served
form that was made on the way is there when it is tried again.
"""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass
from pathlib import Path

from filelock import Timeout

from homespun.locks import lock_file
from homespun.models.adapters.adapter import Adapter
from homespun.models.adapters.folder import reading
from homespun.models.adapters.registry import Registry
from homespun.models.convert.parity import Parity, compare
from homespun.models.convert.served_form import read_manifest
from homespun.models.engine.decoder import OnnxDecoder
from homespun.models.errors import AdapterDamaged, AdapterError, AdapterUnfit
from homespun.models.serve import decoder_form, serve, served_folder, served_target
from homespun.progress import Progress

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Promotion:
    """An adapter that serves from now on."""

    adapter: Adapter
    parity: Parity
    served: Path


def promote(
    registry: Registry,
    identifier: str,
    *,
    model: str,
    prompt_version: int,
    unproven: bool = False,
    progress: Progress | None = None,
) -> Promotion:
    """Make an adapter the champion of its workspace.

    `unproven` takes one that the gate has not let through, too. Raises `AdapterUnknown`,
    `AdapterDamaged`, `AdapterForeign` (nobody trusts it), `AdapterUnfit` (for another model,
    unproven, or not itself after the conversion), and what `serve` raises.
    """
    adapter = registry.get(identifier)
    registry.require_known(adapter)
    with reading(adapter.directory):
        registry.check(adapter, everything=True)
        if not unproven:
            _require_proof(adapter)
        served = serve(
            model,
            progress,
            adapter=identifier,
            workspace=registry.workspace,
            prompt_version=prompt_version,
        )
        parity = served_parity(served.directory)
        if parity.fault:
            raise AdapterUnfit(
                f"adapter {identifier!r} is not promoted: {parity.fault}; "
                "run `homespun models verify` and promote it again"
            )
        promoted = registry.promote(identifier, unproven=unproven)
    clear_served(registry, model)
    return Promotion(promoted, parity, served.directory)


def served_parity(directory: Path, *, threads: int = 0) -> Parity:
    """Compare a served form with the float32 weights it was made from; some seconds.

    Raises `AdapterDamaged` where it was converted without anything to compare with.
    """
    recorded = (read_manifest(directory) or {}).get("parity")
    if recorded is None:
        raise AdapterDamaged(
            f"{str(directory)!r} does not say what its float32 weights answer; delete the folder, "
            "and the next use converts it again"
        )
    form = decoder_form(directory)
    decoder = OnnxDecoder(form, threads=threads, context_tokens=len(recorded["ids"]) + 1)
    return compare(decoder, recorded)


def clear_served(registry: Registry, model: str) -> list[Path]:
    """Delete the workspace's served forms but the champion's and the one before; return them.

    Those of a workspace that is gone go as well. What is in use on a system that locks open files
    is left for the next time.
    """
    kept = {
        target
        for adapter in (_known(registry, "champion"), _known(registry, "previous"))
        if adapter is not None and (target := _target(registry, model, adapter)) is not None
    }
    mine = str(registry.workspace.resolve())
    deleted = []
    for directory in sorted(served_folder(model).glob("served-*")):
        if directory in kept or not directory.is_dir() or directory.suffix == ".building":
            continue
        workspace = (read_manifest(directory) or {}).get("workspace", "")
        is_orphan = bool(workspace) and not Path(workspace).is_dir()
        if (workspace == mine or is_orphan) and delete_served(directory):
            deleted.append(directory)
    return deleted


def delete_served(directory: Path) -> bool:
    """Delete a served form; False where there is none or it is in use."""
    try:
        with lock_file(directory.with_suffix(".lock")).acquire(timeout=0):
            (directory / "manifest.json").unlink(missing_ok=True)  # from here on it does not count
            shutil.rmtree(directory)
    except (Timeout, OSError) as error:
        logger.info("%s is in use and is deleted another time: %s", directory, error)
        return False
    return True


def _require_proof(adapter: Adapter) -> None:
    if adapter.is_proven:
        return
    gate = adapter.manifest.get("gate")
    if isinstance(gate, dict) and gate.get("served_form") == "endpoint":
        raise AdapterUnfit(
            f"adapter {adapter.id!r} was judged as a server serves it ({gate.get('outcome')}), not "
            f"in the int8 form of this machine, which `homespun eval completion --adapter "
            f"{adapter.id} --since REV` measures (--unproven promotes it all the same)"
        )
    said = gate.get("headline") if isinstance(gate, dict) else None
    raise AdapterUnfit(
        f"adapter {adapter.id!r} has not passed the gate"
        + (f": {said}" if said else ", no verdict is in its manifest")
        + " (--unproven promotes it all the same)"
    )


def _known(registry: Registry, alias: str) -> Adapter | None:
    try:
        return registry.champion() if alias == "champion" else registry.previous()
    except AdapterError as error:
        logger.warning("%s", error)
        return None


def _target(registry: Registry, model: str, adapter: Adapter) -> Path | None:
    try:
        return served_target(model, adapter=adapter.id, workspace=registry.workspace)
    except AdapterError as error:
        logger.warning("%s", error)
        return None
