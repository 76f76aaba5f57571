"""What training has seen is no new item, and no example shows what came later."""

from __future__ import annotations

import pytest

from homespun.server.prompt.render import Snippet
from homespun.training.dataset.examples import Example
from homespun.training.dataset.leaks import Seen, added_lines, check_leaks, is_novel, telling_lines
from homespun.training.errors import LeakFound
from homespun.training.history.repository import Repository

OLD = """def load_settings(path):
    text = path.read_text(encoding="utf-8")
    return parse_settings(text)


def save_settings(path, settings):
    path.write_text(render_settings(settings), encoding="utf-8")
"""
LATER = "    raise SettingsDamaged(path, line_number)"


def test_a_line_of_training_is_not_novel_whatever_its_indentation():
    seen = Seen([OLD])
    assert not is_novel('        text = path.read_text(encoding="utf-8")', seen)
    assert is_novel('    text = path.read_text(encoding="latin-1")', seen)


def test_a_short_line_says_nothing_by_itself_but_with_what_is_above_it():
    seen = Seen([OLD])
    assert is_novel("return value + other", seen)
    above = "\n".join(OLD.split("\n")[:2])
    assert not is_novel("    return parse_settings(text)", seen, around=above)
    assert is_novel("    return interpret(text, strict=True)", seen, around="def other(a, b, c):")


def test_the_share_is_that_of_one_text_not_of_all_together():
    halves = OLD.split("\n\n\n")
    together = halves[0] + "\n" + halves[1]
    assert Seen([OLD]).share(together) > 0.9
    assert Seen(halves).share(together) < 0.7
    assert Seen([]).share(OLD) == 0.0
    assert is_novel(LATER, Seen([]))


def test_the_lines_that_commits_add_are_listed(scratch):
    scratch.commit("one", a=OLD)
    scratch.commit("two", a=OLD + LATER + "\n    x = 1\n")
    repository = Repository.open(scratch.folder)
    assert added_lines(repository.commits()[1:], repository.file_at) == telling_lines(LATER)


# --- the assertion

EXAMPLE = Example(
    id="tree/a.py:1-2",
    repo="house",
    path="a.py",
    language="python",
    prefix=OLD,
    middle="    value = compute_the_total(rows)\n",
    suffix="",
    kind="line",
)


def check(example, **how):
    given = {
        "allowed": {"t0"},
        "revisions": lambda _: ["t0"],
        "later": telling_lines(LATER),
        "known": telling_lines(OLD),
        "texts_of": lambda _, path: [OLD],
    }
    return check_leaks([example], **{**given, **how})


def test_a_clean_example_passes():
    report = check(EXAMPLE)
    assert (report.examples, report.leaks, report.new_later_lines) == (1, 0, 1)


@pytest.mark.parametrize("where", ["prefix", "middle", "suffix", "snippet"])
def test_a_later_line_anywhere_in_an_example_is_a_leak(where):
    snippet = Snippet("b.py", 1, 1, LATER + "\n", 0.5, "similar")
    planted = {"snippets": (snippet,)} if where == "snippet" else {where: LATER + "\n"}
    example = Example.from_json({**EXAMPLE.to_json(), "snippets": []})
    example = Example(**{**{f: getattr(example, f) for f in example.__slots__}, **planted})
    with pytest.raises(LeakFound, match="only written after its window"):
        check(example)


def test_a_later_line_that_was_there_before_is_explained_and_counted():
    example = Example.from_json({**EXAMPLE.to_json(), "middle": LATER, "snippets": []})
    report = check(example, texts_of=lambda _, path: [OLD + LATER])
    assert (report.explained, report.repeated_targets, report.leaks) == (1, 1, 0)
    assert report.repeated == ("tree/a.py:1-2",)


def test_an_example_of_a_commit_behind_the_window_is_a_leak():
    with pytest.raises(LeakFound, match="behind its window"):
        check(EXAMPLE, revisions=lambda _: ["t1"])


def test_replayed_examples_are_not_asked():
    example = Example.from_json(
        {**EXAMPLE.to_json(), "middle": LATER, "source": "replay", "snippets": []}
    )
    assert check(example).examples == 0
