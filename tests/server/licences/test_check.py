"""A suggestion that stands in a file under another licence is marked, or held back, and says so."""

from __future__ import annotations

import pytest

from homespun.indexer.config import IndexConfig
from homespun.indexer.index import Index
from homespun.indexer.licences import copied
from homespun.models.fakes import FakeGenerator
from homespun.progress import never
from homespun.server.background.factories import make_completer
from homespun.server.commands.why import why
from homespun.server.completion.completer import Completer
from homespun.server.licences import learnt
from homespun.server.options import CompletionOptions, LicenceOptions
from homespun.server.types import CompletionRequest, SourceLocation
from homespun.settings import resolve, user_file
from homespun.training.shipped.general_adapter import windows
from tests.indexer.licences.test_texts import PHRASES

BODY = """\
    total = sum(weights)

    if not total:
        raise ValueError(weights)
    return [weight / total for weight in weights]
"""
END = "\n\nx = 1\n"
SAID = BODY[4:] + END
OWN = """\
    chosen = sorted(names, key=len)
    longest = chosen[-1]
    return longest.upper() + chosen[0]
"""
TABLE = "".join(f"    {', '.join(f'w{n + k}' for k in range(10))},\n" for n in range(0, 100, 10))
WORDS = " ".join(TABLE.split())
FILES = {
    "LICENSE": PHRASES["MIT"],
    ".homespunignore": "!vendor/\n",
    "vendor/scale/COPYING": PHRASES["GPL-3.0"],
    "vendor/scale/shares.py": f"import os\n\n\ndef shares(weights):\n{BODY}",
    "vendor/bare/table.py": f"TABLE = (\n{TABLE})\n",
    "own.py": f"def pick(names):\n{OWN}",
}


@pytest.fixture
def index(tmp_path) -> Index:
    root = tmp_path / "shop"
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    index = Index.open(root, IndexConfig(encoder="none"), create=True)
    index.update()
    assert "vendor/scale/shares.py" in index.paths()
    return index


def completed(index, says, *deny, path="app.py", before="def shares(weights):\n    ", **fields):
    options = CompletionOptions(retrieve_deadline_ms=60_000, context_tokens=2048, max_tokens=1000)
    generator = FakeGenerator(says, context_tokens=8192)
    ours = Completer(generator, index, options, licences=LicenceOptions(tuple(deny)))
    request = CompletionRequest(before + "\n", len(before), path=path, language="python", **fields)
    return ours.complete(request)


GPL = SourceLocation("vendor/scale/shares.py", 5, 9, 1.0, "GPL-3.0")


def test_lines_of_a_file_under_another_licence_are_marked(index):
    answer = completed(index, SAID)
    assert answer.text == BODY.strip()
    assert answer.same_as == (GPL,)
    place = {"path": GPL.path, "start_line": 5, "end_line": 9, "score": 1.0, "licence": "GPL-3.0"}
    assert answer.to_json()["same_as"] == [place]
    assert place in answer.to_json()["sources"]
    told = why(answer, index.root)
    assert "the same as vendor/scale/shares.py:5-9, under GPL-3.0, " in told["sentence"]
    marked = told["details"]["sources"][0]
    assert marked["licence"] == "GPL-3.0"
    assert marked["preview"] == "[the same, licence GPL-3.0] total = sum(weights)"


@pytest.mark.parametrize("denied", ["GPL-3.0", "GPL-3.0-or-later", "other"])
def test_lines_under_a_denied_licence_are_not_shown_and_why_says_so(index, denied):
    answer = completed(index, SAID, "ISC", denied)
    assert (answer.text, answer.finish, answer.same_as) == ("", "filtered:licence", (GPL,))
    assert why(answer, index.root)["sentence"] == (
        "Nothing: what the model wrote is the same as vendor/scale/shares.py:5-9, under GPL-3.0, "
        f"and the setting licences.deny holds {denied!r}."
    )


def test_what_is_denied_is_not_shown_by_hand_either(index):
    assert completed(index, SAID, "other", explicit=True).finish == "filtered:licence"


def test_another_denied_licence_holds_nothing_back(index):
    answer = completed(index, SAID, "AGPL-3.0")
    assert (answer.text, answer.same_as) == (BODY.strip(), (GPL,))


def test_code_of_the_repositorys_own_is_not_marked(index):
    answer = completed(index, OWN[4:] + END, "other", before="def pick(names):\n    ")
    assert (answer.text, answer.same_as) == (OWN.strip(), ())
    assert "same_as" not in answer.to_json()


def test_two_lines_and_a_third_that_differs_are_not_the_same(index):
    lines = SAID.replace("if not total:", "if total == 0:")
    assert completed(index, lines, "other").same_as == ()


LEARNT = "pypi/scales-1.0/src/scales.py"
TAUGHT = [f"    reading_{number} = weigh(pan, {number})" for number in range(5)]
TAUGHT += ["    for reading in all_readings(pan):"]
RECITED = ["total += reading", "largest = max(largest, reading)", "yield reading / largest"]
ABOVE = "\n".join(["def read(pan):", *TAUGHT, "        "])
RECITED_TEXT = "\n        ".join(RECITED)
LEARNT_PLACE = SourceLocation(LEARNT, 3, 10, 1.0, "BSD-3-Clause", is_learnt=True)


@pytest.fixture
def taught(monkeypatch):
    text = f"{ABOVE}{RECITED_TEXT}\n    return pan\n"
    table = windows.table_of([windows.LearnedFile(LEARNT, "BSD-3-Clause", text)])
    monkeypatch.setattr(learnt, "shipped", lambda: table)


def recited(index, *deny, **fields):
    return completed(index, RECITED_TEXT + END, *deny, before=ABOVE, **fields)


def test_what_a_shipped_adapter_learned_is_marked_without_an_index_too(taught, index):
    place = {"path": LEARNT, "start_line": 3, "end_line": 10, "score": 1.0}
    place |= {"licence": "BSD-3-Clause", "learnt": True}
    for known in (index, None):
        answer = recited(known)
        assert (answer.text, answer.same_as) == (RECITED_TEXT, (LEARNT_PLACE,))
        assert answer.to_json()["same_as"] == [place]
    told = why(answer, index.root)
    assert (
        f"the same as {LEARNT}:3-10, under BSD-3-Clause, which the shipped adapter learned from, "
        in told["sentence"]
    )
    assert told["details"]["sources"][0]["uri"] is None


@pytest.mark.parametrize("denied", ["BSD-3-Clause", "other"])
def test_what_was_learnt_under_a_denied_licence_is_not_shown(taught, index, denied):
    assert recited(index, denied).finish == "filtered:licence"


def test_what_was_learnt_under_the_repositorys_own_licence_is_no_other(taught, index):
    (index.root / "LICENSE").write_text(PHRASES["BSD-3-Clause"], encoding="utf-8")
    answer = recited(Index.open(index.root, IndexConfig(encoder="none"), create=True), "other")
    assert (bool(answer.text), answer.same_as) == (True, (LEARNT_PLACE,))


def test_a_short_suggestion_is_not_looked_at(index, monkeypatch):
    asked = []
    monkeypatch.setattr(
        copied.OtherLicences, "same_as", lambda self, text: asked.append(text) or ()
    )
    assert completed(index, "total = sum(weights)\n", "other").text == "total = sum(weights)"
    assert completed(index, "total = 1\n    return total\n\n\nx = 1\n", "other").text
    assert asked == []
    assert completed(index, SAID, "other").text
    assert len(asked) == 1


def test_sixty_words_in_a_row_are_the_same_however_they_are_set(index):
    def same(count):
        words = ",  ".join(f"w{n}" for n in range(7, 7 + count))
        answer = completed(index, f"[{words}]\n", before="table = ")
        assert answer.text
        return answer.same_as

    assert same(59) == ()
    assert same(60) == (SourceLocation("vendor/bare/table.py", 2, 8, 1.0, "unknown"),)


def test_a_vendored_folder_that_says_nothing_is_unknown(index):
    answer = completed(index, f"[{WORDS}]\n", "unknown", before="table = ")
    assert answer.finish == "filtered:licence"
    sentence = why(answer, index.root)["sentence"]
    assert "vendor/bare/table.py:2-11, whose licence is unknown" in sentence


def test_a_document_under_the_same_licence_may_have_the_lines(index):
    assert completed(index, SAID, "other", path="vendor/scale/new.py").same_as == ()
    head = "# SPDX-License-Identifier: GPL-3.0-only\ndef shares(weights):\n    "
    assert completed(index, SAID, "other", before=head).same_as == ()
    assert completed(index, SAID, "other", path="vendor/bare/new.py").same_as == (GPL,)


def test_what_is_saved_and_relicensed_later_counts(index):
    others = copied.OtherLicences(index)
    lines = OWN.strip("\n")
    assert others.same_as(lines) == ()
    own = index.root / "own.py"
    own.write_text("# SPDX-License-Identifier: AGPL-3.0-only\n" + own.read_text())
    index.update(paths=["own.py"])
    assert [(each.path, each.licence) for each in others.same_as(lines)] == [
        ("own.py", "AGPL-3.0-only")
    ]
    (index.root / "LICENSE").write_text(PHRASES["AGPL-3.0"])
    index.update(paths=["LICENSE"])
    assert others.same_as(lines) == ()
    assert others.own == "AGPL-3.0"
    (index.root / "vendor/scale/shares.py").unlink()
    index.update(paths=["vendor/scale/shares.py"])
    assert others.same_as(BODY) == ()


def test_what_is_broken_off_is_taken_in_later(index):
    others = copied.OtherLicences(index)
    others.follow(cancelled=lambda: True)
    assert len(others.same_as(BODY)) == 1


def test_a_repeated_line_is_found_wherever_the_run_is(index):
    """The pairs of a file begin at every second line; a run may begin at either."""
    lines = [f"value_{n} = compute({n})" for n in range(9)]
    (index.root / "vendor/scale/more.py").write_text("\n".join(lines) + "\n")
    index.update(paths=["vendor/scale/more.py"])
    others = copied.OtherLicences(index)
    for first in range(7):
        [found] = others.same_as("\n".join(["other = 123456", *lines[first : first + 3]]))
        assert (found.start_line, found.end_line) == (first + 1, first + 3)
        assert others.same_as("\n".join(lines[first : first + 2] + ["other = 123456"])) == ()


def test_a_name_with_control_characters_is_shown_as_its_escapes(index):
    folder = index.root / "vendor/\x1b[2Jscale"
    folder.mkdir()
    (folder / "COPYING").write_text(PHRASES["GPL-2.0"])
    (folder / "more.py").write_text(OWN)
    index.update()
    answer = completed(index, OWN[4:] + END, "GPL-2.0", before="def pick(names):\n    ")
    assert answer.finish == "filtered:licence"
    assert "vendor/\\x1b[2Jscale/more.py:1-3, under GPL-2.0" in why(answer, index.root)["sentence"]


def test_a_file_is_not_compared_with_itself(index):
    def marked(path):
        return completed(index, f"[{WORDS}]\n", before="table = ", path=path).same_as

    assert marked("app.py") != ()
    assert marked("vendor/bare/table.py") == ()


def test_the_text_of_a_licence_is_no_code(index):
    files = copied.OtherLicences(index).files()
    assert sorted(files) == ["vendor/bare/table.py", "vendor/scale/shares.py"]


def test_a_pair_of_lines_that_stands_often_is_followed_everywhere(index):
    rows = [
        ["first = begin()", "second = go_on()", f"third = end({n})", "pass  # no more"]
        for n in range(9)
    ]
    text = "\n".join(line for lines in rows for line in lines)
    (index.root / "vendor/scale/more.py").write_text(text + "\n")
    index.update(paths=["vendor/scale/more.py"])
    [found] = copied.OtherLicences(index).same_as("\n".join(rows[8][:3]))
    assert (found.start_line, found.end_line) == (33, 35)


def test_the_server_makes_completers_that_deny(index):
    denied = LicenceOptions(("other",))
    options = CompletionOptions(max_block_tokens=1000)
    ours = make_completer(FakeGenerator(SAID), index, options, licences=denied)
    before = "def shares(weights):\n    "
    request = CompletionRequest(before, len(before), path="app.py", explicit=True)
    assert ours.complete(request, cancelled=never).finish == "filtered:licence"


def test_other_settings_are_another_question(index):
    def key(*deny):
        options = CompletionOptions()
        ours = Completer(FakeGenerator(""), index, options, licences=LicenceOptions(deny))
        return ours.key(CompletionRequest("", 0))

    assert key("ISC") == key("ISC") != key()


def test_without_an_index_nothing_is_looked_at():
    assert completed(None, SAID, "other").text == BODY.strip()


def test_a_folder_and_an_editor_add_to_what_is_denied_and_take_nothing_away(tmp_path):
    user_file().parent.mkdir(parents=True, exist_ok=True)
    user_file().write_text('[licences]\ndeny = ["GPL-3.0"]\n')
    (tmp_path / "homespun.toml").write_text('[licences]\ndeny = ["ISC"]\n')
    found = resolve(LicenceOptions, "licences", workspace=tmp_path, editor={"deny": []})
    assert found.value.deny == ("GPL-3.0", "ISC")
    found = resolve(LicenceOptions, "licences", workspace=tmp_path, editor={"deny": ["other"]})
    assert found.value.deny == ("GPL-3.0", "ISC", "other")
    assert found.origins["deny"] == (f"{user_file()} and {tmp_path / 'homespun.toml'} and editor")
    assert found.faults == []
