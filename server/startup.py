"""The server's background: the model, one index a folder, their settings, and how all of it is.

States: starting -> loading model -> indexing -> ready, or problem. A missing model or index is a
state with a sentence, said once; it is never an error of a completion.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from lsprotocol import types as lsp

from homespun.indexer.config import IndexConfig
from homespun.indexer.settings import resolve
from homespun.models.registry import CHAMPION
from homespun.models.types import MODEL_AS_SHIPPED, Encoder, Generator, Progress
from homespun.server.client import Client
from homespun.server.freshness import FolderIndex, OpensIndex
from homespun.server.model_loader import LoadsGenerator, ModelLoader, Status, champion_of
from homespun.server.options import CompletionOptions, ServerOptions
from homespun.server.place import Completes, Place
from homespun.server.prompt import PROMPT_VERSION
from homespun.server.vectors import LoadsEncoder
from homespun.server.workspaces import Root, language_name, path_of

if TYPE_CHECKING:
    from homespun.indexer.index import Index

_Settings = TypeVar("_Settings", CompletionOptions, ServerOptions, IndexConfig)


class MakesCompleter(Protocol):
    """`homespun.server.complete.Completer`, or a stand-in."""

    def __call__(
        self, generator: Generator, index: Index | None, options: CompletionOptions
    ) -> Completes:
        """Make what answers the requests of one folder."""


def load_generator(
    name: str,
    *,
    adapter: str,
    workspace: Path | None,
    threads: int,
    context_tokens: int,
    cache_mb: int,
    progress: Progress | None,
) -> Generator:
    """Load the real model; imported late, ONNX Runtime takes its time."""
    from homespun.models.load import load_generator as load

    return load(
        name,
        adapter=adapter,
        workspace=workspace,
        prompt_version=PROMPT_VERSION,
        threads=threads,
        context_tokens=context_tokens,
        cache_mb=cache_mb,
        progress=progress,
    )


def load_encoder(name: str, *, threads: int = 0) -> Encoder | None:
    """Load the real encoder."""
    from homespun.indexer.encoders import open_encoder

    return open_encoder(name, threads=threads)


def open_index(root: Path, config: IndexConfig, *, create: bool) -> Index:
    """Open the real index."""
    from homespun.indexer.index import Index

    return Index.open(root, config, create=create)


def make_completer(
    generator: Generator, index: Index | None, options: CompletionOptions
) -> Completes:
    """Make the real completer."""
    from homespun.server.complete import Completer

    completer: Completes = Completer(generator, index, options)
    return completer


@dataclass(frozen=True, slots=True)
class Parts:
    """The expensive parts; tests bring their own."""

    load_generator: LoadsGenerator = load_generator
    load_encoder: LoadsEncoder = load_encoder
    open_index: OpensIndex = open_index
    make_completer: MakesCompleter = make_completer


@dataclass(slots=True)
class Folder:
    """A workspace folder with its settings."""

    root: Root
    options: CompletionOptions
    message: str = ""  # why it is not indexed, "" where it is
    settings: tuple[IndexConfig, ServerOptions] | None = None  # those of `index`
    index: FolderIndex | None = None


@dataclass(frozen=True, slots=True)
class _Made:
    """A completer and what it was made of."""

    generator: Generator
    index: Index | None
    options: CompletionOptions
    completer: Completes


class Engine:
    """Everything behind the protocol: folders, model, settings, completers."""

    def __init__(
        self,
        parts: Parts,
        client: Client,
        *,
        flags: Mapping[str, object],
        completing: Callable[[], bool],
        renewed: Callable[[], None],
        changed: Callable[[], None],
    ) -> None:
        """Take `flags`, settings of the section `completion` from the command line.

        On the event loop, `renewed` is called when the model or the settings are others, and
        `changed` when files of the repository are.
        """
        self._parts = parts
        self._client = client
        self._flags = flags
        self._completing = completing
        self._renewed = renewed
        self._changed = changed
        self._editor: Mapping[str, object] = {}
        self._options = CompletionOptions()  # of documents outside of any folder
        self._folders: dict[str, Folder] = {}  # by URI
        self._completers: dict[str, _Made] = {}
        self._started = False
        self.model = ModelLoader(
            parts.load_generator, client, loaded=lambda: client.post(self._renewed)
        )

    def start(self, editor: Mapping[str, object], folders: Mapping[str, Path]) -> None:
        """Begin; `editor` holds the editor's settings by section, `folders` paths by URI."""
        self._editor = editor
        for uri, path in folders.items():
            self.add_folder(uri, path)
        self._started = True
        self.configure(editor)

    def configure(self, editor: Mapping[str, object]) -> None:
        """Use other editor settings; also called when a settings file was saved."""
        self._editor = editor
        first = self._first_folder()
        self._options = self._completion_options(first)
        for folder in self._folders.values():
            folder.options = self._completion_options(folder.root.path)
            self._index_folder(folder)
        if self._started:
            self.model.want(self._options, first)
            self._tell_unused_adapters(first)
            self._renewed()

    def add_folder(self, uri: str, path: Path) -> None:
        """Take in a workspace folder and begin to index it."""
        if uri in self._folders:
            return
        root = Root(path)
        folder = Folder(root, self._completion_options(path), message=root.refusal())
        self._folders[uri] = folder
        if folder.message:
            self._client.log(folder.message)
        self._index_folder(folder)
        if self._started and len(self._folders) == 1:
            self.configure(self._editor)  # the model and its adapter are those of the first folder

    def remove_folder(self, uri: str) -> None:
        """Let go of a workspace folder."""
        first = self._first_folder()
        folder = self._folders.pop(uri, None)
        self._completers.pop(uri, None)
        if folder is not None and folder.index is not None:
            folder.index.close()
        if self._started and self._first_folder() != first:
            self.configure(self._editor)

    def place(self, document_uri: str, language_id: str) -> Place:
        """Say who completes a document."""
        uri, relative = self._locate(path_of(document_uri))
        folder = self._folders.get(uri)
        options = folder.options if folder else self._options
        if not options.enabled:
            return Place(None, relative, "", because="filtered:disabled")
        generator = self.model.generator
        if generator is None:
            return Place(None, relative, "", because="filtered:" + _dashed(self.model.status.state))
        index = folder.index.index if folder and folder.index else None
        completer = self._completer(uri, generator, index, options)
        return Place(completer, relative, language_name(language_id))

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

    def reindex(self) -> None:
        """Look at every file of every folder again."""
        for folder in self._folders.values():
            if folder.index is not None:
                folder.index.reindex()

    def status(self) -> Status:
        """Return the state of the whole."""
        if self.model.status.state != "ready":
            return self.model.status
        states = [folder.index.status for folder in self._folders.values() if folder.index]
        for wanted in ("problem", "indexing", "starting"):
            for state in states:
                if state.state == wanted:
                    shown = "indexing" if wanted == "starting" else wanted
                    return Status(shown, state.message)
        return self.model.status

    def describe(self) -> dict[str, object]:
        """Return the status as JSON, for people and for editors."""
        status, generator = self.status(), self.model.generator
        return {
            "state": status.state,
            "message": status.message,
            "model": self._options.model,
            "adapter": generator.adapter if generator else self._options.adapter,
            "folders": [_describe_folder(folder) for folder in self._folders.values()],
        }

    def close(self) -> None:
        """Stop the background work; nothing is waited for."""
        self.model.close()
        for folder in self._folders.values():
            if folder.index is not None:
                folder.index.close()

    def busy(self) -> bool:
        """Say whether a thread of the background is still alive."""
        indexes = [folder.index for folder in self._folders.values() if folder.index]
        return self.model.busy() or any(index.busy() for index in indexes)

    def _index_folder(self, folder: Folder) -> None:
        """Start the folder's index, or start it anew when its settings have changed."""
        path = folder.root.path
        settings = (
            self._resolved(IndexConfig, "index", path, {}),
            self._resolved(ServerOptions, "server", path, {}),
        )
        if folder.message or settings == folder.settings:
            return
        if folder.index is not None:
            folder.index.close()
        folder.settings = settings
        folder.index = FolderIndex(
            path,
            settings[0],
            options=settings[1],
            open_index=self._parts.open_index,
            load_encoder=self._parts.load_encoder,
            client=self._client,
            completing=self._completing,
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
        known = self._completers.get(uri)
        if (
            known is not None
            and known.generator is generator
            and known.index is index
            and known.options == options
        ):
            return known.completer
        completer = self._parts.make_completer(generator, index, options)
        self._completers[uri] = _Made(generator, index, options, completer)
        return completer

    def _completion_options(self, workspace: Path | None) -> CompletionOptions:
        return self._resolved(CompletionOptions, "completion", workspace, self._flags)

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
        resolved = resolve(cls, section, workspace=workspace, editor=editor, flags=flags)
        for fault in resolved.faults:
            self._client.say_once(fault, lsp.MessageType.Warning)
        return resolved.value


def _describe_folder(folder: Folder) -> dict[str, object]:
    index = folder.index
    return {
        "root": str(folder.root.path),
        "state": index.status.state if index else "off",
        "message": index.status.message if index else folder.message,
    }


def _dashed(words: str) -> str:
    return words.replace(" ", "-")
