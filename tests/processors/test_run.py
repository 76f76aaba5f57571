"""`make test-processors` says what it ran; what did not run, or failed, is no success."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processors.run import TESTS

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.uname().machine != "x86_64",
    reason="qemu-user is of Linux, and these run its x86-64 processors",
)


@pytest.fixture
def run(tmp_path):
    """Run the program for one processor on a test of these lines, with these folders on PATH."""

    def run(test, *options, path, processor="haswell", **variables):
        file = tmp_path / "test_it.py"
        file.write_text(test)
        command = [sys.executable, "-m", "tests.processors.run", "--only", processor]
        return subprocess.run(
            [*command, "--tests", str(file), "--folder", str(tmp_path / "made"), *options],
            cwd=ROOT,
            env=os.environ | {"PATH": path} | variables,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    return run


@pytest.fixture
def emulator(tmp_path):
    """A PATH whose qemu-x86_64 is this processor itself: it runs what it is given, but quickly."""
    program = tmp_path / "bin" / "qemu-x86_64"
    program.parent.mkdir()
    program.write_text(
        '#!/bin/bash\n[ "$1 $3" = "-cpu -0" ] || exit 64\nprogram=$5\nname=$4\nshift 5\n'
        'exec -a "$name" "$program" "$@"\n'
    )
    program.chmod(0o755)
    return f"{program.parent}:/usr/bin:/bin"


def test_what_it_runs_is_there():
    assert [it for it in TESTS if not (ROOT / "tests" / "models" / it).is_file()] == []


def test_an_emulator_that_is_not_here_is_said_with_its_package_and_is_no_success(run):
    done = run("def test_it():\n    pass\n", path="/nowhere")
    assert done.returncode == 1
    (verdict,) = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    assert verdict == (
        "FAILED  haswell: not run: no program 'qemu-x86_64' on the PATH; on Debian and Ubuntu it "
        "comes with `apt-get install qemu-user`"
    )


def test_what_passed_is_counted_and_said(run, emulator):
    done = run("def test_it():\n    pass\n", path=emulator)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"ONNX Runtime's sums of u8 x s8 (saturate|are exact): weights", done.stdout)
    assert "passed  haswell: 1 passed, 0 failed, 0 skipped, " in done.stdout


@pytest.mark.parametrize(
    ("test", "said"),
    [
        ("def test_it():\n    assert False\n", "0 passed, 1 failed, 0 skipped"),
        ("", "0 passed, 0 failed, 0 skipped (exit status 5)"),
        (
            "import os\n\n\ndef test_it():\n    os.kill(os.getpid(), 4)\n",
            "pytest did not come to its end: ended by SIGILL",
        ),
    ],
)
def test_what_fails_or_tests_nothing_is_a_failure(run, emulator, test, said):
    done = run(test, path=emulator)
    assert done.returncode == 1
    assert f"FAILED  haswell: {said}" in done.stdout


def test_the_kernels_that_this_machine_was_told_to_use_are_not_the_other_ones(run, emulator):
    test = 'import os\n\n\ndef test_it():\n    assert "OPENBLAS_CORETYPE" not in os.environ\n'
    done = run(test, path=emulator, OPENBLAS_CORETYPE="Haswell")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_processor_of_another_name_is_refused_with_the_names(run):
    done = run("", path=os.defpath, processor="pentium")
    assert done.returncode == 2
    assert "unknown processor 'pentium'; there are haswell, nehalem, " in done.stderr


@pytest.mark.skipif(shutil.which("qemu-x86_64") is None, reason="no qemu-user here")
def test_what_an_emulated_python_starts_is_emulated_too(run):
    child = "from numpy._core._multiarray_umath import __cpu_features__ as has; print(has['AVX2'])"
    test = (
        "import subprocess\nimport sys\n\n\ndef test_it():\n"
        f'    done = subprocess.run([sys.executable, "-c", "{child}"], capture_output=True)\n'
        '    assert done.stdout.split() == [b"False"], done\n'
    )
    done = run(test, path=os.environ["PATH"], processor="nehalem")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "it has no avx, avx2" in done.stdout


def test_the_packages_of_arm64_are_those_of_every_other_processor():
    def versions(file):
        found = re.findall(r"^([\w.-]+)==([^\s;]+)", file.read_text(), re.MULTILINE)
        return {re.sub(r"[_.-]+", "-", name).lower(): version for name, version in found}

    here, there = versions(ROOT / "constraints.txt"), versions(HERE / "arm64.txt")
    assert {name for name in there if there[name] != here.get(name)} == {"torch"}  # says why
