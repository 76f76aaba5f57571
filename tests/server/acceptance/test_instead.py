"""Where a suggestion stood, through later edits, and what stands there in the end."""

from __future__ import annotations

from homespun.server.acceptance.instead import WrittenInstead
from homespun.server.lsp.edits import TextChange

URI = "file:///a.py"


class Paper:
    """A text whose edits are told."""

    def __init__(self, text):
        self.text = text
        self.instead = WrittenInstead()

    def suggest(self, text="pay()"):
        start = self.text.index("¦")
        self.text = self.text.replace("¦", "")
        self.instead.follow("s", URI, start, text)

    def edit(self, old, new):
        start = self.text.index(old)
        self.text = self.text[:start] + new + self.text[start + len(old) :]
        self.instead.changed(URI, [TextChange(start, old, new)], lambda: self.text)


def test_what_is_typed_at_its_place_is_what_stands_there():
    paper = Paper("a = ¦\nb = 2\n")
    paper.suggest()
    paper.edit("a = ", "a = c")
    paper.edit("a = c", "a = charge()")
    assert paper.instead.take("s") == "charge()"
    assert paper.instead.take("s") == ""  # once


def test_it_moves_with_what_comes_before_and_not_with_what_follows():
    paper = Paper("import x\na = ¦\nb = 2\n")
    paper.suggest()
    paper.edit("import x\n", "import x\nimport y\n")
    paper.edit("b = 2", "b = 3")
    paper.edit("a = ", "a = charge()")
    assert paper.instead.take("s") == "charge()"


def test_as_many_lines_as_were_suggested():
    paper = Paper("a = ¦\nb = 2\nc = 3\n")
    paper.suggest("pay()\nb = 4")
    paper.edit("a = ", "a = 1")
    assert paper.instead.take("s") == "1\nb = 2"


def test_what_was_deleted_with_its_surroundings_is_lost():
    paper = Paper("import x\na = ¦\nb = 2\n" + "c = 3\n" * 9)
    paper.suggest()
    paper.edit("x\na = \nb", "")
    assert paper.instead.take("s") == ""


def test_a_document_that_is_closed_is_forgotten():
    paper = Paper("a = ¦\n")
    paper.suggest()
    paper.edit("a = ", "a = 1")
    paper.instead.closed(URI)
    assert paper.instead.take("s") == ""
    paper.instead.closed(URI)
