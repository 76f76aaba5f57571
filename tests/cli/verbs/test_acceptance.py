"""`homespun acceptance`: the figures as a table and as JSON."""

from __future__ import annotations

import json

import pytest

from homespun.cli.main import main
from homespun.server.acceptance.log import AcceptanceLog, Record


@pytest.fixture
def _log():
    log = AcceptanceLog()
    for number in range(8):
        is_accepted = number < 2
        log.add(
            Record(
                id=f"a{number}",
                time=f"2026-11-0{number + 1}T10:00:00Z",
                language="python",
                model="m",
                adapter="none" if number % 2 else "run-0007",
                sources=number % 2,
                kind="line",
                chars=10,
                lines=1,
                ms=50.0,
                outcome="accepted" if is_accepted else "shown",
                stood_ms=1000,
                accepted=10 if is_accepted else 0,
                steps=("all",) if is_accepted else (),
                kept=(1.0, 0.5, None) if is_accepted else (None,) * 3,
                changed=(0.0, 0.5, None) if is_accepted else (None,) * 3,
            )
        )
    log.flush()


@pytest.mark.usefixtures("_log")
def test_the_table_shows_each_share_with_its_interval_and_what_it_was_counted_from(capsys):
    assert main(["acceptance"]) == 0
    out = capsys.readouterr().out
    lines = [line.split() for line in out.splitlines()]
    assert lines[0] == ["2026-11-01", "to", "2026-11-08"]
    names = ["shown", "accepted", "in full", "in part", "of looked at", "typed by hand"]
    assert " ".join(names).split() in lines
    share, none = "25 % (7-59) 2/8", "0 % (0-32) 0/8"
    assert f"all 8 {share} {share} {none} {share} {none}".split() in lines
    share, none = "25 % (5-70) 1/4", "0 % (0-49) 0/4"
    for name in ("with sources", "without sources", "none", "run-0007"):
        assert f"{name} 4 {share} {share} {none} {share} {none}".split() in lines
    assert "all 30 s 100 % (34-100) 2/2 100 % (34-100) 2/2 100 %".split() in lines
    assert "2 min 0 % (0-66) 0/2 0 % (0-66) 0/2 50 %".split() in lines
    assert "10 min" not in out
    assert "2 of 8 (25 %, 7-59 %) suggestions were accepted in full or in part" in out


@pytest.mark.usefixtures("_log")
def test_the_same_figures_as_json(capsys):
    assert main(["acceptance", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["groups"][0]["accepted"]["hits"] == 2
    assert (found["first"], found["last"]) == ("2026-11-01T10:00:00Z", "2026-11-08T10:00:00Z")


def test_where_nothing_is_recorded_it_says_so(capsys):
    assert main(["acceptance"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("nothing is recorded yet")
    assert "acceptance_log = false" in out


@pytest.mark.parametrize("days", ["0", "-1", "1e9"])
def test_days_that_are_none_are_refused(days, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["acceptance", f"--since={days}"])
    assert ended.value.code == 2
    assert "--since" in capsys.readouterr().err
