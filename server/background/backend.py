"""The server's background: the model, one index a folder, their settings, and how all of it is.

A missing model or index is a status with a sentence, said once; it is never an error of a
completion. Which status counts where several have something to say: `server/background/status.py`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from lsprotocol import types as lsp

from homespun.indexer.config import IndexConfig
from homespun.models.adapters.registry import CHAMPION
from homespun.models.types import MODEL_AS_SHIPPED, Generator
from homespun.server.background.adapter_question import AdapterQuestion
from homespun.server.background.auto_choice import AutoChoice
from homespun.server.background.factories import Factories
from homespun.server.background.index_worker import FolderIndex
from homespun.server.background.model_fetch import ModelFetch
from homespun.server.background.model_loader import ModelLoader, champion_of
from homespun.server.background.pause import Pause
from homespun.server.background.remote_route import RemoteRoute
from homespun.server.background.status import Status, overall
from homespun.server.lsp.client import Client
from homespun.server.lsp.workspaces import Root, language_name, path_of, switched_off
from homespun.server.options import CompletionOptions, LicenceOptions, ServerOptions
from homespun.server.requests.target import Completes, CompletionTarget
from homespun.settings import resolve

if TYPE_CHECKING:
    from homespun.indexer.index import Index

    _Parts = tuple[Generator, Index | None, CompletionOptions, LicenceOptions]

logger = logging.getLogger(__name__)

_Settings = TypeVar("_Settings", CompletionOptions, LicenceOptions, ServerOptions, IndexConfig)


@dataclass(slots=True)
class Folder:
    """A workspace folder with its settings."""

    root: Root
    options: CompletionOptions
    licences: LicenceOptions = LicenceOptions()
    message: str = ""  # why it is not indexed, "" where it is
    settings: tuple[IndexConfig, ServerOptions] | None = None  # those of `index`
    logs_acceptance: bool = True
    trouble: Status | None = None  # why it has no index although it should
    index: FolderIndex | None = None


class Backend:
    """Everything behind the protocol: folders, model, settings, completers."""

    def __init__(
        self,
        factories: Factories,
        client: Client,
        *,
        flags: Mapping[str, object],
        completing: Callable[[], bool],
        renewed: Callable[[], None],
        changed: Callable[[], None],
        status_changed: Callable[[], None],
    ) -> None:
        """Take `flags`, settings of the section `completion` from the command line.

        On the event loop, `renewed` is called when the model or the settings are others, and
        `changed` when files of the repository are; on any thread, `status_changed` when `describe`
        may have other news.
        """
        self._factories = factories
        self._client = client
        self._flags = flags
        self._completing = completing
        self._renewed = renewed
        self._changed = changed
        self._status_changed = status_changed
        self._editor: Mapping[str, object] = {}
        self._options = CompletionOptions()  # of documents outside of any folder
        self._logs_acceptance = True  # likewise
        self._folders: dict[str, Folder] = {}  # by URI
        self._completers: dict[str, tuple[_Parts, Completes]] = {}  # with what they are made of
        self._started = False
        self._trouble: Status | None = None  # of the start itself
        self._question = AdapterQuestion(client, factories.promote_adapter)
        self._auto = AutoChoice(
            factories.find_models, client, found=lambda: self.configure(self._editor)
        )
        self.model = ModelLoader(
            factories.load_generator,
            client,
            loaded=lambda: client.post(self._renewed),
            changed=status_changed,
            outlasted=self._auto.chose,
        )
        self.fetch = ModelFetch(
            factories.fetch_model, client, changed=status_changed, fetched=self.model.retry
        )
        self.remote = RemoteRoute(client, renewed=renewed, changed=status_changed)
        self.pause = Pause(changed=self._pause_changed)

    def start(self, editor: Mapping[str, object], folders: Mapping[str, Path]) -> None:
        """Begin; `editor` holds the editor's settings by section, `folders` paths by URI."""
        self._editor = editor
        for uri, path in folders.items():
            self.add_folder(uri, path)
        self._started = True
        try:
            self.configure(editor)
        except Exception as error:  # what is not begun must not be called "starting" for ever
            self._trouble = self._failed("the start", error)

    def configure(self, editor: Mapping[str, object]) -> None:
        """Use other editor settings; also called when a settings file was saved."""
        self._editor = editor
        self._trouble = None
        first = self._first_folder()
        self._options = self._completion_options(first)
        self._logs_acceptance = self._resolved(ServerOptions, "server", first, {}).acceptance_log
        for folder in self._folders.values():
            folder.options = self._completion_options(folder.root.path)
            self._index_folder(folder)
        if self._started and self._auto.knows(self._options):
            self.model.want(self._options, first)
            self.remote.configure(first, self.model.generator, self._options)
            self._question.consider(first, self._options)
            self._tell_unused_adapters(first)
            self._renewed()
            self._status_changed()

    def add_folder(self, uri: str, path: Path) -> None:
        """Take in a workspace folder and begin to index it."""
        if uri in self._folders:
            return
        try:
            root = Root(path)
        except (OSError, ValueError, RuntimeError) as error:  # a loop of links, a NUL
            self._failed(f"the folder {str(path)!r}", error)
            return
        folder = Folder(root, self._completion_options(path), message=root.refusal())
        self._folders[uri] = folder
        if folder.message:
            self._client.log(folder.message)
        self._index_folder(folder)
        self._status_changed()
        if self._started and len(self._folders) == 1:
            self.configure(self._editor)  # the model and its adapter are those of the first folder

    def remove_folder(self, uri: str) -> None:
        """Let go of a workspace folder."""
        first = self._first_folder()
        folder = self._folders.pop(uri, None)
        self._completers.pop(uri, None)
        if folder is not None and folder.index is not None:
            folder.index.close()
        self._status_changed()
        if self._started and self._first_folder() != first:
            self.configure(self._editor)

    @property
    def options(self) -> CompletionOptions:
        """Those of the first folder, which the model is loaded with."""
        return self._options

    def folders(self) -> list[Folder]:
        """Return the workspace folders, in the order in which they were opened."""
        return list(self._folders.values())

    def folder_of(self, document_uri: str) -> Folder | None:
        """Return the innermost folder that a document lies in."""
        return self._folders.get(self._locate(path_of(document_uri))[0])

    def logs_acceptance(self, document_uri: str) -> bool:
        """Say whether what becomes of suggestions in a document may be written down."""
        folder = self.folder_of(document_uri)
        return folder.logs_acceptance if folder else self._logs_acceptance

    def target(self, document_uri: str, language_id: str) -> CompletionTarget:
        """Say who completes a document."""
        uri, relative = self._locate(path_of(document_uri))
        now = partial(self.target, document_uri, language_id)
        folder = self._folders.get(uri)
        options = folder.options if folder else self._options
        if self.pause.is_on():
            facts = {"message": self.pause.sentence()}
            return CompletionTarget(None, relative, "", now, because="filtered:paused", facts=facts)
        if not options.enabled:
            return CompletionTarget(None, relative, "", now, because="filtered:disabled")
        generator = self.remote.generator(self.model.generator, self._options)
        if generator is None:
            status = self._model_status()
            because = "filtered:" + status.state.replace(" ", "-")
            facts = {"message": status.message}
            return CompletionTarget(None, relative, "", now, because=because, facts=facts)
        index = folder.index.index if folder and folder.index else None
        completer = self._completer(uri, generator, index, options)
        return CompletionTarget(completer, relative, language_name(language_id), now)

    def changed(self, paths: list[Path]) -> None:
        """Note files that were saved, made or removed."""
        self._changed()
        for path in paths:
            uri, relative = self._locate(path)
            folder = self._folders.get(uri)
            if folder is None:
                continue
            if relative in ("homespun.toml", "pyproject.toml"):
                self.configure(self._editor)
            if folder.index is not None:
                folder.index.changed([relative])

    def rebuild(self) -> None:
        """Make the index of every folder anew, from nothing."""
        for folder in self._folders.values():
            if folder.index is not None:
                folder.index.rebuild()

    def fetch_model(self) -> None:
        """Fetch the wanted model, unless it serves; then it is loaded."""
        if self.model.status.state != "ready" and self._auto.knows(self._options):
            self.fetch.begin(self._options.model)

    def status(self) -> Status:
        """Return the status of the whole."""
        if self._trouble is not None:
            return self._trouble
        options = [folder.options for folder in self._folders.values()] or [self._options]
        vectors = [each.index.sent_to() for each in self._folders.values() if each.index]
        return overall(
            off=not any(each.enabled for each in options),
            pause=self.pause.status(),
            model=self.remote.status(self._model_status(), vectors),
            indexes=[status for each in self._folders.values() if (status := _index_status(each))],
        )

    def describe(self) -> dict[str, object]:
        """Return the status as JSON, for people and for editors."""
        generator = self.model.generator
        return {
            **self.status().to_json(),
            "pausedUntil": self.pause.until(),
            "model": self._options.model,
            "adapter": generator.adapter if generator else self._options.adapter,
            "adapterAge": self.model.adapter_age(),
            "remote": self.remote.describe(),
            "folders": [_describe_folder(folder) for folder in self._folders.values()],
        }

    def close(self) -> None:
        """Stop the background work; nothing is waited for."""
        self._auto.close()
        self.model.close()
        self.fetch.close()
        for folder in self._folders.values():
            if folder.index is not None:
                folder.index.close()

    def busy(self) -> bool:
        """Say whether a thread of the background is still alive."""
        indexes = [folder.index.busy for folder in self._folders.values() if folder.index]
        return any(busy() for busy in (self.model.busy, self.fetch.busy, self._auto.busy, *indexes))

    def _model_status(self) -> Status:
        """Return how the model is, or how fetching it goes."""
        status = self._auto.status_of(self._options, self.model.status)
        fetch = self.fetch.status_of(self._options.model)
        return status if status.state == "ready" or fetch is None else fetch

    def _pause_changed(self) -> None:
        self._renewed()
        self._status_changed()

    def _failed(self, what: str, error: Exception) -> Status:
        """Log and say what went wrong, which nobody foresaw; return the status of that part."""
        logger.error("%s failed: %s", what, error, exc_info=error)
        sentence = f"{what} failed: {error!r}; see the log"
        self._client.say_problem(sentence)
        return Status("problem", sentence)

    def _index_folder(self, folder: Folder) -> None:
        """Start the folder's index; where that fails, completions go on without it."""
        try:
            self._begin_index(folder)
            folder.trouble = None
        except Exception as error:
            folder.trouble = self._failed(f"the index of {str(folder.root.path)!r}", error)

    def _begin_index(self, folder: Folder) -> None:
        """Start the folder's index, or start it anew when its settings have changed."""
        path = folder.root.path
        settings = (
            self._resolved(IndexConfig, "index", path, {}),
            self._resolved(ServerOptions, "server", path, {}),
        )
        folder.licences = self._resolved(LicenceOptions, "licences", path, {})
        folder.logs_acceptance = settings[1].acceptance_log
        if folder.message or settings == folder.settings:
            return
        if folder.index is not None:
            folder.index.close()
        folder.settings = settings
        folder.index = FolderIndex(
            path,
            settings[0],
            options=settings[1],
            open_index=self._factories.open_index,
            load_encoder=self._factories.load_encoder,
            client=self._client,
            completing=self._completing,
            status_changed=self._status_changed,
            may_send=self.remote.may_send,
        )
        folder.index.start()

    def _first_folder(self) -> Path | None:
        return next((folder.root.path for folder in self._folders.values()), None)

    def _tell_unused_adapters(self, first: Path | None) -> None:
        """Log which adapters do not serve because one model is in memory: the first folder's."""
        for folder in self._folders.values():
            path = folder.root.path
            if path != first and folder.options.adapter == CHAMPION:
                champion = champion_of(path)
                if champion != MODEL_AS_SHIPPED:
                    self._client.log(
                        f"adapter {champion!r} of {str(path)!r} does not serve: one model is in "
                        f"memory, with the adapter of {str(first)!r}; open the folder by itself"
                    )

    def _locate(self, path: Path | None) -> tuple[str, str]:
        """Return the innermost folder's URI and the path in it; ("", "") outside of all."""
        found = ("", "")
        depth = -1
        for uri, folder in self._folders.items():
            relative = folder.root.relative(path) if path is not None else None
            if relative is not None and len(folder.root.path.parts) > depth:
                found, depth = (uri, relative), len(folder.root.path.parts)
        return found

    def _completer(
        self, uri: str, generator: Generator, index: Index | None, options: CompletionOptions
    ) -> Completes:
        """Return the folder's completer; a new one when anything of it is another."""
        folder = self._folders.get(uri)
        licences = folder.licences if folder else LicenceOptions()
        parts = (generator, index, options, licences)
        known = self._completers.get(uri)
        if known is None or known[0] != parts:
            known = parts, self._factories.make_completer(*parts[:3], licences=licences)
            self._completers[uri] = known
        return known[1]

    def _completion_options(self, workspace: Path | None) -> CompletionOptions:
        options = self._resolved(CompletionOptions, "completion", workspace, self._flags)
        options = replace(options, disabled_languages=switched_off(options.disabled_languages))
        return self._auto.named(options)

    def _resolved(
        self,
        cls: type[_Settings],
        section: str,
        workspace: Path | None,
        flags: Mapping[str, object],
    ) -> _Settings:
        editor = self._editor.get(section)
        if not isinstance(editor, Mapping | None):
            self._client.say_once(
                f"setting {section!r} in editor is {editor!r}, not an object; it is ignored",
                lsp.MessageType.Warning,
            )
            editor = None
        try:
            resolved = resolve(cls, section, workspace=workspace, editor=editor, flags=flags)
        except Exception as error:  # no file of a folder may keep the server from its start
            self._failed(f"reading the settings {section!r}", error)
            return cls()
        for fault in resolved.faults:
            self._client.say_once(fault, lsp.MessageType.Warning)
        return resolved.value


def _describe_folder(folder: Folder) -> dict[str, object]:
    status = _index_status(folder) or Status("off", folder.message)
    index = folder.index
    more = {**index.describe_vectors(), **index.describe_siblings()} if index else {}
    return {"root": str(folder.root.path), **status.to_json(), **more}


def _index_status(folder: Folder) -> Status | None:
    return folder.trouble or (folder.index.status if folder.index else None)
