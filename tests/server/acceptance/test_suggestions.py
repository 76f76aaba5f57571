"""What became of a suggestion, read off the edits of an editor, with a clock that stands still."""

from __future__ import annotations

import pytest
from lsprotocol import types as lsp
from pygls.workspace import PositionCodec

from homespun.server.acceptance.log import AcceptanceLog, read
from homespun.server.acceptance.outcomes import Outcomes, tells_each_key
from homespun.server.acceptance.suggestions import Suggestion
from homespun.server.lsp.documents import Document
from homespun.server.types import Completion, SourceLocation

URI = "file:///shop/app.py"
SOURCE = SourceLocation("client.py", 3, 9, 0.5)


class Editor:
    """A document with a cursor, and the server's side of it."""

    def __init__(self, folder, document, *, tells_each_key=True, may_log=True):
        self.now = 0.0
        self.folder = folder
        self.outcomes = Outcomes(
            log=AcceptanceLog(folder),
            may_log=lambda uri: may_log,
            clock=lambda: self.now,
            now=lambda: 1_795_289_400.0 + self.now,  # 2026-11-21T19:30:00Z
        )
        self.outcomes.suggestions.infers_parts = tells_each_key
        self.cursor = document.index("¦")
        text = document.replace("¦", "")
        self.document = Document(URI, text, position_codec=PositionCodec("utf-32"))
        self._ids = iter(f"s{number}" for number in range(1, 100))

    @property
    def suggestions(self):
        return self.outcomes.suggestions

    def suggest(self, text, *, lead="", typed=0, sources=(SOURCE,), adapter="none"):
        """Show a suggestion at the cursor; `typed` characters of the suggest widget's `lead`."""
        completion = Completion(text, "newline", model="m", adapter=adapter, sources=tuple(sources))
        offset = self.cursor - typed + len(lead)
        shown = Suggestion(next(self._ids), URI, offset, completion, lead, "python", 12.34)
        self.suggestions.add(shown, self.document.source)
        return shown

    def suggest_several(self, *texts):
        """Show the first of a list of suggestions."""
        first, *others = (
            Suggestion(
                next(self._ids),
                URI,
                self.cursor,
                Completion(text, "newline", model="m", sources=(SOURCE,)),
            )
            for text in texts
        )
        self.suggestions.add(first, self.document.source, others=others)
        return first, *others

    def resume(self, shown, typed):
        """Show the rest of a suggestion of which `typed` characters stand before the cursor."""
        text = self.document.source
        return self.suggestions.resumed(shown.id, typed, self.cursor, text=text)

    def edit(self, *edits):
        """Send one notification: (start, end, text) each; the cursor is where the last ends."""
        for start, end, text in edits:
            span = lsp.Range(self._position(start), self._position(end))
            self.document.apply_change(lsp.TextDocumentContentChangePartial(span, text))
            self.cursor = start + len(text)
        self.outcomes.edited(URI, self.document)

    def insert(self, text):
        self.edit((self.cursor, self.cursor, text))

    def type(self, keys):
        for key in keys:
            self.insert(key)

    def delete(self, count):
        self.edit((self.cursor - count, self.cursor, ""))

    def replace(self, old, new):
        start = self.document.source.index(old)
        self.edit((start, start + len(old), new))

    def records(self):
        """End the server and read what it wrote."""
        self.outcomes.close()
        return read(self.folder).records

    def record(self):
        (record,) = self.records()
        return record

    def _position(self, offset):
        before = self.document.source[:offset]
        line = before.count("\n")
        return lsp.Position(line, offset - (before.rfind("\n") + 1))


@pytest.fixture
def open_editor(tmp_path):
    return lambda document="x = ¦\n", **more: Editor(tmp_path, document, **more)


def outcome(record):
    return record.outcome, record.typed, record.accepted, list(record.steps)


# -- taken from the edits


def test_a_suggestion_that_nobody_takes_was_shown(open_editor):
    editor = open_editor()
    editor.suggest("foo(a, b)")
    editor.now = 2.5
    editor.type("y")
    record = editor.record()
    assert outcome(record) == ("shown", 0, 0, [])
    assert record.stood_ms == 2500
    assert record.kept == record.changed == (None, None, None)


def test_a_suggestion_put_in_at_once_was_accepted_in_full(open_editor):
    editor = open_editor()
    shown = editor.suggest("foo(a, b)")
    editor.now = 1.0
    editor.insert("foo(a, b)")
    editor.suggestions.accepted(shown.id)
    assert outcome(editor.record()) == ("accepted", 0, 9, ["all"])


def test_the_command_alone_is_believed_too(open_editor):
    editor = open_editor()
    shown = editor.suggest("foo(a, b)")
    editor.suggestions.accepted(shown.id)
    record = editor.record()
    assert outcome(record) == ("accepted", 0, 9, [])
    assert record.kept == (None, None, None)


def test_words_and_lines_are_told_apart(open_editor):
    editor = open_editor("¦\n")
    editor.suggest("if a:\n    b(c)\n    d")
    editor.insert("if")
    editor.insert(" a:")
    editor.insert("\n    b")
    editor.insert("(c)\n")
    editor.insert("    d")
    assert outcome(editor.record()) == (
        "accepted",
        0,
        20,
        ["word", "line", "word", "line", "rest"],
    )


def test_a_word_that_was_accepted_is_a_part(open_editor):
    editor = open_editor()
    editor.suggest("foo(a, b)")
    editor.insert("foo")
    editor.type("[")
    assert outcome(editor.record()) == ("partial", 0, 3, ["word"])


def test_typing_along_is_no_acceptance(open_editor):
    editor = open_editor()
    editor.suggest("foo(a, b)")
    editor.type("foo(a, b)")
    assert outcome(editor.record()) == ("typed", 9, 0, [])


def test_a_line_end_with_the_editors_indentation_is_typed(open_editor):
    editor = open_editor("    if a:¦\n")
    editor.suggest("\n        return b")
    editor.insert("\n        ")
    editor.type("r")
    assert outcome(editor.record()) == ("typed", 10, 0, [])


def test_the_rest_after_some_keys_is_accepted(open_editor):
    editor = open_editor()
    shown = editor.suggest("foo(a, b)")
    editor.type("fo")
    assert editor.resume(shown, 2)
    editor.edit((4, 6, "foo(a, b)"))  # the editor puts in all of it again
    editor.suggestions.accepted(shown.id)
    assert outcome(editor.record()) == ("accepted", 2, 7, ["rest"])


def test_a_bracket_that_the_editor_closes_belongs_to_the_key(open_editor):
    editor = open_editor()
    shown = editor.suggest("foo(a, b)")
    editor.type("foo")
    editor.insert("()")
    editor.cursor -= 1
    assert editor.resume(shown, 4)
    editor.insert("a, b")
    assert editor.document.source == "x = foo(a, b)\n"
    assert outcome(editor.record()) == ("accepted", 4, 5, ["rest"])


def test_a_key_taken_back_is_not_the_end(open_editor):
    editor = open_editor()
    editor.suggest("foo(a, b)")
    editor.type("foo")
    editor.delete(2)
    editor.insert("oo(a, b)")
    assert outcome(editor.record()) == ("accepted", 1, 8, ["rest"])


def test_another_word_that_begins_alike_is_no_acceptance(open_editor):
    editor = open_editor()
    editor.suggest("foo(a, b)")
    editor.insert("football")
    assert outcome(editor.record()) == ("shown", 0, 0, [])


def test_the_same_text_put_in_elsewhere_is_no_acceptance(open_editor):
    editor = open_editor("x = ¦\ny = ")
    editor.suggest("foo(a, b)")
    editor.cursor = 10
    editor.insert("foo(a, b)")
    assert outcome(editor.record()) == ("shown", 0, 0, [])


def test_an_import_that_comes_with_it_does_no_harm(open_editor):
    editor = open_editor("import os\nx = ¦\n")
    editor.suggest("foo(a, b)")
    editor.edit((14, 14, "foo(a, b)"), (0, 0, "from foo import foo\n"))
    editor.replace(", b", "")
    editor.now = 30.0
    record = editor.record()
    assert outcome(record) == ("accepted", 0, 9, ["all"])
    assert record.kept == (0.75, None, None)


@pytest.mark.parametrize(
    ("document", "suggested", "inserted"),
    [
        pytest.param("x = ¦\n", "foo(a,b)", "foo(a, b)", id="a formatter"),
        pytest.param("def f():¦\r\n", "\n    a()\n    b()", "\r\n    a()\r\n    b()", id="CRLF"),
        pytest.param("if x:¦\n", "\n    a()\n    b()", "\n\ta()\n\tb()", id="tabs"),
    ],
)
def test_the_editors_own_white_space_is_as_good(open_editor, document, suggested, inserted):
    editor = open_editor(document)
    editor.suggest(suggested)
    editor.insert(inserted)
    record = editor.record()
    assert outcome(record) == ("accepted", 0, len(suggested), ["all"])


def test_reformatting_afterwards_leaves_it_unchanged(open_editor):
    editor = open_editor("if x:\n  ¦\n")
    editor.suggest("foo(a,\n  b)")
    editor.insert("foo(a,\n  b)")
    editor.replace("  foo(a,\n  b)", "    foo(a, b)")
    editor.now = 31.0
    record = editor.record()
    assert (record.outcome, record.kept[0], record.changed[0]) == ("accepted", 1.0, 0.0)


# -- the suggest widget


def test_what_the_suggest_widget_puts_in_is_its_own(open_editor):
    editor = open_editor("x = self.pri¦\n")
    editor.suggest("(x)", lead="print_all", typed=3)
    editor.insert("nt_all")
    assert outcome(editor.record()) == ("shown", 0, 0, [])


def test_a_suggestion_that_goes_on_from_the_widget_is_accepted_with_it(open_editor):
    editor = open_editor("x = self.prt¦\n")
    shown = editor.suggest("(x)", lead="print_all", typed=3)
    editor.edit((9, 12, "print_all(x)"))
    editor.suggestions.accepted(shown.id)
    record = editor.record()
    assert outcome(record) == ("accepted", 0, 3, ["all"])


# -- told by the client


def test_a_client_that_gathers_keys_is_not_taken_for_accepting(open_editor):
    editor = open_editor(tells_each_key=False)
    editor.suggest("foo(a, b)")
    editor.insert("foo")
    assert outcome(editor.record()) == ("typed", 3, 0, [])


def test_what_such_a_client_says_is_accepted(open_editor):
    editor = open_editor(tells_each_key=False)
    shown = editor.suggest("foo(a, b)")
    editor.insert("fo")
    editor.insert("o(a, b)")
    editor.suggestions.accepted(shown.id)
    editor.now = 30.0
    record = editor.record()
    assert outcome(record) == ("accepted", 2, 7, ["rest"])
    assert record.kept == (1.0, None, None)


def test_a_part_may_be_told_before_the_edit_comes_or_after(open_editor):
    editor = open_editor(tells_each_key=False)
    shown = editor.suggest("foo(a, b)")
    editor.suggestions.accepted_in_part(shown.id, 3)
    editor.insert("foo")
    editor.insert("(a")
    editor.suggestions.accepted_in_part(shown.id, 5)
    assert outcome(editor.record()) == ("partial", 0, 5, ["word", "word"])


def test_keys_before_a_part_stay_keys(open_editor):
    editor = open_editor(tells_each_key=False)
    shown = editor.suggest("foo(a, b)")
    editor.insert("fo")
    editor.suggestions.accepted_in_part(shown.id, 5)
    editor.insert("o(a")
    assert outcome(editor.record()) == ("partial", 2, 3, ["word"])


def test_a_part_is_counted_from_the_start_of_the_item(open_editor):
    editor = open_editor(tells_each_key=False)
    shown = editor.suggest("foo(a, b)")
    editor.type("foo")
    editor.resume(shown, 3)
    editor.insert("(a")
    editor.suggestions.accepted_in_part(shown.id, 2)
    assert outcome(editor.record()) == ("partial", 3, 2, ["word"])


def test_a_client_that_tells_what_it_draws_is_asked_no_more(open_editor):
    editor = open_editor()
    drawn = editor.suggest("foo")
    editor.suggestions.shown(drawn.id)
    editor.suggest("bar")
    taken = editor.suggest("baz")
    editor.insert("baz")
    assert {record.id for record in editor.records()} == {drawn.id, taken.id}


@pytest.mark.parametrize(
    ("name", "tells"), [("Visual Studio Code", True), ("Neovim", False), ("emacs", True)]
)
def test_which_client_gathers_keys(name, tells):
    assert tells_each_key(lsp.ClientInfo(name)) is tells


# -- its fate


def test_what_is_kept_is_measured_after_half_a_minute_two_and_ten(open_editor):
    editor = open_editor()
    editor.suggest("foo(a, b)")
    editor.now = 100.0
    editor.insert("foo(a, b)")
    editor.now = 140.0
    editor.replace(", b", "")
    editor.now = 230.0
    editor.replace("foo", "bar")
    editor.now = 701.0
    editor.outcomes.settle()
    assert editor.outcomes.pending() == 0
    record = editor.record()
    assert record.kept == (1.0, 0.75, 0.375)
    assert record.changed == (0.0, 0.25, 0.625)


def test_a_suggestion_that_is_gone_is_written_down_after_a_minute(open_editor):
    editor = open_editor()
    shown = editor.suggest("foo")
    assert editor.outcomes.pending() == 1
    editor.type("x")
    editor.now = 59.0
    editor.outcomes.settle()
    editor.delete(1)
    assert editor.resume(shown, 0)
    editor.now = 200.0
    editor.outcomes.settle()
    assert editor.outcomes.pending() == 1
    editor.type("x")
    editor.now = 260.0
    editor.outcomes.settle()
    assert editor.outcomes.pending() == 0
    assert not editor.resume(shown, 0)  # from now on it is another suggestion
    assert editor.record().stood_ms == 141_000


def test_a_suggestion_that_was_used_is_not_shown_again_as_the_same(open_editor):
    editor = open_editor()
    shown = editor.suggest("foo(a)")
    editor.insert("foo(a)")
    editor.delete(6)
    assert not editor.resume(shown, 0)
    assert editor.suggest("foo(a)").id != shown.id
    first, second = editor.records()
    assert (first.outcome, second.outcome) == ("accepted", "shown")


def test_a_document_that_is_closed_is_followed_no_longer(open_editor):
    editor = open_editor()
    editor.suggest("foo(a)")
    editor.insert("foo(a)")
    editor.now = 45.0
    editor.outcomes.closed(URI)
    assert editor.outcomes.pending() == 0
    assert editor.record().kept == (1.0, None, None)


def test_nothing_is_written_where_the_user_does_not_want_it(open_editor):
    editor = open_editor(may_log=False)
    editor.suggest("foo(a)")
    editor.insert("foo(a)")
    assert editor.records() == []
    assert list(editor.folder.iterdir()) == []


def test_the_line_tells_numbers_and_no_text(open_editor):
    editor = open_editor()
    editor.suggest("secret_name(a)\nb", adapter="/home/me/adapter")
    editor.now = 1.0
    editor.insert("secret_name(a)\nb")
    assert editor.record().to_json() == {
        "id": "s1",
        "time": "2026-11-21T19:30:00Z",
        "language": "python",
        "model": "m",
        "adapter": "own",
        "sources": 1,
        "kind": "block",
        "chars": 16,
        "lines": 2,
        "ms": 12.3,
        "outcome": "accepted",
        "stood_ms": 1000,
        "typed": 0,
        "accepted": 16,
        "steps": ("all",),
        "kept": (None, None, None),
        "changed": (None, None, None),
        "likelihood": None,
        "v": 1,
    }
    assert "secret" not in next(editor.folder.iterdir()).read_text()


# -- one of several


def test_the_one_that_was_chosen_counts_and_is_followed(open_editor):
    editor = open_editor()
    _, chosen, _ = editor.suggest_several("word_at(a)", "word_count()", "words")
    editor.insert("word_count()")
    editor.suggestions.accepted(chosen.id)
    editor.now = 601
    record = editor.record()
    assert (record.id, outcome(record)) == (chosen.id, ("accepted", 0, 12, ["all"]))
    assert record.kept == (1.0, 1.0, 1.0)


def test_the_first_of_several_counts_where_it_is_taken(open_editor):
    editor = open_editor()
    first, *_ = editor.suggest_several("word_at(a)", "word_count()")
    editor.insert("word_at(a)")
    record = editor.record()
    assert (record.id, outcome(record)) == (first.id, ("accepted", 0, 10, ["all"]))


def test_a_list_that_nobody_takes_was_shown_once(open_editor):
    editor = open_editor()
    first, *_ = editor.suggest_several("one()", "two()")
    editor.type("z")
    record = editor.record()
    assert (record.id, outcome(record)) == (first.id, ("shown", 0, 0, []))


def test_the_last_suggestion_of_a_list_is_its_first(open_editor):
    editor = open_editor()
    first, *_ = editor.suggest_several("one()", "two()")
    assert editor.suggestions.last() is first


# -- told to who traces


def told_to(editor):
    found = []
    editor.outcomes.tell = lambda shown, measured, instead: found.append(
        (shown.completion.text, shown.outcome, instead)
    )
    return found


def test_who_traces_is_told_what_was_written_instead_once_it_is_known(open_editor):
    editor = open_editor()
    told = told_to(editor)
    editor.suggest("foo(a, b)")
    editor.type("bar(c)")
    assert told == []
    editor.now = 61.0
    editor.outcomes.settle()
    assert told == [("foo(a, b)", "shown", "bar(c)")]
    assert editor.record().outcome == "shown"
    assert len(told) == 1


def test_no_place_is_followed_for_longer_than_its_suggestion(open_editor):
    editor = open_editor(may_log=False)
    told = told_to(editor)
    for keys in ("f", "y", "z"):
        editor.suggest("foo(a, b)")
        editor.type(keys)
    shown = editor.suggest("last()")
    editor.insert("last()")
    editor.suggestions.accepted(shown.id)
    editor.suggestions.tells_shown = True  # what is not told of was not shown, nor is it traced
    editor.outcomes.close()
    assert [text for text, _, _ in told] == ["last()", "foo(a, b)"]
    assert editor.outcomes._instead.followed() == 0


def test_a_document_that_is_closed_settles_what_was_not_taken_in_it(open_editor):
    editor = open_editor()
    told = told_to(editor)
    editor.suggest("foo(a, b)")
    editor.type("bar")
    editor.outcomes.closed(URI)
    assert told == [("foo(a, b)", "shown", "bar")]
