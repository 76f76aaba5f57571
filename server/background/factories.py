"""The expensive parts of the server as functions; imported late, and tests bring their own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from homespun.indexer.config import IndexConfig
from homespun.models.recommend.auto import auto_models
from homespun.models.types import Encoder, Generator
from homespun.progress import Progress
from homespun.server.background.adapter_question import PromotesAdapter
from homespun.server.background.auto_choice import FindsModels
from homespun.server.background.embedding_worker import LoadsEncoder
from homespun.server.background.index_worker import OpensIndex
from homespun.server.background.model_fetch import FetchesModel
from homespun.server.background.model_loader import LoadsGenerator
from homespun.server.completion.open import open_generator
from homespun.server.options import CompletionOptions, LicenceOptions
from homespun.server.prompt.render import PROMPT_VERSION
from homespun.server.requests.target import Completes

if TYPE_CHECKING:
    from homespun.indexer.index import Index
    from homespun.models.adapters.registry import Registry


class MakesCompleter(Protocol):
    """`homespun.server.completion.completer.Completer`, or a stand-in."""

    def __call__(
        self,
        generator: Generator,
        index: Index | None,
        options: CompletionOptions,
        *,
        licences: LicenceOptions,
    ) -> Completes:
        """Make what answers the requests of one folder."""


def fetch_model(name: str, progress: Progress | None) -> Path:
    """Download a catalogue model, every byte checked, as `homespun models fetch` does."""
    from homespun.models.download.fetch import fetch

    return fetch(name, progress)


def promote_adapter(registry: Registry, identifier: str, *, model: str, progress: Progress) -> None:
    """Let an adapter serve, by all the checks of `homespun adapters promote`."""
    from homespun.models.promote import promote

    promote(registry, identifier, model=model, prompt_version=PROMPT_VERSION, progress=progress)


def load_encoder(name: str, *, threads: int = 0) -> Encoder | None:
    """Load the real encoder."""
    from homespun.indexer.embedding.encoders import open_encoder

    return open_encoder(name, threads=threads)


def open_index(root: Path, config: IndexConfig, *, create: bool) -> Index:
    """Open the real index."""
    from homespun.indexer.index import Index

    return Index.open(root, config, create=create)


def make_completer(
    generator: Generator,
    index: Index | None,
    options: CompletionOptions,
    *,
    licences: LicenceOptions,
) -> Completes:
    """Make the real completer."""
    from homespun.server.completion.completer import Completer
    from homespun.server.confidence.choose import judge_of

    judge = judge_of(options)
    completer: Completes = Completer(generator, index, options, judge=judge, licences=licences)
    return completer


@dataclass(frozen=True, slots=True)
class Factories:
    """How the expensive parts are made; tests bring their own."""

    load_generator: LoadsGenerator = open_generator
    find_models: FindsModels = auto_models
    fetch_model: FetchesModel = fetch_model
    promote_adapter: PromotesAdapter = promote_adapter
    load_encoder: LoadsEncoder = load_encoder
    open_index: OpensIndex = open_index
    make_completer: MakesCompleter = make_completer
