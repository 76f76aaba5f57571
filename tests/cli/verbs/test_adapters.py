"""`homespun adapters` on a tiny model: what it prints, what it leaves, what a kill leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from homespun.cli.main import main
from homespun.models.adapters.upkeep.last_check import last_check
from homespun.models.serve import ensure_served, served_folder
from homespun.server.prompt.render import PROMPT_VERSION
from homespun.training.runs import training_lock
from tests.support.growing_history import history
from tests.support.hostile import settings_and_adapters as hostile
from tests.support.hostile.settings_and_adapters import write_adapter


def out(capsys, *arguments, status=0):
    """Run `homespun adapters` and return stdout."""
    assert main(["adapters", *arguments]) == status
    return capsys.readouterr().out


def test_without_adapters_the_model_serves_as_shipped(registry, capsys):
    assert "the model serves as shipped" in out(capsys, "list")
    assert json.loads(out(capsys, "list", "--json")) == []
    assert "no adapter serves" in out(capsys, "check")
    assert json.loads(out(capsys, "check", "--json"))["adapter"] is None
    assert not (registry.workspace / ".homespun").exists()


def test_an_adapter_is_listed_shown_promoted_rolled_back_and_removed(registry, add, capsys):
    first, second = add(0), add(1, gate={"promote": False, "headline": "Keep what you have"})
    listed = out(capsys, "list").splitlines()
    assert [line.split() for line in listed] == [
        [first.id, "candidate", "better", "than", "what", "you", "have"],
        [second.id, "candidate", "Keep", "what", "you", "have"],
    ]
    shown = out(capsys, "show", first.id)
    assert f"prompt_version: {PROMPT_VERSION}" in shown
    assert "adapter_model.safetensors" in shown
    promoted = out(capsys, "promote", first.id)
    assert f"{first.id} serves now" in promoted
    assert "tokens agree" in promoted
    answer = json.loads(out(capsys, "promote", second.id, "--unproven", "--json"))
    assert (answer["id"], answer["state"]) == (second.id, "champion")
    assert answer["parity"]["agreement"] > 0.9
    assert [row["state"] for row in json.loads(out(capsys, "list", "--json"))] == [
        "retired",
        "champion",
    ]
    assert f"{first.id} serves again" in out(capsys, "rollback")
    assert out(capsys, "remove", second.id) == f"{second.id} is removed\n"
    assert json.loads(out(capsys, "rollback", "--json")) == {"champion": None}
    assert json.loads(out(capsys, "remove", first.id, "--json")) == {"removed": first.id}
    assert registry.adapters() == []
    forms = served_folder(os.environ["HOMESPUN_COMPLETION_MODEL"]).glob("served-*")
    assert [path for path in forms if path.is_dir()] == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["show", "nobody"], "no adapter of .* is called 'nobody'; known: shop-tree-1"),
        (["promote", "nobody"], "no adapter of .* is called 'nobody'"),
        (["remove", "nobody"], "no adapter of .* is called 'nobody'"),
        (["trust", "nobody"], "no adapter of .* is called 'nobody'"),
        (["rollback"], "nothing to roll back"),
        (["promote", "shop-tree-1"], "has not passed the gate: Keep what you have .*--unproven"),
    ],
)
def test_what_goes_wrong_is_one_sentence(registry, add, capsys, arguments, sentence):
    import re

    add(0, gate={"promote": False, "headline": "Keep what you have"})
    assert main(["adapters", *arguments]) == 1
    printed, error = capsys.readouterr()
    assert printed == ""
    assert error.count("\n") == 1
    assert re.search(sentence, error)
    assert registry.champion() is None


def test_a_damaged_adapter_is_named_and_the_others_are_listed(registry, add, capsys):
    whole, damaged = add(0), add(1)
    (damaged.directory / "manifest.json").write_text("{")
    assert main(["adapters", "list"]) == 0
    printed, error = capsys.readouterr()
    assert printed.startswith(whole.id)
    assert damaged.id in error


def test_an_adapter_from_elsewhere_is_unknown_until_it_is_trusted(registry, add, capsys):
    (registry.workspace / "app.py").write_text("def total(items):\n    return \n")
    brought = add(0, note="\x1b[2J")
    out(capsys, "promote", brought.id)
    hostile.as_if_cloned(registry.workspace)
    assert out(capsys, "list") == (
        f"{brought.id:<32}  unknown:   not made on this machine; `homespun adapters trust "
        f"{brought.id}` if you know where it is from\n"
    )
    assert "\x1b" not in out(capsys, "show", brought.id)

    complete = ["complete", "app.py:2:12", "--no-retrieval", "--json"]
    assert main(complete) == 0
    printed, said = capsys.readouterr()
    assert json.loads(printed)["adapter"] == "none"
    assert f"homespun adapters trust {brought.id}" in said
    assert main([*complete, "--adapter", brought.id]) == 1
    assert "was not made on this machine" in capsys.readouterr().err
    assert main(["adapters", "promote", brought.id, "--unproven"]) == 1
    assert f"homespun adapters trust {brought.id}" in capsys.readouterr().err

    assert f"{brought.id} is trusted" in out(capsys, "trust", brought.id)
    assert f"{brought.id} serves now" in out(capsys, "promote", brought.id)
    assert main(complete) == 0
    printed, said = capsys.readouterr()
    assert (json.loads(printed)["adapter"], said) == (brought.id, "")


def test_prune_says_what_goes_and_how_many_bytes_and_then_deletes_it(
    registry, add, capsys, monkeypatch
):
    adapters = [add(0) for _ in range(4)]
    registry.promote(adapters[0].id)
    write_adapter(registry.folder / "evil-1")
    told = json.loads(out(capsys, "prune", "--keep", "2", "--dry-run", "--json"))
    [row] = told["adapters"]
    assert (row["id"], row["state"]) == (adapters[1].id, "candidate")
    assert (told["dry_run"], told["keep"], told["merged_copies"]) == (True, 2, [])
    assert told["bytes"] == row["size_bytes"] > 1000
    assert main(["adapters", "prune", "--keep", "2", "--dry-run"]) == 0
    printed, said = capsys.readouterr()
    assert "1 adapters and 0 merged copies would go" in printed
    assert "1 from elsewhere are unknown, and left: evil-1" in said
    assert len(registry.adapters()) == 5

    monkeypatch.setenv("HOMESPUN_ADAPTERS_KEEP", "1")
    monkeypatch.setenv("HOMESPUN_COMPLETION_ADAPTER", adapters[1].id)  # served by its name
    printed = out(capsys, "prune")
    assert printed.startswith(f"{adapters[2].id}")
    assert "are gone" in printed
    assert [a.id for a in registry.adapters() if a.is_known] == [
        adapters[0].id,
        adapters[1].id,
        adapters[3].id,
    ]


def test_a_workspace_does_not_say_how_many_adapters_are_kept(registry, add, capsys):
    add(0), add(0)
    (registry.workspace / "homespun.toml").write_text("[adapters]\nkeep = 1\n")
    assert main(["adapters", "prune"]) == 0
    assert "only the user may set it" in capsys.readouterr().err
    assert len(registry.adapters()) == 2


def test_merged_copies_are_left_while_a_training_judges_by_them(registry, add, capsys):
    old = add(0)
    model = os.environ["HOMESPUN_COMPLETION_MODEL"]
    ensure_served(model, adapter=old.id, workspace=registry.workspace)
    with training_lock(registry.workspace):
        assert main(["adapters", "prune"]) == 0
        printed, said = capsys.readouterr()
        assert "0 merged copies are gone" in printed
        assert "left for another time: a training of" in said
    assert [row["adapter"] for row in json.loads(out(capsys, "prune", "--json"))["merged_copies"]]
    assert not list(served_folder(model).glob("served-*/"))


def test_a_team_shares_an_adapter_by_a_folder(registry, add, capsys, tmp_path, monkeypatch):
    place = tmp_path / "team"
    place.mkdir()
    adapter = add(0)
    assert main(["adapters", "publish", adapter.id, str(place), "--no-report", "--json"]) == 0
    printed, said = capsys.readouterr()
    assert (json.loads(printed)["id"], said) == (adapter.id, "")
    assert "was offered there already: publication 1" in out(
        capsys, "publish", adapter.id, str(place), "--no-report"
    )
    monkeypatch.setenv("HOMESPUN_COMPLETION_ADAPTER", "none")
    (tmp_path / "other" / ".git").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "other")
    printed = out(capsys, "pull", place.as_uri())
    identifier = printed.split()[0]
    assert f"{identifier} is here now: unknown" in printed
    assert f"homespun adapters trust {identifier}" in printed
    out(capsys, "trust", identifier)
    assert "serves now" in out(capsys, "promote", identifier)
    again = json.loads(out(capsys, "pull", str(place), "--json"))
    assert (again["id"], again["is_new"], again["state"]) == (identifier, False, "champion")
    assert main(["adapters", "pull", "s3://team/shop"]) == 1
    assert "no bucket or server is spoken to" in capsys.readouterr().err


def test_wrong_arguments_end_with_status_2(registry, capsys):
    for arguments in (
        [],
        ["promote"],
        ["check", "--items", "0"],
        ["prune", "--keep", "-1"],
        ["unheard-of"],
    ):
        with pytest.raises(SystemExit) as exit:
            main(["adapters", *arguments])
        assert exit.value.code == 2


def test_complete_answers_with_the_champion_with_none_and_with_an_identifier(registry, add, capsys):
    (registry.workspace / "app.py").write_text("def total(items):\n    return \n")
    first, second = add(0), add(1)
    out(capsys, "promote", first.id)
    answers = {}
    for wanted in (None, "none", "base", "champion", second.id):
        flags = ["--adapter", wanted] if wanted else []
        assert main(["complete", "app.py:2:12", "--no-retrieval", "--json", *flags]) == 0
        answers[wanted] = json.loads(capsys.readouterr().out)
    assert {wanted: answer["adapter"] for wanted, answer in answers.items()} == {
        None: first.id,
        "none": "none",
        "base": "base",
        "champion": first.id,
        second.id: second.id,
    }
    logprobs = [answers[wanted]["logprob"] for wanted in (None, "none", second.id)]
    assert len(set(logprobs)) == 3  # other weights, other answers
    assert answers["base"]["logprob"] == answers["none"]["logprob"]


def test_check_says_what_the_champion_still_brings_and_fails_when_it_is_stale(
    registry, add, capsys
):
    adapter = add(0, commit=history(registry.workspace, commits=9))
    registry.promote(adapter.id)
    status = main(["adapters", "check", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["adapter"] == adapter.id
    assert found["items"] >= 30
    assert found["outcome"] == ("fresh" if found["gain"] > 0 else "stale")
    assert status == (0 if found["outcome"] == "fresh" else 1)
    assert last_check(registry, adapter.id).outcome == found["outcome"]  # the editor shows it
    assert "only 5 holes" in out(capsys, "check", "--items", "5")


@pytest.mark.e2e
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 here")
def test_kill_during_a_promotion_leaves_the_old_champion_or_the_new_one_never_less(
    registry, add, capsys
):
    first, second = add(0), add(1)
    out(capsys, "promote", first.id)
    folder = served_folder(os.environ["HOMESPUN_COMPLETION_MODEL"])
    command = [sys.executable, "-P", "-m", "homespun.cli", "adapters", "promote", second.id]

    def is_converting():
        return any(path.name.endswith(".building") for path in folder.iterdir())

    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while not is_converting():
        assert process.poll() is None and time.monotonic() < end, "it was never seen converting"
        time.sleep(0.001)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert registry.champion().id == first.id
    assert main(["complete", __file__ + ":1:1", "--workspace", ".", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["adapter"] == first.id
    out(capsys, "promote", second.id)  # goes on as if nothing had been
    assert registry.champion().id == second.id
    assert not is_converting()
