"""`homespun traces`: a list, one whole, a page; and what other verbs leave for it."""

from __future__ import annotations

import json

import pytest

from homespun.cli.main import main
from homespun.server.report_page import HEAD
from homespun.traces import kept
from homespun.traces.kept import KeptTraces
from homespun.traces.recorder import current_recorder
from homespun.traces.span import Span, new_span_id, root_id

TRACE = "ab12" * 8
BEGAN = 1_790_000_000_000_000_000


def span(name, start_ms, end_ms, parent="", **told):
    own = new_span_id() if parent else root_id(TRACE)
    times = (BEGAN + int(ms * 1e6) for ms in (start_ms, end_ms))
    return Span(name, TRACE, own, *times, parent, {f"homespun.{k}": v for k, v in told.items()})


@pytest.fixture
def _kept():
    root = span("completion", 0, 100, shown=True, finish="newline", reason="<b>no</b>")
    parts = [span("wait", 0, 20, root.span_id), span("decode", 20, 95.5, root.span_id)]
    fate = span("shown", 100, 2_100, root.span_id, outcome="shown", fault="wrong form")
    KeptTraces().take([root, *parts])
    KeptTraces().take([fate])


def test_without_any_it_says_what_switches_it_on(capsys):
    assert main(["traces"]) == 0
    assert "traces = true" in capsys.readouterr().out


@pytest.mark.usefixtures("_kept")
def test_the_list_has_a_line_a_trace_with_its_parts_and_what_came_of_it(capsys):
    assert main(["traces"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "completion" in line]
    cells = line.split()
    assert cells[0] == "ab12ab12" and cells[2:6] == ["completion", "100.0", "20", "76"]
    assert line.rstrip().endswith("suggested, shown, wrong form")


@pytest.mark.usefixtures("_kept")
def test_one_is_shown_whole_by_the_beginning_of_its_identifier(capsys):
    assert main(["traces", "ab12"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in out if " ms " in line] == ["completion", "wait", "decode"]
    assert "75.50 ms" in "".join(out) and "2.0 s" in out[-1] and "fault wrong form" in out[-1]
    wait, decode = (next(line for line in out if name in line) for name in ("wait", "decode"))
    assert wait.index("█") < decode.index("█") and wait.count("█") < decode.count("█")


@pytest.mark.usefixtures("_kept")
def test_an_identifier_that_none_has_is_said(capsys):
    with pytest.raises(SystemExit) as end:
        main(["traces", "ff"])
    assert end.value.code == 2
    assert "0 traces begin with 'ff'" in capsys.readouterr().err


@pytest.mark.usefixtures("_kept")
def test_the_page_runs_nothing_and_escapes_what_it_shows(tmp_path):
    page = tmp_path / "traces.html"
    assert main(["traces", "--html", str(page)]) == 0
    text = page.read_text()
    assert text.startswith(HEAD)
    assert "<b>no</b>" not in text and "&lt;b&gt;no&lt;/b&gt;" in text
    assert 'class="bar decode" style="left: 20.00%; width: 75.50%"' in text
    assert "<script" not in text


@pytest.mark.usefixtures("_kept")
def test_json_is_a_line_a_trace(capsys):
    assert main(["traces", "--json"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    spans = [Span.from_json(each) for each in json.loads(line)["spans"]]
    assert [each.name for each in spans] == ["completion", "wait", "decode", "shown"]


@pytest.mark.usefixtures("_kept")
def test_all_can_be_forgotten(capsys):
    assert (main(["traces", "--forget"]), main(["traces", "--forget"])) == (0, 0)
    assert capsys.readouterr().out.splitlines() == ["forgotten", "there was nothing to forget"]
    assert kept.read().traces == ()


def test_verbs_leave_theirs_where_the_user_wants_it(tmp_path, capsys, monkeypatch):
    (tmp_path / "a.py").write_text("def charge_card(card):\n    return card\n")
    monkeypatch.setenv("HOMESPUN_INDEX_ENCODER", "none")
    assert main(["index", str(tmp_path)]) == 0
    assert kept.read().traces == ()
    monkeypatch.setenv("HOMESPUN_OBSERVE_TRACES", "1")
    assert main(["index", str(tmp_path)]) == 0
    assert main(["search", "charge", "--path", str(tmp_path)]) == 0
    assert current_recorder() is None  # each verb ends its own
    capsys.readouterr()
    search, update = kept.read().traces
    assert (search.root.name, update.root.name) == ("search", "index.update")
    assert search.part("search.rank") is not None and update.part("index.scan") is not None
    assert "charge" not in json.dumps([each.to_json() for each in search.spans])
