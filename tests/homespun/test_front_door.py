"""`import homespun`: what it names, what it loads, and the one tree of errors."""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
from importlib.metadata import version

import pytest

import homespun
from tests.layout.house import NOT_IN_THE_WHEEL, ROOT, module_of, relative, sources
from tests.support.fresh_interpreter import loaded_after

NAMES = (
    "Index Hit Symbol Completer Completion CompletionRequest Registry fetch_model conventions "
    "build_dataset train HomespunError __version__"
).split()
HEAVY = {"numpy", "lancedb", "pyarrow", "onnxruntime", "torch", "tokenizers", "pygls", "httpx"}

# How a part of a room ends early; whoever calls that part catches it.
NEVER_LEAVE = {"Cancelled", "Filtered", "TooSlow", "EvidenceMissing", "WrongReply", "NoLikelihood"}


def test_importing_it_loads_nothing_of_the_rooms_and_no_library():
    _, before = loaded_after("")
    _, loaded = loaded_after("import homespun; dir(homespun)")
    added = {name for name in loaded - before if not name.startswith("__editable__")}
    assert {name for name in added if name.startswith("homespun")} == {"homespun"}
    assert {name.split(".")[0] for name in added} <= {"homespun", *sys.stdlib_module_names}
    assert not HEAVY & loaded


def test_a_name_loads_what_it_needs_and_no_more():
    _, loaded = loaded_after("import homespun; homespun.CompletionRequest, homespun.Hit")
    assert not HEAVY & loaded
    _, loaded = loaded_after("from homespun import Completer, Index, Registry, train")
    assert "torch" not in loaded


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_there_and_says_what_it_is(name):
    found = getattr(homespun, name)
    assert name in homespun.__all__ and name in dir(homespun)
    if name != "__version__":
        assert inspect.getdoc(found)
        assert vars(homespun)[name] is found  # asked once, then an attribute like any other


def test_there_are_no_names_but_these():
    assert sorted(homespun.__all__) == sorted(NAMES)
    assert homespun.__version__ == version("homespun")
    namespace = {}
    exec("from homespun import *", namespace)
    assert set(NAMES) <= set(namespace)


def test_an_unknown_name_is_an_attribute_error_that_says_what_there_is():
    with pytest.raises(AttributeError, match=r"no attribute 'Indx'; it has .*Index.*docs/python"):
        homespun.Indx  # noqa: B018
    assert not hasattr(homespun, "__wrapped__")
    with pytest.raises(ImportError):
        from homespun import Indx  # noqa: F401


def test_sub_packages_are_found_as_before():
    from homespun import indexer

    assert indexer.__name__ == "homespun.indexer"


def test_type_checkers_are_told_the_same_names_from_the_same_places():
    tree = ast.parse((ROOT / "homespun" / "__init__.pyi").read_text(encoding="utf-8"))
    told = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert told == homespun._FROM
    [listed] = [ast.literal_eval(node.value) for node in tree.body if isinstance(node, ast.Assign)]
    assert listed == homespun.__all__


def test_every_public_exception_is_a_homespun_error():
    modules = [path for path in sources() if not relative(path).startswith(NOT_IN_THE_WHEEL)]
    strangers, found = [], 0
    for path in modules:
        if path.stem == "__main__":
            continue
        module = importlib.import_module(module_of(path))
        for name, value in vars(module).items():
            is_ours = inspect.isclass(value) and value.__module__ == module.__name__
            if is_ours and issubclass(value, BaseException) and not name.startswith("_"):
                found += 1
                if not issubclass(value, homespun.HomespunError) and name not in NEVER_LEAVE:
                    strangers.append(f"{value.__module__}.{name}")
    assert strangers == []
    assert found > 30


def test_an_error_can_be_caught_by_the_name_at_the_door(tmp_path):
    with pytest.raises(homespun.HomespunError):
        homespun.Index.open(tmp_path / "gone")
