"""Two runs beside each other: what is compared is the same cursor in the same arm."""

from __future__ import annotations

import json
import sys

import pytest

from bench.context import beside


def run_file(path, exact: dict[tuple[int, str], bool], group="first"):
    names = {"package": "shop", "path": "a.py", "column": 4, "state": "written", "group": group}
    answers = [
        {**names, "line": line, "arm": arm, "exact": value} for (line, arm), value in exact.items()
    ]
    path.write_text(json.dumps({"answers": answers}), encoding="utf-8")
    return str(path)


def printed(monkeypatch, capsys, *files) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["beside", *files])
    return beside.main(), capsys.readouterr().out


def test_only_what_both_were_asked_counts_and_by_arm(tmp_path, monkeypatch, capsys):
    before = {(n, "none"): n < 2 for n in range(4)} | {(9, "none"): True, (0, "homespun"): False}
    after = {(n, "none"): n != 1 for n in range(4)} | {(8, "none"): True, (0, "homespun"): True}
    files = run_file(tmp_path / "a.json", before), run_file(tmp_path / "b.json", after)
    status, table = printed(monkeypatch, capsys, *files)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]
    first = {row[1]: [*row[2:5], *row[6:]] for row in rows if row[0] == "first"}
    assert status == 0
    assert first == {
        "none": ["4", "0.500", "0.750", "2", "1"],
        "homespun": ["1", "0.000", "1.000", "1", "0"],
    }
    assert {row[0] for row in rows} == {"all", "cross", "first"}


@pytest.mark.parametrize("others", [{}, {(7, "none"): True}])
def test_runs_of_other_cursors_are_not_compared(others, tmp_path, monkeypatch, capsys):
    files = (
        run_file(tmp_path / "a.json", {(1, "none"): True}),
        run_file(tmp_path / "b.json", others),
    )
    assert printed(monkeypatch, capsys, *files) == (1, "")
