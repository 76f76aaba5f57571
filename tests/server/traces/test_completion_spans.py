"""The spans of a completion: in the order of the work, and without a word of source unasked."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest

from homespun.server.traces.completion_spans import Times, completion_spans
from homespun.server.types import (
    Completion,
    CompletionRequest,
    PromptContext,
    SourceLocation,
)
from homespun.traces.span import new_trace_id, root_id

KEY = "ghp_" + "a1B2" * 9
REQUEST = CompletionRequest(
    f'token = "{KEY}"\ntotal = basket.\n', 72, path="shop/pay.py", id=new_trace_id()
)
COMPLETION = Completion(
    "sum_of_items()",
    "newline",
    model="m",
    adapter="a1",
    sources=(SourceLocation("shop/basket.py", 3, 9, 0.5),),
    logprob=-0.75,
    probability=0.875,
    timings_ms={"context": 2.0, "retrieve": 6.0, "prefill": 30.0, "decode": 40.0, "total": 79.0},
    tokens={"prompt": 900, "reused": 850, "generated": 5, "drafted": 2, "accepted": 1},
    id=REQUEST.id,
    context=PromptContext({"names": 1.0, "similar": 2.0, "definitions": 3.0}, ("shown",), ("cut",)),
)


def times(*, ran=True):
    began = time.monotonic_ns()
    at = Times(began, began + 1_000_000, began + 21_000_000 if ran else 0)
    at.ended = began + 120_000_000
    return at


def spans_of(completion=COMPLETION, request=REQUEST, *, ran=True, source_text=False):
    return completion_spans(request, completion, times(ran=ran), source_text=source_text)


def test_each_part_begins_where_the_one_before_it_ends():
    root, *parts = spans_of()
    assert (root.name, root.trace_id, root.span_id) == (
        "completion",
        REQUEST.id,
        root_id(REQUEST.id),
    )
    own = [part for part in parts if part.parent_id == root.span_id]
    names = ["admit", "wait", "retrieve", "render", "prefill", "decode", "judge"]
    assert [part.name for part in own] == names
    assert [round(part.ms, 3) for part in own] == [1.0, 20.0, 6.0, 2.0, 30.0, 40.0, 1.0]
    for before, after in zip(own, own[1:], strict=False):
        assert before.end_ns == after.start_ns
    assert own[0].start_ns == root.start_ns and own[-1].end_ns <= root.end_ns
    assert abs(root.start_ns - time.time_ns()) < 60e9


def test_retrieval_has_parts_of_its_own():
    spans = {span.name: span for span in spans_of()}
    retrieve = spans["retrieve"]
    below = [span for span in spans.values() if span.parent_id == retrieve.span_id]
    assert [(span.name, round(span.ms, 3)) for span in below] == [
        ("retrieve.names", 1.0),
        ("retrieve.similar", 2.0),
        ("retrieve.definitions", 3.0),
    ]
    assert below[-1].end_ns == retrieve.end_ns


def test_a_prompt_that_is_gone_on_from_asks_no_index():
    ms = {**COMPLETION.timings_ms, "retrieve": 0.0, "decode": 0.0}
    typed_on = replace(COMPLETION, timings_ms=ms, context=PromptContext())
    names = [span.name for span in spans_of(typed_on)]
    assert "retrieve" not in names and "decode" in names


def test_the_whole_says_what_went_in_and_came_out():
    told = spans_of()[0].attributes
    assert told["gen_ai.request.model"] == "m"
    assert told["gen_ai.usage.input_tokens"] == 900
    assert told["gen_ai.usage.cache_read.input_tokens"] == 850
    assert told["gen_ai.usage.output_tokens"] == 5
    assert told["gen_ai.response.finish_reasons"] == ("newline",)
    assert (told["homespun.adapter"], told["homespun.route"]) == ("a1", "local")
    assert (told["homespun.probability"], told["homespun.logprob"]) == (0.875, -0.75)
    assert told["homespun.source_scores"] == (0.5,)
    assert told["homespun.suggestion"] == REQUEST.id
    assert "homespun.reason" not in told


def test_no_source_and_no_path_is_in_it_unasked():
    said = json.dumps([span.to_json() for span in spans_of()])
    for word in ("basket", "sum_of_items", "shop/", "pay.py", KEY, "shown text"):
        assert word not in said


def test_asked_for_it_is_with_its_secrets_masked():
    said = json.dumps([span.to_json() for span in spans_of(source_text=True)])
    for word in ("total = basket.", "sum_of_items()", "shop/pay.py", "shop/basket.py:3-9"):
        assert word in said
    assert KEY not in said and KEY[4:20] not in said


def test_behind_a_secret_nothing_of_the_document_is_in_it():
    request = CompletionRequest(f'token = "{KEY}', 13, path="a.py", id=new_trace_id())
    told = spans_of(request=request, source_text=True)[0].attributes
    assert json.loads(told["gen_ai.input.messages"])[0]["parts"][0]["content"] == ""


@pytest.mark.parametrize(
    ("finish", "reason", "is_error"),
    [
        ("filtered:unlikely", "unlikely", False),
        ("cancelled", "cancelled", False),
        ("error:OSError", "error", True),
    ],
)
def test_nothing_has_its_reason(finish, reason, is_error):
    root = spans_of(Completion("", finish, model="m"), ran=False)[0]
    assert root.attributes["homespun.reason"] == reason
    assert root.is_error is is_error
    assert root.attributes["homespun.shown"] is False


def test_who_is_cancelled_while_it_waits_has_waited():
    spans = spans_of(Completion("", "cancelled", model=""), ran=False)
    assert [span.name for span in spans] == ["completion", "admit", "wait"]
    assert round(spans[2].ms, 3) == 119.0


def test_what_is_known_already_took_no_model():
    spans = spans_of(ran=False)
    assert [span.name for span in spans] == ["completion", "admit"]
    assert spans[0].attributes["homespun.from_cache"] is True


def test_without_a_request_there_is_a_trace_all_the_same():
    at = Times(time.monotonic_ns())
    at.ended = at.began + 5
    silent = Completion("", "filtered:not-open", model="")
    (root,) = completion_spans(None, silent, at, source_text=True)
    assert root.attributes["homespun.reason"] == "not-open"


def test_an_identifier_of_somebody_elses_names_no_trace():
    request = CompletionRequest("x", 1, id="row 7\n")
    root = spans_of(request=request)[0]
    assert root.trace_id != "row 7\n" and len(root.trace_id) == 32
