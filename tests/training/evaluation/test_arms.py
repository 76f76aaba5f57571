"""Every item by every arm: the product's completer, real indexes of real trees, kept answers."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from homespun.indexer.syntax.parser_process import ParserProcess
from homespun.models.fakes import FakeGenerator
from homespun.server.options import CompletionOptions
from homespun.training.dataset.examples import Example
from homespun.training.errors import NothingToEvaluate
from homespun.training.evaluation.arms import CONTEXTS, KeptAnswers, answers, check_arms
from homespun.training.evaluation.items import Item
from homespun.training.evaluation.report import PRIMARY
from homespun.training.evaluation.served_model import Opened
from homespun.training.history.indexed_trees import FolderTree, HistoryTrees
from homespun.training.history.repository import Repository

SHOP = (
    'def load_price_list(path):\n    """Read prices of a shop."""\n    return open(path).read()\n'
)
OPTIONS = CompletionOptions()


def item(parent, prefix="def run(path):\n    ", middle="return load_price_list(path)", **kept):
    example = Example("i1", "shop", "run.py", "python", prefix, middle, "\n", "line", **kept)
    return Item(example, parent, ("novel",))


@pytest.fixture
def repository(scratch):
    first = scratch.commit("begin", other="x = 1\n")
    second = scratch.commit("shop", shop=SHOP)
    with Repository.open(scratch.folder) as opened:
        yield opened, first, second


def asked(items, arms, trees, kept=None, **models):
    kept = KeptAnswers(None) if kept is None else kept
    opened = {name: Opened(name, f"weights-{name}", model) for name, model in models.items()}
    return list(answers(items, arms, opened, trees, OPTIONS, kept))


def test_the_context_is_that_of_the_parent_of_each_item(repository):
    opened, first, second = repository
    model = FakeGenerator("pass")
    prefix = "from shop import load_price_list\n\n\ndef run(path):\n    return "
    with HistoryTrees(opened) as trees:
        before = asked([item(first, prefix)], ["general/retrieval"], trees, general=model)
        after = asked([item(second, prefix)], ["general/retrieval"], trees, general=model)
        again = asked([item(first, prefix)], ["general/retrieval"], trees, general=model)
    assert [len(found[0].completion.sources) for found in (before, after, again)] == [0, 1, 0]
    assert after[0].completion.sources[0].path == "shop.py"


def test_arms_that_the_gate_does_not_compare_are_asked_for_some_items_evenly_spread(repository):
    opened, first, _ = repository
    four = [f"{model}/{context}" for model in ("general", "repository") for context in CONTEXTS[:2]]
    items = [item(first, prefix=f"x{n} = ") for n in range(6)]
    items = [replace(one, example=replace(one.example, id=str(n))) for n, one in enumerate(items)]
    models = {name: FakeGenerator("1") for name in ("general", "repository")}
    opened_models = {name: Opened(name, name, model) for name, model in models.items()}
    with HistoryTrees(opened) as trees:
        found = list(
            answers(items, four, opened_models, trees, OPTIONS, KeptAnswers(None), others=2)
        )
    asked = {n: {one.arm for one in found if one.item.id == str(n)} for n in range(6)}
    assert [len(asked[n]) for n in range(6)] == [4, 2, 2, 4, 2, 2]
    assert asked[1] == set(PRIMARY)


def test_a_walk_along_a_history_starts_one_parser_and_ends_it(repository, monkeypatch):
    opened, first, second = repository
    ended = []
    close = ParserProcess.close
    monkeypatch.setattr(
        ParserProcess, "close", lambda own: (ended.append(own._process), close(own))
    )
    with HistoryTrees(opened) as trees:
        for revision in (first, second, first):
            trees.at(revision)
        assert ended == []
    assert len(ended) == 1 and ended[0].poll() is not None


def test_the_oracle_shows_the_definition_that_the_hole_needs(repository):
    opened, _, second = repository
    model = FakeGenerator("pass")
    arms = ["general/none", "general/retrieval", "general/oracle"]
    with HistoryTrees(opened) as trees:
        found = {a.arm: a for a in asked([item(second)], arms, trees, general=model)}
    assert found["general/none"].missing == found["general/retrieval"].missing
    assert found["general/none"].missing == ("load_price_list",)
    assert found["general/oracle"].missing == ()
    assert [s.path for s in found["general/oracle"].completion.sources] == ["shop.py"]


def test_a_model_that_sends_is_shown_no_secret_of_a_document_and_may_refuse_to_weigh(repository):
    opened, first, _ = repository
    model, token = FakeGenerator("return 1"), "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    prefix = f'token = "{token}"\n\n\ndef run(path):\n    '
    model.score = lambda prompt, answer: math.nan
    for sends in (False, True):
        model.sends = sends
        with HistoryTrees(opened) as trees:
            (found,) = asked([item(first, prefix)], ["general/none"], trees, general=model)
        assert (token in model.tokenizer.render(model.prompts[-1])) is not sends
        assert found.loss is None  # not a number that a mean would take


def test_arms_with_the_same_prompt_share_the_answer(repository):
    opened, first, _ = repository
    model = FakeGenerator("return 1\n")
    arms = ["general/none", "general/retrieval", "general/oracle"]
    with HistoryTrees(opened) as trees:
        found = asked([item(first)], arms, trees, general=model)
    assert len(model.prompts) == 1
    assert [answer.is_known for answer in found] == [False, True, True]
    assert {answer.completion.text for answer in found} == {"return 1"}


def test_models_of_other_weights_share_nothing_and_take_turns(repository):
    opened, first, _ = repository
    said = []
    models = {
        name: FakeGenerator(lambda prompt, name=name: said.append(name) or name)
        for name in ("general", "repository")
    }
    items = [item(first), item(first, "def other(path):\n    ")]
    with HistoryTrees(opened) as trees:
        found = asked(items, ["general/none", "repository/none"], trees, **models)
    assert said == ["general", "repository", "repository", "general"]
    assert {answer.arm.partition("/")[0] == answer.completion.text for answer in found} == {True}


def test_what_is_kept_is_not_computed_again_even_after_a_kill(repository, tmp_path):
    opened, first, _ = repository
    path = tmp_path / "kept" / "answers.jsonl"
    arms = ["general/none"]
    with HistoryTrees(opened) as trees:
        before = asked(
            [item(first)], arms, trees, KeptAnswers(path), general=FakeGenerator("return 1\n")
        )
        with path.open("a") as stream:
            stream.write('{"key": "cut o')
        silent = FakeGenerator("something else\n")
        kept = KeptAnswers(path)
        after = asked([item(first)], arms, trees, kept, general=silent)
        assert silent.prompts == [] and len(kept) == 2  # the text and the loss
        assert after[0].completion.text == before[0].completion.text == "return 1"
        more = asked([item(first, "x = ")], arms, trees, kept, general=silent)
    assert more[0].completion.text == "something else"
    rows = path.read_text().splitlines()
    assert [row for row in rows if row.startswith('{"key"') and row.endswith("}")] == [
        *rows[:2],
        *rows[3:],
    ]
    assert json.loads(rows[-1])["key"] in {json.loads(row)["key"] for row in rows[3:]}


def test_the_loss_is_a_mean_over_the_tokens_of_the_wanted_text(repository):
    opened, first, _ = repository
    with HistoryTrees(opened) as trees:
        (found,) = asked([item(first)], ["general/none"], trees, general=FakeGenerator("x"))
        assert found.loss == 0.01
        long = item(first, middle="y" * 5000)
        (found,) = asked([long], ["general/none"], trees, general=FakeGenerator("x"))
        assert found.loss is None  # no room for it


def test_without_a_history_the_held_out_files_are_not_in_the_tree(tmp_path):
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "held.py").write_text("def held_out_function():\n    return 1\n")
    with FolderTree(tmp_path, {"held.py"}) as trees:
        assert trees.at("").paths() == ["shop.py"]
        root = trees.root
    assert not root.exists() and (tmp_path / "held.py").exists()


def test_arms_have_an_order_and_others_are_refused():
    assert check_arms(["repository/none", "base/oracle", "base/none", "base/none"]) == [
        "base/none",
        "base/oracle",
        "repository/none",
    ]
    with pytest.raises(NothingToEvaluate, match="there is no arm 'general/rag'"):
        check_arms(["general/rag"])
