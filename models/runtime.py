"""EDGE onnxruntime: the one module that imports it, and its maker hears nothing.

The official wheels report by themselves: from the import on they keep a queue and an identifier of
the device in the user's cache, and send within seconds. Switched off afterwards, by its function,
the library has already begun; so the environment says it before the import.
"""

from __future__ import annotations

import functools
from typing import Any

from homespun.models.telemetry import switch_off_reports


@functools.cache
def onnxruntime() -> Any:  # noqa: ANN401  (onnxruntime is untyped)
    """Return the library, imported at the first call: that takes a tenth of a second."""
    switch_off_reports()
    import onnxruntime

    onnxruntime.disable_telemetry_events()  # where Windows' own tracing takes the place of it
    return onnxruntime
