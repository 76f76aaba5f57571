"""Traces to a collector: what arrives, what does not leave, and who says so."""

from __future__ import annotations

import time

import pytest

from homespun.models.observe import otlp
from homespun.models.observe.open import open_recorder, recorder_of_user
from homespun.models.observe.options import ObserveOptions
from homespun.traces.span import Span, new_span_id, new_trace_id, root_id
from tests.support.collector import attributes_of, collecting
from tests.support.fresh_interpreter import loaded_after

TRACE = new_trace_id()
ROOT = Span(
    "completion",
    TRACE,
    root_id(TRACE),
    1_700_000_000_000_000_000,
    1_700_000_000_250_000_000,
    "",
    {
        "gen_ai.request.model": "m",
        "gen_ai.usage.input_tokens": 12,
        "homespun.finish": "newline",
        "homespun.source_scores": (0.5, 0.25),
        "homespun.shown": True,
    },
)
PART = Span(
    "decode", TRACE, new_span_id(), ROOT.start_ns + 5, ROOT.end_ns, ROOT.span_id, is_error=True
)
FATE = Span(
    "shown",
    TRACE,
    new_span_id(),
    ROOT.end_ns,
    ROOT.end_ns + 5,
    ROOT.span_id,
    {"homespun.outcome": "accepted"},
)


def send(spans, url, *more, **options):
    said = []
    recorder = open_recorder(ObserveOptions(otlp=url, **options), say=said.append)
    for each in (spans, *more):
        recorder.note(lambda each=each: each)
    recorder.close()
    return said


def test_spans_arrive_with_their_identifiers_times_and_words(monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-project=shop")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "host.name=alice-laptop")
    with collecting() as collected:
        assert send([ROOT, PART], collected.url) == []
        root, part = collected.wait_for("completion"), collected.wait_for("decode")
    assert root.trace_id.hex() == part.trace_id.hex() == TRACE
    assert (root.span_id.hex(), root.parent_span_id) == (ROOT.span_id, b"")
    assert (part.span_id.hex(), part.parent_span_id.hex()) == (PART.span_id, ROOT.span_id)
    assert (root.start_time_unix_nano, root.end_time_unix_nano) == (ROOT.start_ns, ROOT.end_ns)
    assert attributes_of(root) == {**ROOT.attributes, "homespun.source_scores": [0.5, 0.25]}
    assert (root.status.code, part.status.code) == (0, 2)
    assert all(headers["x-project"] == "shop" for headers in collected.headers)
    (resource,) = collected.resources
    assert sorted(resource) == ["service.name", "service.version"]


def test_what_comes_later_lies_under_what_was_sent_before():
    with collecting() as collected:
        assert send([ROOT], collected.url, [FATE]) == []
        fate = collected.wait_for("shown")
    assert (fate.trace_id.hex(), fate.parent_span_id.hex()) == (TRACE, ROOT.span_id)


def test_figures_arrive_and_say_what_the_spans_say():
    with collecting() as collected:
        send([ROOT, PART, FATE], collected.url)
        figures = collected.figures
    (duration,) = figures["gen_ai.client.operation.duration"].histogram.data_points
    assert (duration.count, duration.sum) == (1, 0.25)
    assert {pair.key: pair.value.string_value for pair in duration.attributes} == {
        "gen_ai.operation.name": "text_completion",
        "gen_ai.request.model": "m",
    }
    by_kind = {
        point.attributes[0].value.string_value: point.as_int
        for point in figures["homespun.tokens"].sum.data_points
    }
    assert by_kind == {"input": 12, "output": 0}
    (fate,) = figures["homespun.suggestions"].sum.data_points
    assert (fate.attributes[0].value.string_value, fate.as_int) == ("accepted", 1)
    (ended,) = figures["homespun.completions"].sum.data_points
    assert ended.attributes[0].value.string_value == "newline"
    assert figures["homespun.part.duration"].histogram.data_points[0].count == 1


def test_a_collector_that_refuses_is_said_once():
    said = []
    with collecting(status=401) as collected:
        spans = otlp.OtlpSpans(collected.url, otlp.resource_of({}), said.append)
        for number in range(1, 3):
            spans.take([ROOT])
            while collected.paths.count("/v1/traces") < number:
                time.sleep(0.01)
        spans.close()
    assert len(said) == 1 and "traces do not arrive" in said[0]


def test_nothing_follows_a_collector_that_sends_elsewhere():
    with collecting() as elsewhere, collecting(307, elsewhere.url) as collected:
        send([ROOT], collected.url)
    assert collected.paths and elsewhere.paths == []


@pytest.mark.parametrize(
    ("url", "offline", "words"),
    [
        ("http://collector.example.com:4318", "", "https://"),
        ("https://user:pass@collector.example.com", "", "holds a user name or password"),
        ("ftp://127.0.0.1", "", "observe.otlp is no address"),
        ("https://collector.example.com", "1", "HOMESPUN_OFFLINE is set"),
    ],
)
def test_an_address_that_may_not_be_is_refused_and_shown_without_its_secrets(
    url, offline, words, monkeypatch
):
    monkeypatch.setenv("HOMESPUN_OFFLINE", offline)
    said = []
    assert open_recorder(ObserveOptions(otlp=url), say=said.append) is None
    assert len(said) == 1 and words in said[0] and "pass@" not in said[0]


def test_with_homespun_offline_this_machine_is_still_sent_to(monkeypatch):
    monkeypatch.setenv("HOMESPUN_OFFLINE", "1")
    with collecting() as collected:
        assert send([ROOT], collected.url) == []
        collected.wait_for("completion")


def test_without_opentelemetry_a_sentence_names_the_extra():
    printed, _ = loaded_after(
        "import sys\n"
        "sys.modules['opentelemetry'] = None\n"
        "from homespun.models.observe.open import open_recorder\n"
        "from homespun.models.observe.options import ObserveOptions\n"
        "options = ObserveOptions(otlp='http://127.0.0.1:4318')\n"
        "assert open_recorder(options, say=print) is None"
    )
    assert "OpenTelemetry is not installed" in printed and "homespun[observe]" in printed


def test_a_workspace_switches_nothing_on(tmp_path, monkeypatch):
    (tmp_path / "homespun.toml").write_text(
        '[observe]\ntraces = true\notlp = "http://127.0.0.1:4318"\nsource_text = true\n'
    )
    monkeypatch.chdir(tmp_path)
    said = []
    assert recorder_of_user(say=said.append) is None
    assert said == []


def test_the_user_switches_it_on(monkeypatch):
    monkeypatch.setenv("HOMESPUN_OBSERVE_TRACES", "1")
    recorder = recorder_of_user(say=pytest.fail)
    assert recorder is not None and not recorder.source_text
    recorder.close()
