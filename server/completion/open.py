"""What a completer is put together of: settings, index, adapter, model. The one place that knows.

Who completes in this process takes `compose` (`Completer.open` does). Who loads in the background,
scores, or measures several models takes `context_length` and `open_generator`, which `compose`
takes as well, so what is measured is what serves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from homespun.errors import FolderRefused
from homespun.indexer.config import IndexConfig
from homespun.indexer.errors import IndexDamaged, IndexLocked, IndexMissing, NotADirectory
from homespun.models.adapters.registry import CHAMPION, Registry
from homespun.models.adapters.stack import named
from homespun.models.errors import AdapterError, ModelMissing
from homespun.models.recommend.auto import named_model
from homespun.models.remote.options import SECTION, RemoteOptions
from homespun.models.types import MODEL_AS_SHIPPED, Generator
from homespun.progress import NoProgress, Progress
from homespun.server.completion.sent import masked_part
from homespun.server.options import CompletionOptions, LicenceOptions
from homespun.server.prompt.anchors import MAX_BEHIND_TOKENS
from homespun.server.prompt.render import PROMPT_VERSION
from homespun.settings import settings_of

if TYPE_CHECKING:
    from homespun.indexer.index import Index
    from homespun.models.engine.decoder import OnnxDecoder
    from homespun.models.remote.router import Router

_ASKED_DEADLINE_MS = 500  # nobody is typing; the first question also reads what is not cached yet


@dataclass(frozen=True, slots=True)
class Composition:
    """All that a `Completer` is made of."""

    generator: Generator
    index: Index | None
    options: CompletionOptions
    folder: Path  # resolved
    licences: LicenceOptions


def compose(
    folder: Path,
    *,
    model: str | None = None,
    adapter: str | None = None,
    retrieval: bool | None = None,
    remote: Mapping[str, object] | None = None,
    index: Index | None = None,
    progress: Progress | None = None,
    say: Callable[[str], None],
) -> Composition:
    """Load what completes in a folder, by its settings; what is given here goes before them.

    `remote` are settings of `model.remote`; by any route but "local" a server may answer, and
    the model may be missing then. `index` is one that is open already. Without it the folder's
    is opened as it stands, and one that is missing or refused leaves a completer without
    retrieval, as an adapter that may not serve leaves the model as shipped; `say` gets a sentence
    on each. Raises `NotADirectory`, what `homespun.models` raises for a model, `RemoteRefused`, and
    `AdapterError` for an adapter asked for by name.
    """
    if not folder.is_dir():
        raise NotADirectory(f"{str(folder)!r} is no directory; give the folder of a repository")
    given = {"model": model, "adapter": adapter, "retrieval": retrieval}
    options = completion_settings(folder, flags=given, say=say)
    deadline_ms = max(options.retrieve_deadline_ms, _ASKED_DEADLINE_MS)
    options = replace(options, retrieve_deadline_ms=deadline_ms)
    if options.retrieval and index is None:
        index = open_index(folder, say=say)
    generator = _answering(options, folder, remote or {}, progress, say)
    licences = settings_of(LicenceOptions, "licences", workspace=folder, say=say)
    used = index if options.retrieval else None
    return Composition(generator, used, options, folder.resolve(), licences)


def completion_settings(
    workspace: Path,
    *,
    flags: Mapping[str, object] | None = None,
    say: Callable[[str], None],
) -> CompletionOptions:
    """Return a folder's settings with a named model; "auto" becomes what suits this machine.

    That may take some seconds, the first time; `say` gets a sentence on which one and why.
    """
    options = settings_of(
        CompletionOptions, "completion", workspace=workspace, flags=flags, say=say
    )
    return replace(options, model=named_model(options.model, threads=options.threads, say=say))


def context_length(options: CompletionOptions) -> int:
    """Return how many tokens a decoder must hold: prompt, what comes behind it, answer."""
    longest_answer = max(options.max_tokens, options.max_block_tokens)
    return options.context_tokens + MAX_BEHIND_TOKENS + longest_answer


def open_generator(
    name: str,
    *,
    adapter: str | Path,
    workspace: Path | None,
    threads: int,
    context_tokens: int,
    cache_mb: int,
    progress: Progress | None = None,
) -> OnnxDecoder:
    """Load a model with an adapter, which must be fit for today's prompts.

    Raises what `homespun.models.load.load_generator` does; imported late, ONNX Runtime takes time.
    """
    from homespun.models.load import load_generator

    return load_generator(
        name,
        adapter=adapter,
        workspace=workspace,
        prompt_version=PROMPT_VERSION,
        threads=threads,
        context_tokens=context_tokens,
        cache_mb=cache_mb,
        progress=progress,
    )


def with_remote(
    options: RemoteOptions,
    local: Generator | None,
    *,
    context_tokens: int,
    say: Callable[[str], None],
    changed: Callable[[], None] = lambda: None,
) -> Router:
    """Put the server of the settings before `local`; `homespun.models.remote.open` says the rest.

    What is sent has been masked as a whole document (`sent.masked`); here comes the net behind it.
    """
    from homespun.models.remote.open import open_remote

    return open_remote(
        options,
        local,
        context_tokens=context_tokens,
        mask=masked_part,
        say=say,
        changed=changed,
    )


def _answering(
    options: CompletionOptions,
    folder: Path,
    flags: Mapping[str, object],
    progress: Progress | None,
    say: Callable[[str], None],
) -> Generator:
    """Load who answers: the model here, or a server before it."""
    remote = settings_of(RemoteOptions, SECTION, workspace=folder, flags=flags, say=say)
    if not remote.is_on:
        return _generator_of(options, folder, progress, say)
    local: Generator | None
    try:
        local = _generator_of(options, folder, progress, say)
    except ModelMissing as error:
        say(f"{error}; asking the server alone")
        local = None
    return with_remote(remote, local, context_tokens=context_length(options), say=say)


def _generator_of(
    options: CompletionOptions,
    folder: Path,
    progress: Progress | None,
    say: Callable[[str], None],
) -> Generator:
    """Load the model; a champion that is refused leaves the model as shipped, with a sentence."""

    def load(adapter: str) -> Generator:
        return open_generator(
            options.model,
            adapter=named(adapter),
            workspace=folder,
            threads=options.threads,
            context_tokens=context_length(options),
            cache_mb=options.cache_mb,
            progress=progress,
        )

    try:
        claim = Registry(folder).claim() if options.adapter == CHAMPION else None
        if claim is not None:
            say(f"{claim.sentence}, so it does not serve; {claim.command}")
        return load(options.adapter)
    except AdapterError as error:
        if options.adapter != CHAMPION:  # asked for by name
            raise
        (progress or NoProgress()).finish()  # a bar would be drawn over the sentence
        say(f"{error}; completing with the model as shipped")
        return load(MODEL_AS_SHIPPED)


def open_index(
    folder: Path,
    *,
    flags: Mapping[str, object] | None = None,
    say: Callable[[str], None],
) -> Index | None:
    """Open a folder's index, with the packs of its siblings; None where there is none to use.

    The completion then goes on without it, and `say` hears how to build one. `flags` are settings
    of the section `index`. Raises `StorageFull` where no pack can be kept.
    """
    from homespun.indexer.index import Index
    from homespun.indexer.packs.sharing.configured import siblings_of

    config = settings_of(IndexConfig, "index", workspace=folder, flags=flags, say=say)
    try:
        index = Index.open(folder, config)
        index.siblings = siblings_of(config, say=say)
        return index
    except IndexMissing:
        say(
            f"no index of {str(folder)!r}, completing without retrieval; "
            f"`homespun index {folder}` builds one"
        )
        return None
    except (IndexDamaged, IndexLocked, FolderRefused) as error:
        say(f"{error}; completing without retrieval")
        return None
