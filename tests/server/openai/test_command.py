"""`homespun serve --openai` as it is started: its arguments, its token, a real model behind it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import httpx
import pytest

from homespun.cli.main import main
from homespun.traces import kept
from tests.support.running_openai import PATIENCE_SECONDS, STORE, TOKEN, cut
from tests.support.tiny import save_roomy_qwen2

pytestmark = pytest.mark.e2e


def test_a_tiny_model_answers_and_a_signal_ends_it(tmp_path):
    (tmp_path / "depot").mkdir()
    (tmp_path / "depot" / "store.py").write_text(STORE, encoding="utf-8")
    model = save_roomy_qwen2(tmp_path / "model")
    command = [sys.executable, "-P", "-m", "homespun.cli", "serve", "--openai", "127.0.0.1:0"]
    process = subprocess.Popen(
        [*command, str(tmp_path / "depot"), "--model", str(model)],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"HOMESPUN_TOKEN": TOKEN, "HOMESPUN_OBSERVE_TRACES": "1"},
    )
    with process:
        said = []
        for line in process.stderr:
            said.append(line)
            if "listening on " in line:
                break
        assert "listening on http://127.0.0.1:" in said[-1], said
        client = httpx.Client(
            base_url=said[-1].split("listening on ")[1].strip(),
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=PATIENCE_SECONDS,
            trust_env=False,
        )
        with client:
            before, after = cut(STORE, "self.parcels = ")
            body = {"prompt": before, "suffix": after, "max_tokens": 3}
            completion = client.post("/v1/completions", json=body).json()
            assert completion["usage"]["prompt_tokens"] > 20
            assert client.get("/v1/models").json()["data"][0]["id"] == completion["model"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0
    (trace,) = kept.read(name="completion").traces
    assert trace.root.attributes["gen_ai.usage.input_tokens"] > 20
    assert trace.part("decode") is not None


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--openai", "0.0.0.0:0"], "--allow-remote"),
        (["--openai", "example.org:80"], "--allow-remote"),
        (["--openai", "8080"], "HOST:PORT"),
        (["--openai", "127.0.0.1:http"], "HOST:PORT"),
        (["somewhere"], "goes with --openai"),
    ],
)
def test_arguments_that_are_none_are_refused(arguments, word, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["serve", *arguments])
    assert ended.value.code == 2
    assert word in capsys.readouterr().err


def test_a_token_that_can_be_guessed_is_refused(monkeypatch, capsys):
    monkeypatch.setenv("HOMESPUN_TOKEN", "short")
    assert main(["serve", "--openai", "127.0.0.1:0"]) == 1
    assert "32 are the least" in capsys.readouterr().err


def test_a_folder_that_is_none_is_refused(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("HOMESPUN_TOKEN", TOKEN)
    assert main(["serve", "--openai", "127.0.0.1:0", str(tmp_path / "nowhere")]) == 1
    assert "is no directory" in capsys.readouterr().err
