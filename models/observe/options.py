"""Settings of traces: one default each, here and nowhere else.

The section `observe` of the user's `homespun.toml`, or `HOMESPUN_OBSERVE_…` variables. No field is
a workspace's to set, and the editor is not asked: its settings may come with a clone.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from homespun.models.remote.wire.setting_names import SettingNames

SECTION = "observe"
HEADERS = "OTEL_EXPORTER_OTLP_HEADERS"
OBSERVES = SettingNames(
    url="observe.otlp",
    api_key_env=HEADERS,
    headers=HEADERS,
    kind="observe.otlp",
    model="observe.otlp",
    off="empty observe.otlp",
)


@dataclass(frozen=True, slots=True)
class ObserveOptions:
    """What is kept and sent of how completions, searches and trainings go (section `observe`)."""

    traces: bool = field(
        default=False,
        metadata={
            "help": "keep the last traces on this machine, for `homespun traces`; nothing leaves it"
        },
    )
    otlp: str = field(
        default="",
        metadata={
            "help": "address of an OpenTelemetry collector, e.g. http://127.0.0.1:4318: traces and "
            "figures go there by OTLP over HTTP, without source text; headers are those of "
            f"{HEADERS}; it takes the extra homespun[observe]",
            "private": True,
        },
    )
    source_text: bool = field(
        default=False,
        metadata={
            "help": "put the code at the cursor, the suggestion and paths into traces, too, known "
            "secrets masked; they then go where traces go"
        },
    )

    @property
    def is_on(self) -> bool:
        """Say whether anything is kept or sent."""
        return self.traces or bool(self.otlp.strip())
