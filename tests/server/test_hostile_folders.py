"""Whatever a folder holds, the server says how it is, and completes."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.support.hostile import settings_and_adapters as hostile

pytestmark = pytest.mark.e2e

BUILDERS = [
    build
    for name, build in vars(hostile).items()
    if name.startswith(("build_settings_", "build_adapter_"))
]
TITLES = ("Use it", "Not now")


@pytest.fixture
def opened(start, tmp_path):
    """Open a folder in a server of its own; return the client and the folder."""

    def opened(build=lambda root: None, capabilities=None, **environment):
        root = tmp_path / "shop"
        root.mkdir(exist_ok=True)
        build(root)
        client = start(HOMESPUN_INDEX_ENCODER="none", **environment)
        client.initialize(capabilities, rootUri=root.as_uri())
        return client, root

    return opened


def completes(client, root):
    uri = (root / f"new{len(client.answers)}.py").as_uri()
    client.open(uri, "abc")
    return client.complete_text(uri, 0, 3) == "abc|"


def begun(client):
    """Wait until nothing is "starting" any more; return the status."""
    client.wait_until(lambda: client.status()["state"] in ("ready", "problem"))
    return client.status()


@pytest.fixture(scope="module")
def shared():
    from tests.support import rpc

    client = rpc.Client(env={"HOMESPUN_INDEX_ENCODER": "none"})
    client.initialize()
    client.wait_until_ready()
    yield client
    client.kill()


@pytest.mark.parametrize("build", BUILDERS, ids=lambda build: build.__name__)
def test_a_folder_that_is_opened_is_served_whatever_it_holds(shared, tmp_path, build):
    root = tmp_path / "shop"
    root.mkdir()
    build(root)
    folder = {"uri": root.as_uri(), "name": "shop"}
    event = {"added": [folder], "removed": []}
    shared.note("workspace/didChangeWorkspaceFolders", {"event": event})
    try:
        status = begun(shared)
        assert completes(shared, root)
        assert status["adapter"] in ("none", "champion")  # the latter is refused by the real loader
        assert hostile.EVIL not in json.dumps(status["adapter"])
    finally:
        event = {"added": [], "removed": [folder]}
        shared.note("workspace/didChangeWorkspaceFolders", {"event": event})


@pytest.mark.parametrize(
    "build",
    [
        hostile.build_settings_nested_lists,
        hostile.build_settings_nested_tables_in_pyproject,
        hostile.build_adapter_with_nested_aliases,
        hostile.build_adapter_with_nested_manifest,
        hostile.build_adapter_with_aliases_as_pipe,
    ],
    ids=lambda build: build.__name__,
)
def test_a_server_that_starts_in_a_hostile_folder_becomes_ready(opened, build):
    client, root = opened(build)
    client.wait_until_ready()
    assert completes(client, root)


@pytest.mark.parametrize("error", ["RecursionError", "MemoryError", "KeyError", "Panic"])
def test_an_index_that_cannot_be_opened_is_a_problem_and_completions_go_on(opened, error):
    client, root = opened(FAKE_SERVER=json.dumps({"fails": {"open_index": error}}))
    status = begun(client)
    assert status["state"] == "problem"
    assert status["message"].startswith(f"the index of {str(root)!r} failed: {error}(")
    assert completes(client, root)


@pytest.mark.parametrize("error", ["RecursionError", "UnicodeError", "Panic"])
def test_a_model_that_cannot_be_loaded_is_a_problem_and_not_the_start(opened, error):
    client, _ = opened(FAKE_SERVER=json.dumps({"fails": {"load_generator": error}}))
    status = begun(client)
    assert status["state"] == "problem"
    assert f"failed: {error}(" in status["message"]


@pytest.mark.parametrize("error", ["RecursionError", "MemoryError", "KeyError"])
def test_adapters_that_cannot_be_looked_at_leave_the_model_as_shipped(opened, error):
    client, root = opened(FAKE_SERVER=json.dumps({"fails": {"champion": error}}))
    status = begun(client)
    assert (status["state"], status["adapter"]) == ("ready", "none")
    assert "completing with the model as shipped" in status["message"]
    assert completes(client, root)


@pytest.mark.parametrize("part", ["settings", "folder_index"])
@pytest.mark.parametrize("error", ["RecursionError", "KeyError"])
def test_what_nobody_foresaw_is_a_problem_of_that_part_alone(opened, part, error):
    client, root = opened(FAKE_SERVER=json.dumps({"fails": {part: error}}))
    client.wait_until(lambda: client.status()["state"] != "starting")
    client.wait_until(lambda: completes(client, root))
    said = [note["params"]["message"] for note in client.incoming if "message" in note["params"]]
    assert any(f"failed: {error}(" in sentence for sentence in said)


def test_a_start_that_fails_altogether_is_a_problem(opened):
    client, _ = opened(FAKE_SERVER=json.dumps({"fails": {"want": "KeyError"}}))
    client.wait_until(lambda: client.status()["state"] == "problem")
    assert client.status()["message"].startswith("the start failed: KeyError(")


def test_a_folder_that_is_no_path_is_left_out(opened, tmp_path):
    client, root = opened()
    client.wait_until_ready()
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    for uri in (loop.as_uri(), "file:///%00", "file://" + "/x" * 5_000):
        event = {"added": [{"uri": uri, "name": "odd"}], "removed": []}
        client.note("workspace/didChangeWorkspaceFolders", {"event": event})
    assert completes(client, root)
    client.wait_until_ready()


# -- the question about an adapter


def asked(client):
    return [note for note in client.incoming if note["method"] == "window/showMessageRequest"]


def shown(client):
    notes = (note for note in client.incoming if note["method"] == "window/showMessage")
    return [note["params"]["message"] for note in notes]


CAN_ASK = {"window": {"showMessage": {"messageActionItem": {}}}}


def test_a_client_that_cannot_ask_is_told_once_by_name_what_to_do(opened):
    client, root = opened(hostile.build_adapter_of_a_stranger)
    client.wait_until_ready()
    client.wait_until(lambda: shown(client) or client.status() is None)
    client.note("workspace/didChangeConfiguration", {"settings": {"completion": {"maxLines": 3}}})
    client.wait_until_ready()
    (sentence,) = shown(client)
    assert sentence == (
        f"The folder 'shop' brings an adapter, {hostile.EVIL!r}, that was not made on this "
        "machine, so it does not serve; if you know where it is from, `homespun adapters trust "
        f"{hostile.EVIL}` and then `homespun adapters promote {hostile.EVIL}` let it serve"
    )
    assert client.status()["adapter"] == "none"


def test_an_answer_is_remembered_and_another_start_asks_no_more(opened):
    client, root = opened(hostile.build_adapter_of_a_stranger, CAN_ASK)
    client.replies["window/showMessageRequest"] = lambda params: {"title": TITLES[1]}
    client.wait_until(lambda: client.status() and asked(client))
    (question,) = asked(client)
    assert hostile.EVIL in question["params"]["message"]
    assert [action["title"] for action in question["params"]["actions"]] == [*TITLES]
    client.wait_until(lambda: _answers())
    client.stop()
    again, _ = opened(capabilities=CAN_ASK)
    again.wait_until_ready()
    time.sleep(0.5)
    again.status()
    assert asked(again) == []


def test_a_message_that_is_closed_is_no_answer(opened):
    client, root = opened(hostile.build_adapter_of_a_stranger, CAN_ASK)
    client.wait_until(lambda: client.status() and asked(client))
    client.note("workspace/didChangeConfiguration", {"settings": {"completion": {"maxLines": 3}}})
    client.wait_until_ready()
    assert len(asked(client)) == 1  # not again in this session
    assert _answers() == []


def test_whoever_wants_no_adapter_is_not_asked(opened):
    client, root = opened(
        hostile.build_adapter_of_a_stranger, CAN_ASK, HOMESPUN_COMPLETION_ADAPTER="none"
    )
    client.wait_until_ready()
    time.sleep(0.5)
    assert client.status()["adapter"] == "none"
    assert asked(client) == []


def _answers():
    import os

    path = Path(os.environ["HOMESPUN_HOME"]) / "trusted.json"
    return [*json.loads(path.read_text())["adapters"].values()] if path.exists() else []
