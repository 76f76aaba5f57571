"""`prompt_logprobs` as vLLM documents them are read; what is anything else is not believed."""

from __future__ import annotations

import json
import math

import pytest

from homespun.training.endpoint.likelihood import NoLikelihood, question, read

IDS = [5, 6, 7, 6]


def body(entries):
    return {"choices": [{"index": 0, "text": "x", "prompt_logprobs": entries}]}


def entry(token, logprob, **others):
    rows = {str(token): {"logprob": logprob, "rank": 2, "decoded_token": "a"}}
    return rows | {name: {"logprob": -0.1, "rank": 1, "decoded_token": "b"} for name in others}


def entries(last=-0.5):
    return [None, entry(6, -1.0), entry(7, -0.25, **{"99": 1}), entry(6, last)]


def test_the_tokens_behind_the_start_are_added_up():
    assert read(body(entries()), IDS, 2) == -0.75
    assert read(body(entries()), IDS, 1) == -1.75
    assert read(body(entries(last=1e-5)), IDS, 3) == 0.0  # what rounding leaves of a certainty


def test_the_question_sends_ids_and_no_text():
    asked = question("coder", (5, 6))
    assert json.loads(json.dumps(asked))["prompt"] == [5, 6]
    assert (asked["prompt_logprobs"], asked["max_tokens"], asked["model"]) == (0, 1, "coder")


@pytest.mark.parametrize("choice", [{}, {"prompt_logprobs": None}])
def test_a_server_that_does_not_say_it_cannot(choice):
    assert read({"choices": [choice]}, IDS, 2) is None


@pytest.mark.parametrize(
    "said",
    [
        None,
        "<html>",
        [],
        {},
        {"choices": []},
        {"choices": ["x"]},
        {"choices": [{"prompt_logprobs": []}, {"prompt_logprobs": []}]},
        body([]),
        body("none"),
        body({}),
        body(entries()[:-1]),
        body([*entries(), None]),
        body([None, None, None, None]),
        body([None, entry(6, -1.0), entry(8, -1.0), entry(6, -1.0)]),  # of another token
        *(
            body(entries(last=last))
            for last in (math.nan, math.inf, -math.inf, 0.1, "-1", True, None, [], 10**400)
        ),
        body([None, entry(6, -1.0), {"7": -1.0}, entry(6, -1.0)]),
    ],
)
def test_anything_else_is_not_believed(said):
    with pytest.raises(NoLikelihood):
        read(said, IDS, 2)
