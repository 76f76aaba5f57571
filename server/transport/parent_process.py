"""Is the editor still alive? A server whose editor was killed must not stay behind."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable

logger = logging.getLogger(__name__)

POLL_SECONDS = 1.0


async def watch(process_id: int, gone: Callable[[], None]) -> None:
    """Call `gone` once the process has ended."""
    while is_alive(process_id):
        await asyncio.sleep(POLL_SECONDS)
    logger.warning("the editor (process %d) has ended, and so does the server", process_id)
    gone()


def is_alive(process_id: int) -> bool:
    """Say whether a process exists; one of another user does."""
    if sys.platform == "win32":
        return _is_alive_on_windows(process_id)
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _is_alive_on_windows(process_id: int) -> bool:
    # os.kill(pid, 0) would end the process there.
    import ctypes

    synchronize, timeout = 0x0010_0000, 0x102
    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined, unused-ignore]
    handle = kernel.OpenProcess(synchronize, False, process_id)
    if not handle:
        return False
    try:
        return bool(kernel.WaitForSingleObject(handle, 0) == timeout)
    finally:
        kernel.CloseHandle(handle)
