"""What became of a suggestion, and which half was at fault where something else was written."""

from __future__ import annotations

import pytest

from homespun.server.acceptance.suggestions import Suggestion
from homespun.server.acceptance.survival import Kept
from homespun.server.completion.failure_sorts import (
    ENDING,
    FORM,
    KNOWLEDGE,
    NOT_TAKEN,
    NOT_TO_BE_GUESSED,
)
from homespun.server.traces.fate_spans import fate_spans
from homespun.server.traces.fault import FOUND_AND_CUT, NOT_FOUND, fault_of
from homespun.server.types import Completion, PromptContext
from homespun.traces.span import new_trace_id, root_id

CONTEXT = PromptContext({}, ("def charge_card(card): ...",), ("def refund_order(order): ...",))
KNOWN = {"charge_card", "refund_order", "close_till"}


@pytest.mark.parametrize(
    ("written", "wanted", "sort", "detail"),
    [
        ("pay(card)", "pay(card)\n", None, ""),  # typed by hand
        ("pay(card)", "pay(card).then(x)", None, ""),  # and more
        ("pay(card)", "", None, ""),  # nothing was written there
        ("pay(card)", "   ", None, ""),
        ("pay(card) or 0", "pay(card)", ENDING, ""),
        ("pay(card)\nclose()", "pay(card)\nopen()", ENDING, ""),
        ("pay(card)", "charge_card(card)", NOT_TAKEN, ""),
        ("pay(order)", "refund_order(order)", KNOWLEDGE, FOUND_AND_CUT),
        ("pay(order)", "charge_card(refund_order(x))", KNOWLEDGE, FOUND_AND_CUT),
        ("pay(order)", "close_till(order)", KNOWLEDGE, NOT_FOUND),
        ("pay(order)", "charge_card(close_till())", KNOWLEDGE, NOT_FOUND),
        ('say("x")', "say('x')", FORM, ""),
        ("maxItems = 3", "max_items = 3", FORM, ""),
        ("n = 3", "n = 4", NOT_TO_BE_GUESSED, ""),
        ("charge_card(a)", "charge_card(b)", NOT_TO_BE_GUESSED, ""),
    ],
)
def test_the_fault_is_one_of_the_known_sorts(written, wanted, sort, detail):
    fault = fault_of(written, wanted, CONTEXT, KNOWN.__contains__)
    assert (fault.sort if fault else None) is sort
    assert (fault.detail if fault else "") == detail


def a_suggestion(**fields):
    completion = Completion("pay(order)", "newline", model="m", context=CONTEXT)
    suggestion = Suggestion(new_trace_id(), "file:///a.py", 4, completion, time=1_700_000_000.5)
    suggestion.stood_seconds = 2.0
    for name, value in fields.items():
        setattr(suggestion, name, value)
    return suggestion


def fate_of(suggestion, measured=(None, None, None), instead="", source_text=False):
    return fate_spans(suggestion, measured, instead, KNOWN.__contains__, source_text=source_text)


def test_it_lies_under_the_completion_that_it_came_from():
    suggestion = a_suggestion(outcome="shown")
    (shown,) = fate_of(suggestion, instead="close_till(order)")
    assert (shown.name, shown.trace_id) == ("shown", suggestion.id)
    assert shown.parent_id == root_id(suggestion.id)
    assert shown.start_ns == 1_700_000_000_500_000_000 and shown.ms == 2_000
    assert shown.attributes["homespun.outcome"] == "shown"
    assert shown.attributes["homespun.fault"] == "missing knowledge"
    assert shown.attributes["homespun.fault.detail"] == "not found"
    assert "close_till" not in str(shown.attributes)


def test_what_was_written_instead_is_in_it_only_where_the_user_wants_source():
    (shown,) = fate_of(a_suggestion(), instead="close_till(order)", source_text=True)
    assert shown.attributes["homespun.written_instead"] == "close_till(order)"


def test_what_was_accepted_is_nobodys_fault_and_says_what_stood():
    suggestion = a_suggestion(outcome="accepted", seen_chars=10, steps=["word", "rest"])
    measured = (Kept(1.0, 0.0), Kept(0.5, 0.6), None)
    shown, accepted, *kept = fate_of(suggestion, measured, instead="close_till(order)")
    assert "homespun.fault" not in shown.attributes
    assert shown.attributes["homespun.accepted_chars"] == 10
    assert shown.attributes["homespun.steps"] == ("word", "rest")
    assert accepted.name == "accepted"
    assert [(each.name, each.attributes["homespun.kept"]) for each in kept] == [
        ("kept.30s", 1.0),
        ("kept.120s", 0.5),
    ]
