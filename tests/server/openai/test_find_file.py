"""Whose text it is: the file is found by its lines, and nothing is claimed where it is not."""

from __future__ import annotations

import os

import pytest

from homespun.server.openai.find_file import FileFinder
from tests.support.running_openai import FILES as SMALL
from tests.support.running_openai import HOOK, PARCEL, STORE, TWICE

LONG = "".join(f"value_{n} = compute_value({n}, depth={n * 7 % 13})\n" for n in range(900))
FILES = SMALL | {"long.py": LONG, ".env": "SECRET_KEY=abcdef\nOTHER_KEY=1\nTHIRD_KEY=2\n"}


@pytest.fixture
def finder(index):
    return FileFinder(index.root, lambda text, limit: index.similar(text, limit=limit))


def around(text, at, *, above=10_000, below=10_000):
    """The text around a place, whole lines of it."""
    place = text.index(at) + len(at)
    before, after = text[:place].split("\n"), text[place:].split("\n")
    return "\n".join(before[-above - 1 :]), "\n".join(after[: below + 1])


def test_a_part_of_a_file_is_completed_in_the_whole_file(finder):
    before, after = around(STORE, "raise ValueError(", above=5, below=3)
    found = finder.find(before, after)
    assert (found.path, found.before + found.after) == ("depot/store.py", STORE)
    assert found.before.endswith("raise ValueError(")


def test_a_whole_file_stays_as_it_is(finder):
    found = finder.find(*around(HOOK, "keyHolder."))
    assert (found.path, found.before + found.after) == ("web/unlock.js", HOOK)


def test_lines_that_are_not_saved_yet_are_kept(finder):
    text = STORE.replace(
        "        self.parcels = {}", "        self.parcels = {}\n        self.n = 1"
    )
    text = text.replace("take_parcel", "hand_over")
    before, after = around(text, "self.n = 1", above=7, below=9)
    found = finder.find(before, after)
    assert (found.path, found.before + found.after) == ("depot/store.py", text)


def test_the_middle_of_a_long_file_is_found(finder):
    before, after = around(LONG, "value_700 = ", above=256, below=64)
    found = finder.find(before, after)
    assert (found.path, found.before + found.after) == ("long.py", LONG)


def test_more_lines_than_are_compared_are_kept(finder):
    before, after = around(LONG, "value_500 = ", above=450, below=300)
    found = finder.find(before, after)
    assert found.path == "long.py"
    assert (found.before, found.after) == (around(LONG, "value_500 = ")[0], after)


def test_a_first_and_a_last_line_that_are_cut_anywhere_are_made_whole(finder):
    before, after = around(STORE, "raise ValueError(", above=5, below=3)
    found = finder.find(before[5:], after[:-4])
    assert (found.path, found.before + found.after) == ("depot/store.py", STORE)


def test_an_empty_line_too_many_at_the_end_is_no_line(finder):
    before, after = around(STORE, "raise ValueError(", above=5, below=3)
    assert finder.find(before, after + "\n").after == around(STORE, "raise ValueError(")[1]


def test_text_with_crlf_is_joined_with_crlf(finder):
    before, after = around(STORE, "raise ValueError(", above=5, below=3)
    found = finder.find(before.replace("\n", "\r\n"), after.replace("\n", "\r\n"))
    assert found.before + found.after == STORE.replace("\n", "\r\n")


def test_one_of_two_equal_files_is_no_answer(finder):
    found = finder.find(*around(TWICE, "return crate."))
    assert (found.path, found.language) == ("", "python")


def test_a_path_decides_between_two_equal_files(finder):
    assert finder.find(*around(TWICE, "return crate."), path="old/second.py").path == (
        "old/second.py"
    )


def test_an_absolute_path_in_the_folder_is_taken(finder, index):
    path = str(index.root / "old" / "first.py")
    assert finder.find(*around(TWICE, "return crate."), path=path).path == "old/first.py"


def test_a_file_that_is_not_there_yet_may_be_named(finder):
    found = finder.find("answer = ", "\n", path="depot/brand_new.py")
    assert (found.before, found.path) == ("answer = ", "depot/brand_new.py")


def test_a_path_that_holds_another_text_is_believed_and_its_text_is_not_mixed_in(finder):
    found = finder.find("answer = ", "\n", path="depot/store.py")
    assert (found.before, found.after, found.path) == ("answer = ", "\n", "depot/store.py")


@pytest.mark.parametrize(
    "path",
    ["../outside.py", "/etc/passwd", "a\nb.py", "a\x1b[2J.py", ".", "link/x.py", "\ud800.py", "\0"],
)
def test_a_path_that_leads_out_or_is_none_is_not_believed(finder, index, tmp_path, path):
    link = index.root / "link"
    if not link.is_symlink():
        link.symlink_to(tmp_path)
    assert finder.find("answer = ", "\n", path=path).path == ""


def test_a_file_of_secrets_is_not_read(finder):
    text = FILES[".env"]
    found = finder.find("OTHER_KEY=1\nTHIRD_KEY=2\n", "", path=".env")
    assert text.split("\n")[0] not in found.before


def test_new_text_is_of_no_file(finder):
    before = "import numpy as np\n\n\ndef matrix_product(left, right):\n    return "
    found = finder.find(before, "\n")
    assert (found.before, found.after, found.path) == (before, "\n", "")


def test_a_few_lines_that_every_file_has_are_of_no_file(finder):
    assert (
        finder.find("from __future__ import annotations\n\n\nclass Parcel:\n    x = ", "").path
        == ""
    )


def test_a_file_that_changed_on_the_disk_is_read_again(finder, index):
    file = index.root / "depot" / "parcel.py"
    before, after = around(PARCEL, "self.sender = ", above=3, below=4)
    assert finder.find(before, after).path == "depot/parcel.py"
    try:
        file.write_text("# a new first line\n" + PARCEL, encoding="utf-8")
        found = finder.find(before, after)
        assert found.before.startswith("# a new first line\n")
        os.unlink(file)
        assert finder.find(before, after).path == ""
    finally:
        file.write_text(PARCEL, encoding="utf-8")


def test_without_an_index_a_path_alone_says_it(index):
    finder = FileFinder(index.root, None)
    before, after = around(STORE, "raise ValueError(", above=5, below=3)
    assert finder.find(before, after).path == ""
    found = finder.find(before, after, path="./depot/store.py")
    assert (found.path, found.before + found.after) == ("depot/store.py", STORE)
