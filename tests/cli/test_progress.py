"""Progress of the command line: a bar in a terminal, lines elsewhere."""

from __future__ import annotations

import io

import pytest

from homespun.cli import progress as progress_module
from homespun.cli.progress import RichProgress


class Terminal(io.StringIO):
    """A stream that says it is one."""

    def isatty(self):
        return True


def test_progress_without_a_terminal_is_a_line_at_start_and_end():
    stream = io.StringIO()
    with RichProgress(stream=stream) as progress:
        progress.start("weights", 2_000_000, "B")
        progress.advance(1_500_000)
        progress.advance(500_000)
        progress.finish()
        progress.start("files", 3, "files")
        progress.advance(1)
    lines = stream.getvalue().splitlines()
    assert lines[0] == "weights …"
    assert lines[1].startswith("weights: 2.0 MB, ")
    assert lines[3].startswith("files: 1 of 3 files, ")
    assert len(lines) == 4


def test_quiet_progress_says_nothing():
    stream = io.StringIO()
    with RichProgress(quiet=True, stream=stream) as progress:
        progress.start("weights", 10, "B")
        progress.advance(10)
    assert stream.getvalue() == ""


def test_progress_in_a_terminal_draws_a_bar_and_takes_it_down_after_an_error():
    stream = Terminal()
    with pytest.raises(ValueError), RichProgress(stream=stream) as progress:
        progress.start("weights [1/2]", 2_000_000, "B")
        progress.advance(1_000_000)
        raise ValueError
    assert "weights [1/2]" in stream.getvalue()
    assert "1.0/2.0 MB" in stream.getvalue()
    assert stream.getvalue().count("\x1b[?25l") == stream.getvalue().count("\x1b[?25h")


def test_what_is_said_is_printed_though_progress_is_quiet_and_what_is_noted_is_not():
    stream = io.StringIO()
    with RichProgress(quiet=True, stream=stream) as progress:
        progress.start("learning", 10, "steps")
        progress.note("loss 1.2")
        progress.say("an adapter is there")
    assert stream.getvalue() == "an adapter is there\n"


def test_without_a_terminal_a_note_is_a_line_now_and_then(monkeypatch):
    stream, now = io.StringIO(), [1000.0]
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: now[0])
    with RichProgress(stream=stream) as progress:
        progress.start("learning", 10, "steps")
        progress.advance(2)
        for seconds, text in ((0, "loss 1.3"), (59, "loss 1.2"), (1, "loss 1.1")):
            now[0] += seconds
            progress.note(text)
    assert stream.getvalue().splitlines() == [
        "learning …",
        "learning: 2 of 10 steps, loss 1.3",
        "learning: 2 of 10 steps, loss 1.1",
        "learning: 2 of 10 steps, 60.0 s",
    ]


def test_in_a_terminal_a_sentence_stands_above_the_bar_and_a_note_beside_it():
    stream = Terminal()
    with RichProgress(stream=stream) as progress:
        progress.start("learning", 10, "steps")
        progress.say("[an] adapter is there")
        progress.note("loss 1.2")
    assert "[an] adapter is there" in stream.getvalue()
    assert "learning: loss 1.2" in stream.getvalue()
