"""A folder that holds modules of the names that we import runs none of them by being opened."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from homespun.cli.surroundings import without_here
from tests.support import rpc

SCRIPT = Path(sys.executable).with_name("homespun")
SHADOWS = (
    "argparse email filelock homespun httpx importlib_metadata json lancedb logging lsprotocol "
    "multiprocessing numpy onnxruntime pathspec platformdirs pyarrow pygls rich sitecustomize "
    "tokenizers tree_sitter tree_sitter_python usercustomize watchfiles"
).split()
OURS = [name for name in SHADOWS if name not in sys.stdlib_module_names]
LATER = [name for name in OURS if name not in ("homespun", "sitecustomize", "usercustomize")]


@pytest.fixture
def canary(tmp_path):
    return tmp_path / "canary"


@pytest.fixture
def workspace(tmp_path, canary):
    """Make a folder of modules, each of which leaves the canary."""

    def make(names):
        root = tmp_path / "workspace"
        root.mkdir()
        (root / "app.py").write_text("x = 1\n")
        bad = f"open({str(canary)!r}, 'a').write(__name__ + ' ')\n"
        for number, name in enumerate(names):
            if number % 2:
                (root / name).mkdir()
                (root / name / "__init__.py").write_text(bad)
            else:
                (root / f"{name}.py").write_text(bad)
        site = root / ".venv" / "lib" / "python3.11" / "site-packages"
        site.mkdir(parents=True)
        (site / "evil.pth").write_text(f"import os; {bad}")
        (root / ".venv" / "pyvenv.cfg").write_text("home = .\n")
        (root / "evil.pth").write_text(f"import os; {bad}")
        return root

    return make


def run(command, root, **environment):
    done = subprocess.run(
        command,
        cwd=root,
        env={**os.environ, "HOMESPUN_INDEX_ENCODER": "none", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "start",
    [[str(SCRIPT)], [sys.executable, "-P", "-m", "homespun.cli"]],
    ids=["script", "module"],
)
def test_the_command_imports_nothing_from_the_folder_that_it_is_started_in(
    start, workspace, canary
):
    if not Path(start[0]).exists():
        pytest.skip("the command is not installed beside this Python")
    run([*start, "index", "."], workspace(SHADOWS))
    assert not canary.exists(), canary.read_text()


@pytest.mark.parametrize("given", ["", ".", "/none:", "sub/.."])
def test_a_python_path_that_means_here_brings_no_library(given, workspace, canary):
    root = workspace(LATER)
    run([sys.executable, "-P", "-m", "homespun.cli", "index", "."], root, PYTHONPATH=given)
    assert not canary.exists(), canary.read_text()


def test_who_forgets_the_flag_gets_no_library_of_the_folder_either(workspace, canary):
    run([sys.executable, "-m", "homespun.cli", "index", "."], workspace(LATER))
    assert not canary.exists(), canary.read_text()


def test_the_server_imports_nothing_from_the_folder(workspace, canary):
    root = workspace(LATER)
    command = ["/bin/sh", "-c", 'cd "$0" && exec "$@"', str(root), sys.executable]
    command += ["-m", "homespun.cli", "serve", "--stdio"]
    environment = {"HOMESPUN_INDEX_ENCODER": "none", "HOMESPUN_OFFLINE": "1", "PYTHONPATH": "."}
    client = rpc.Client(command, env=environment)
    try:
        client.initialize(rootUri=root.as_uri())
        client.open((root / "app.py").as_uri(), "x = 1\n")
        client.wait_until(lambda: client.status()["folders"][0]["state"] == "ready")
        client.stop()
    finally:
        client.kill()
    assert not canary.exists(), canary.read_text()


CHILDREN = """
import multiprocessing, os, subprocess, sys
from homespun.cli.main import main
sys.argv = ["homespun", "--version"]
assert main() == 0
if __name__ == "__main__":
    process = multiprocessing.get_context("spawn").Process(target=print, args=("child",))
    process.start()
    process.join()
    assert process.exitcode == 0
    subprocess.run([sys.executable, "-c", "import json"], check=True)
    assert "" not in os.environ["PATH"].split(os.pathsep)
"""


def test_the_processes_that_it_starts_import_nothing_from_the_folder(workspace, canary, tmp_path):
    script = tmp_path / "start.py"  # as the installed command: the script's folder comes first
    script.write_text(CHILDREN)
    path = os.pathsep.join(["", ".", os.environ["PATH"]])
    run([sys.executable, str(script)], workspace(SHADOWS), PATH=path)
    assert not canary.exists(), canary.read_text()


def test_a_current_folder_that_is_gone_is_no_reason_to_stop(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    command = 'rmdir "$PWD" && exec "$@"'
    ours = [sys.executable, "-P", "-m", "homespun.cli", "--version"]
    run(["/bin/sh", "-c", command, "sh", *ours], gone, PYTHONPATH="")


def test_of_a_search_path_what_depends_on_the_folder_goes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    hook = "__editable__.homespun.finder.__path_hook__"
    kept = ["/usr/lib/python3", str(tmp_path / "inside" / "site-packages"), hook]
    here = ["", ".", "src", str(tmp_path)]
    assert without_here([*here, *kept], "") == kept
    assert without_here([*kept, str(tmp_path.parent)], "..") == kept
    (tmp_path / hook).mkdir()
    assert hook not in without_here(kept, "")


def test_the_folder_of_pythons_own_packages_stays_where_one_is_in_it(monkeypatch):
    import site

    (folder,) = site.getsitepackages()[:1]
    monkeypatch.chdir(folder)
    assert without_here(["", folder], "") == [folder]
