"""A run that is compared with an accepted report: what is kept, what is said, how it ends."""

from __future__ import annotations

import argparse
from types import SimpleNamespace

import pytest

from homespun.cli.verbs.eval import accepted
from homespun.errors import HomespunError


class Unreadable(HomespunError):
    """The file holds no figure."""


class Figures:
    """Reports that are one number each; higher is better."""

    def load(self, path, *, root):
        self.sealed_in = root
        if not path.exists():
            return None
        text = path.read_text()
        if not text.isdigit():
            raise Unreadable(f"{text!r} is no figure")
        return int(text)

    def save(self, report, path, *, root):
        self.sealed_in = root
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(report))

    def judge(self, report, accepted):
        obstacle = "one of them is 0" if not report * accepted else ""
        return SimpleNamespace(obstacle=obstacle, failed=bool(obstacle) or report < accepted)


@pytest.fixture
def run(tmp_path, capsys):
    def call(figure, *flags):
        parser = argparse.ArgumentParser()
        accepted.add_arguments(parser, default="somewhere")
        shown, figures = [], Figures()
        call.measured = 0

        def measure():
            call.measured += 1
            return figure

        part = accepted.ComparedPart(
            figures,
            Unreadable,
            measure=measure,
            show=lambda report, judged: shown.append((report, judged is not None)),
            drop_sentence=lambda judged: "it is worse",
        )
        status = part.run(parser.parse_args(flags), tmp_path, "figures.json")
        call.shown, call.sealed_in = shown, figures.sealed_in
        return status, capsys.readouterr().err

    return call


def test_the_first_run_passes_and_says_how_to_accept(run, tmp_path):
    status, said = run(3)
    where = str(tmp_path / ".homespun" / "eval" / "figures.json")
    assert status == 0
    assert said == (
        f"homespun: there is no accepted report at {where!r} yet; --accept makes this one it\n"
    )
    assert run.shown == [(3, False)]


def test_an_accepted_run_is_kept_in_the_state_of_the_folder_and_sealed_there(run, tmp_path):
    status, said = run(3, "--accept")
    assert status == 0 and "later runs are compared with this one (" in said
    assert (tmp_path / ".homespun" / "eval" / "figures.json").read_text() == "3"
    assert run.sealed_in == tmp_path


def test_a_report_that_the_user_names_has_no_seal(run, tmp_path):
    run(3, "--accept", "--accepted", str(tmp_path / "mine"))
    assert (tmp_path / "mine").read_text() == "3"
    assert run.sealed_in is None


@pytest.mark.parametrize(
    ("figure", "status", "said"),
    [
        (3, 0, ""),
        (2, 1, "homespun: it is worse\n"),
        (
            0,
            1,
            "homespun: nothing can be compared: one of them is 0; --accept accepts this one "
            "instead\n",
        ),
    ],
)
def test_a_later_run_is_shown_and_then_judged(run, figure, status, said):
    run(3, "--accept")
    assert run(figure) == (status, said)
    assert run.shown == [(figure, True)]


def test_what_is_worse_can_be_accepted(run):
    run(3, "--accept")
    assert run(2, "--accept")[0] == 0
    assert run(2) == (0, "")


def test_an_unreadable_report_ends_a_run_before_it_measures_and_can_be_replaced(run, tmp_path):
    run(3, "--accept")
    (tmp_path / ".homespun" / "eval" / "figures.json").write_text("{broken")
    with pytest.raises(Unreadable):
        run(3)
    assert run.measured == 0
    assert run(3, "--accept")[0] == 0
    assert run(3) == (0, "")
