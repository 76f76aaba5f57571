"""Things that one module alone may do: import a library, write a file, start a program."""

from __future__ import annotations

import ast
import functools
import re
import sys

import pytest

from tests.layout.house import ROOMS, ROOT, imported_modules, imports_of, modules, relative, sources
from tests.support.fresh_interpreter import loaded_after

RUNTIME = "models/runtime.py"  # the one module that imports onnxruntime, its telemetry off
ASKS_THE_HUB = {"accelerate", "huggingface_hub", "peft", "transformers"}


def python_of_the_house():
    """Every Python file of the repository, benches and tests with it."""
    folders = [ROOT / name for name in (*ROOMS, "bench", "tests")]
    files = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    return [path for path in files if ROOT / "tests" / "repos" not in path.parents]


@functools.cache
def names_in(module):
    """Every name that a module of the house gives a value anywhere, or imports."""
    found = set()
    for node in ast.walk(ast.parse(file_of(module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.alias):
            found.add(node.asname or node.name)
    return found


def file_of(module):
    """`homespun.server.app` -> its file."""
    parts = module.split(".")
    base = ROOT.joinpath(*parts[1:] if parts[1] in ROOMS else parts)
    return base.with_suffix(".py") if base.with_suffix(".py").is_file() else base / "__init__.py"


def imports_of_nothing(path, text):
    """Every import of what the house does not have, as "file:line: name"."""
    for node in ast.walk(ast.parse(text)):
        # The front door has its names from a table, and a test of its own.
        if not isinstance(node, ast.ImportFrom) or not str(node.module).startswith("homespun."):
            continue
        if node.module not in modules():
            yield f"{relative(path)}:{node.lineno}: {node.module}"
            continue
        for alias in node.names:
            if f"{node.module}.{alias.name}" not in modules() | names_of(node.module):
                yield f"{relative(path)}:{node.lineno}: {node.module}.{alias.name}"


def names_of(module):
    """The names of a module, in full."""
    return {f"{module}.{name}" for name in names_in(module)}


@pytest.mark.parametrize("folder", ["bench", "tests"])
def test_what_is_imported_from_the_house_is_there(folder):
    """Programs that no test starts would say it to whoever needs them next."""
    files = [path for path in python_of_the_house() if relative(path).startswith(f"{folder}/")]
    assert [
        found for path in files for found in imports_of_nothing(path, path.read_text("utf-8"))
    ] == []


@pytest.mark.parametrize(
    ("line", "missing"),
    [
        ("from homespun.models.remote.gone import Router", "homespun.models.remote.gone"),
        ("from homespun.models.remote.router import Gone", "homespun.models.remote.router.Gone"),
        ("from homespun.models import gone", "homespun.models.gone"),
    ],
)
def test_a_planted_import_of_nothing_is_found(line, missing):
    path = ROOT / "bench" / "x.py"
    assert list(imports_of_nothing(path, line)) == [f"bench/x.py:1: {missing}"]
    assert not list(imports_of_nothing(path, "from homespun.models.remote import router"))
    assert not list(imports_of_nothing(path, "from homespun.storage import is_link, megabytes"))


def imports_of_onnxruntime(path, text):
    """Every import of ONNX Runtime, by statement or by name, as "file:line"."""
    if "onnxruntime" not in text:
        return []
    place = relative(path)
    lines = {line for name, line in imports_of(text) if name.split(".")[0] == "onnxruntime"}
    calls = ast.walk(ast.parse(text)) if "import_module" in text else ()
    for node in calls:
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


def test_one_module_alone_reads_toml():
    """It has bounds on size and depth, which a stranger's file may go past."""
    found = [
        relative(path)
        for path in sources()
        if "tomllib" in (text := path.read_text(encoding="utf-8"))
        for name, _ in imports_of(text)
        if name.split(".")[0] == "tomllib"
    ]
    assert found == ["homespun/parsing.py"]


def imports_before_the_switch(path, text):
    """Imports of a library that asks the hub, above the call that keeps it from there."""
    if not any(library in text for library in ASKS_THE_HUB):
        return
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


@pytest.mark.parametrize("path", sources(), ids=relative)
def test_nobody_writes_but_through_the_one_writer(path):
    allowed = WRITES_ITSELF.get(relative(path), set())
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


# Whoever renames without `homespun.storage.replace`: whole folders, drafts of our own.
RENAMES_FOLDERS = {
    "models/adapters/registry.py",
    "models/convert/convert.py",
    "training/dataset/output.py",
    "training/lora/fit.py",
    "training/pipeline/learn.py",
    "training/shipped/packages.py",
}


def renames(text):
    """Every call that renames something, by `os` or by a path."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            called = ast.unparse(node.func)
            of_path = len(node.args) == 1 and not node.keywords  # of a string it has two
            if called in ("os.replace", "os.rename", "shutil.move") or (
                node.func.attr in ("replace", "rename") and of_path
            ):
                yield called


def test_one_module_alone_puts_a_file_in_place_by_rename():
    found = {relative(path) for path in sources() if any(renames(path.read_text("utf-8")))}
    assert found == {"homespun/storage.py", *RENAMES_FOLDERS}


@pytest.mark.parametrize(
    "line", ["os.replace(a, b)", "draft.replace(target)", "draft.rename(target)"]
)
def test_a_planted_rename_is_found(line):
    assert list(renames(line))


def test_replacing_in_a_string_or_a_dataclass_is_no_rename():
    assert not list(renames("text.replace('a', 'b'); replace(state, snapshot=None)"))


def test_one_module_alone_knows_the_numbers_of_a_full_disk():
    found = {
        relative(path)
        for path in sources()
        if re.search(r"\b(ENOSPC|EDQUOT|EROFS|EFBIG)\b", path.read_text(encoding="utf-8"))
    }
    assert found == {"homespun/storage.py"}


def test_one_module_alone_writes_an_ignore_file():
    found = {
        relative(path)
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value == "*\n"
    }
    assert found == {"homespun/storage.py"}


@pytest.mark.parametrize("name", ["encode", "render", "budget"])
def test_the_prompt_is_a_leaf_of_the_standard_library(name):
    tree = ast.parse((ROOT / "server" / "prompt" / f"{name}.py").read_text(encoding="utf-8"))
    outside = {
        ".".join(module.split(".")[:4])
        for module, _ in imported_modules(tree)
        if module.split(".")[0] not in sys.stdlib_module_names
    }
    assert outside <= {"homespun.server.prompt.render", "homespun.server.prompt.budget"}


# Who may start another program, and why nothing of an opened folder runs by it.
STARTS_PROGRAMS = {
    "cli/fleet/process.py": "this Python again, with -P; a repository's folder is an argument",
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
    for module, line in imports_of(text):
        name = module.split(".")[0]
        if name in STARTERS or module in STARTERS or STARTER_CALLS.match(module):
            yield f"{line}: {module}"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute) and STARTER_CALLS.match(ast.unparse(node)):
            yield f"{node.lineno}: {ast.unparse(node)}"


def test_only_listed_modules_start_programs():
    found = {
        relative(path)
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
        relative(path) for path in sources() if any(names_of_git(path.read_text(encoding="utf-8")))
    }
    assert found == {"indexer/scan/git.py"}
    assert list(names_of_git("run(['git', 'status'])")) == [1]
    assert list(names_of_git("run('/usr/bin/git')")) == [1]


def test_every_start_of_git_goes_through_the_settings_and_variables_of_the_edge():
    tree = ast.parse((ROOT / "indexer" / "scan" / "git.py").read_text(encoding="utf-8"))
    starts = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("subprocess.run", "subprocess.Popen")
    ]
    assert len(starts) == 5
    environments = []
    for start in starts:
        given = {keyword.arg: ast.unparse(keyword.value) for keyword in start.keywords}
        environments.append(given["env"])
        assert given["cwd"] in ("self._folder", "folder", "os.path.dirname(program)")
        assert "shell" not in given
    assert sorted(environments) == ["_environment()"] * 4 + ["_environment(of_transfer=True)"]


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
        relative(path)
        for path in places
        if path.suffix in endings and WAYS_TO_START.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []
    assert WAYS_TO_START.search('cmd = { "python3", "-m", "homespun.cli" }')
    assert not WAYS_TO_START.search("python -P -m homespun.cli")
