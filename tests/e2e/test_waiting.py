"""What the tests of the editors wait for, on a slow machine too; needs no editor."""

from __future__ import annotations

import time

from tests.e2e.editors.terminal_editors import Editor
from tests.e2e.editors.waiting import wait


class SlowScreen:
    """An editor whose ghost text goes with the last key and comes again after two seconds."""

    def __init__(self):
        self._began = time.monotonic()

    def rows_from_cursor(self):
        seconds = time.monotonic() - self._began
        ghost = "word()" if seconds < 0.2 or seconds > 2.2 else ""
        return [f"x = codec.{ghost}", "~"]

    def wait(self, seen, *, what, seconds=30.0):
        wait(seen, what, seconds)

    def told(self):
        return ""


def test_ghost_text_that_goes_for_longer_than_a_rest_is_waited_for(tmp_path):
    editor = Editor(tmp_path, tmp_path / "state", path=tmp_path)
    editor.terminal = SlowScreen()
    assert editor.wait_for_ghost("x = codec.") == ["word()", "~"]
