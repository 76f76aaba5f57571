"""The log of what was accepted: lines, files, damage, and the figures made of it."""

from __future__ import annotations

import json
import stat
import sys
import time
from dataclasses import replace

import pytest

from homespun.server.acceptance import log as acceptance_log
from homespun.server.acceptance.figures import counted, figures
from homespun.server.acceptance.log import AcceptanceLog, Record, Recorded, folder, read

SHOWN = Record(
    id="a1",
    time="2026-11-21T19:30:00Z",
    language="python",
    model="m",
    adapter="none",
    sources=0,
    kind="line",
    chars=20,
    lines=1,
    ms=80.0,
    outcome="shown",
    stood_ms=1500,
    kept=(None, None, None),
    changed=(None, None, None),
)
ACCEPTED = replace(
    SHOWN,
    id="a2",
    sources=2,
    ms=40.5,
    outcome="accepted",
    accepted=20,
    steps=("all",),
    kept=(1.0, 0.9, None),
    changed=(0.0, 0.15, None),
)


def write(directory, *records):
    log = AcceptanceLog(directory)
    for record in records:
        log.add(record)
    log.flush()


def test_what_is_written_is_read_again(tmp_path):
    write(tmp_path, SHOWN, ACCEPTED)
    assert read(tmp_path) == Recorded([SHOWN, ACCEPTED], broken=0)


def test_a_month_has_a_file(tmp_path):
    older = replace(SHOWN, id="a0", time="2026-10-31T23:59:59Z")
    write(tmp_path, SHOWN, older)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2026-10.jsonl", "2026-11.jsonl"]
    assert read(tmp_path).records == [older, SHOWN]
    assert read(tmp_path, since="2026-11-01T00:00:00Z").records == [SHOWN]


def test_the_log_lies_in_the_home_of_the_state():
    write(None, SHOWN)
    assert (folder() / "2026-11.jsonl").exists()
    assert read().records == [SHOWN]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_only_the_user_may_read_it(tmp_path):
    write(tmp_path / "acceptance", SHOWN)
    assert stat.S_IMODE((tmp_path / "acceptance").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "acceptance" / "2026-11.jsonl").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("{", id="half a line"),
        pytest.param("[]", id="a list"),
        pytest.param('{"v": 2}', id="another version"),
        pytest.param('{"v": 1}', id="nothing in it"),
        pytest.param(json.dumps(SHOWN.to_json() | {"chars": "20"}), id="a text for a number"),
        pytest.param(json.dumps(SHOWN.to_json() | {"kept": [None, "x"]}), id="a text in a list"),
        pytest.param(json.dumps(SHOWN.to_json() | {"ms": None}), id="nothing for a number"),
        pytest.param(json.dumps(SHOWN.to_json() | {"outcome": "lost"}), id="an unknown outcome"),
        pytest.param("\udcff", id="bytes that are no text"),
    ],
)
def test_a_broken_line_is_skipped_and_counted(tmp_path, line):
    write(tmp_path, SHOWN)
    with (tmp_path / "2026-11.jsonl").open("ab") as file:
        file.write(line.encode("utf-8", "surrogateescape"))
    write(tmp_path, ACCEPTED)  # after a line that was cut by a kill
    assert read(tmp_path) == Recorded([SHOWN, ACCEPTED], broken=1)


def test_a_file_that_is_full_begins_anew_and_keeps_the_one_before(tmp_path, monkeypatch):
    monkeypatch.setattr(acceptance_log, "MAX_FILE_BYTES", 1000)
    records = [replace(SHOWN, id=f"a{n:02}") for n in range(12)]
    for record in records:
        write(tmp_path, record)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 3000
    left = [record.id for record in read(tmp_path).records]
    assert 4 <= len(left) < 12
    assert left == [record.id for record in records[-len(left) :]]


def test_months_beyond_a_year_go(tmp_path):
    months = [f"2025-{month:02}" for month in range(1, 13)] + ["2026-01", "2026-02", "2026-03"]
    for month in months:
        write(tmp_path, replace(SHOWN, time=f"{month}-15T00:00:00Z"))
    assert sorted(path.name[:7] for path in tmp_path.iterdir()) == months[2:]


def test_a_folder_that_cannot_be_written_is_said_once(tmp_path, caplog):
    (tmp_path / "acceptance").write_text("a file where the folder should be")
    log = AcceptanceLog(tmp_path / "acceptance")
    for _ in range(2):
        log.add(SHOWN)
        log.flush()
    warnings = [record for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 1
    assert "cannot be written down" in warnings[0].message


# -- figures


def group_of(found, by, value):
    (group,) = [g for g in found["groups"] if (g["by"], g["value"]) == (by, value)]
    return group


def test_the_figures_of_two_suggestions():
    every = group_of(counted(Recorded([SHOWN, ACCEPTED])), "all", "all")
    half = {"hits": 1, "of": 2, "share": 0.5, "low": 0.0945, "high": 0.9055}
    none = {"hits": 0, "of": 2, "share": 0.0, "low": 0.0, "high": 0.6576}
    one = {"hits": 1, "of": 1, "share": 1.0, "low": 0.2065, "high": 1.0}
    unknown = {"hits": 0, "of": 0, "share": None, "low": None, "high": None}
    assert every == {
        "by": "all",
        "value": "all",
        "shown": 2,
        "accepted": half,
        "in_full": half,
        "in_part": none,
        "typed": none,
        "accepted_of_seen": half,
        "steps": {"word": 0, "line": 0, "rest": 0, "all": 1},
        "chars": {"suggested": 40, "accepted": 20},
        "kept": [
            {"after": "30 s", "unchanged": one, "mostly_unchanged": one, "chars": 1.0},
            {
                "after": "2 min",
                "unchanged": one | {"hits": 0, "share": 0.0, "low": 0.0, "high": 0.7935},
                "mostly_unchanged": one,
                "chars": 0.9,
            },
            {
                "after": "10 min",
                "unchanged": unknown,
                "mostly_unchanged": unknown,
                "chars": None,
            },
        ],
        "median_ms": 60.25,
    }


def test_suggestions_with_and_without_sources_are_told_apart():
    found = counted(Recorded([SHOWN, ACCEPTED, replace(SHOWN, adapter="run-0007")]))
    names = [(group["by"], group["value"]) for group in found["groups"]]
    assert names == [
        ("all", "all"),
        ("retrieval", "with sources"),
        ("retrieval", "without sources"),
        ("adapter", "none"),
        ("adapter", "run-0007"),
        ("kind", "line"),
    ]
    assert group_of(found, "retrieval", "with sources")["accepted"]["hits"] == 1
    assert group_of(found, "retrieval", "without sources")["accepted"]["hits"] == 0
    assert group_of(found, "adapter", "none")["shown"] == 2


def test_a_part_counts_as_accepted_and_a_glance_not_as_looked_at():
    glance = replace(SHOWN, stood_ms=749)
    part = replace(ACCEPTED, outcome="partial", stood_ms=100, accepted=5, steps=("word", "line"))
    every = counted(Recorded([SHOWN, glance, part]))["groups"][0]
    assert (every["accepted"]["hits"], every["accepted"]["of"]) == (1, 3)
    assert (every["accepted_of_seen"]["hits"], every["accepted_of_seen"]["of"]) == (1, 2)
    assert (every["in_full"]["hits"], every["in_part"]["hits"]) == (0, 1)
    assert every["steps"] == {"word": 1, "line": 1, "rest": 0, "all": 0}


def test_characters_that_stand_are_weighted_by_what_was_accepted():
    short = replace(ACCEPTED, accepted=10, kept=(0.0, None, None), changed=(1.0, None, None))
    long = replace(ACCEPTED, accepted=30)
    kept = counted(Recorded([short, long]))["groups"][0]["kept"][0]
    assert kept["chars"] == 0.75
    assert (kept["unchanged"]["hits"], kept["unchanged"]["of"]) == (1, 2)


@pytest.mark.parametrize(
    ("records", "sentence"),
    [
        ([], "nothing is recorded yet: a suggestion is written down a minute after it has gone"),
        ([SHOWN], "0 of 1 (0 %, 0-79 %) suggestions were accepted in full or in part"),
        (
            [ACCEPTED],
            "1 of 1 (100 %, 21-100 %) suggestions were accepted in full or in part; "
            "after 2 min, 1 of 1 (100 %, 21-100 %) were unchanged or nearly so",
        ),
    ],
)
def test_the_sentence_says_what_matters_most(records, sentence):
    assert counted(Recorded(records))["message"] == sentence


def test_the_last_days_are_those_before_now(tmp_path):
    write(
        tmp_path,
        replace(SHOWN, time="2020-01-01T00:00:00Z"),
        replace(SHOWN, time="2199-01-01T00:00:00Z"),
    )
    assert figures(tmp_path)["groups"][0]["shown"] == 2
    found = figures(tmp_path, since_days=7.0, pending=3)
    assert found["groups"][0]["shown"] == 1
    assert (found["since_days"], found["pending"]) == (7.0, 3)


def test_of_a_log_without_end_the_newest_lines_are_read_and_the_rest_is_said(tmp_path, monkeypatch):
    write(tmp_path, *(replace(SHOWN, id=str(number)) for number in range(100)))
    write(tmp_path, replace(SHOWN, id="before", time="2026-10-01T00:00:00Z"))
    size = (tmp_path / "2026-11.jsonl").stat().st_size
    monkeypatch.setattr(acceptance_log, "MAX_READ_BYTES", size // 2)
    found = read(tmp_path)
    assert 40 <= len(found.records) <= 50
    assert {record.id for record in found.records} == {
        str(number) for number in range(100 - len(found.records), 100)
    }
    rest = (tmp_path / "2026-10.jsonl").stat().st_size
    lines = (tmp_path / "2026-11.jsonl").read_bytes().splitlines(keepends=True)
    unread = lines[: 100 - len(found.records)]
    assert found.unread_bytes == sum(map(len, unread)) + rest
    assert found.broken == 0
    assert counted(found)["unread_bytes"] == found.unread_bytes


def test_ninety_megabytes_of_one_line_or_of_many_names_take_no_time(tmp_path):
    (tmp_path / "2026-11.jsonl").write_bytes(b"[" * 90_000_000 + b"\n")
    began = time.monotonic()
    assert read(tmp_path).records == []
    line = json.dumps(SHOWN.to_json(), separators=(",", ":"))
    names = (line.replace('"adapter":"none"', f'"adapter":"a{n}"') for n in range(40_000))
    (tmp_path / "2026-11.jsonl").write_text("".join(name + "\n" for name in names))
    assert len(counted(read(tmp_path))["groups"]) > 40_000
    assert time.monotonic() - began < 30  # grew with the square of the names
