"""`homespun.adapters` and `homespun.report`: what can serve, and the page that says how good it is.

Choosing is the setting `completion.adapter`, which the editor writes. Reads manifests and looks
for files, so not on the event loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from homespun.models.adapters.adapter import UNKNOWN, Adapter
from homespun.models.adapters.compatibility import why_unfit
from homespun.models.adapters.registry import CHAMPION, Registry
from homespun.models.errors import AdapterError
from homespun.models.types import MODEL_AS_SHIPPED
from homespun.paths import WORKSPACE_FOLDER
from homespun.server.options import CompletionOptions
from homespun.server.prompt.render import PROMPT_VERSION
from homespun.server.report_page import is_harmless

_BASE = "base"
_REPORT = "report.html"  # of a training's folder and of an adapter's
_RUNS = "training"  # in the folder `.homespun`: run-0001, run-0002, …


def adapters(
    workspace: Path | None, options: CompletionOptions, *, serving: str
) -> dict[str, object]:
    """Return the answer of `homespun.adapters`; `serving` is "" while no model is loaded.

    One model is in memory, with the adapter of the first folder: `workspace` is that folder.
    """
    known, messages = _known(workspace)
    return {
        "serving": serving,
        "setting": options.adapter,
        "choices": [
            _champion(workspace, options.model, known),
            _choice(MODEL_AS_SHIPPED, "as shipped", "the model without an adapter of yours"),
            _choice(_BASE, "bare", "the model without its general adapter, for comparison"),
            *(_one(adapter, options.model) for adapter in known),
        ],
        "message": "; ".join(messages),
    }


def report(workspaces: Sequence[Path]) -> dict[str, object]:
    """Return the answer of `homespun.report`: the page of the newest training."""
    pages = [
        page
        for workspace in workspaces
        for page in (workspace / WORKSPACE_FOLDER).glob(f"{_RUNS}/run-*/{_REPORT}")
        if page.is_file()
    ]
    if not pages:  # trainings' folders are tidied up, adapters stay
        pages = [
            page
            for workspace in workspaces
            for adapter in _known(workspace)[0]
            if adapter.is_known and (page := adapter.directory / _REPORT).is_file()
        ]
    if not pages:
        return {
            "uri": None,
            "message": "no training has written a report here yet; `homespun train` makes one",
        }
    newest = max(pages, key=lambda page: (page.stat().st_mtime, page))
    if not is_harmless(newest):
        return {
            "uri": None,
            "message": f"the report {str(newest)!r} is not as this version of homespun writes one, "
            "so it may run scripts and is not opened; `homespun train` makes another",
        }
    return {"uri": newest.absolute().as_uri(), "message": ""}


def _known(workspace: Path | None) -> tuple[list[Adapter], list[str]]:
    """Return the adapters of a workspace, and what is wrong with others."""
    if workspace is None:
        return [], ["no folder is open: adapters belong to a folder"]
    registry = Registry(workspace)
    try:
        return registry.adapters(), registry.damaged()
    except AdapterError as error:
        return [], [str(error)]


def _champion(workspace: Path | None, model: str, known: Sequence[Adapter]) -> dict[str, object]:
    """Return the choice that follows whatever is promoted."""
    title = "promoted"
    try:
        identifier = Registry(workspace).champion_id() if workspace is not None else None
    except AdapterError as error:
        return _choice(CHAMPION, title, "cannot be read", fits=False, why=str(error))
    if identifier is None:
        return _choice(CHAMPION, title, "none is promoted yet: the model as shipped, for now")
    adapter = next((adapter for adapter in known if adapter.id == identifier), None)
    if adapter is None:
        why = f"adapter {identifier!r} is promoted, but its folder is gone or damaged"
        return _choice(CHAMPION, title, identifier, fits=False, why=why)
    one = _one(adapter, model)
    if workspace is not None and one["fits"]:
        try:
            Registry(workspace).champion()
        except AdapterError as error:
            one |= {"fits": False, "why": str(error)}
    return one | {"id": CHAMPION, "title": title, "detail": f"{identifier}: {one['detail']}"}


def _one(adapter: Adapter, model: str) -> dict[str, object]:
    if not adapter.is_known:
        return _choice(
            adapter.id,
            adapter.id,
            UNKNOWN,
            state=adapter.state,
            fits=False,
            why=f"adapter {adapter.id!r} was {adapter.headline}",
        )
    page = adapter.directory / _REPORT
    why = why_unfit(adapter, model, prompt_version=PROMPT_VERSION)
    return _choice(
        adapter.id,
        adapter.id,
        adapter.headline,
        state=adapter.state,
        report=page.absolute().as_uri() if is_harmless(page) else None,
        fits=not why,
        why=why,
    )


def _choice(
    identifier: str,
    title: str,
    detail: str,
    *,
    state: str = "",
    report: str | None = None,
    fits: bool = True,
    why: str = "",
) -> dict[str, object]:
    return {
        "id": identifier,
        "title": title,
        "detail": detail,
        "state": state,
        "report": report,
        "fits": fits,
        "why": why,
    }
