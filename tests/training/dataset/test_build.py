"""A repository becomes a dataset: whole, the same each time, and without what came later."""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
from dataclasses import replace

import pytest

from homespun.progress import NoProgress
from homespun.training.dataset import build as dataset_module
from homespun.training.dataset.build import DatasetConfig, build_dataset
from homespun.training.dataset.context import RevisionRetriever
from homespun.training.dataset.examples import read_examples, write_examples
from homespun.training.errors import (
    DatasetDamaged,
    DatasetUnwritable,
    HistoryUnreadable,
    LeakFound,
    TooLittleCode,
)
from homespun.training.history.repository import Repository

SMALL = DatasetConfig(
    examples=120,
    validation_examples=8,
    least_examples=40,
    least_code_lines=100,
    context_share=0.25,
    test_share=0.2,
    near_duplicate=0.99,  # the modules resemble each other
)
FAST = replace(SMALL, context_share=0.0)  # no index is built
VERBS = "load save parse render check count merge split store fetch send read".split()


def module(number):
    """A module of its own words; its functions call the helper of the one before."""
    verb = VERBS[number % len(VERBS)]
    functions = "".join(
        f"\n\ndef {verb}_{noun}_{number}(source, *, strict=False):\n"
        f'    """{verb.title()} the {noun} of a source, as release {number} wants it."""\n'
        f"    if strict and not source.{noun}:\n"
        f'        raise ValueError("{noun} is missing in release {number}")\n'
        f"    found = helper_{max(number - 1, 0)}(source.{noun})\n"
        f"    return [{verb}_part_{number}(part) for part in found]\n"
        for noun in ("header", "body", "footer")
    )
    helper = f"\n\ndef helper_{number}(value):\n    return list(value or ())\n"
    before = max(number - 1, 0)
    return f"from pkg.module_{before} import helper_{before}\n{functions}{helper}"


@pytest.fixture(scope="module")
def made(tmp_path_factory, new_scratch):
    """Twenty commits: each adds a module, and a line to one that was there; not to be changed."""
    scratch = new_scratch(tmp_path_factory.mktemp("made") / "repo")
    for number in range(20):
        files = {f"pkg__module_{number}": module(number)}
        if number > 2:
            old = number - 2
            addition = f"\n\nLIMIT_{number} = compute_the_limit({number}, helper_{old})\n"
            files[f"pkg__module_{old}"] = module(old) + addition
        scratch.commit(f"release {number}", **files)
    return scratch


@pytest.fixture(scope="module")
def report(made, tmp_path_factory):
    """The dataset of these; not to be changed."""
    return build(made.folder, tmp_path_factory.mktemp("report") / "out", config=SMALL)


@pytest.fixture
def house(made, tmp_path, new_scratch):
    """A copy of these that a test may change."""
    shutil.copytree(made.folder, tmp_path / "repo")
    return new_scratch(tmp_path / "repo", day=made.day)


def rows(report, window="train"):
    return list(read_examples(report.directory / f"{window}.jsonl"))


def build(folder, out, **how):
    return build_dataset(folder, out, **{"config": FAST, **how})


# --- the whole


def test_a_history_becomes_a_dataset(report):
    train, validation = rows(report), rows(report, "validation")
    assert (len(train), len(validation)) == (report.train, report.validation)
    assert report.has_history and not report.reused
    assert report.commits == {"train": 14, "validation": 2, "test": 4}
    assert report.sources.keys() == {"tree", "commit"}
    assert sum(report.kinds.values()) == report.train >= SMALL.least_examples
    assert len({example.id for example in train}) == len(train)
    names = {path.name for path in report.directory.iterdir()}
    assert names == {
        "train.jsonl",
        "validation.jsonl",
        "seal.json",
        "data_card.json",
        "data_card.md",
        "leak_report.json",
    }
    card = json.loads((report.directory / "data_card.json").read_text())
    assert card["provenance"]["tree"] == report.tree
    assert card["leaks"]["train"]["leaks"] == 0
    assert not report.directory.with_name("out.draft").exists()
    page = (report.directory / "data_card.md").read_text()
    assert f"{report.train} examples to learn from" in page


def test_a_finished_dataset_of_the_same_input_is_kept_and_made_anew_for_another(
    report, house, tmp_path
):
    build(house.folder, tmp_path / "out", config=SMALL)
    again = build(house.folder, tmp_path / "out", config=SMALL)
    assert again.reused and again.card_sha256 == report.card_sha256
    other = build(house.folder, tmp_path / "out", seed=1)
    assert not other.reused
    for name in ("train.jsonl", "validation.jsonl", "data_card.json"):
        assert (other.directory / name).read_bytes() != (report.directory / name).read_bytes()
    house.commit("release 20", pkg__module_20=module(20))
    assert not build(house.folder, tmp_path / "out", seed=1).reused


def test_a_dataset_that_was_moved_here_is_made_anew(report, house, tmp_path):
    shutil.copytree(report.directory, tmp_path / "out")
    assert not build(house.folder, tmp_path / "out", config=SMALL).reused


# --- what may be shown


def test_nothing_behind_the_windows_is_shown(report):
    train = (report.directory / "train.jsonl").read_text()
    validation = (report.directory / "validation.jsonl").read_text()
    # 20 releases, 4 behind the cut-off, 2 to validate on
    assert "release 13" in train
    assert all(f"release {n}" not in train for n in range(14, 20))
    assert "release 15" in validation
    assert all(f"release {n}" not in validation for n in range(16, 20))


def test_holes_of_a_commit_begin_in_lines_that_it_added(report, made):
    repository = Repository.open(made.folder)
    commits = {commit.id: commit for commit in repository.commits()}
    of_commits = [example for example in rows(report) if example.commit]
    assert len(of_commits) >= 20
    for example in of_commits:
        row = example.prefix.count("\n") + 1
        ranges = commits[example.commit].added[example.path]
        assert any(start <= row <= end for start, end in ranges)
        text = repository.file_at(example.commit, example.path)
        assert text.startswith(example.prefix + example.middle)


def test_context_is_that_of_the_parent_and_never_tells_the_answer(house, tmp_path):
    config = replace(SMALL, context_share=0.8, empty_share=0.0)
    report = build(house.folder, tmp_path / "out", config=config)
    repository = Repository.open(house.folder)
    commits = {commit.id: commit for commit in repository.commits()}
    shown = [example for example in rows(report) if example.commit and example.snippets]
    assert len(shown) >= 10
    for example in shown:
        parent = commits[example.commit].parent
        for snippet in example.snippets:
            lines = [line for line in snippet.text.splitlines() if line.strip()]
            known = repository.file_at(parent, snippet.path) or ""
            known += repository.file_at(report.tree, snippet.path) or ""  # a distractor
            # A body that is left out is written as " ...".
            assert all(line.strip().removesuffix(" ...") in known for line in lines)
            if snippet.path == example.path:
                telling = {ln.strip() for ln in example.middle.split("\n") if len(ln.strip()) >= 20}
                assert telling.isdisjoint(line.strip() for line in lines)


def test_caps_of_files_and_commits_hold(house, tmp_path):
    config = replace(SMALL, most_per_file=5, most_per_commit=3, context_share=0.0)
    train = rows(build(house.folder, tmp_path / "out", config=config))
    per_path = {p: [e.path for e in train].count(p) for p in {e.path for e in train}}
    per_commit = [sum(e.commit == c for e in train) for c in {e.commit for e in train} - {""}]
    assert max(per_path.values()) == 5
    assert max(per_commit) == 3


def test_a_secret_is_nowhere_and_its_line_is_no_answer(house, tmp_path):
    key = "ghp_" + "a1B2c3D4e5" * 4
    text = module(0) + "".join(f'\n\ntoken_{n} = "{key}"\n' for n in range(20))
    house.commit("secret", pkg__module_0=text)
    for number in range(20, 26):
        house.commit(f"release {number}", **{f"pkg__module_{number}": module(number)})
    report = build(house.folder, tmp_path / "out")
    everything = b"".join(path.read_bytes() for path in report.directory.iterdir())
    assert key.encode() not in everything
    assert not any("***" in example.middle for example in rows(report))


def test_a_planted_leak_stops_everything(house, tmp_path, monkeypatch):
    def leaking(original):
        def snippets(self, example, own):
            late = module(19).split("\n")[4] + "\n"
            found = original(self, example, own)
            return tuple(
                type(snippet)(snippet.path, 1, 1, late, 0.5, "similar") for snippet in found[:1]
            )

        return snippets

    monkeypatch.setattr(RevisionRetriever, "snippets", leaking(RevisionRetriever.snippets))
    with pytest.raises(LeakFound, match="only written after its window"):
        build(house.folder, tmp_path / "out", config=SMALL)
    assert not (tmp_path / "out").exists()


# --- replay and conventions


def test_a_share_of_the_examples_is_replayed(house, report, tmp_path):
    general = tmp_path / "general.jsonl"
    write_examples((replace(example, repo="other") for example in rows(report)), general)
    report = build(house.folder, tmp_path / "out", general_examples=general)
    assert report.sources["replay"] == round(report.train * SMALL.replay_share)
    replayed = [example for example in rows(report) if example.source == "replay"]
    assert {example.repo for example in replayed} == {"other"}
    (tmp_path / "bad.jsonl").write_text('{"id": 1}\n')
    with pytest.raises(DatasetDamaged, match="bad.jsonl, line 1"):
        build(house.folder, tmp_path / "out", general_examples=tmp_path / "bad.jsonl")


def test_sites_of_conventions_are_likelier(house, report, tmp_path):
    def sites(path, language, text):
        lines = text.split("\n")
        return {n for n, line in enumerate(lines, start=1) if "raise ValueError" in line}

    def share(report):
        train = rows(report)
        return sum("raise" in example.middle for example in train) / len(train)

    config = replace(SMALL, convention_weight=6.0, context_share=0.0)
    weighted = build(house.folder, tmp_path / "weighted", config=config, convention_sites=sites)
    assert share(weighted) > 1.5 * share(report)


# --- killed, full, locked


class Killed(NoProgress):
    """Ends the run after some examples got their context."""

    def __init__(self, after):
        self.after = after
        self.stage = ""

    def start(self, stage, total, unit):
        self.stage = stage

    def advance(self, n):
        if self.stage == "context":
            self.after -= n
            if self.after < 0:
                raise KeyboardInterrupt


def test_a_killed_run_goes_on_where_it_was(house, report, tmp_path, monkeypatch):
    whole = report
    with pytest.raises(KeyboardInterrupt):
        build(house.folder, tmp_path / "out", config=SMALL, progress=Killed(10))
    assert not (tmp_path / "out").exists()
    asked = []
    original = RevisionRetriever.snippets
    monkeypatch.setattr(
        RevisionRetriever,
        "snippets",
        lambda self, e, own: asked.append(e.id) or original(self, e, own),
    )
    report = build(house.folder, tmp_path / "out", config=SMALL)
    card = json.loads((report.directory / "data_card.json").read_text())
    every = sum(sum(counts.values()) - counts["distracted"] for counts in card["context"].values())
    assert len(asked) == every - 11
    for name in ("train.jsonl", "validation.jsonl", "data_card.json"):
        assert (report.directory / name).read_bytes() == (whole.directory / name).read_bytes()


def test_a_full_disk_is_one_sentence_and_the_old_dataset_stays(
    house, report, tmp_path, monkeypatch
):
    build(house.folder, tmp_path / "out", config=SMALL)
    kept = (report.directory / "train.jsonl").read_bytes()

    def full(examples, path):
        path.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(dataset_module, "write_examples", full)
    with pytest.raises(DatasetUnwritable, match="No space left on device; free some space"):
        build(house.folder, tmp_path / "out", seed=1)
    assert (tmp_path / "out" / "train.jsonl").read_bytes() == kept
    assert build(house.folder, tmp_path / "out", config=SMALL).reused


# --- without a history, or too little of everything


@pytest.mark.parametrize("case", ["no git", "one commit"])
def test_without_later_commits_whole_files_are_held_out(house, tmp_path, case):
    shutil.rmtree(house.folder / ".git")
    if case == "one commit":
        house.git("init", "--quiet", "--initial-branch=main", ".")
        house.commit("everything")
    report = build(house.folder, tmp_path / "out", config=SMALL)
    card = json.loads((report.directory / "data_card.json").read_text())
    held = set(card["provenance"]["held_out_files"])
    assert len(held) == 2
    assert not report.has_history
    assert {example.path for example in rows(report, "validation")} <= held
    shown = [{e.path, *(s.path for s in e.snippets)} for e in rows(report)]
    assert held.isdisjoint(set().union(*shown))
    assert any(e.snippets for e in rows(report))
    assert "flatters" in (report.directory / "data_card.md").read_text()
    expected = "no history is used" if case == "no git" else "too few to validate on"
    assert any(expected in note for note in report.notes)
    assert build(house.folder, tmp_path / "out", config=SMALL).reused


def test_a_changed_file_without_a_history_makes_another_dataset(house, tmp_path):
    shutil.rmtree(house.folder / ".git")
    build(house.folder, tmp_path / "out")
    (house.folder / "pkg" / "module_3.py").write_text(module(33))
    assert not build(house.folder, tmp_path / "out").reused


def test_too_small_a_repository_is_refused_with_the_numbers(scratch, tmp_path):
    scratch.commit("one", a=module(1), b="x = 1\n")
    with pytest.raises(TooLittleCode) as refused:
        build(scratch.folder, tmp_path / "out", config=DatasetConfig())
    said = str(refused.value)
    assert "1 files with 18 lines of code (at least 2000) give 0 examples" in said
    assert "(at least 200); left out: few-lines 1. Nothing is trained" in said
    assert not (tmp_path / "out").exists()


def test_a_cut_off_that_is_not_there_is_refused_even_without_a_history(house, tmp_path):
    with pytest.raises(HistoryUnreadable, match="'v9' is neither"):
        build(house.folder, tmp_path / "out", until="v9")
    shutil.rmtree(house.folder / ".git")
    with pytest.raises(HistoryUnreadable):
        build(house.folder, tmp_path / "out", until="v9")


def test_a_shallow_clone_with_enough_in_it_is_used_and_says_so(house, tmp_path):
    clone = tmp_path / "clone"
    url = house.folder.as_uri()
    subprocess.run(["git", "clone", "-q", "--depth", "10", url, clone], check=True)
    report = build(clone, tmp_path / "out")
    assert report.has_history
    assert any("the clone is shallow" in note for note in report.notes)
    assert all(
        f"release {n}" not in (report.directory / "train.jsonl").read_text() for n in (18, 19)
    )
