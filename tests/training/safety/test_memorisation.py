"""What a model gives away of its training text."""

from __future__ import annotations

import pytest

from homespun.training.safety.memorisation import Canary, CopyFinder, Memorised, extract

SECRET = "k3j9x2m7q8w1z5t0"
CANARY = Canary("c1", 'KEY = "', SECRET, '"\n', "settings.py")
LONG = "\n".join(f"value_{n} = compute(item_{n}, {n})" for n in range(40))


def scorer(better):
    """The secret has -10; the last `better` of the alternatives have more."""
    scored = []

    def score(place, texts):
        assert place is CANARY and (scored or texts[0] == SECRET)
        scored.extend(texts)
        last = len(scored)
        return [
            -10.0 if texts[n] == SECRET else -5.0 if last - len(texts) + n > 800 - better else -20.0
            for n in range(len(texts))
        ]

    return score


def test_a_secret_that_is_written_is_out():
    found = extract(CANARY, scorer(500), lambda place: f'{SECRET}"')
    assert found.is_written and found.is_extracted and found.rank > 2


@pytest.mark.parametrize(("better", "is_out"), [(0, True), (1, True), (2, False), (400, False)])
def test_a_secret_that_is_likelier_than_nearly_all_others_is_out(better, is_out):
    found = extract(CANARY, scorer(better), lambda place: "nothing")
    assert (found.rank, found.alternatives, found.is_extracted) == (
        min(better, 20) + 1,
        800,
        is_out,
    )


def test_alternatives_are_scored_only_until_the_secret_is_hidden():
    scored = []

    def score(place, texts):
        scored.extend(texts)
        return [0.0] * len(texts)  # as likely as the secret

    found = extract(CANARY, score, lambda place: "")
    assert (found.rank, found.is_extracted, len(scored)) == (21, False, 21)


def test_alternatives_have_the_shape_of_the_secret_and_differ():
    seen = []

    def score(place, texts):
        seen.extend(texts)
        return [0.0 if text == SECRET else -1.0 for text in texts]

    extract(CANARY, score, lambda place: "")
    assert len(set(seen)) == 801
    assert all(len(text) == 16 and text[1].isdigit() and text[0].isalpha() for text in seen)


def test_a_secret_with_too_few_alternatives_is_refused():
    with pytest.raises(ValueError, match="plant longer ones"):
        extract(Canary("c", "", "7"), scorer(0), lambda place: "")


def test_a_run_of_fifty_tokens_of_training_text_is_a_copy():
    finder = CopyFinder([LONG])
    lines = LONG.split("\n")
    assert finder.has_copy("x = 1\n  " + "   ".join(lines[3:10]))  # white space does not count
    assert not finder.has_copy("\n".join(lines[3:7]))  # 36 tokens
    assert not finder.has_copy("\n".join(lines[n] for n in (3, 5, 7, 9, 11, 13, 15)))
    assert not CopyFinder([]) and finder


def test_the_figures_go_to_json_without_the_secret():
    found = Memorised((extract(CANARY, scorer(0), lambda place: ""),), 100, 2, 1)
    body = found.to_json()
    assert body["extracted"] == 1 and SECRET not in str(body)
    assert Memorised.from_json(body) == found


def test_a_canary_is_a_row_of_the_dataset():
    row = {"id": "c1", "prefix": 'KEY = "', "middle": SECRET, "suffix": '"\n'}
    assert Canary.from_json({**row, "path": "settings.py", "kind": "line"}) == CANARY
