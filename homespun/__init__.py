"""Code completion that writes the way this repository writes.

    import homespun

    index = homespun.Index.open(".")  # built or brought up to date
    hits = index.search("where is the config parsed", limit=3)
    completer = homespun.Completer.open(".")  # model, promoted adapter, index
    print(completer.complete_file("src/app.py", line=120, column=17).text)

docs/python.md has more. A name is loaded when it is first asked for, so importing this package
costs nothing. `__init__.pyi` says the same names to type checkers, as imports.
"""

from __future__ import annotations

import importlib

# Names, not import statements: this package is the floor of the house, and imports no room.
_FROM = {
    "Completer": "homespun.server.completion.completer.Completer",
    "Completion": "homespun.server.types.Completion",
    "CompletionRequest": "homespun.server.types.CompletionRequest",
    "Hit": "homespun.indexer.types.Hit",
    "HomespunError": "homespun.errors.HomespunError",
    "Index": "homespun.indexer.index.Index",
    "Registry": "homespun.models.adapters.registry.Registry",
    "Symbol": "homespun.indexer.types.Symbol",
    "build_dataset": "homespun.training.dataset.build.build_dataset",
    "conventions": "homespun.training.conventions.mine.mine",
    "fetch_model": "homespun.models.download.fetch.fetch",
    "train": "homespun.training.pipeline.train.train",
}

__all__ = sorted([*_FROM, "__version__"])  # noqa: PLE0605  (found by `__getattr__`)


def __getattr__(name: str) -> object:
    """Load a public name; from then on it is an attribute like any other."""
    if name == "__version__":
        found: object = _version()
    elif name in _FROM:
        module, _, attribute = _FROM[name].rpartition(".")
        found = getattr(importlib.import_module(module), attribute)
    else:
        known = ", ".join(__all__)
        raise AttributeError(
            f"module 'homespun' has no attribute {name!r}; it has {known} (docs/python.md)",
            name=name,
        )
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted({*__all__, *globals()} - {"_FROM", "_version", "annotations", "importlib"})


def _version() -> str:
    from importlib.metadata import version

    return version("homespun")
