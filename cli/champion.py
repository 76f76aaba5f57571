"""Is the adapter that serves still any good? Asked by `adapters check` and `train --if-stale`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from homespun.cli.output import say
from homespun.errors import StorageFull

if TYPE_CHECKING:
    from homespun.models.adapters.registry import Registry
    from homespun.models.engine.decoder import OnnxDecoder
    from homespun.progress import Progress
    from homespun.training.dataset.examples import EncodedExample
    from homespun.training.evaluation.drift import Drift, Score

NO_CHAMPION = "no adapter serves, so none can go stale: the model serves as shipped"
_CHECK_TOKENS = 1024  # room for a prompt without context and a long hole


def examined_champion(
    registry: Registry,
    model: Callable[[], str],
    *,
    items: int | None = None,
    progress: Progress | None = None,
) -> Drift | None:
    """Return what the champion still brings on `items` recent holes; None where none serves.

    `model` names the model to ask, and is called where there is a champion alone. Raises
    `HistoryUnreadable` where it is not known which lines are newer than the adapter.
    """
    from homespun.models.types import MODEL_AS_SHIPPED
    from homespun.training.evaluation.drift import BUDGET_TOKENS, MAX_ITEMS, drift, recent_items

    champion = registry.champion()
    if champion is None:
        return None
    name = model()
    shipped = _generator(name, MODEL_AS_SHIPPED, registry.workspace, progress)
    found = recent_items(
        registry.workspace,
        str(champion.manifest.get("commit") or ""),
        shipped.tokenizer,
        shipped.fim,
        most=items or MAX_ITEMS,
        budget=min(BUDGET_TOKENS, shipped.context_tokens // 2),
        progress=progress,
    )
    del shipped  # one model in memory at a time
    said = drift(champion, found, _scorer(name, registry.workspace))
    _keep(registry, said)
    return said


def _keep(registry: Registry, said: Drift) -> None:
    """Keep the result for the editor's status; without it the result is the same."""
    from homespun.models.adapters.upkeep.last_check import keep_check
    from homespun.models.errors import AdapterError

    try:
        keep_check(registry, said.adapter, said.outcome)
    except (AdapterError, StorageFull, OSError) as error:
        say(f"the editor's status will not show this check: {error}")


def _scorer(model: str, workspace: Path) -> Score:
    """Score with the served decoder: what users have, and no torch needed."""

    def score(adapter: str, examples: Sequence[EncodedExample]) -> list[float]:
        decoder = _generator(model, adapter, workspace, progress=None)
        return [decoder.score(e.ids[: e.start], e.ids[e.start :]) for e in examples]

    return score


def _generator(model: str, adapter: str, workspace: Path, progress: Progress | None) -> OnnxDecoder:
    """Open what serves, with room for a check's prompts."""
    from homespun.server.completion.open import open_generator
    from homespun.server.options import CompletionOptions

    options = CompletionOptions()
    return open_generator(
        model,
        adapter=adapter,
        workspace=workspace,
        threads=options.threads,
        context_tokens=_CHECK_TOKENS,
        cache_mb=options.cache_mb,
        progress=progress,
    )
