"""The model "auto": found out in the background, then loaded; the editor is told which and why."""

from __future__ import annotations

import json

import pytest

from homespun.server.options import CompletionOptions
from homespun.settings import resolve

pytestmark = pytest.mark.e2e

AUTO = {"initializationOptions": {"completion": {"model": "auto"}}}
SAYS = "model auto is found: it is quick enough"


def shown(client):
    """Return the messages that the editor had to show so far."""
    return [m["params"]["message"] for m in client.incoming if m["method"] == "window/showMessage"]


def test_until_auto_is_known_the_status_says_that_the_machine_is_timed(start, tmp_path):
    gate = tmp_path / "found"
    client = start(FOUND=str(gate))
    client.initialize(**AUTO)
    client.wait_until(lambda: "timing this machine" in client.status()["message"])
    assert client.status()["state"] == "loading model"
    assert client.status()["model"] == "auto"
    gate.touch()
    client.wait_until_ready()


def test_the_status_and_a_message_say_which_model_auto_is_and_why(start):
    client = start()
    client.initialize(**AUTO)
    client.wait_until_ready()
    status = client.status()
    assert (status["model"], status["message"]) == ("found", SAYS)
    assert shown(client) == [SAYS]
    client.open("untitled:a.py", "OPTIONS")
    assert client.complete_text("untitled:a.py", 0, 7) == "64 found"


def test_a_machine_that_cannot_be_timed_completes_with_the_default_model(start):
    client = start(FAKE_SERVER=json.dumps({"fails": {"find_models": "OSError"}}))
    client.initialize(**AUTO)
    client.wait_until_ready()
    status = client.status()
    assert status["model"] == "qwen2.5-coder-0.5b"
    assert status["message"] == (
        "model auto is qwen2.5-coder-0.5b, because this machine could not be timed: "
        "as the test says"
    )


def test_a_chosen_model_that_is_not_here_is_offered_before_anything_is_fetched(start, tmp_path):
    fetched = tmp_path / "fetched"
    client = start(
        FETCHED=str(fetched),
        FETCH=str(tmp_path / "told"),
        FAKE_SERVER=json.dumps({"auto": "qwen2.5-coder-0.5b"}),
    )
    client.initialize(**AUTO)
    client.wait_until(lambda: client.status()["state"] == "problem")
    assert client.status()["fix"]["title"] == "Fetch the model (491 MB)"
    assert not fetched.exists()


def test_on_battery_the_smaller_model_takes_over_and_the_one_at_work_answers_until_then(
    start, tmp_path
):
    spared, loaded = tmp_path / "spared", tmp_path / "loaded"
    client = start(SPARED=str(spared), LOADED=str(loaded))
    client.initialize(**AUTO)
    client.wait_until_ready()
    spared.touch()
    client.wait_until(lambda: client.status()["model"] == "small")
    client.open("untitled:a.py", "WRITER")
    assert client.complete_text("untitled:a.py", 0, 6) == "found"  # no key is lost
    loaded.touch()
    client.wait_until_ready()
    assert client.status()["message"] == "model auto is small: the machine runs on battery"
    assert client.complete_text("untitled:a.py", 0, 6) == "small"
    spared.unlink()
    client.wait_until(lambda: client.status()["model"] == "found")
    client.wait_until_ready()
    assert client.stop() == 0


def test_a_folder_cannot_have_the_machine_timed(tmp_path):
    (tmp_path / "homespun.toml").write_text('[completion]\nmodel = "auto"\n')
    resolved = resolve(CompletionOptions, "completion", workspace=tmp_path)
    assert resolved.value.model == CompletionOptions().model
    assert "only the user may set it" in resolved.faults[0]
    by_editor = resolve(
        CompletionOptions, "completion", workspace=tmp_path, editor={"model": "auto"}
    )
    assert by_editor.value.model == "auto"
