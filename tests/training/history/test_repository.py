"""Histories as they are: odd dates, merges, moves, shallow clones, objects that are not there."""

from __future__ import annotations

import subprocess

import pytest

from homespun.training.errors import HistoryUnreadable
from homespun.training.history.as_typed import as_typed
from homespun.training.history.checkout import Checkout
from homespun.training.history.repository import Hunk, Repository
from tests.support.releases import Release, history_from_releases

FIRST = "def first():\n    return 1\n"
SECOND = "def second():\n    return 2\n"


def reasons(repository, **how):
    return {commit.subject: commit.reason for commit in repository.commits(**how)}


# --- what a commit added


def test_a_commit_says_which_lines_it_added(scratch):
    scratch.commit("one", a=FIRST)
    scratch.commit("two", a=FIRST + "\n\n" + SECOND, b="import os\n")
    commits = Repository.open(scratch.folder).commits()
    assert [commit.subject for commit in commits] == ["one", "two"]
    assert commits[0].parent == ""
    assert commits[0].added == {"a.py": [(1, 2)]}
    assert commits[1].added == {"a.py": [(5, 6)], "b.py": [(1, 1)]}
    assert commits[1].hunks["a.py"] == (Hunk(2, 0, 3, 4),)
    assert commits[1].parent == commits[0].id
    assert commits[1].day == "2023-11-16"


def test_a_moved_or_indented_line_is_not_added(scratch):
    scratch.commit("one", a=FIRST + SECOND, b="x = 1\n")
    scratch.commit("two", a=SECOND, b="x = 1\n\n\nif x:\n    def first():\n        return 1\n")
    commit = Repository.open(scratch.folder).commits()[1]
    assert commit.added == {"b.py": [(4, 4)]}


def test_of_a_renamed_file_only_new_lines_count_and_its_old_name_is_known(scratch):
    body = "".join(f"value_{n} = {n}\n" for n in range(20))
    scratch.commit("one", old=body)
    (scratch.folder / "old.py").unlink()
    scratch.commit("two", new=body + "last = 20\n")
    commit = Repository.open(scratch.folder).commits()[1]
    assert commit.added == {"new.py": [(21, 21)]}
    assert commit.parent_path("new.py") == "old.py"
    assert commit.parent_path("elsewhere.py") == "elsewhere.py"


def test_code_that_looks_like_a_header_of_a_diff_is_code(scratch):
    scratch.commit("one", a="x = 1\n")
    text = "x = 1\n+++ b\ndiff --git c d\n@@ -1,9 +1,9 @@\n"
    scratch.commit("two", a=text, z="y = 2\n")
    commit = Repository.open(scratch.folder).commits()[1]
    assert commit.added == {"a.py": [(2, 4)], "z.py": [(1, 1)]}


@pytest.mark.parametrize("name", ['we"ird.py', "tab\there.py", "späce in it.py", "back\\slash.py"])
def test_odd_names_of_files_come_through(scratch, name):
    scratch.commit("one", a="x = 1\n")
    scratch.write_files({name: "y = 2\n"})
    commit = scratch.commit("two")
    repository = Repository.open(scratch.folder)
    assert repository.commits()[1].added == {name: [(1, 1)]}
    assert repository.file_at(commit, name) == "y = 2\n"


def test_links_submodules_and_binary_files_add_nothing(scratch, tmp_path):
    scratch.commit("one", a="x = 1\n")
    (scratch.folder / "link.py").symlink_to("a.py")
    scratch.write_files({"b.bin": b"\0\1\2" * 100})
    scratch.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},module")
    scratch.commit("two")
    repository = Repository.open(scratch.folder)
    commit = repository.commits()[1]
    assert (commit.added, commit.reason) == ({}, "nothing-added")
    assert repository.file_at(commit.id, "module") is None
    assert repository.file_at(commit.id, "b.bin") is None
    assert [file.path for file in repository.files(commit.id) if file.is_regular] == [
        "a.py",
        "b.bin",
    ]


# --- commits that are no examples


def test_a_commit_of_many_files_is_dropped(scratch):
    scratch.commit("one", a="x = 1\n")
    scratch.commit("few", **{f"few_{n}": f"few = {n}\n" for n in range(50)})
    scratch.commit("many", **{f"many_{n}": f"many = {n}\n" for n in range(51)})
    assert reasons(Repository.open(scratch.folder)) == {"one": "", "few": "", "many": "huge"}


def test_a_commit_that_only_formats_is_dropped_and_one_that_looks_like_it_is_not(scratch):
    scratch.commit("one", a="x = {'a': 1}\ny = f(1, 2)\n")
    scratch.commit("format", a='x = {\n    "a": 1,\n}\ny = f(1, 2)\n')
    scratch.commit("meaning", a='x = {\n    "a": 1,\n}\ny = f((1, 2))\n')
    assert reasons(Repository.open(scratch.folder)) == {
        "one": "",
        "format": "format",
        "meaning": "",
    }


def test_white_space_in_another_language_is_format(scratch):
    scratch.write_files({"a.js": "function f(){return 1}\n"})
    scratch.commit("one")
    scratch.write_files({"a.js": "function f() {\n  return 1\n}\n"})
    scratch.commit("format")
    scratch.write_files({"a.js": "function f() {\n  return (1)\n}\n"})
    scratch.commit("parentheses")
    assert reasons(Repository.open(scratch.folder)) == {
        "one": "",
        "format": "format",
        "parentheses": "",
    }


def test_a_revert_and_what_it_takes_back_are_dropped(scratch):
    scratch.commit("one", a=FIRST)
    scratch.commit("two", a=FIRST + SECOND)
    scratch.git("revert", "--no-edit", "HEAD")
    scratch.commit("more", b=SECOND)
    assert reasons(Repository.open(scratch.folder)) == {
        "one": "",
        "two": "reverted",
        'Revert "two"': "revert",
        "more": "",
    }


def test_a_tree_that_was_there_before_is_a_revert_whatever_the_message_says(scratch):
    scratch.commit("one", a=FIRST)
    scratch.commit("two", a=FIRST + SECOND)
    scratch.commit("go back", a=FIRST)
    assert reasons(Repository.open(scratch.folder))["go back"] == "revert"


# --- shapes of history


def merged(scratch, name, **files):
    scratch.git("checkout", "--quiet", "-b", name)
    scratch.commit(f"work on {name}", **files)
    scratch.git("checkout", "--quiet", "main")
    scratch.day += 1
    scratch.git("merge", "--quiet", "--no-ff", "-m", f"merge {name}", name)


def test_few_merges_are_left_out(scratch):
    for n in range(3):
        scratch.commit(f"direct {n}", a=FIRST * (n + 1))
    merged(scratch, "topic", b=SECOND)
    repository = Repository.open(scratch.folder)
    assert reasons(repository)["merge topic"] == "merge"
    assert repository.windows().notes[0].startswith("nothing was committed after")


def test_a_history_of_merges_is_read_against_first_parents_and_says_so(scratch):
    scratch.commit("start", a=FIRST)
    for n in range(3):
        merged(scratch, f"topic-{n}", **{f"b{n}": SECOND})
    repository = Repository.open(scratch.folder)
    found = {commit.subject: commit.added for commit in repository.commits()}
    assert found["merge topic-1"] == {"b1.py": [(1, 2)]}
    assert "work on topic-1" not in found
    assert any("most commits are merges" in note for note in repository.windows().notes)


def test_a_shallow_clone_uses_what_is_there_and_says_so(scratch, tmp_path):
    for n in range(4):
        scratch.commit(f"number {n}", a=FIRST, **{f"b{n}": SECOND})
    clone = tmp_path / "clone"
    url = scratch.folder.as_uri()
    subprocess.run(["git", "clone", "-q", "--depth", "2", url, clone], check=True)
    repository = Repository.open(clone)
    assert reasons(repository) == {"number 2": "shallow", "number 3": ""}
    assert "shallow: only 2 commits" in repository.windows().notes[0]


def test_a_commit_whose_objects_are_missing_is_left_out_and_the_rest_is_read(scratch):
    scratch.commit("one", a=FIRST)
    lost = scratch.commit("two", b=SECOND)
    scratch.commit("three", b=None, d="d = 4\n")
    scratch.commit("four", c=SECOND + "x = 3\n")
    blob = scratch.git("rev-parse", f"{lost}:b.py")
    path = scratch.folder / ".git" / "objects" / blob[:2] / blob[2:]
    path.chmod(0o600)
    path.unlink()
    repository = Repository.open(scratch.folder)
    gone = "unreadable"
    assert reasons(repository) == {"one": "", "two": gone, "three": gone, "four": ""}
    assert repository.file_at(lost, "b.py") is None
    assert repository.file_at(lost, "a.py") == FIRST


def test_a_bare_repository_and_a_folder_inside_one_are_opened(scratch, tmp_path):
    scratch.commit("one", lib__a=FIRST, b=SECOND)
    last = scratch.commit("two", lib__a=FIRST + SECOND, c=SECOND)
    bare = tmp_path / "copy.git"
    subprocess.run(["git", "clone", "-q", "--bare", scratch.folder, bare], check=True)
    assert Repository.open(bare).name == "copy"
    assert Repository.open(bare).file_at(last, "b.py") == SECOND
    inside = Repository.open(scratch.folder / "lib")
    assert inside.commits()[1].added == {"a.py": [(3, 4)]}
    assert inside.file_at(last, "a.py") == FIRST + SECOND
    assert [file.path for file in inside.files(last)] == ["a.py"]


@pytest.mark.parametrize("case", ["plain", "unborn", "ignored", "missing"])
def test_a_folder_without_a_history_is_refused_in_a_sentence(scratch, tmp_path, case):
    folder = tmp_path / "plain"
    if case == "plain":
        folder.mkdir()
    elif case == "unborn":
        folder = scratch.folder
    elif case == "ignored":
        scratch.commit("one", a=FIRST)
        folder = scratch.folder / "build"
        folder.mkdir()
    with pytest.raises(HistoryUnreadable, match=folder.name):
        Repository.open(folder)


def test_without_git_a_sentence_says_so(scratch, monkeypatch):
    monkeypatch.setenv("PATH", str(scratch.folder))
    with pytest.raises(HistoryUnreadable, match="no `git` command"):
        Repository.open(scratch.folder)


def test_variables_of_a_hook_do_not_lead_elsewhere(scratch, monkeypatch, tmp_path):
    scratch.commit("one", a=FIRST)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    assert len(Repository.open(scratch.folder).commits()) == 1


def test_programs_that_the_repository_names_do_not_run(scratch, tmp_path):
    scratch.commit("one", a=FIRST)
    scratch.write_files({".gitattributes": "*.py diff=evil filter=evil\n"})
    scratch.commit("two", a=FIRST + SECOND)
    ran = tmp_path / "ran"
    for key in ("diff.evil.command", "diff.evil.textconv", "filter.evil.smudge", "core.fsmonitor"):
        scratch.git("config", key, f": >{ran}; false")
    repository = Repository.open(scratch.folder)
    assert repository.windows().tree
    Checkout(repository, tmp_path / "tree").move(repository.head)
    assert not ran.exists()
    assert (tmp_path / "tree" / "a.py").read_text() == FIRST + SECOND


# --- windows


def ten(scratch):
    return [scratch.commit(f"number {n}", **{f"f{n}": FIRST}) for n in range(10)]


def test_windows_follow_each_other(scratch):
    ids = ten(scratch)
    windows = Repository.open(scratch.folder).windows(until=ids[7], validation_share=0.25)
    assert [commit.id for commit in windows.train] == ids[:6]
    assert [commit.id for commit in windows.validation] == ids[6:8]
    assert [commit.id for commit in windows.test] == ids[8:]
    assert (windows.tree, windows.cutoff, windows.tip) == (ids[5], ids[7], ids[9])
    assert windows.notes == ()


def test_without_a_cut_off_a_share_stays_behind_it(scratch):
    ids = ten(scratch)
    windows = Repository.open(scratch.folder).windows(test_share=0.2)
    assert windows.cutoff == ids[7]
    assert [commit.id for commit in windows.test] == ids[8:]


def test_nothing_behind_the_cut_off_is_said(scratch):
    ids = ten(scratch)
    windows = Repository.open(scratch.folder).windows(until="2030-01-01")
    assert windows.test == ()
    assert windows.cutoff == ids[9]
    assert "nothing was committed after the cut-off" in windows.notes[0]


def test_a_day_counts_to_its_end(scratch):
    ids = ten(scratch)
    repository = Repository.open(scratch.folder)
    assert repository.resolve("2023-11-16") == ids[1]
    assert repository.resolve("2023-11-16T00:00") == ids[0]
    with pytest.raises(HistoryUnreadable, match="nothing was committed up to '2001-01-01'"):
        repository.resolve("2001-01-01")
    with pytest.raises(HistoryUnreadable, match="'soon' is neither a revision"):
        repository.resolve("soon")


def test_an_option_is_no_revision(scratch):
    ten(scratch)
    with pytest.raises(HistoryUnreadable, match="neither"):
        Repository.open(scratch.folder).resolve("--all")


def test_where_dates_are_in_odd_order_the_order_decides(scratch):
    days = [10, 50, 20, 30]
    ids = [
        scratch.commit(f"day {day}", date=f"{1_700_000_000 + 86_400 * day} +0000", a=f"x = {day}\n")
        for day in days
    ]
    repository = Repository.open(scratch.folder)
    assert repository.resolve("2023-12-05") == ids[2]
    windows = repository.windows(until=ids[2], validation_share=0.0)
    assert [commit.id for commit in windows.train] == ids[:3]
    assert any("1 commits are dated before their parents" in note for note in windows.notes)


# --- trees in a folder


def tree(folder):
    return {
        p.relative_to(folder).as_posix(): p.read_text() for p in folder.rglob("*.*") if p.is_file()
    }


def test_a_checkout_moves_by_what_changed(scratch, tmp_path):
    one = scratch.commit("one", a=FIRST, b__c=SECOND, d=FIRST)
    (scratch.folder / "b" / "c.py").unlink()
    (scratch.folder / "b").rmdir()
    scratch.write_files({"b": "a file now", "d.py": None})
    two = scratch.commit("two", a=FIRST + SECOND)
    repository = Repository.open(scratch.folder)
    checkout = Checkout(repository, tmp_path / "tree")
    assert checkout.move(one) == ["a.py", "b/c.py", "d.py"]
    assert checkout.move(two) == ["a.py", "b", "b/c.py", "d.py"]
    assert tree(tmp_path / "tree") == {"a.py": FIRST + SECOND}
    assert (tmp_path / "tree" / "b").read_text() == "a file now"
    assert checkout.move(one) == ["a.py", "b", "b/c.py", "d.py"]
    assert tree(tmp_path / "tree") == {"a.py": FIRST, "b/c.py": SECOND, "d.py": FIRST}
    assert checkout.move(one) == []


def test_ignored_files_that_are_committed_are_there_and_their_ignore_file_is_not(scratch, tmp_path):
    scratch.write_files({".gitignore": "*.py\n"})
    scratch.write(a=FIRST)
    scratch.git("add", "-f", "a.py")
    one = scratch.commit("one")
    Checkout(Repository.open(scratch.folder), tmp_path / "tree").move(one)
    assert tree(tmp_path / "tree") == {"a.py": FIRST}


def test_a_tree_cannot_write_outside_of_the_folder(scratch, tmp_path):
    scratch.commit("one", a=FIRST)
    blob = scratch.git("rev-parse", "HEAD:a.py")
    inner = subprocess.run(
        ["git", "mktree"], input=f"100644 blob {blob}\tb.py\n".encode(), cwd=scratch.folder,
        capture_output=True, check=True,
    ).stdout.decode().strip()  # fmt: skip
    # git itself refuses such names, so the tree is written as an object by hand
    raw = b"40000 ..\0" + bytes.fromhex(inner)
    made = subprocess.run(
        ["git", "hash-object", "-w", "-t", "tree", "--literally", "--stdin"], input=raw,
        cwd=scratch.folder, capture_output=True, check=True,
    ).stdout.decode().strip()  # fmt: skip
    evil = scratch.git("commit-tree", "-m", "evil", made)
    Checkout(Repository.open(scratch.folder), tmp_path / "deep" / "tree").move(evil)
    assert not (tmp_path / "deep" / "b.py").exists()


# --- a document while it is typed


OLD = "a\nb\nc\nd\ne\n"
NEW = "a\nX\nY\nZ\nc\nd\nW\ne\n"
HUNKS = (Hunk(2, 1, 2, 3), Hunk(4, 0, 7, 1))


@pytest.mark.parametrize(
    ("line", "whole", "document"),
    [
        (1, False, "a\nb\nc\nd\ne\n"),
        (2, False, "a\nX\nc\nd\ne\n"),
        (3, False, "a\nX\nY\nc\nd\ne\n"),
        (2, True, "a\nX\nY\nZ\nc\nd\ne\n"),
        (5, False, "a\nX\nY\nZ\nc\nd\ne\n"),
        (7, False, "a\nX\nY\nZ\nc\nd\nW\ne\n"),
    ],
)
def test_what_is_below_the_cursor_is_as_the_parent_had_it(line, whole, document):
    assert as_typed(OLD, NEW, HUNKS, line=line, whole_hunk=whole) == document


def test_hunks_of_git_give_the_document_back(scratch):
    scratch.commit("one", a=OLD)
    scratch.commit("two", a=NEW)
    commit = Repository.open(scratch.folder).commits()[1]
    assert commit.hunks["a.py"] == HUNKS
    last = NEW.count("\n")
    assert as_typed(OLD, NEW, commit.hunks["a.py"], line=last) == NEW


# --- releases


def test_releases_of_a_package_are_a_history(tmp_path):
    for version, text in (("1.0", FIRST), ("1.1", FIRST + SECOND)):
        folder = tmp_path / version
        (folder / "pkg" / "node_modules").mkdir(parents=True)
        (folder / "pkg" / 'a".py').write_text(text)
        (folder / "pkg" / "node_modules" / "x.js").write_text("1")
    (tmp_path / "1.1" / "old.py").write_text("x = 1\n")
    releases = [Release("1.0", 1_700_000_000, tmp_path / "1.0"),
                Release("1.1", 1_710_000_000, tmp_path / "1.1")]  # fmt: skip
    with history_from_releases(releases, tmp_path / "made") as repository:
        commits = repository.commits()
    assert [(commit.subject, commit.day) for commit in commits] == [
        ("1.0", "2023-11-14"),
        ("1.1", "2024-03-09"),
    ]
    assert commits[1].added == {'pkg/a".py': [(3, 4)], "old.py": [(1, 1)]}
    assert (tmp_path / "made" / "pkg" / 'a".py').read_text() == FIRST + SECOND
    status = subprocess.run(
        ["git", "status", "--short"], cwd=tmp_path / "made", capture_output=True
    )
    assert status.stdout == b""


def test_releases_do_not_go_into_a_folder_with_files(tmp_path):
    (tmp_path / "a.txt").write_text("mine")
    with pytest.raises(HistoryUnreadable, match="is not empty"):
        history_from_releases([Release("1", 0, tmp_path)], tmp_path)
