"""The whole of a recommendation, and what the name "auto" stands for on this machine."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from homespun.models import catalogue
from homespun.models.download import cache
from homespun.models.recommend import kept as kept_timing
from homespun.models.recommend.choose import ModelChoice, ModelPrediction, choose, predictions
from homespun.models.recommend.machine import (
    MachineFacts,
    free_memory_mb,
    is_on_battery,
    load_per_core,
    machine_facts,
    strain,
)
from homespun.models.recommend.speeds import MachineSpeeds

logger = logging.getLogger(__name__)

AUTO = "auto"  # as the name of a model: the one that is recommended
_MAX_LOAD = 0.75  # of others, per core: above, a timing tells of them, too, and is not kept


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What a machine is, what was timed, what that means for each model, and which one is named."""

    machine: MachineFacts
    free_memory_mb: int  # 0 where the system does not say
    on_battery: bool
    strain: str  # why the machine is to be spared now; "" where it is not
    load_per_core: float  # before the timing, or now where it was kept
    was_kept: bool  # the timing was there already
    speeds: MachineSpeeds
    models: tuple[ModelPrediction, ...]  # the largest first
    choice: ModelChoice

    def to_json(self) -> dict[str, object]:
        """Return the JSON object of `homespun models recommend --json`."""
        return {
            "machine": {
                **self.machine.to_json(),
                "free_memory_mb": self.free_memory_mb,
                "on_battery": self.on_battery,
                "load_per_core": round(self.load_per_core, 2),
            },
            "timing": {
                "memory_gb_s": round(self.speeds.memory_gb_s, 2),
                "int8_gproducts_s": round(self.speeds.int8_gproducts_s, 1),
                "was_kept": self.was_kept,
            },
            "models": [row.to_json() for row in self.models],
            "recommended": self.choice.model or None,
            "reason": self.choice.reason,
        }


@dataclass(frozen=True, slots=True)
class AutoModel:
    """What "auto" stands for now."""

    model: str
    sentence: str  # which and why, for the user


def recommend(
    *,
    threads: int = 0,
    anew: bool = False,
    say: Callable[[str], None] = logger.info,
    time_machine: Callable[..., MachineSpeeds] | None = None,
) -> Recommendation:
    """Return which model suits this machine; times it (some seconds) unless that was kept.

    `anew` times in any case. `say` gets a sentence on why a kept timing is not used, and on one
    that cannot be kept. Raises `OSError` where the graphs that are timed cannot be written.
    """
    facts, load = machine_facts(threads=threads), load_per_core()
    speeds, why = (None, "") if anew else kept_timing.kept(facts)
    if why:
        say(why)
    was_kept = speeds is not None
    if speeds is None:
        speeds = (time_machine or _time_machine())(threads=facts.threads)
        _keep(facts, speeds, load, say)
    rows = predictions(catalogue.generators(), speeds)
    free, strained = free_memory_mb(), strain()
    return Recommendation(
        machine=facts,
        free_memory_mb=free,
        on_battery=is_on_battery(),
        strain=strained,
        load_per_core=load,
        was_kept=was_kept,
        speeds=speeds,
        models=tuple(rows),
        choice=choose(rows, free_memory_mb=free, strain=strained),
    )


def auto_models(
    *,
    threads: int,
    say: Callable[[str], None],
    recommend: Callable[..., Recommendation] = recommend,
) -> Iterator[AutoModel]:
    """Yield what "auto" stands for now, whenever asked: the smaller one while there is a strain.

    The machine is timed at most once, and memory counts as it was then: what serves is in it since.
    The recommended model and the smaller one change places only where both are on this machine.
    Raises like `recommend`.
    """
    found = recommend(threads=threads, say=say)
    chosen = auto_model(found)
    yield chosen
    while True:
        now = strain(was=found.strain)
        if now != found.strain:
            choice = choose(found.models, free_memory_mb=found.free_memory_mb, strain=now)
            found = replace(found, strain=now, choice=choice)
            if _is_here(chosen.model) and _is_here(choice.model):
                chosen = auto_model(found)
        yield chosen


def auto_model(recommendation: Recommendation) -> AutoModel:
    """Return the model that "auto" stands for, and the sentence that says so.

    It is the recommended one. Where that is not on this machine and a smaller one is (under strain,
    any other), that completes, and the sentence says how the recommended one would come: nothing is
    fetched unasked.
    """
    choice, rows = recommendation.choice, recommendation.models
    if not choice.model:
        smallest = rows[-1].name
        return AutoModel(smallest, f"model auto: {choice.reason}; {smallest} is tried all the same")
    if _is_here(choice.model):
        return AutoModel(choice.model, f"model auto is {choice.model}: {choice.reason}")
    place = [row.name for row in rows].index(choice.model)
    others = [*rows[place + 1 :], *(reversed(rows[:place]) if recommendation.strain else ())]
    here = next((row.name for row in others if _is_here(row.name)), "")
    if not here:
        return AutoModel(choice.model, f"model auto is {choice.model}: {choice.reason}")
    return AutoModel(
        here,
        f"model auto is {here}, which is here; {choice.model} would suit this machine: "
        f"{choice.reason}; `homespun models fetch {choice.model}` brings it "
        f"({rows[place].download_mb:,} MB)",
    )


def named_model(model: str, *, threads: int, say: Callable[[str], None]) -> str:
    """Return the name of a model; for "auto" what it stands for, of which `say` gets a sentence.

    Times the machine where that was not kept. Raises like `recommend`.
    """
    if model != AUTO:
        return model
    chosen = auto_model(recommend(threads=threads, say=say))
    say(chosen.sentence)
    return chosen.model


def _keep(
    facts: MachineFacts, speeds: MachineSpeeds, load: float, say: Callable[[str], None]
) -> None:
    if load > _MAX_LOAD:
        say(
            f"the machine is busy (load {load:.1f} a core), so this timing is not kept: "
            "the next start times it again"
        )
        return
    try:
        kept_timing.keep(facts, speeds)
    except OSError as error:
        say(f"the timing cannot be kept in {str(kept_timing.timing_file())!r} ({error})")


def _time_machine() -> Callable[..., MachineSpeeds]:
    from homespun.models.recommend.timing import time_machine  # ONNX Runtime, onnx

    return time_machine


def _is_here(name: str) -> bool:
    return cache.is_here(catalogue.get(name))
