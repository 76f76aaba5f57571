"""The house: who may import whom, what is installed, what importing costs."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("cli", "indexer", "models", "server", "training")
MAY_IMPORT = {
    "cli": {"cli", "training", "server", "indexer", "models"},
    "training": {"training", "server", "indexer", "models"},
    "server": {"server", "indexer", "models"},
    "indexer": {"indexer", "models"},
    "models": {"models"},
}
FORBIDDEN_LIBRARIES = {
    "server": {"torch", "transformers", "peft"},
    "indexer": {"torch", "transformers", "peft", "pygls", "lsprotocol"},
    "models": {"pygls", "lsprotocol", "lancedb", "peft"},
}
REFERENCE = "models/weights/transformers_model.py"  # the one module that the dev extra is for


def sources():
    return [path for room in ROOMS for path in sorted((ROOT / room).glob("*.py"))]


def imported_modules(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in line {node.lineno}"
            yield node.module, node.lineno
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def arrows_against_the_table(path, text):
    """Every import that the table forbids, as "file:line: module"."""
    room = path.relative_to(ROOT).parts[0]
    for module, line in imported_modules(ast.parse(text)):
        place = f"{path.relative_to(ROOT)}:{line}: {module}"
        parts = module.split(".")
        if parts[0] == "homespun" and len(parts) > 1:
            if parts[1] not in MAY_IMPORT[room]:
                yield place
        elif parts[0] in FORBIDDEN_LIBRARIES.get(room, set()) and str(path).find(REFERENCE) < 0:
            yield place


def test_no_arrow_points_back():
    found = [row for path in sources() for row in arrows_against_the_table(path, path.read_text())]
    assert found == []


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("indexer", "from homespun.server.types import Completion"),
        ("training", "import homespun.cli.main"),
        ("server", "import homespun.training.dataset.examples"),
        ("models", "import homespun.indexer.types"),
        ("server", "import torch"),
    ],
)
def test_a_planted_arrow_is_found(room, line):
    assert list(arrows_against_the_table(ROOT / room / "planted.py", line))


RUNTIME = "models/runtime.py"  # the one module that imports onnxruntime, its telemetry off
ASKS_THE_HUB = {"accelerate", "huggingface_hub", "peft", "transformers"}


def python_of_the_house():
    """Every Python file of the repository, benches and tests with it."""
    folders = [ROOT / name for name in (*ROOMS, "bench", "tests")]
    files = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    return [path for path in files if ROOT / "tests" / "repos" not in path.parents]


def imports_of_onnxruntime(path, text):
    """Every import of ONNX Runtime, by statement or by name, as "file:line"."""
    place = path.relative_to(ROOT).as_posix()
    tree = ast.parse(text)
    lines = {line for name, line in imported_modules(tree) if name.split(".")[0] == "onnxruntime"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            named = [a.value for a in node.args if isinstance(a, ast.Constant)]
            lines |= {node.lineno for name in named if str(name).startswith("onnxruntime")}
    return [f"{place}:{line}" for line in sorted(lines)] if place != RUNTIME else []


def test_one_module_alone_imports_onnxruntime():
    found = [
        place
        for path in python_of_the_house()
        for place in imports_of_onnxruntime(path, path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "import onnxruntime as ort",
        "def f():\n    from onnxruntime.quantization import quantize_dynamic",
        "importlib.import_module('onnxruntime')",
    ],
)
def test_a_planted_import_of_onnxruntime_is_found(line):
    assert imports_of_onnxruntime(ROOT / "bench" / "planted.py", line)


def imports_before_the_switch(path, text):
    """Imports of a library that asks the hub, above the call that keeps it from there."""
    tree = ast.parse(text)
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call)]
    switch = min((n.lineno for n in calls if ast.unparse(n) == "keep_from_hub()"), default=10**9)
    for name, line in imported_modules(tree):
        if name.split(".")[0] in ASKS_THE_HUB and line < switch:
            yield f"{path.relative_to(ROOT)}:{line}: {name}"


def test_whoever_imports_a_library_that_asks_the_hub_switches_it_off_first():
    found = [
        place
        for path in sources()
        for place in imports_before_the_switch(path, path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_the_switches_stand_in_the_environment_before_the_libraries_are_loaded():
    code = (
        "import os, sys\n"
        "os.environ.pop('ORT_DISABLE_TELEMETRY', None)\n"
        "from homespun.models.runtime import onnxruntime\n"
        "class Watch:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'onnxruntime': print(os.environ.get('ORT_DISABLE_TELEMETRY'))\n"
        "sys.meta_path.insert(0, Watch())\n"
        "onnxruntime()"
    )
    printed, _ = loaded_after(code)
    assert printed == "1\n"


def test_libraries_of_training_do_not_bring_onnxruntime():
    """They would import it before its telemetry is off."""
    _, loaded = loaded_after(
        "from homespun.models.telemetry import keep_from_hub; keep_from_hub()\n"
        "import accelerate, peft, transformers\n"
        "from peft import get_peft_model; from transformers import Qwen2ForCausalLM"
    )
    assert {"peft", "transformers"} <= loaded
    assert not {name for name in loaded if name.split(".")[0] == "onnxruntime"}


# Whoever writes into a folder that somebody else has made must follow no link and leave nothing
# that others can read: homespun/storage.py does, and nobody writes without it but these.
WRITES_ITSELF = {
    "homespun/storage.py": {"os.open", "mkdir"},  # the writer
    "homespun/locks.py": {"FileLock"},  # looks at what stands there first
    "homespun/trust.py": {"os.open"},  # the key, with O_EXCL, in the user's own folder
    "indexer/scan/walk.py": {"os.open"},  # reads, without following links
    "models/weights/safetensors_file.py": {"os.open"},  # reads, without waiting for a pipe
    "server/transport/client_token.py": {
        "os.open"
    },  # the token, with O_EXCL, in the user's own folder
    "server/transport/unix_socket.py": {
        "mkdir"
    },  # the socket's folder, whose owner and mode it checks
    "cli/main.py": {"os.open"},  # the null device
    "cli/verbs/serve.py": {"os.open"},  # the null device
    # Libraries that only take a name; each writes into a folder that was made a moment before.
    "training/lora/fit.py": {"save_file"},
    "training/lora/model.py": {"save_file"},
    "training/shipped/static_encoder/job.py": {"np.save"},  # `python -m`, in the sources
    "training/shipped/static_encoder/corpus.py": {"np.save"},  # `python -m`, in the cache
    # Copies of our own drafts into a folder that was made a moment before.
    "models/adapters/registry.py": {"copytree"},
    "training/pipeline/register.py": {"copyfile"},
}
WRITING = {"write_text", "write_bytes", "touch", "mkdir", "makedirs", "symlink_to", "FileLock"}
WRITING |= {"copyfile", "copytree", "copy2", "save_file", "NamedTemporaryFile", "mkstemp"}


def writing_calls(text):
    """Every call that makes or changes a file or a folder by itself."""
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        name = called.rsplit(".", 1)[-1]
        words = [*node.args, *(keyword.value for keyword in node.keywords)]
        values = [word.value for word in words if isinstance(word, ast.Constant)]
        modes = [value for value in values if isinstance(value, str) and len(value) <= 3]
        if name in WRITING:
            yield name
        elif called in ("os.open", "np.save", "shutil.copy"):
            yield called
        elif name == "open" and any(set("wax+") & set(mode) for mode in modes):
            yield name


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_nobody_writes_but_through_the_one_writer(path):
    allowed = WRITES_ITSELF.get(path.relative_to(ROOT).as_posix(), set())
    assert set(writing_calls(path.read_text(encoding="utf-8"))) <= allowed


@pytest.mark.parametrize(
    "line",
    [
        "Path('x').write_text('y')",
        "open('x', 'w')",
        "path.open('ab')",
        "path.open(mode='r+')",
        "os.open(path, os.O_WRONLY)",
        "shutil.copyfile(a, b)",
        "folder.mkdir(parents=True)",
        "FileLock(folder / 'lock')",
    ],
)
def test_a_planted_write_is_found(line):
    assert list(writing_calls(line))


@pytest.mark.parametrize("line", ["path.open('rb')", "path.open(encoding='utf-8')", "a.copy()"])
def test_reading_is_no_write(line):
    assert not list(writing_calls(line))


@pytest.mark.parametrize("name", ["prompt", "prompt_room"])
def test_the_prompt_is_a_leaf_of_the_standard_library(name):
    tree = ast.parse((ROOT / "server" / f"{name}.py").read_text(encoding="utf-8"))
    outside = {
        ".".join(module.split(".")[:3])
        for module, _ in imported_modules(tree)
        if module.split(".")[0] not in sys.stdlib_module_names
    }
    assert outside <= {"homespun.server.prompt.budget"}


def test_the_package_list_names_every_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = project["tool"]["setuptools"]["packages"]
    found = [
        "homespun." + ".".join(path.parent.relative_to(ROOT).parts)
        for room in ROOMS
        for path in (ROOT / room).rglob("__init__.py")
    ]
    assert sorted(listed) == sorted(found)


def test_homespun_itself_is_a_namespace():
    assert not (ROOT / "homespun").exists()
    assert not (ROOT / "__init__.py").exists()
    assert all((ROOT / room / "__init__.py").read_text() == "" for room in ROOMS)


def test_the_wheel_holds_every_module_and_data_file(tmp_path):
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q"]
    # Built from a copy: setuptools leaves its build folder beside the sources.
    import shutil

    shutil.copytree(
        ROOT, tmp_path / "src", ignore=shutil.ignore_patterns(".*", "build", "*.egg-info", "tests")
    )
    subprocess.run([*command, "-w", str(tmp_path), str(tmp_path / "src")], check=True)
    (wheel,) = tmp_path.glob("homespun-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    expected = {
        f"homespun/{path.relative_to(ROOT).as_posix()}"
        for room in ROOMS
        for pattern in ("*.py", "*.scm", "*.json", "py.typed")
        for path in (ROOT / room).glob(pattern)
    }
    static = ("manifest.json", "rows.npy", "scales.npy", "words.txt")
    expected |= {f"homespun/indexer/static/{name}" for name in static}
    data = (ROOT / "training" / "data").iterdir()
    expected |= {f"homespun/training/data/{path.name}" for path in data}
    expected |= {
        f"homespun/{path.relative_to(ROOT).as_posix()}"
        for path in (ROOT / "models" / "adapters").glob("*/*")
    }
    assert expected <= names
    assert wheel.stat().st_size < 35_000_000
    assert not any(name.split("/")[0] in ROOMS for name in names), "a bare top-level room"
    assert "homespun/__init__.py" not in names


def loaded_after(code):
    """Names of modules in sys.modules after running code in a fresh interpreter."""
    script = f"{code}\nimport sys\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True
    )
    return done.stdout, set(done.stderr.split())


def test_help_loads_nothing_heavy():
    heavy = {"numpy", "onnxruntime", "lancedb", "tokenizers", "pygls", "rich", "torch", "httpx"}
    _, loaded = loaded_after("from homespun.cli.main import main; main(['--help'])")
    assert not heavy & loaded


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_importing_a_module_says_nothing(path):
    if path.stem == "__main__":
        pytest.skip("running it is its purpose")
    name = f"homespun.{'.'.join(path.relative_to(ROOT).with_suffix('').parts)}"
    name = name.removesuffix(".__init__")
    printed, loaded = loaded_after(f"import {name}")
    assert printed == ""
    assert not {"torch", "transformers"} & loaded


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
    names = {requirement.split("<")[0].split(">")[0].strip().lower() for requirement in wanted}
    assert names <= pinned


def test_every_direct_dependency_has_a_written_reason():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    wanted = [*project["dependencies"], *sum(project["optional-dependencies"].values(), [])]
    names = {requirement.split("<")[0].split(">")[0].strip() for requirement in wanted}
    assert {name for name in names if f"`{name}`" not in text} == set()


# Who may start another program, and why nothing of an opened folder runs by it.
STARTS_PROGRAMS = {
    "indexer/syntax/parser_process.py": "this Python again, with -P, outside of the folder",
    "indexer/scan/git.py": "git, by its full path; nothing runs by its settings and variables",
    "models/download/pypi_wheels.py": "this Python's pip, with -P, outside of the folder, by hash",
    "training/lora/launch.py": "this Python again, by multiprocessing: it inherits PYTHONSAFEPATH",
    "training/evaluation/linting.py": "ruff, by its full path: it runs nothing of its settings",
}
STARTERS = {"asyncio.subprocess", "multiprocessing", "pty", "subprocess", "webbrowser"}
STARTER_CALLS = re.compile(
    r"^(?:os\.(?:exec|spawn|posix_spawn|popen|system|startfile|fork)"
    r"|asyncio\.create_subprocess_|shutil\.which|runpy\."
    r"|torch\.multiprocessing)"
)


def starts_of_programs(text):
    """Every import and call that may start a program, as "line: what"."""
    tree = ast.parse(text)
    for module, line in imported_modules(tree):
        name = module.split(".")[0]
        if name in STARTERS or module in STARTERS or STARTER_CALLS.match(module):
            yield f"{line}: {module}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and STARTER_CALLS.match(ast.unparse(node)):
            yield f"{node.lineno}: {ast.unparse(node)}"


def test_only_listed_modules_start_programs():
    found = {
        path.relative_to(ROOT).as_posix()
        for path in sources()
        if any(starts_of_programs(path.read_text(encoding="utf-8")))
    }
    assert found == set(STARTS_PROGRAMS)


@pytest.mark.parametrize(
    "line",
    [
        "import subprocess",
        "from subprocess import run",
        "import os; os.system('ls')",
        "import os; os.execvp('ls', ['ls'])",
        "from os import popen",
        "import asyncio; asyncio.create_subprocess_exec('ls')",
        "import shutil; shutil.which('git')",
        "from torch.multiprocessing.spawn import spawn",
    ],
)
def test_a_planted_start_of_a_program_is_found(line):
    assert list(starts_of_programs(line))


def names_of_git(text):
    """Lines with a string that names the program git, or a command line that begins with it."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if re.fullmatch(r"git(?:\.exe)?|git -.*|.*[\\/]git(?:\.exe)?", node.value):
                yield node.lineno


def test_git_is_started_in_one_place():
    found = {
        path.relative_to(ROOT).as_posix()
        for path in sources()
        if any(names_of_git(path.read_text(encoding="utf-8")))
    }
    assert found == {"indexer/scan/git.py"}
    assert list(names_of_git("run(['git', 'status'])")) == [1]
    assert list(names_of_git("run('/usr/bin/git')")) == [1]


def test_every_start_of_git_goes_through_the_settings_and_variables_of_the_edge():
    tree = ast.parse((ROOT / "indexer" / "git.py").read_text(encoding="utf-8"))
    starts = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("subprocess.run", "subprocess.Popen")
    ]
    assert len(starts) == 4
    for start in starts:
        given = {keyword.arg: ast.unparse(keyword.value) for keyword in start.keywords}
        assert given["env"] == "_environment()"
        assert given["cwd"] in ("self._place", "place")
        assert "shell" not in given


WAYS_TO_START = re.compile(
    r"(?:python\S*|sys\.executable[\"',\s]*)[\"',\s]+(-m)[\"',\s]+homespun\.cli"
)


def test_no_document_or_client_starts_the_server_as_a_module_of_the_folder_it_is_in():
    """`python -m` without -P would import a folder named `homespun` of the workspace."""
    places = [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("bench/**/*.py"),
        *(path for path in ROOT.glob("editor-client/**/*") if "node_modules" not in path.parts),
    ]
    endings = {".md", ".lua", ".el", ".ts", ".json", ".py"}
    found = [
        str(path.relative_to(ROOT))
        for path in places
        if path.suffix in endings and WAYS_TO_START.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []
    assert WAYS_TO_START.search('cmd = { "python3", "-m", "homespun.cli" }')
    assert not WAYS_TO_START.search("python -P -m homespun.cli")
