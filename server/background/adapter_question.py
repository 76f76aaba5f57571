"""Asks the user, once, whether an adapter that a folder brings may serve; and does as he says.

What stands in an opened folder serves never by itself: `models/adapters/registry.py` says what is
unknown. Reading, checking and merging are done on threads of their own, asking on the event loop.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from lsprotocol import types as lsp

from homespun.errors import HomespunError
from homespun.models.adapters.claim import Claim
from homespun.models.adapters.registry import CHAMPION, Registry
from homespun.models.adapters.sealed_folder import identity_of
from homespun.models.errors import AdapterDamaged, AdapterError
from homespun.progress import Progress
from homespun.server.lsp.client import Client
from homespun.server.options import CompletionOptions

logger = logging.getLogger(__name__)

USE, NOT_NOW = "Use it", "Not now"


class PromotesAdapter(Protocol):
    """`homespun.models.promote.promote`, or a stand-in."""

    def __call__(
        self, registry: Registry, identifier: str, *, model: str, progress: Progress
    ) -> None:
        """Check, merge, compare, and let it serve."""


class AdapterQuestion:
    """The question about a folder's adapter, at most once a session for the same bytes."""

    def __init__(self, client: Client, promote: PromotesAdapter) -> None:
        self._client = client
        self._promote = promote
        self._asked: set[str] = set()

    def consider(self, workspace: Path | None, options: CompletionOptions) -> None:
        """Ask where a folder lets an adapter serve that its user knows nothing of."""
        if workspace is not None and options.enabled and options.adapter == CHAMPION:
            self._on_thread(lambda: self._look(workspace, options.model))

    def _look(self, workspace: Path, model: str) -> None:
        try:
            claim = Registry(workspace).claim()
        except AdapterError as error:  # what cannot be read is the status of the model
            logger.info("no adapter is asked about: %s", error)
            return
        if claim is not None:
            self._client.post(self._begin, workspace, model, claim)

    def _begin(self, workspace: Path, model: str, claim: Claim) -> None:
        if claim.sha256 in self._asked:
            return
        self._asked.add(claim.sha256)
        if self._client.can_ask():
            self._client.spawn(self._ask(workspace, model, claim))
        else:
            sentence = f"{claim.sentence}, so it does not serve; {claim.command}"
            self._client.say_once(sentence, lsp.MessageType.Warning)

    async def _ask(self, workspace: Path, model: str, claim: Claim) -> None:
        answer = await self._client.ask(
            f"{claim.sentence}. It would shape what is suggested here; without it the model as "
            "shipped completes. Use it only if you know where it is from.",
            (USE, NOT_NOW),
        )
        if answer == USE:
            self._on_thread(lambda: self._use(workspace, model, claim))
        elif answer == NOT_NOW:
            self._on_thread(lambda: Registry(workspace).decline(claim))

    def _use(self, workspace: Path, model: str, claim: Claim) -> None:
        """Trust the bytes that were asked about, and promote them by the same checks as ever."""
        registry, identifier = Registry(workspace), claim.adapter.id
        if identity_of(registry.get(identifier).manifest) != identity_of(claim.adapter.manifest):
            raise AdapterDamaged(
                f"adapter {identifier!r} is another one than you were asked about; "
                "`homespun adapters list` shows what is there now"
            )
        registry.trust(identifier)
        progress = self._client.progress(f"homespun: adapter {identifier}")
        try:
            self._promote(registry, identifier, model=model, progress=progress)
        finally:
            progress.finish()
        self._client.log(f"adapter {identifier} was promoted, as you said")

    def _on_thread(self, work: Callable[[], None]) -> None:
        threading.Thread(target=self._said, args=(work,), name="homespun-ask", daemon=True).start()

    def _said(self, work: Callable[[], None]) -> None:
        """Do what may go wrong; that is a sentence, and the model as shipped goes on."""
        try:
            work()
        except (HomespunError, OSError) as error:
            self._client.say_once(f"the adapter does not serve: {error}", lsp.MessageType.Warning)
        except Exception as error:
            logger.error("an adapter that a folder brings: %s", error, exc_info=error)
            sentence = f"the adapter does not serve: {error!r}; see the log"
            self._client.say_once(sentence, lsp.MessageType.Warning)
