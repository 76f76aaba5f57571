"""The switches of libraries that would report to their makers; docs/dependencies.md names each.

They count only when they are set before the library is imported, so whoever imports one of them
comes here first (tests/layout/). What the user's environment says otherwise does not count:
nothing of homespun's use is to be reported, whoever starts it.
"""

from __future__ import annotations

import os

_REPORTS_OFF = {
    "ORT_DISABLE_TELEMETRY": "1",  # no event, no queue on the disk, no identifier of the device
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
}
# Ray's dashboard would report, once a cluster is started; its own warnings on variables are noise.
_RAY_OFF = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
# Trained is what is on the disk; peft and transformers would ask the hub about it.
_HUB_OFF = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_UPDATE_CHECK": "1"}


def switch_off_reports() -> None:
    """Switch off what ONNX Runtime and others send; for this process and those that it starts."""
    os.environ.update(_REPORTS_OFF)


def switches() -> dict[str, str]:
    """Return the variables that keep libraries silent, with what each is set to."""
    return dict(_REPORTS_OFF)


def keep_from_hub() -> None:
    """Let transformers, peft and accelerate open no connection; homespun's own downloads still do.

    Not for the serving path: a program that has homespun in it may use the hub itself.
    """
    os.environ.update(_REPORTS_OFF | _HUB_OFF)


def keep_ray_silent() -> None:
    """Let Ray report nothing to its makers; for this process and the workers that it starts."""
    os.environ.update(_REPORTS_OFF | _RAY_OFF)
