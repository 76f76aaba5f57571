"""Settings as the editor gives them: at start, pushed, or pulled; None and {} mean defaults."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from homespun.server.lsp.client import Client

logger = logging.getLogger(__name__)

SECTION = "homespun"


class EditorSettings:
    """Initialization options, overlaid by what the editor says later."""

    def __init__(
        self,
        server: LanguageServer,
        client: Client,
        *,
        changed: Callable[[Mapping[str, object]], None],
    ) -> None:
        """Call `changed` with settings by section: `{"completion": {…}, "index": {…}}`."""
        self._server = server
        self._client = client
        self._changed = changed
        self._initial: Mapping[str, object] = {}
        self._later: Mapping[str, object] = {}

    def initialize(self, options: object) -> None:
        """Take the initialization options."""
        self._initial = self._mapping(options, "initializationOptions")

    def current(self) -> Mapping[str, object]:
        """Return the settings by section."""
        return _overlaid(self._initial, self._later)

    async def pull(self) -> None:
        """Ask the editor, where it lets itself be asked."""
        if not self._client.can("workspace", "configuration"):
            return
        items = [lsp.ConfigurationItem(section=SECTION)]
        try:
            answer = await self._server.workspace_configuration_async(
                lsp.ConfigurationParams(items=items)
            )
        except JsonRpcException as error:
            logger.warning("the editor gives no configuration: %s", error)
            return
        self._take(answer[0] if answer else None, "workspace/configuration")

    def pushed(self, settings: object) -> None:
        """Take what the editor pushed; where it pushed nothing, ask."""
        if isinstance(settings, Mapping) and SECTION in settings:
            settings = settings[SECTION]
        if settings:
            self._take(settings, "didChangeConfiguration")
        elif self._client.can("workspace", "configuration"):
            self._client.spawn(self.pull())
        else:
            self._take(settings, "didChangeConfiguration")

    def _take(self, settings: object, origin: str) -> None:
        later = self._mapping(settings, origin)
        if later != self._later:
            self._later = later
            self._changed(self.current())

    def _mapping(self, settings: object, origin: str) -> Mapping[str, object]:
        if settings is None:
            return {}
        if isinstance(settings, Mapping):
            return settings
        self._client.say_once(
            f"the settings from {origin} are {settings!r}, not an object; they are ignored",
            lsp.MessageType.Warning,
        )
        return {}


def _overlaid(below: Mapping[str, object], above: Mapping[str, object]) -> Mapping[str, object]:
    """Overlay sections setting by setting; None counts as not given."""
    merged = dict(below)
    for section, settings in above.items():
        under = merged.get(section)
        if isinstance(settings, Mapping) and isinstance(under, Mapping):
            merged[section] = {**under, **_given(settings)}
        elif settings is not None:
            merged[section] = _given(settings) if isinstance(settings, Mapping) else settings
    return merged


def _given(settings: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in settings.items() if value is not None}
