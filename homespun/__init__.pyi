from homespun.errors import HomespunError
from homespun.indexer.index import Index
from homespun.indexer.types import Hit, Symbol
from homespun.models.adapters.registry import Registry
from homespun.models.download.fetch import fetch as fetch_model
from homespun.server.completion.completer import Completer
from homespun.server.types import Completion, CompletionRequest
from homespun.training.conventions.mine import mine as conventions
from homespun.training.dataset.build import build_dataset
from homespun.training.pipeline.train import train

__all__ = [
    "Completer",
    "Completion",
    "CompletionRequest",
    "Hit",
    "HomespunError",
    "Index",
    "Registry",
    "Symbol",
    "__version__",
    "build_dataset",
    "conventions",
    "fetch_model",
    "train",
]

__version__: str
