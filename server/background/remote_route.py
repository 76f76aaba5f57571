"""The user's own server in front of the model: which settings, what it is, and what is said of it.

Settings come from the user's file and the environment only: those of an editor come with a clone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from lsprotocol import types as lsp

from homespun.models.errors import RemoteRefused
from homespun.models.remote.options import SECTION, RemoteOptions
from homespun.models.remote.router import Router
from homespun.models.types import Generator
from homespun.server.background.status import STAY_HERE, Status
from homespun.server.completion.open import context_length, with_remote
from homespun.server.lsp.client import Client
from homespun.server.options import CompletionOptions
from homespun.settings import resolve


class RemoteRoute:
    """Puts a server before the model that is loaded; to be used on the event loop."""

    def __init__(
        self, client: Client, *, renewed: Callable[[], None], changed: Callable[[], None]
    ) -> None:
        """Call `renewed` when somebody else answers, and on any thread `changed` for other news."""
        self._client = client
        self._renewed = renewed
        self._changed = changed
        self._options = RemoteOptions()
        self._stays_here = False  # switched off by the command, until the next start
        self._made: tuple[object, Router] | None = None
        self._trouble = ""  # why the settings do not work

    def configure(
        self, workspace: Path | None, local: Generator | None, options: CompletionOptions
    ) -> None:
        """Take the settings and open the server; what a workspace sets is ignored and said."""
        resolved = resolve(RemoteOptions, SECTION, workspace=workspace)
        for fault in resolved.faults:
            self._client.say_once(fault, lsp.MessageType.Warning)
        self._options = resolved.value
        self.generator(local, options)

    def stay_here(self) -> None:
        """Send nothing more until the next start."""
        if self._is_on():
            self._stays_here = True
            self._made = None
            self._renewed()
            self._changed()

    def generator(self, local: Generator | None, options: CompletionOptions) -> Generator | None:
        """Return who completes: the server before `local`, or `local`, which may be missing."""
        if not self._is_on():
            return local
        key = (self._options, id(local), options.context_tokens)
        if self._made is None or self._made[0] != key:
            made = self._opened(local, options)
            if made is None:
                return local
            self._made = (key, made)
        return self._made[1]

    def status(self, model: Status) -> Status:
        """Return the status of who completes, where that of the model here is `model`."""
        if not self._is_on():
            return model
        if self._trouble:
            return Status("problem", self._trouble) if model.state == "ready" else model
        if self._made is None:
            return model
        sentence = self._made[1].state.sentence
        if model.state != "ready":
            sentence += f"; no model here: {model.message or model.state}"
        elif model.message:
            sentence += f"; {model.message}"
        return Status("ready", sentence, fix=STAY_HERE)

    def describe(self) -> dict[str, object] | None:
        """Return what is sent where as JSON, None where nothing is."""
        if not self._is_on() or self._made is None:
            return None
        state = self._made[1].state
        return {
            "address": state.address,
            "onThisMachine": state.is_on_this_machine,
            "server": state.server,
            "route": state.route,
            "trouble": state.trouble,
            "spent": state.spent,
        }

    def _is_on(self) -> bool:
        return self._options.is_on and not self._stays_here

    def _opened(self, local: Generator | None, options: CompletionOptions) -> Router | None:
        """Open the server's generator, and find out in a thread what is at the address."""
        try:
            made = with_remote(
                self._options,
                local,
                context_tokens=context_length(options),
                say=self._say,
                changed=self._changed,
            )
        except RemoteRefused as error:
            if str(error) != self._trouble:
                self._trouble = str(error)
                self._client.say_problem(self._trouble)
                self._changed()
            return None
        self._trouble = ""
        threading.Thread(target=made.connect, name="homespun-remote-look", daemon=True).start()
        return made

    def _say(self, sentence: str) -> None:
        self._client.say_once(sentence, lsp.MessageType.Warning)
