"""The arithmetic from developers to GPUs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.scale.capacity import (
    GPUS,
    MODELS,
    TypingLoad,
    gpu_share,
    gpus_needed,
    kv_room,
    measured_load,
    tables,
)

LOAD = TypingLoad(keys_s=4, asked_share=0.25, prompt_tokens=800, cached_share=0.9, answer_tokens=5)
SMALL, _, SEVEN, FOURTEEN = MODELS
L40S, A100, H100 = GPUS


def test_tokens_a_second_are_requests_times_what_is_new_in_each():
    assert LOAD.requests_s == 1
    assert LOAD.read_s(60) == pytest.approx(60 * 80)
    assert LOAD.written_s(60) == 300


@pytest.mark.parametrize(("model", "kilobytes"), [(SMALL, 12_288), (SEVEN, 57_344)])
def test_keys_and_values_are_those_of_grouped_heads(model, kilobytes):
    assert model.kv_bytes == kilobytes


def test_an_adapter_is_as_large_as_the_one_that_was_measured():
    assert SMALL.adapter_bytes(16) / 1e6 == pytest.approx(17.6, abs=0.1)
    assert SMALL.adapter_bytes(32) == 2 * SMALL.adapter_bytes(16)


def test_more_developers_never_need_fewer_gpus_and_a_faster_one_never_more():
    counts = [gpus_needed(LOAD, count, SEVEN, A100) for count in (1, 20, 200, 2000)]
    assert counts == sorted(counts)
    assert counts[0] == 1
    assert gpus_needed(LOAD, 2000, SEVEN, H100) <= counts[-1]


def test_no_more_than_half_a_gpu_is_planned_for():
    typing = 100
    share = gpu_share(LOAD, typing * 0.3, SEVEN, H100)
    assert gpus_needed(LOAD, typing, SEVEN, H100) >= share / 0.5


def test_prompts_that_must_be_kept_ask_for_gpus_as_well():
    idle = replace(LOAD, keys_s=0.0)
    kept = 5000 * 3 * 800 * SEVEN.kv_bytes
    assert gpus_needed(idle, 5000, SEVEN, A100) == -(-kept // int(kv_room(SEVEN, A100)))


def test_a_model_that_does_not_fit_is_none():
    assert gpus_needed(LOAD, 1, replace(SEVEN, parameters=40e9), L40S) == 0


def test_the_load_is_read_from_our_side_of_the_typing_report():
    names = ["side", "takes", "gap_ms", "cached"]
    rows = [["homespun", False, 500, True], ["homespun", False, 500, False]]
    rows += [["homespun", True, 9000, False], ["llama.cpp", False, 9000, False]]
    work = {"requests": 2, "prompt_tokens": 1600, "generated_tokens": 10}
    load = measured_load({"row_fields": names, "rows": rows, "sides": {"homespun": {"work": work}}})
    assert (load.keys_s, load.asked_share) == (2, 0.5)
    assert (load.prompt_tokens, load.answer_tokens) == (800, 5)


def test_a_load_test_stands_beside_what_the_model_says_of_it():
    row = {"arm": "paced", "developers": 5, "keys": 100, "seconds": 10}
    row |= {"outcomes": {"skipped": 10, "from memory": 40, "remote": 25, "cancelled": 25}}
    row |= {"read_tokens_s": 45.0, "cached_tokens_s": 135.0, "pauses": 8, "pauses_answered": 6}
    last = tables(LOAD, [20], {"rows": [row], "context_tokens": 100}).splitlines()[-1]
    assert last == "| 5 | paced | 5.0, 5.0 | 50, 45 | 0.90, 0.75 | 75 % |"
