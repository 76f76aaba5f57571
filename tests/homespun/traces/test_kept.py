"""Traces on the disk: bounded, the user's alone, and whatever else stands there is counted."""

from __future__ import annotations

import json
import stat

import pytest

from homespun.traces import kept
from homespun.traces.kept import KeptTraces
from homespun.traces.span import Span, new_span_id, new_trace_id, root_id


def a_trace(name="search", start=1_000, parts=()):
    trace = new_trace_id()
    root = Span(name, trace, root_id(trace), start, start + 900, "", {"n": 3})
    below = [
        Span(part, trace, new_span_id(), start + at, start + at + 10, root.span_id)
        for at, part in enumerate(parts)
    ]
    return [root, *below]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "traces"


def test_what_is_kept_is_read_back_the_newest_first(folder):
    written = [a_trace("search", 1), a_trace("completion", 3, ("wait", "decode")), a_trace(start=2)]
    for spans in written:
        KeptTraces(folder).take(spans)
    found = kept.read(folder)
    assert [list(trace.spans) for trace in found.traces] == [written[1], written[2], written[0]]
    assert found.broken == 0
    assert [trace.root.name for trace in kept.read(folder, name="completion").traces] == [
        "completion"
    ]
    assert len(kept.read(folder, most=2).traces) == 2
    trace = found.traces[0]
    assert trace.part("decode").ms == 10 / 1e6 and trace.part("judge") is None
    beginning = trace.root.trace_id[:12]
    assert [each.root for each in kept.read(folder, beginning=beginning).traces] == [trace.root]
    assert stat.S_IMODE((folder / "kept.jsonl").stat().st_mode) == 0o600


def test_what_comes_later_belongs_to_its_trace(folder):
    (root,) = a_trace()
    later = Span("shown", root.trace_id, new_span_id(), 5_000, 6_000, root.span_id)
    KeptTraces(folder).take([root])
    KeptTraces(folder).take([later])
    (trace,) = kept.read(folder).traces
    assert trace.spans == (root, later)


def test_parts_without_their_whole_are_no_trace(folder):
    root, part = a_trace(parts=("wait",))
    KeptTraces(folder).take([part])
    assert kept.read(folder).traces == ()
    KeptTraces(folder).take([root])
    assert len(kept.read(folder).traces) == 1


def test_a_full_file_is_kept_once_and_then_goes(folder, monkeypatch):
    monkeypatch.setattr(kept, "MAX_FILE_BYTES", 1_000)
    for start in range(40):
        KeptTraces(folder).take(a_trace(start=start))
    sizes = [path.stat().st_size for path in folder.iterdir()]
    assert sorted(path.name for path in folder.iterdir()) == ["kept.jsonl", "kept.old.jsonl"]
    assert max(sizes) <= 1_000
    starts = [trace.root.start_ns for trace in kept.read(folder).traces]
    assert starts == list(range(39, 39 - len(starts), -1)) and len(starts) > 4


def broken(**changes):
    (root,) = a_trace()
    return json.dumps({"v": 1, "spans": [root.to_json() | changes]})


@pytest.mark.parametrize(
    "line",
    [
        "no json",
        "[]",
        '{"v": 2, "spans": []}',
        '{"v": 1, "spans": 3}',
        broken(trace="../../etc/passwd"),
        broken(span="0" * 15),
        broken(parent="x"),
        broken(start_ns=5, end_ns=4),
        broken(end_ns=1e30),
        broken(name=["x"]),
        broken(attributes={"a": {"b": 1}}),
        broken(attributes=[]),
        "[" * 5_000,
        "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    ],
)
def test_a_line_that_is_none_of_ours_is_counted(folder, line):
    KeptTraces(folder).take(a_trace())
    with (folder / "kept.jsonl").open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    found = kept.read(folder)
    assert (len(found.traces), found.broken) == (1, 1)


def test_a_link_in_its_place_is_not_read_or_written(folder, tmp_path):
    KeptTraces(folder).take(a_trace())
    outside = tmp_path / "outside.jsonl"
    (folder / "kept.jsonl").rename(outside)
    (folder / "kept.jsonl").symlink_to(outside)
    size = outside.stat().st_size
    with pytest.raises(OSError):
        KeptTraces(folder).take(a_trace())
    assert outside.stat().st_size == size
    assert kept.read(folder).traces == ()


def test_all_of_it_can_be_forgotten(folder):
    KeptTraces(folder).take(a_trace())
    assert (kept.forget(folder), kept.forget(folder)) == (1, 0)
    assert kept.read(folder).traces == ()
