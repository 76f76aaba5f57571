"""Tells the editor how the server is, on every change: `homespun/status`, few and never the same.

Only clients that announce `capabilities.experimental.homespun.status` get it; others would warn of
a notification that they do not know, and ask with the command `homespun.status`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

METHOD = "homespun/status"
_PAUSE_SECONDS = 0.25  # between two of them: quicker than anyone reads


class StatusNotifier:
    """Sends what `describe` returns whenever that is something else."""

    def __init__(
        self,
        *,
        post: Callable[[Callable[[], None]], None],
        describe: Callable[[], Mapping[str, object]],
        send: Callable[[Mapping[str, object]], None],
    ) -> None:
        """`post` runs a function on the event loop; there `describe` and `send` are called."""
        self._post = post
        self._describe = describe
        self._send = send
        self._is_wanted = False
        self._timer: asyncio.TimerHandle | None = None
        self._sent: Mapping[str, object] | None = None
        self._sent_at = -_PAUSE_SECONDS

    def start(self) -> None:
        """Begin to notify; to be called on the event loop, after `initialized`."""
        self._is_wanted = True
        self._due()

    def stop(self) -> None:
        """Send nothing more; to be called on the event loop."""
        self._is_wanted = False
        if self._timer is not None:
            self._timer.cancel()

    def changed(self) -> None:
        """Note that something may be otherwise; on any thread."""
        if self._is_wanted:
            self._post(self._due)

    def _due(self) -> None:
        if not self._is_wanted or self._timer is not None:
            return
        loop = asyncio.get_running_loop()
        wait = max(0.0, self._sent_at + _PAUSE_SECONDS - loop.time())
        self._timer = loop.call_later(wait, self._tell)

    def _tell(self) -> None:
        self._timer = None
        status = self._describe()
        if status != self._sent:
            self._sent, self._sent_at = status, asyncio.get_running_loop().time()
            self._send(status)
