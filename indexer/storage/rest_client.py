"""Leaves out what LanceDB imports to ask servers, in a process that is ours.

LanceDB imports the REST client of its catalogues of tables, hundreds of pydantic models, before
anything is opened: half of the time that it takes to import. Nothing here asks such a server.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace

_CLIENT = "lance_namespace_urllib3_client"


def leave_out_the_rest_client() -> None:
    """Have the client's modules be empty, unless they are there already.

    For a program of ours alone: where homespun is imported by another one, that may want them.
    """
    if _CLIENT not in sys.modules:
        sys.meta_path.insert(0, _EmptyModules())


class _EmptyModules(Loader):
    """Finds the client's modules; a name that is taken from one is a class that holds anything.

    A list of tables comes in such a class, whoever has listed them.
    """

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return a module without a file for the client and its parts."""
        if name.partition(".")[0] != _CLIENT:
            return None
        return ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leave that to Python."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Have any name be there; LanceDB's signatures speak of them."""
        named: Callable[[str], type] = _class_named
        module.__getattr__ = named  # type: ignore[method-assign]


def _class_named(name: str) -> type:
    if name.startswith("__"):
        raise AttributeError(name)
    return type(name, (SimpleNamespace,), {})
