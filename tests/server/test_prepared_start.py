"""The tests' server in a copy of a process that has imported is the one that is started as any."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.support import prepared_process, rpc

pytestmark = pytest.mark.e2e

TELLS = """
import json, os, sys
print(json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ), sys.stdin.read(), __name__]))
print("lancedb" in sys.modules, file=sys.stderr)
sys.exit(7)
"""
posix = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is started as any")


@pytest.fixture
def tells(tmp_path):
    script = tmp_path / "tells.py"
    script.write_text(TELLS)
    return script


def said_by(process):
    """What it writes to stdout and stderr, and its exit status."""
    with process.stdout as out, process.stderr as err:
        with process.stdin as given:
            given.write("said")
        return out.read(), err.read(), process.wait(rpc.PATIENCE_SECONDS)


@posix
def test_a_copy_has_its_own_arguments_folder_environment_streams_and_end(
    tells, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    environment = {"GIVEN": "here", "LC_ALL": "C.UTF-8"}
    copy = prepared_process.start(tells, "a", "b c", env=environment, text=True)
    out, err, status = said_by(copy)
    pipe = subprocess.PIPE
    command = [sys.executable, "-P", str(tells), "a", "b c"]
    fresh = subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, text=True
    )
    assert (out, status) == (said_by(fresh)[0], 7)
    assert err == "True\n", "it has not imported what it should have"


@posix
def test_a_copy_is_killed_and_says_how_it_ended(tells):
    copy = prepared_process.start(tells, env={}, text=True)
    assert copy.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        copy.wait(0.01)
    copy.kill()
    assert copy.wait(rpc.PATIENCE_SECONDS) == -signal.SIGKILL
    for stream in (copy.stdin, copy.stdout, copy.stderr):
        stream.close()


def test_both_answer_alike(start, tmp_path):
    copy, fresh = start(), start(rpc.FAKE_SERVER)
    assert copy.initialize(rootUri=tmp_path.as_uri()) == fresh.initialize(rootUri=None)
    assert (copy.stop(), copy.log()) == (fresh.stop(), fresh.log())
