"""`homespun adapters prune`: which adapters and merged copies go, and how many bytes that is."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from homespun.cli.numbers import check_least
from homespun.cli.output import say

if TYPE_CHECKING:
    from collections.abc import Collection

    from homespun.models.adapters.registry import Registry
    from homespun.models.adapters.upkeep.prune import MergedCopy, PrunedAdapter


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the action's own arguments."""
    parser.add_argument(
        "--keep",
        type=int,
        metavar="N",
        help="so many candidates and retired ones stay (default: the setting adapters.keep)",
    )
    parser.add_argument("--dry-run", action="store_true", help="delete nothing, say what would go")


def run(args: argparse.Namespace, registry: Registry) -> int:
    """Delete, or say what would be deleted."""
    from homespun.models.adapters.upkeep.options import SECTION, AdapterOptions
    from homespun.models.adapters.upkeep.prune import prune, surplus, surplus_copies
    from homespun.server.completion.open import completion_settings
    from homespun.settings import settings_of

    options = settings_of(AdapterOptions, SECTION, workspace=registry.workspace, say=say)
    keep = options.keep if args.keep is None else args.keep
    check_least("--keep", keep, 0)
    spared = {completion_settings(registry.workspace, say=say).adapter}  # may be an identifier
    if args.dry_run:
        gone = surplus(registry, keep, spared=spared)
        copies = surplus_copies(registry, spared=spared)
    else:
        gone = prune(registry, keep, spared=spared)
        copies = _deleted_copies(registry, spared)
    _print(args, keep, gone, copies)
    _say_unknown(registry)
    return 0


def _deleted_copies(registry: Registry, spared: Collection[str]) -> list[MergedCopy]:
    """Delete merged copies, but not while a training is at work: it judges by such copies."""
    from homespun.models.adapters.upkeep.prune import delete_copies, surplus_copies
    from homespun.training.errors import TrainingLocked
    from homespun.training.runs import training_folder, training_lock

    copies = surplus_copies(registry, spared=spared)
    if not copies or not training_folder(registry.workspace).is_dir():
        return delete_copies(copies)
    try:
        with training_lock(registry.workspace):
            return delete_copies(copies)
    except TrainingLocked as error:
        say(f"merged copies are left for another time: {error}")
        return []


def _print(
    args: argparse.Namespace,
    keep: int,
    gone: list[PrunedAdapter],
    copies: list[MergedCopy],
) -> None:
    from dataclasses import asdict

    from homespun.storage import megabytes

    sizes = [adapter.size_bytes for adapter in gone] + [copy.size_bytes for copy in copies]
    total = sum(sizes)
    if args.json:
        body = {
            "dry_run": args.dry_run,
            "keep": keep,
            "adapters": [asdict(row) for row in gone],
            "merged_copies": [{**asdict(row), "directory": str(row.directory)} for row in copies],
            "bytes": total,
        }
        print(json.dumps(body, indent=1))
        return
    for adapter in gone:
        print(f"{adapter.id:<32}  {adapter.state:<9}  {megabytes(adapter.size_bytes)}")
    for copy in copies:
        print(f"{copy.adapter:<32}  merged     {megabytes(copy.size_bytes)}  {copy.directory}")
    verb = "would go" if args.dry_run else "are gone"
    print(
        f"{len(gone)} adapters and {len(copies)} merged copies {verb}, {megabytes(total)}; "
        f"{keep} candidates and retired ones stay at most"
    )


def _say_unknown(registry: Registry) -> None:
    unknown = [adapter.id for adapter in registry.adapters() if not adapter.is_known]
    if unknown:
        say(
            f"{len(unknown)} from elsewhere are unknown, and left: {', '.join(unknown)}; "
            "`homespun adapters remove ID` deletes one"
        )
