"""The whole: a repository with a history, a fake model, and what is said of it."""

from __future__ import annotations

import json

import pytest

from homespun.models.fakes import FakeGenerator
from homespun.models.recommend.speeds import MachineSpeeds
from homespun.server.completion.failure_sorts import FAILURE_SORTS
from homespun.server.options import CompletionOptions
from homespun.server.report_page import is_harmless
from homespun.training.advice import advise as advice
from homespun.training.advice.advise import AdviceOptions, advise
from homespun.training.advice.prices import LargerPrice
from homespun.training.advice.view import page_of
from homespun.training.errors import HistoryUnreadable
from homespun.training.evaluation import evaluate
from homespun.training.evaluation.served_model import Opened
from tests.support.scratch import Scratch
from tests.support.small_house import build
from tests.support.train_small import Spoken

SPEEDS = MachineSpeeds((0.1, 0.1, 0.2, 0.6), (20.0, 25.0, 60.0, 200.0))
OPTIONS = CompletionOptions()
LARGER = "qwen2.5-coder-1.5b"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Some commits of a shop that writes everything alike."""
    return build(Scratch(tmp_path_factory.mktemp("house") / "shop"), modules=12, later=12)


@pytest.fixture
def models(monkeypatch):
    """Which models were opened; each writes what it is told to."""
    opened = []

    def open_fake(model, adapter, **_):
        opened.append((model, adapter))
        return Opened(str(adapter), f"weights of {model}", FakeGenerator("return found\n"))

    monkeypatch.setattr(evaluate, "open_model", open_fake)
    monkeypatch.setattr(advice, "open_model", open_fake)
    return opened


def asked(folder, **options):
    told = Spoken()
    found = advise(folder, OPTIONS, AdviceOptions(items=8, **options), speeds=SPEEDS, progress=told)
    return found, told.said


def test_a_repository_is_read_completed_and_judged(shop, models):
    before = set(shop.folder.rglob("*"))
    found, said = asked(shop.folder)
    assert models == [(OPTIONS.model, "none")]
    assert found.measured.places == 8 and found.measured.unseen_asked == 8
    failures = found.measured.failures["retrieval"]
    exact = found.measured.exact["retrieval"]
    assert sum(share.count for share in failures.values()) == 8 - exact.count > 0
    assert set(failures) == set(FAILURE_SORTS)
    assert found.history.commits == 25 and found.history.authors == 1
    assert found.verdict.headline.startswith("Nothing yet: the history is too small to tell.")
    assert "completes 8 places and 8 habits of later commits, some" in said[-1]
    added = {path.relative_to(shop.folder).parts[0] for path in shop.folder.rglob("*")}
    assert added - {path.relative_to(shop.folder).parts[0] for path in before} == {".homespun"}
    assert shop.git("status", "--porcelain") == ""
    assert json.loads(json.dumps(found.to_json()))["format"] == 1


def test_asked_again_it_asks_the_model_nothing(shop, models, monkeypatch):
    asked(shop.folder)
    monkeypatch.setattr(FakeGenerator, "generate", lambda *_, **__: pytest.fail("asked again"))
    assert asked(shop.folder)[0].measured.places == 8


def test_the_larger_model_is_asked_at_the_same_places(shop, models, monkeypatch):
    price = LargerPrice(LARGER, True, 1_100, 2_300, 500.0, 170.0)
    monkeypatch.setattr(advice, "larger_price", lambda model, speeds: price)
    found, said = asked(shop.folder, with_larger=True)
    assert models[1:] == [(LARGER, "none")]
    assert found.measured.larger is not None
    assert found.measured.larger.exact.of == found.measured.places == 8
    assert found.measured.larger.gain.difference.mean == 0.0  # it writes the same
    assert f"and {LARGER} " in said[-1]


def test_a_larger_model_that_is_not_here_is_named_and_not_fetched(shop, models, monkeypatch):
    price = LargerPrice(LARGER, False, 1_100, 2_300, 500.0, 170.0)
    monkeypatch.setattr(advice, "larger_price", lambda model, speeds: price)
    found, said = asked(shop.folder, with_larger=True)
    assert found.measured.larger is None and len(models) == 1
    assert said[-1] == f"no larger model was asked: {LARGER} is not on this machine"


def test_a_history_of_one_commit_is_an_answer_and_opens_no_model(scratch, models):
    scratch.commit(a="def f(x):\n    return x\n")
    found, _ = asked(scratch.folder)
    assert models == [] and found.measured.places == 0
    assert found.verdict.headline.startswith("Nothing yet: the history is too small to tell.")
    assert 'content="default-src' in page_of(found, "today")


def test_without_a_history_it_says_so(tmp_path, models):
    with pytest.raises(HistoryUnreadable):
        asked(tmp_path)


def test_the_page_is_one_that_an_editor_may_open_and_escapes_what_the_repository_says(
    tmp_path, models
):
    folder = "<img src=x>"
    scratch = Scratch(tmp_path / "<b>shop<i>")
    for n in range(12):
        text = "".join(f"def f_{m}(x):\n    return g_{m * n}(x)\n\n\n" for m in range(n + 1))
        scratch.write_files({f"{folder}/a.py": text})
        scratch.commit()
    found, _ = asked(scratch.folder)
    page = tmp_path / "advice.html"
    page.write_text(page_of(found, "today"), encoding="utf-8")
    text = page.read_text(encoding="utf-8")
    assert is_harmless(page)
    assert "&lt;img src=x&gt;" in text and "&lt;b&gt;shop&lt;i&gt;" in text
    assert "missing knowledge" in text and found.verdict.headline in text
