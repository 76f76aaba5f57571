"""The verb `train`: what it refuses in a sentence, before anything is learned."""

from __future__ import annotations

import pytest

from tests.support.command import run_command


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--minutes", "0"], 2, "--minutes wants a number above 0, not 0.0"),
        (["--gpus", "0", "--preset", "gpu"], 2, "--gpus wants a number above 0, not 0"),
        (["--gpus", "2"], 2, "--gpus needs --preset gpu"),
        (["--qlora", "--preset", "cpu"], 2, "--qlora needs --preset gpu"),
        (
            ["--resume", "--items", "5", "--qlora"],
            2,
            "--resume goes on with the run's own options; leave out --items, --qlora",
        ),
        (
            ["--plan", "--resume"],
            2,
            "--plan is asked before a training is begun; leave out --resume",
        ),
        (["--plan"], 1, "not a git repository"),
        (["--stop-after", "registry"], 2, "invalid choice: 'registry'"),
        (["--stop-after", "learning", "--if-stale"], 2, "leave it out with --if-stale"),
        (["--resume", "--checkpointing", "on"], 2, "leave out --checkpointing"),
        (["--exam-model", "shop"], 2, "--exam-model: of which server? give --exam-endpoint URL"),
        (
            ["--exam-endpoint", "http://127.0.0.1:9", "--exam-key-env", "sk-123 secret"],
            2,
            "--exam-key-env wants the name of an environment variable, such as EXAM_KEY",
        ),
        (["--resume"], 1, "there is no unfinished training in"),
        (["nowhere"], 1, "nowhere' is no directory; give the folder of a repository"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(
    capsys, monkeypatch, tmp_path, arguments, status, said
):
    monkeypatch.chdir(tmp_path)
    ended, _, err = run_command(capsys, "train", *arguments)
    assert ended == status
    assert said in err and "Traceback" not in err and "sk-123" not in err
    assert not (tmp_path / ".homespun" / "training" / "run-0001").exists()
