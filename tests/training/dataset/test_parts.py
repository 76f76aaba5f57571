"""Shares, drawing at a convention's sites, distractors, the journal, the exchange of folders."""

from __future__ import annotations

import json
import random
import shutil
from collections import Counter

import pytest

from homespun.server.prompt.render import Snippet
from homespun.training.config import DatasetConfig
from homespun.training.dataset.context import Journal, applied, choose, tells
from homespun.training.dataset.examples import Example
from homespun.training.dataset.output import CARD, DatasetFolder, claimed
from homespun.training.dataset.plan import Planned, Planner, allocate, without_repeats
from homespun.training.errors import DatasetUnwritable
from homespun.training.sources.filters import SourceText


@pytest.mark.parametrize(
    ("weights", "caps", "total", "given"),
    [
        ([1, 1, 2], [9, 9, 9], 8, [2, 2, 4]),
        ([1, 1, 2], [9, 9, 2], 8, [3, 3, 2]),
        ([1, 1], [2, 3], 50, [2, 3]),
        ([3, 2, 1], [1, 1, 1], 2, [1, 1, 0]),
        ([0, 1], [5, 5], 3, [0, 3]),
        ([1, 1], [-4, 5], 3, [0, 3]),
        ([], [], 3, []),
    ],
)
def test_what_is_shared_out_follows_weights_and_caps(weights, caps, total, given):
    assert allocate(weights, caps, total) == given


# --- holes of a file

TEXT = "".join(f"value_{n} = compute_{n}(argument_{n})\n" for n in range(200))
SOURCE = SourceText("a.py", "python", TEXT, 200, frozenset())


def rows_drawn(source=SOURCE, sites=None, weight=2.0, count=60):
    config = DatasetConfig(convention_weight=weight, most_per_file=count)
    found = sites if sites is None else lambda path, language, text: sites
    planner = Planner("house", config, 3, found)
    planned = planner.of_tree([source], {}, now=0, count=count, revision="t0", used=Counter())
    return [item.example.prefix.count("\n") + 1 for item in planned]


def test_a_convention_s_sites_are_drawn_as_often_as_they_weigh():
    sites = set(range(1, 41))  # a fifth of the lines
    drawn = rows_drawn(sites=sites)
    assert len(drawn) == 60
    # twice as likely: 2 * 40 / (200 + 40) = a third
    assert sum(row in sites for row in drawn) == 20
    assert sum(row in sites for row in rows_drawn(sites=sites, weight=4.0)) == 30


def test_no_hole_lies_on_a_masked_line():
    masked = SourceText("a.py", "python", TEXT, 200, frozenset(range(1, 151)))
    drawn = rows_drawn(masked, count=50)
    assert drawn and min(drawn) > 150


def test_the_same_seed_draws_the_same():
    assert rows_drawn() == rows_drawn()


# --- context


def example(number, **how):
    row = {
        "id": f"e{number}", "repo": "house", "path": f"p{number}.py", "language": "python",
        "prefix": "x = 1\n", "middle": f"result = compute_everything({number})\n", "suffix": "",
        "kind": "line",
    }  # fmt: skip
    return Example(**{**row, **how})


def snippet(path, text="def helper():\n"):
    return Snippet(path, 3, 4, text, 0.5, "similar")


def planned(count, **how):
    return [Planned(example(n, **how), "t0") for n in range(count)]


def test_distractors_come_from_elsewhere_in_the_prompt_s_order_and_some_context_goes():
    items = planned(400)
    found = {item.example.id: (snippet("m.py"),) for item in items[:390]}
    pool = [snippet("a.py"), snippet("z.py"), snippet("m.py"), snippet("p7.py")]
    config = DatasetConfig(distractor_share=0.2, empty_share=0.3)
    examples, shown = applied(items[:395], items[:395], found, pool, config, random.Random(1))
    paths = [tuple(s.path for s in e.snippets) for e in examples]
    assert (shown.nothing, shown.found + shown.emptied) == (5, 390)
    assert 90 < shown.emptied < 145 and 50 < shown.distracted < 105
    assert paths.count(()) == shown.emptied + 5
    assert (
        paths.count(("a.py", "m.py"))
        + paths.count(("m.py", "z.py"))
        + paths.count(("m.py", "p7.py"))
        == shown.distracted
    )
    assert "p7.py" not in paths[7]


def test_a_distractor_does_not_tell_the_answer():
    item = planned(1)[0]
    telling = snippet("z.py", "def f():\n    result = compute_everything(0)\n")
    assert tells(item.example, telling)
    config = DatasetConfig(distractor_share=1.0, empty_share=0.0)
    found = {"e0": (snippet("m.py"),)}
    examples, _ = applied([item], [item], found, [telling], config, random.Random(1))
    assert [s.path for s in examples[0].snippets] == ["m.py"]


def test_context_is_chosen_for_whole_commits():
    items = [Planned(example(n, commit=f"c{n // 4}"), "t") for n in range(400)]
    chosen = choose(items, DatasetConfig(context_share=0.4), random.Random(1))
    assert len(chosen) == 160
    assert len({item.example.commit for item in chosen}) == 40


def test_the_journal_gives_back_what_was_kept_and_forgets_half_a_line(tmp_path):
    path = tmp_path / "context.jsonl"
    journal = Journal(path)
    journal.add("e1", (snippet("m.py", 'say("é")\n'),))
    journal.add("e2", ())
    with path.open("a") as stream:
        stream.write('{"id": "e3", "snip')
    again = Journal(path)
    assert again.found == {"e1": (snippet("m.py", 'say("é")\n'),), "e2": ()}
    again.add("e3", ())
    assert Journal(path).found.keys() == {"e1", "e2", "e3"}


def test_the_same_question_is_asked_once():
    items = planned(2)
    assert without_repeats([*items, Planned(example(0, id="other"), "t1")]) == items


def test_a_journal_of_another_machine_does_not_become_what_is_learned_from(tmp_path, monkeypatch):
    path = tmp_path / "context.jsonl"
    Journal(path).add("e1", ())
    assert Journal(path).found.keys() == {"e1"}
    monkeypatch.setenv("HOMESPUN_HOME", str(tmp_path / "another"))
    assert Journal(path).found == {}


# --- the folder


def dataset(out, key, sha256=()):
    folder = DatasetFolder(out)
    folder.begin(key)
    (folder.draft / CARD).write_text(json.dumps({"key": key, "sha256": dict(sha256)}))
    folder.finish(CARD)


def test_a_dataset_put_aside_by_a_killed_exchange_comes_back(tmp_path):
    dataset(tmp_path / "out", "one")
    (tmp_path / "out").rename(tmp_path / "out.old")
    assert DatasetFolder(tmp_path / "out").finished("one") == {"key": "one", "sha256": {}}
    assert not (tmp_path / "out.old").exists()


def test_an_exchange_that_was_killed_at_its_end_leaves_the_new_one(tmp_path):
    dataset(tmp_path / "out", "one")
    (tmp_path / "out").rename(tmp_path / "aside")
    dataset(tmp_path / "out", "two")
    (tmp_path / "aside").rename(tmp_path / "out.old")
    assert DatasetFolder(tmp_path / "out").finished("two") is not None
    assert not (tmp_path / "out.old").exists()


def test_a_draft_of_another_input_is_thrown_away(tmp_path):
    folder = DatasetFolder(tmp_path / "out")
    folder.begin("one")
    (folder.draft / "context.jsonl").write_text("kept")
    folder.begin("one")
    assert (folder.draft / "context.jsonl").exists()
    folder.begin("two")
    assert not (folder.draft / "context.jsonl").exists()


def test_a_file_that_changed_makes_the_dataset_unfinished(tmp_path):
    out = tmp_path / "out"
    digest = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    dataset(out, "one", {"train.jsonl": digest})
    (out / "train.jsonl").write_text("{}")
    assert DatasetFolder(out).finished("one") is not None
    (out / "train.jsonl").write_text("{ }")
    assert DatasetFolder(out).finished("one") is None


def test_a_dataset_of_another_machine_is_made_anew(tmp_path, monkeypatch):
    out = tmp_path / "out"
    dataset(out, "one")
    assert DatasetFolder(out).finished("one") is not None
    monkeypatch.setenv("HOMESPUN_HOME", str(tmp_path / "another"))
    assert DatasetFolder(out).finished("one") is None


def test_a_dataset_that_was_put_elsewhere_or_whose_card_was_changed_is_made_anew(tmp_path):
    out = tmp_path / "out"
    dataset(out, "one")
    shutil.copytree(out, tmp_path / "copy")
    assert DatasetFolder(tmp_path / "copy").finished("one") is None
    (out / CARD).write_text(json.dumps({"key": "one", "sha256": {}, "notes": ["more"]}))
    assert DatasetFolder(out).finished("one") is None


def test_a_draft_of_another_machine_is_thrown_away(tmp_path, monkeypatch):
    folder = DatasetFolder(tmp_path / "out")
    folder.begin("one")
    (folder.draft / "context.jsonl").write_text("poison")
    monkeypatch.setenv("HOMESPUN_HOME", str(tmp_path / "another"))
    folder.begin("one")
    assert not (folder.draft / "context.jsonl").exists()


def test_one_writer_at_a_time(tmp_path):
    with claimed(tmp_path / "out"):
        with pytest.raises(DatasetUnwritable, match="another process is writing"):
            with claimed(tmp_path / "out"):
                pass
    with claimed(tmp_path / "out"):
        pass


def test_a_folder_with_other_things_is_not_replaced(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    with pytest.raises(DatasetUnwritable, match="no dataset"):
        with claimed(tmp_path / "out"):
            pass


def test_a_folder_of_homespun_ignores_itself_in_git(tmp_path):
    with claimed(tmp_path / ".homespun" / "dataset"):
        assert (tmp_path / ".homespun" / ".gitignore").read_text() == "*\n"
