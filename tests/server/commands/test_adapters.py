"""What can be chosen to serve, and where the report of the last training is."""

from __future__ import annotations

import os

import pytest

from homespun.models import catalogue
from homespun.models.adapters.registry import Registry
from homespun.models.adapters.sealed_folder import seal
from homespun.models.adapters.shipped import general_adapter
from homespun.server.commands.adapters import adapters, report
from homespun.server.options import CompletionOptions
from homespun.server.prompt.render import PROMPT_VERSION
from homespun.server.report_page import HEAD
from homespun.training.runs import training_folder

OPTIONS = CompletionOptions()
BASE = catalogue.get(OPTIONS.model).files[0].sha256
PAGE = HEAD + "<title>report</title></head><body><p>better</p></body></html>"
GOOD = {
    "base": OPTIONS.model,
    "base_sha256": BASE,
    "general_sha256": general_adapter(OPTIONS.model, BASE).sha256,
    "tokenizer_sha256": "c" * 64,
    "prompt_version": PROMPT_VERSION,
    "gate": {"promote": True, "headline": "+4 points"},
}


def adapter(workspace, name, facts=GOOD, *, page=False):
    """A sealed folder; what is in its weights does not matter to a list."""
    folder = Registry(workspace).folder / name
    folder.mkdir(parents=True)
    for file in ("adapter_model.safetensors", "adapter_config.json"):
        (folder / file).write_bytes(b"")
    if page:
        (folder / "report.html").write_text(
            PAGE,
            newline="\
",
        )
    seal(folder, {**facts, "id": name})
    return folder


def by_id(told):
    return {choice["id"]: choice for choice in told["choices"]}


def test_without_adapters_the_model_as_shipped_serves(tmp_path):
    told = adapters(tmp_path, OPTIONS, serving="none")
    assert (told["serving"], told["setting"], told["message"]) == ("none", "champion", "")
    assert list(by_id(told)) == ["champion", "none", "base"]
    assert told["choices"][0] == {
        "id": "champion",
        "title": "promoted",
        "detail": "none is promoted yet: the model as shipped, for now",
        "state": "",
        "report": None,
        "fits": True,
        "why": "",
    }


def test_every_adapter_is_a_choice_with_its_headline_and_its_page(tmp_path):
    folder = adapter(tmp_path, "shop-1", page=True)
    adapter(tmp_path, "shop-2", {**GOOD, "gate": {}})
    Registry(tmp_path).promote("shop-1")
    choices = by_id(adapters(tmp_path, OPTIONS, serving="shop-1"))
    assert list(choices) == ["champion", "none", "base", "shop-1", "shop-2"]
    assert choices["shop-1"] == {
        "id": "shop-1",
        "title": "shop-1",
        "detail": "+4 points",
        "state": "champion",
        "report": (folder / "report.html").as_uri(),
        "fits": True,
        "why": "",
    }
    promoted = {"id": "champion", "title": "promoted", "detail": "shop-1: +4 points"}
    assert choices["champion"] == choices["shop-1"] | promoted
    assert (choices["shop-2"]["state"], choices["shop-2"]["report"]) == ("candidate", None)
    assert choices["shop-2"]["detail"] == "not judged by the gate"


def test_an_adapter_for_something_else_says_what_it_was_made_for(tmp_path):
    adapter(tmp_path, "old-1", {**GOOD, "prompt_version": PROMPT_VERSION + 1})
    adapter(tmp_path, "other-1", {**GOOD, "base_sha256": "b" * 64})
    choices = by_id(adapters(tmp_path, OPTIONS, serving="none"))
    assert not choices["old-1"]["fits"]
    assert f"prompt version {PROMPT_VERSION + 1}" in choices["old-1"]["why"]
    assert not choices["other-1"]["fits"]
    assert "bbbbbbbbbbbb" in choices["other-1"]["why"]


def test_a_model_of_ones_own_goes_by_its_name(tmp_path):
    adapter(tmp_path, "shop-1")
    options = CompletionOptions(model="/models/own")
    [choice] = [c for c in adapters(tmp_path, options, serving="")["choices"] if c["state"]]
    assert choice["why"] == (
        f"adapter 'shop-1' was made for the model {OPTIONS.model!r}, not for '/models/own'"
    )


def test_what_is_damaged_is_said_and_cannot_be_chosen(tmp_path):
    broken = adapter(tmp_path, "shop-1")
    Registry(tmp_path).promote("shop-1")
    (broken / "manifest.json").write_text("{")
    told = adapters(tmp_path, OPTIONS, serving="none")
    assert list(by_id(told)) == ["champion", "none", "base"]
    assert "is not a readable manifest" in told["message"]
    assert not told["choices"][0]["fits"]
    assert told["choices"][0]["why"] == (
        "adapter 'shop-1' is promoted, but its folder is gone or damaged"
    )
    Registry(tmp_path).aliases_path.write_text("{")
    told = adapters(tmp_path, OPTIONS, serving="none")
    assert "cannot be read" in told["message"]
    assert "cannot be read" in told["choices"][0]["why"]


def test_without_a_folder_only_the_model_itself_can_be_chosen():
    told = adapters(None, OPTIONS, serving="")
    assert list(by_id(told)) == ["champion", "none", "base"]
    assert told["message"] == "no folder is open: adapters belong to a folder"


def page(path, seconds):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(PAGE, newline="\n")
    os.utime(path, (seconds, seconds))
    return path.as_uri()


def test_the_report_is_that_of_the_newest_training_of_any_folder(tmp_path):
    left, right = tmp_path / "left", tmp_path / "right"
    page(training_folder(left) / "run-0002" / "report.html", 100)
    newest = page(training_folder(right) / "run-0001" / "report.html", 200)
    assert report([left, right]) == {"uri": newest, "message": ""}


def test_where_trainings_are_tidied_up_the_report_is_an_adapters(tmp_path):
    kept = adapter(tmp_path, "shop-1", page=True)
    assert report([tmp_path])["uri"] == (kept / "report.html").as_uri()


def test_a_page_that_may_run_something_is_not_opened(tmp_path):
    page(training_folder(tmp_path) / "run-0001" / "report.html", 100)
    hostile = training_folder(tmp_path) / "run-0002" / "report.html"
    page(hostile, 200)
    hostile.write_text("<!doctype html><script>run()</script>")
    told = report([tmp_path])
    assert told["uri"] is None
    assert str(hostile) in told["message"]
    folder = adapter(tmp_path, "shop-1", page=True)
    assert by_id(adapters(tmp_path, OPTIONS, serving=""))["shop-1"]["report"] is not None
    (folder / "report.html").write_text(PAGE + "<script>run()</script>")
    assert by_id(adapters(tmp_path, OPTIONS, serving=""))["shop-1"]["report"] is None


@pytest.mark.parametrize("opened", [True, False])
def test_without_a_report_a_sentence_says_what_makes_one(tmp_path, opened):
    assert report([tmp_path] if opened else []) == {
        "uri": None,
        "message": "no training has written a report here yet; `homespun train` makes one",
    }
