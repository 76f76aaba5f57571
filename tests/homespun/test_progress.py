"""Progress that is shown elsewhere, or nowhere."""

from __future__ import annotations

from homespun.progress import CountedProgress, NoProgress


def test_progress_is_passed_on_and_told_once_a_percent():
    class Added(NoProgress):
        advanced = 0

        def advance(self, n):
            self.advanced += n

    inner, said = Added(), []
    progress = CountedProgress(inner, lambda stage, percent: said.append((stage, percent)))
    progress.start("scan", 0, "")
    progress.advance(7)
    progress.start("index", 400, "files")
    for _ in range(6):
        progress.advance(1)
    progress.advance(500)
    progress.finish()
    expected = [("scan", None), ("index", 0), ("index", 1), ("index", 100)]
    assert (said, inner.advanced) == (expected, 513)
