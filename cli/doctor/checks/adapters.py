"""Which adapters there are, who sealed them, and whether their bytes are the sealed ones."""

from __future__ import annotations

from collections.abc import Iterator

from homespun.cli.doctor.checks.finding import Finding, Patient, Problem
from homespun.models.adapters import trusted
from homespun.models.adapters.adapter import Adapter
from homespun.models.adapters.compatibility import why_unfit
from homespun.models.adapters.registry import CHAMPION, Registry
from homespun.models.adapters.sealed_folder import identity_of, is_ours
from homespun.models.errors import (
    AdapterDamaged,
    AdapterError,
    AdapterForeign,
    AdapterUnknown,
    AdapterUnproven,
)
from homespun.models.types import MODEL_AS_SHIPPED
from homespun.server.options import CompletionOptions
from homespun.server.prompt.render import PROMPT_VERSION
from homespun.settings import resolve

_WITHOUT = (MODEL_AS_SHIPPED, "base")  # settings that take no adapter of the folder
_MAX_SHOWN = 50
_MAX_BYTES = 2_000_000_000  # of an adapter's files; a larger one is none of ours, nor hashed


def check_adapters(patient: Patient) -> Finding:
    """Compare seals, and hash what serves; the other adapters, too, if it is thorough."""
    options = resolve(CompletionOptions, "completion", workspace=patient.workspace).value
    registry = Registry(patient.folder)
    problems: list[Problem] = []
    adapters: list[Adapter] = []
    serving: Adapter | None = None
    try:
        adapters = registry.adapters()
        damaged = registry.damaged()
    except AdapterError as error:
        problems.append(Problem(str(error), "homespun adapters list"))
    else:
        problems += [
            Problem(sentence, "delete that folder", is_broken=False) for sentence in damaged
        ]
        serving = _serving(registry, options.adapter, problems)
        problems += _changed(registry, adapters, serving, patient)
    if serving is not None:
        problems += _unfit(serving, options.model)
    problems += _claims(registry)
    return Finding(
        line=_line(adapters, serving, options.adapter),
        facts={
            "setting": options.adapter,
            "serving": serving.id if serving else None,
            "count": len(adapters),
            "adapters": [_facts(adapter) for adapter in adapters[:_MAX_SHOWN]],
        },
        problems=tuple(problems),
    )


def _line(adapters: list[Adapter], serving: Adapter | None, setting: str) -> str:
    if serving is None:
        shipped = "the model without its general adapter" if setting == "base" else "as shipped"
        return f"{len(adapters)} here; the model serves {shipped}"
    return f"{len(adapters)} here; {serving.id} serves, {_seal(serving)}"


def _serving(registry: Registry, setting: str, problems: list[Problem]) -> Adapter | None:
    """Return the adapter that would serve; what keeps it from that is added to the problems."""
    if setting in _WITHOUT:
        return None
    mend = "homespun adapters rollback"
    try:
        if setting == CHAMPION:
            return registry.champion()
        adapter = registry.get(setting)
        registry.require_known(adapter)
        return adapter
    except AdapterUnknown as error:
        sentence = f"the setting completion.adapter: {error}"
        problems.append(Problem(sentence, "homespun adapters list"))
    except AdapterForeign as error:
        problems.append(Problem(str(error), "homespun adapters list"))
    except AdapterUnproven as error:
        problems.append(Problem(str(error), mend))
    except AdapterDamaged as error:
        problems.append(Problem(str(error), mend))
    return None


def _changed(
    registry: Registry, adapters: list[Adapter], serving: Adapter | None, patient: Patient
) -> Iterator[Problem]:
    """Yield adapters whose files are not those of their manifest."""
    for adapter in adapters:
        is_serving = serving is not None and adapter.id == serving.id
        if not is_serving and not (patient.thorough and adapter.is_known):
            continue
        mend = f"homespun adapters remove {adapter.id}"
        if is_serving:
            mend = f"homespun adapters rollback, then {mend}"
        try:
            _check_size(adapter)
            registry.check(adapter, everything=patient.thorough)
        except AdapterDamaged as error:
            yield Problem(str(error), mend, is_broken=is_serving)


def _check_size(adapter: Adapter) -> None:
    """Raise `AdapterDamaged` before a file without an end is hashed."""
    for name in adapter.manifest["files"]:
        try:
            size = (adapter.directory / name).lstat().st_size
        except OSError:
            continue  # the hashing says it
        if size > _MAX_BYTES:
            raise AdapterDamaged(
                f"{str(adapter.directory / name)!r} has {size:,} bytes, more than an adapter has"
            )


def _unfit(adapter: Adapter, model: str) -> Iterator[Problem]:
    if why := why_unfit(adapter, model, prompt_version=PROMPT_VERSION):
        yield Problem(why, "homespun adapters rollback, or homespun train")


def _claims(registry: Registry) -> Iterator[Problem]:
    """Yield what a clone brings to be served, and nobody has said yes or no to."""
    try:
        claim = registry.claim()
    except AdapterDamaged:
        return  # said above
    if claim is not None:
        yield Problem(f"{claim.sentence}, so it does not serve", claim.command, is_broken=False)


def _facts(adapter: Adapter) -> dict[str, object]:
    return {
        "id": adapter.id,
        "state": adapter.state,
        "seal": _seal(adapter),
        "is_proven": adapter.is_known and adapter.is_proven,
        "sha256": adapter.sha256,
    }


def _seal(adapter: Adapter) -> str:
    if is_ours(adapter.manifest):
        return "sealed by this machine"
    if trusted.answer_about(identity_of(adapter.manifest)) == "trusted":
        return "trusted by the user"
    return "not sealed"
