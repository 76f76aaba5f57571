"""Follows the age of the adapter that serves, on a thread of its own, away from completions."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable
from pathlib import Path

from homespun.errors import HomespunError
from homespun.models.adapters.registry import Registry
from homespun.models.adapters.upkeep.last_check import stamp_of
from homespun.models.types import WITHOUT_OWN
from homespun.server.freshness.age import age_of

logger = logging.getLogger(__name__)

_STAT_SECONDS = 60.0  # how often is looked whether somebody has checked: one `stat`
_LOOK_SECONDS = 3600.0  # how often all is looked at, for days pass and commits come


class AgeFollower:
    """Knows how old the adapter that serves is; nothing is looked at where none does."""

    def __init__(self, changed: Callable[[], None]) -> None:
        """Call `changed`, on the thread, whenever `describe` has other news."""
        self._changed = changed
        self._wake = threading.Condition()
        self._followed: tuple[Path, str] | None = None
        self._told: dict[str, object] | None = None
        self._seen: Hashable = None  # what the last look was at
        self._looked_at = 0.0
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="homespun-age", daemon=True)

    def follow(self, workspace: Path | None, adapter: str) -> None:
        """Look at this adapter from now on; on any thread."""
        with self._wake:
            is_own = workspace is not None and adapter not in WITHOUT_OWN
            self._followed = (workspace, adapter) if workspace and is_own else None
            self._seen = None
            self._wake.notify_all()
            if is_own and not self._thread.is_alive() and not self._closing:
                self._thread.start()

    def describe(self, adapter: str) -> dict[str, object] | None:
        """Return what is known of an adapter, as JSON; None where nothing is."""
        told = self._told
        return told if told is not None and told["adapter"] == adapter else None

    def close(self) -> None:
        """Look at nothing more."""
        with self._wake:
            self._closing = True
            self._wake.notify_all()

    def busy(self) -> bool:
        """Say whether the thread is still alive."""
        return self._thread.is_alive()

    def _run(self) -> None:
        while True:
            with self._wake:
                if self._closing:
                    return
                followed = self._followed
            if followed is not None:
                self._look(*followed)
            with self._wake:
                if not self._closing and self._followed == followed:
                    self._wake.wait(_STAT_SECONDS)

    def _look(self, workspace: Path, identifier: str) -> None:
        """Look, if there may be something new; what goes wrong leaves completions as they are."""
        registry = Registry(workspace)
        seen = (workspace, identifier, stamp_of(registry))
        if seen == self._seen and time.monotonic() - self._looked_at < _LOOK_SECONDS:
            return
        self._seen, self._looked_at = seen, time.monotonic()
        told: dict[str, object] | None = None
        try:
            adapter = registry.get(identifier)
            told = age_of(registry, adapter).to_json() if adapter.is_known else None
        except (HomespunError, OSError) as error:
            logger.info("how old adapter %s is is not known: %s", identifier, error)
        except Exception as error:
            logger.error("the age of adapter %s: %s", identifier, error, exc_info=error)
        if told != self._told:
            self._told = told
            self._changed()
