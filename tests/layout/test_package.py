"""What is installed, and what importing it costs."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.layout.house import NOT_IN_THE_WHEEL, ROOMS, ROOT, module_of, relative, sources
from tests.layout.installed import try_wheel
from tests.support.fresh_interpreter import loaded_after


def is_installed(path: Path) -> bool:
    """Whether a file is in the wheel: the maintainers' own jobs are not."""
    return not relative(path).startswith(NOT_IN_THE_WHEEL)


def place_in_the_wheel(path: Path) -> str:
    """`server/app.py` -> `homespun/server/app.py`."""
    return f"homespun/{relative(path).removeprefix('homespun/')}"


def test_the_package_list_names_every_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = project["tool"]["setuptools"]["packages"]
    inits = [path for path in sources() if path.stem == "__init__" and is_installed(path)]
    found = [module_of(path) for path in inits]
    assert sorted(listed) == sorted(found)


def test_the_rooms_init_files_are_empty():
    rooms = [room for room in ROOMS if room != "homespun"]
    inits = [path for room in rooms for path in (ROOT / room).rglob("__init__.py")]
    assert inits
    assert all(path.read_text() == "" for path in inits)
    assert not (ROOT / "__init__.py").exists()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q"]
    # Built from a copy: setuptools leaves its build folder beside the sources.
    # Of what comes and goes while tests run nothing is copied.
    left_out = (".*", "build", "dist", "*.egg-info", "tests", "__pycache__", "node_modules")
    shutil.copytree(ROOT, folder / "src", ignore=shutil.ignore_patterns(*left_out))
    subprocess.run([*command, "-w", str(folder), str(folder / "src")], check=True)
    (wheel,) = folder.glob("homespun-*.whl")
    return wheel


def test_the_wheel_holds_every_module_and_data_file(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    expected = {
        place_in_the_wheel(path)
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.suffix
        in {".py", ".pyi", ".scm", ".json"} | {"" if path.name == "py.typed" else ".py"}
        and is_installed(path)
    }
    data = (
        "indexer/embedding/static",
        "models/adapters/shipped_data",
        "training/report/templates",
        "training/safety/data",
    )
    expected |= {
        place_in_the_wheel(path)
        for folder in data
        for path in (ROOT / folder).rglob("*")
        if path.is_file()
    }
    assert expected <= names
    assert wheel.stat().st_size < 60_000_000
    rooms = {room for room in ROOMS if room != "homespun"}
    assert not any(name.split("/")[0] in rooms for name in names), "a bare top-level room"
    assert not any(name.startswith("homespun/training/shipped") for name in names)


def test_the_wheel_works_where_nothing_but_its_requirements_is_installed(wheel, tmp_path):
    assert try_wheel(wheel, tmp_path) == []


def test_help_loads_nothing_heavy():
    heavy = {"numpy", "onnxruntime", "lancedb", "tokenizers", "pygls", "rich", "torch", "httpx"}
    _, loaded = loaded_after("from homespun.cli.main import main; main(['--help'])")
    assert not heavy & loaded


def test_importing_a_module_says_nothing_and_loads_no_torch():
    """All of them in one process, one after the other: there is no circle that order could hide."""
    names = [module_of(path) for path in sources() if path.stem != "__main__"]
    code = (
        "import importlib, sys\n"
        f"for name in {names!r}:\n"
        "    before = set(sys.modules)\n"
        "    importlib.import_module(name)\n"
        "    for heavy in {'torch', 'transformers'} & (set(sys.modules) - before):\n"
        "        print(name, 'loads', heavy)"
    )
    printed, loaded = loaded_after(code)
    assert printed == ""
    assert {"homespun.server.setup", "homespun.training.pipeline.train"} <= loaded


def test_every_verb_is_a_module_with_a_help_page():
    from homespun.cli.main import VERBS

    for verb in VERBS:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "homespun.cli", verb.name, "--help"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert f"usage: homespun {verb.name}" in done.stdout


@pytest.mark.parametrize("arguments", [[], ["unheard-of"], ["index", "--unheard-of"]])
def test_wrong_arguments_end_with_status_2(arguments):
    done = subprocess.run(
        [sys.executable, "-P", "-m", "homespun.cli", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr


def test_every_requirement_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pinned = {
        line.split("==")[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line
    }
    wanted = [*project["dependencies"], *sum(project["optional-dependencies"].values(), [])]
    names = {Requirement(requirement).name.lower() for requirement in wanted}
    assert names <= pinned


def test_every_direct_dependency_has_a_written_reason():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    wanted = [*project["dependencies"], *sum(project["optional-dependencies"].values(), [])]
    names = {Requirement(requirement).name for requirement in wanted}
    written = set(re.findall(r"`([\w.-]+)(?:\[[\w,-]+\])?`", text))
    assert names - written == set()
