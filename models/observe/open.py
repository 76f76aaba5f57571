"""From the settings to a recorder: what is kept here, what goes where, and who refuses that."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version

from homespun.models.download.offline import is_offline
from homespun.models.errors import RemoteRefused
from homespun.models.observe.options import OBSERVES, SECTION, ObserveOptions
from homespun.models.remote.wire.address import address_of
from homespun.settings import settings_of
from homespun.traces.kept import KeptTraces
from homespun.traces.recorder import Recorder, Sink

INSTALL = "python -m pip install 'homespun[observe]'"


def open_recorder(options: ObserveOptions, *, say: Callable[[str], None]) -> Recorder | None:
    """Return what takes traces, None where the settings want none.

    `say` gets a sentence where nothing can be sent; what is kept here is kept all the same.
    """
    sinks: list[Sink] = [KeptTraces()] if options.traces else []
    if options.otlp.strip():
        try:
            sinks += _senders(collector(options.otlp), say)
        except RemoteRefused as refused:
            say(str(refused))
    return Recorder(sinks, source_text=options.source_text) if sinks else None


def recorder_of_user(*, say: Callable[[str], None]) -> Recorder | None:
    """Return what the user's settings ask for."""
    options = settings_of(ObserveOptions, SECTION, workspace=None, say=say)
    return open_recorder(options, say=say) if options.is_on else None


def collector(url: str) -> str:
    """Return a collector's address without the path of a signal. Raises `RemoteRefused`."""
    address = address_of(url.strip().removesuffix("/v1/traces"), OBSERVES)
    if is_offline() and not address.is_on_this_machine:
        raise RemoteRefused(
            f"HOMESPUN_OFFLINE is set, so no trace goes to {address.shown}; unset it, or "
            f"{OBSERVES.off}"
        )
    return address.base + address.path


def _senders(base: str, say: Callable[[str], None]) -> list[Sink]:
    """Return what sends. Raises `RemoteRefused` where OpenTelemetry is not installed."""
    try:
        from homespun.models.observe import figures, otlp
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("opentelemetry"):
            raise
        raise RemoteRefused(
            f"observe.otlp is set, and OpenTelemetry is not installed; run {INSTALL}"
        ) from None
    otlp.quiet()
    resource = otlp.resource_of(
        {"service.name": "homespun", "service.version": version("homespun")}
    )
    return [otlp.OtlpSpans(base, resource, say), figures.OtlpFigures(base, resource)]
