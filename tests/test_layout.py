"""The house: who may import whom, what is installed, what importing costs."""

from __future__ import annotations

import ast
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
REFERENCE = "models/reference.py"  # the one module that the dev extra is for


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
        ("server", "import homespun.training.examples"),
        ("models", "import homespun.indexer.types"),
        ("server", "import torch"),
    ],
)
def test_a_planted_arrow_is_found(room, line):
    assert list(arrows_against_the_table(ROOT / room / "planted.py", line))


# Whoever writes into a folder that somebody else has made must follow no link and leave nothing
# that others can read: models/storage.py does, and nobody writes without it but these.
WRITES_ITSELF = {
    "models/storage.py": {"os.open", "mkdir"},  # the writer
    "models/locks.py": {"FileLock"},  # looks at what stands there first
    "models/trust.py": {"os.open"},  # the key, with O_EXCL, in the user's own folder
    "indexer/files.py": {"os.open"},  # reads, without following links
    "cli/main.py": {"os.open"},  # the null device
    "cli/serve.py": {"os.open"},  # the null device
    # Libraries that only take a name; each writes into a folder that was made a moment before.
    "training/lora.py": {"save_file"},
    "training/trainee.py": {"save_file"},
    "training/embedder.py": {"np.save"},  # `python -m`, in the sources
    "training/embedder_corpus.py": {"np.save"},  # `python -m`, in the cache
    # To be moved to the writer with the seals of adapters.
    "models/registry.py": {"FileLock", "mkdir", "copytree", "write_text", "open"},
    "models/promotion.py": {"FileLock"},
    "training/train_register.py": {"copyfile"},
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
    assert outside <= {"homespun.server.prompt_room"}


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
