"""Slots, drafts, healing and cancelling change the time and never the result."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from homespun.models.engine.kv_slots import common_run
from homespun.models.engine.output_head import NEAR_TIE
from homespun.models.engine.prompt_lookup import MAX_DRAFTED, Acceptance, Drafter
from homespun.models.engine.token_healing import Healer
from homespun.models.load import load_generator
from homespun.models.types import Cancellation, Stop
from tests.support.near_ties import assert_best, assert_same_logits, assert_same_run

THREADS = 2  # how they divide the rows is part of what is promised
many = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
token = st.integers(0, 299)
# Pieces that come again, so that there is something to copy.
prompts = st.lists(st.lists(token, min_size=1, max_size=12), min_size=1, max_size=6).flatmap(
    lambda pieces: st.lists(st.sampled_from(pieces), min_size=1, max_size=12).map(
        lambda chosen: [t for piece in chosen for t in piece]
    )
)


def never(text):
    return None


def no():
    return False


def loaded(tiny, factory, **settings):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOMESPUN_HOME", str(factory.mktemp("home")))
        return load_generator(str(tiny[0]), context_tokens=480, **settings)


@pytest.fixture(scope="module")
def decoder(tiny_qwen2, tmp_path_factory):
    return loaded(tiny_qwen2, tmp_path_factory)


@pytest.fixture(scope="module")
def threaded(tiny_qwen2, tmp_path_factory):
    return loaded(tiny_qwen2, tmp_path_factory, threads=THREADS)


@pytest.fixture(scope="module")
def plain(tiny_qwen2, tmp_path_factory):
    """Drafts nothing, and `greedy` has it forget everything before each prompt."""
    decoder = loaded(tiny_qwen2, tmp_path_factory)
    decoder.drafting = False
    return decoder


@pytest.fixture(scope="module")
def real():
    return load_generator("qwen2.5-coder-0.5b", context_tokens=128, threads=THREADS)


def greedy(plain, ids, *, max_tokens=24, heal=""):
    plain._slots.clear()
    return plain.generate(ids, max_tokens=max_tokens, stop=never, cancelled=no, heal=heal)


def assert_plain(run, plain, prompt, **asked):
    """The answer is that of plain greedy decoding."""
    assert_same_run(run, greedy(plain, prompt, **asked), prompt, plain)


def in_steps(decoder, ids, sizes):
    """Run a prompt in steps of these sizes and then the rest; return what each step gave."""
    decoder._slots.clear()
    slot = decoder._slots.take(ids)
    steps = []
    for size in [*sizes, len(ids)]:
        step = ids[len(slot.tokens) :][:size]
        if step:
            steps.append((len(step), decoder.run(slot, step, range(len(step)), None)))
    return steps


def hidden(steps):
    return np.concatenate([rows.hidden for _, rows in steps])


def full(steps):
    return np.concatenate([rows.full() for _, rows in steps])


def choices(steps):
    return [rows.best(row)[0] for count, rows in steps for row in range(count)]


def assert_same_however_cut(decoder, ids, sizes):
    whole, cut = in_steps(decoder, ids, []), in_steps(decoder, ids, sizes)
    logits = full(whole)
    assert_same_logits(full(cut), logits)
    for row, ours, theirs in zip(logits, choices(cut), choices(whole), strict=True):
        assert ours == theirs or abs(row[ours] - row[theirs]) < NEAR_TIE


@given(ids=st.lists(token, min_size=1, max_size=120), sizes=st.lists(st.integers(1, 20)))
@example(ids=[0] * 17, sizes=[1])  # other bits, from an AMD Zen 5 on
@many
def test_a_rows_logits_and_choice_are_the_same_however_a_prompt_is_cut_into_steps(
    threaded, ids, sizes
):
    assert_same_however_cut(threaded, ids, sizes)


@pytest.mark.parametrize(
    ("part", "what"),
    [(hidden, "hidden states, from which tokens are chosen"), (full, "logits of evaluation")],
)
def test_a_row_has_the_same_bits_where_the_processor_gives_them(threaded, part, what):
    """Skips, with what was found, where it does not: that is no fault up to a near tie."""
    rng = np.random.default_rng(8)
    others, furthest, count = 0, 0.0, 0
    for _ in range(20):
        ids = rng.integers(0, 300, rng.integers(1, 120)).tolist()
        sizes = rng.integers(1, 20, 8).tolist()
        cut, whole = (part(in_steps(threaded, ids, it)) for it in (sizes, []))
        assert_same_logits(cut, whole)
        count += len(ids)
        others += int((cut != whole).any(axis=1).sum())
        furthest = max(furthest, float(np.abs(cut - whole).max()))
    if others:
        pytest.skip(f"{what}: other bits in {others} of {count} rows, by up to {furthest:.1e}")


_OTHER_KERNEL = """
import sys
import numpy as np
from homespun.models.load import load_generator

decoder = load_generator(sys.argv[1], context_tokens=480)
ids = [0] * 17
decoder._slots.clear()
slot = decoder._slots.take(ids)
steps = [decoder.run(slot, step, range(len(step)), None) for step in (ids[:1], ids[1:])]
whole = decoder.logits(ids)
print(np.abs(np.concatenate([rows.full() for rows in steps]) - whole).max())
"""


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="a kernel of x86-64")
def test_the_promise_holds_with_a_product_that_gives_a_row_other_bits_elsewhere_in_a_block(
    tiny_qwen2, tmp_path
):
    """OpenBLAS' kernel for AVX2, which may come to be used on any processor that has it."""
    import torch

    if torch.backends.cpu.get_cpu_capability() == "DEFAULT":
        pytest.skip("this processor has no AVX2")
    command = [sys.executable, "-P", "-c", _OTHER_KERNEL, str(tiny_qwen2[0])]
    environment = os.environ | {"OPENBLAS_CORETYPE": "Haswell", "HOMESPUN_HOME": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert float(done.stdout) <= NEAR_TIE / 2


class Unlike:
    """A head whose second best logit is `gap` below the best, or above it by `lead`."""

    def __init__(self, head, *, gap, lead=0.0):
        self._head, self.margin = head, head.margin
        self._gap, self._lead = gap, lead

    def full(self, states):
        logits = self._head.full(states)
        for row in logits:
            second, best = np.argsort(row, kind="stable")[-2:]
            row[second] = row[best] + (self._lead or -self._gap)
        return logits

    def exact(self, state, tokens):
        return self.full(state[None])[0][tokens]


@pytest.mark.parametrize("size", [1e-6, 9.4e-6])
def test_where_every_choice_is_a_near_tie_the_promise_holds_though_each_falls_otherwise(
    decoder, plain, size
):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plain, "_head", Unlike(plain._head, gap=size / 2))
        patch.setattr(decoder, "_head", Unlike(decoder._head, gap=size / 2, lead=size / 2))
        for ids in ([0] * 17, [7, 8, 9] * 6, [11]):
            run = decoder.generate(ids, max_tokens=6, stop=never, cancelled=no)
            assert run.token_ids != greedy(plain, ids, max_tokens=6).token_ids
            assert_plain(run, plain, ids, max_tokens=6)


@pytest.mark.parametrize("size", [2e-4, 1e-2, 1.0])
def test_a_choice_that_is_no_near_tie_and_falls_otherwise_breaks_the_promise(decoder, plain, size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plain, "_head", Unlike(plain._head, gap=size))
        patch.setattr(decoder, "_head", Unlike(decoder._head, gap=size, lead=size))
        run = decoder.generate([0] * 17, max_tokens=6, stop=never, cancelled=no)
        with pytest.raises(AssertionError):
            assert_plain(run, plain, [0] * 17, max_tokens=6)


class Noisy:
    """A head whose logits are off by up to `size`, otherwise each time."""

    def __init__(self, head, size):
        self._head, self.margin, self._size = head, head.margin, size
        self._rng = np.random.default_rng(3)

    def full(self, states):
        return self._off(self._head.full(states))

    def exact(self, state, tokens):
        return self._off(self._head.exact(state, tokens))

    def _off(self, logits):
        return logits + self._rng.uniform(-self._size, self._size, logits.shape).astype(np.float32)


@pytest.mark.parametrize("size", [1e-7, 9.4e-6])
def test_logits_that_are_off_in_their_last_bits_keep_the_promise(decoder, size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoder, "_head", Noisy(decoder._head, size))
        for ids, sizes in (([0] * 17, [1]), ([7, 8, 9] * 30, [5, 7, 9, 1])):
            assert_same_however_cut(decoder, ids, sizes)


@pytest.mark.parametrize("size", [1e-3, 0.1])
def test_logits_that_are_off_by_more_are_seen(decoder, size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoder, "_head", Noisy(decoder._head, size))
        with pytest.raises(AssertionError):
            assert_same_however_cut(decoder, [0] * 17, [1])


@pytest.mark.model
@pytest.mark.parametrize("sizes", [[1] * 12, [17], [5, 7, 9]])
def test_the_real_model_gives_the_same_however_a_prompt_is_cut_into_steps(real, sizes):
    import argparse

    text = Path(argparse.__file__).read_text(encoding="utf-8")
    assert_same_however_cut(real, real.tokenizer.encode(text)[200:260], sizes)


@given(ids=prompts, hints=st.lists(prompts, max_size=2), most=st.integers(1, 40))
@many
def test_drafting_gives_the_tokens_of_plain_greedy_decoding(decoder, plain, ids, hints, most):
    run = decoder.generate(ids, max_tokens=most, stop=never, cancelled=no, hints=hints)
    assert_plain(run, plain, ids, max_tokens=most)


def test_a_draft_that_comes_true_saves_steps(decoder, plain):
    ids = [7, 8, 9] * 6
    expected = greedy(plain, ids, max_tokens=30)
    run = decoder.generate(
        ids, max_tokens=30, stop=never, cancelled=no, hints=[[*ids, *expected.token_ids]]
    )
    assert run.accepted_tokens > 10
    assert_same_run(run, expected, ids, plain)


@given(
    requests=st.lists(
        st.tuples(prompts, st.integers(0, 12), st.sampled_from(["", "de", " s", "é"])),
        min_size=2,
        max_size=6,
    )
)
@many
def test_a_request_cancelled_at_any_step_leaves_nothing_wrong_behind(decoder, plain, requests):
    for ids, polls, heal in requests:
        left = iter([False] * polls)
        decoder.generate(
            ids * 3,
            max_tokens=20,
            stop=never,
            cancelled=lambda left=left: next(left, True),
            heal=heal,
        )
        run = decoder.generate(ids * 3, max_tokens=8, stop=never, cancelled=no, heal=heal)
        assert_plain(run, plain, ids * 3, max_tokens=8, heal=heal)


def test_a_step_broken_off_by_another_thread_leaves_nothing_wrong_behind(decoder, plain):
    rng = np.random.default_rng(11)
    finishes = set()
    for round_number in range(30):
        ids = rng.integers(0, 300, 400).tolist()
        stop = Cancellation()
        timer = threading.Timer(float(rng.uniform(0, 0.05)), stop.cancel)
        timer.start()
        broken = decoder.generate(ids, max_tokens=40, stop=never, cancelled=stop)
        timer.join()
        finishes.add(broken.finish)
        run = decoder.generate(ids, max_tokens=6, stop=never, cancelled=no)
        assert_plain(run, plain, ids, max_tokens=6), round_number
    assert "cancelled" in finishes


def test_who_waits_for_a_cancelled_step_waits_no_longer_than_until_it_is_broken_off():
    stop = Cancellation()
    called = []
    stop.on_cancel(lambda: called.append(time.monotonic()))
    assert not stop()
    stop.cancel()
    assert stop()
    assert len(called) == 1
    stop.on_cancel(lambda: called.append(0.0))  # too late: told at once
    assert len(called) == 2


def test_several_documents_keep_their_slots(decoder):
    decoder._slots.clear()
    rng = np.random.default_rng(1)
    documents = [rng.integers(0, 300, 300).tolist() for _ in range(3)]
    for _ in range(2):
        runs = [decoder.generate(ids, max_tokens=2, stop=never, cancelled=no) for ids in documents]
    assert [run.reused_tokens for run in runs] == [299, 299, 299]


def test_a_prompt_that_goes_another_way_leaves_the_old_one_in_its_slot(decoder, plain):
    decoder._slots.clear()
    rng = np.random.default_rng(2)
    old = rng.integers(0, 300, 400).tolist()
    new = [*old[:200], *rng.integers(0, 300, 100).tolist()]
    decoder.generate(old, max_tokens=2, stop=never, cancelled=no)
    first = decoder.generate(new, max_tokens=6, stop=never, cancelled=no)
    again = decoder.generate(old, max_tokens=6, stop=never, cancelled=no)
    assert (first.reused_tokens, again.reused_tokens) == (200, 399)
    assert_plain(first, plain, new, max_tokens=6)
    assert_plain(again, plain, old, max_tokens=6)


def test_the_least_recently_used_slot_goes_and_memory_stays_bounded(tiny_qwen2, tmp_path_factory):
    decoder = loaded(tiny_qwen2, tmp_path_factory, cache_mb=1)
    room = 2**20 // decoder.slot_bytes
    assert room >= 1
    rng = np.random.default_rng(3)
    documents = [rng.integers(0, 300, 300).tolist() for _ in range(room + 1)]
    for ids in documents:
        decoder.warm(ids, cancelled=no)
    assert len(decoder._slots) == room
    assert decoder.warm(documents[-1], cancelled=no).reused_tokens == 299
    assert decoder.warm(documents[0], cancelled=no).reused_tokens == 0


def test_a_single_slot_is_enough(tiny_qwen2, tmp_path_factory, plain):
    decoder = loaded(tiny_qwen2, tmp_path_factory, cache_mb=0)
    for ids in ([1] * 200, [2] * 300, [*[1] * 100, *[3] * 150]):
        run = decoder.generate(ids, max_tokens=5, stop=never, cancelled=no)
        assert_plain(run, plain, ids, max_tokens=5)
    assert len(decoder._slots) == 1


def test_warming_runs_all_but_what_is_there_and_a_request_then_one_token(decoder):
    decoder._slots.clear()
    ids = np.random.default_rng(4).integers(0, 300, 90).tolist()
    warmth = decoder.warm(ids, cancelled=no)
    assert (warmth.prompt_tokens, warmth.reused_tokens, warmth.finished) == (90, 0, True)
    run = decoder.generate([*ids, 5], max_tokens=1, stop=never, cancelled=no)
    assert run.reused_tokens == 90
    assert decoder.warm(ids[:50], cancelled=lambda: True).finished is False


def test_ten_thousand_mixed_requests_take_no_more_memory(decoder):
    psutil = pytest.importorskip("psutil")
    rng = np.random.default_rng(5)
    documents = [rng.integers(0, 300, 60).tolist() for _ in range(6)]

    def some(count):
        for _ in range(count):
            ids = documents[rng.integers(6)][: rng.integers(2, 60)]
            left = iter([False] * int(rng.integers(0, 6)))
            decoder.generate(
                ids, max_tokens=3, stop=never, cancelled=lambda left=left: next(left, True)
            )

    some(1000)  # buffers and pools have their size by then
    before = psutil.Process().memory_info().rss
    some(9000)
    assert psutil.Process().memory_info().rss - before < 24 * 2**20


@given(
    ids=prompts,
    heal=st.sampled_from(["d", "def", " ", "    ", "sel", "é", "漢字", "\n", "x = 1\n"]),
)
@many
def test_a_healed_answer_begins_with_the_text_and_is_the_most_likely_one(decoder, plain, ids, heal):
    run = decoder.generate(ids, max_tokens=12, stop=never, cancelled=no, heal=heal)
    pieces = decoder.tokenizer.pieces()
    written = b"".join(pieces[token] for token in run.token_ids)
    wanted = heal.encode()
    assert written[: len(wanted)] == wanted[: len(written)]
    # The same by hand: at each step the best of the tokens that fit.
    text, seen = list(ids), b""
    for chosen in run.token_ids:
        if len(seen) >= len(wanted):
            break
        rest = wanted[len(seen) :]
        fitting = [t for t, p in pieces.items() if p.startswith(rest) or rest.startswith(p)]
        assert_best(plain.logits(text)[-1], chosen, fitting)
        text.append(chosen)
        seen += pieces[chosen]
    if len(seen) >= len(wanted):
        assert (heal + run.text).encode() == written or "\ufffd" in written.decode(
            "utf-8", "replace"
        )


def test_a_stop_rule_sees_only_what_comes_behind_the_healed_text(decoder):
    seen = []

    def rule(text):
        seen.append(text)
        return Stop(0, "newline") if len(seen) == 2 else None

    run = decoder.generate([1, 2, 3], max_tokens=12, stop=rule, cancelled=no, heal="def")
    assert (run.text, run.stop_reason) == ("", "newline")
    assert len(seen[1]) >= len(seen[0])


def test_tokens_that_fit_a_text_are_those_that_begin_with_it_or_begin_it():
    healer = Healer(
        {0: b"c", 1: b"con", 2: b"connect", 3: b"d", 4: b"co", 5: b"cz", 6: b"\xff\xff"}
    )
    assert sorted(healer.allowed(b"con")) == [0, 1, 2, 4]
    assert sorted(healer.allowed(b"\xff")) == [6]
    assert healer.rest_after(b"con", 4) == b"n"
    assert healer.rest_after(b"con", 2) == b""


def test_a_guess_is_what_followed_the_longest_match():
    tokens = [1, 2, 3, 4, 50, 9, 2, 3, 7, 60, 1, 2, 3]
    assert Drafter(tokens, [], Acceptance()).propose(1) == [4]
    assert Drafter([8, 2, 3], [[5, 8, 2, 3, 77]], Acceptance()).propose(1) == [77]
    assert Drafter([1, 2], [], Acceptance()).propose(4) == []
    assert Drafter([1, 2, 3], [[1, 2, 3]], Acceptance()).propose(4) == []


def test_a_guess_gets_longer_when_it_comes_true_and_shorter_when_not():
    acceptance = Acceptance()
    begin = acceptance.length(3)
    for _ in range(10):
        acceptance.judge(3, 5, 5)
    longer = acceptance.length(3)
    for _ in range(20):
        acceptance.judge(3, 5, 0)
    assert 1 <= acceptance.length(3) < begin < longer <= MAX_DRAFTED


@given(left=st.lists(st.integers(0, 1)), right=st.lists(st.integers(0, 1)), most=st.integers(-1, 9))
def test_the_common_run_is_counted_right(left, right, most):
    expected = 0
    while expected < min(len(left), len(right), most) and left[expected] == right[expected]:
        expected += 1
    assert common_run(left, right, most) == expected


def test_a_cold_prompt_gets_somewhere_though_every_request_is_typed_over(decoder):
    decoder._slots.clear()
    ids = np.random.default_rng(6).integers(0, 300, 440).tolist()
    for _ in range(4):
        stop = Cancellation()
        run_before = decoder.run

        def run(*args, stop=stop, run_before=run_before):
            stop.cancel()  # a key, while the step runs
            return run_before(*args)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(decoder, "run", run)
            decoder.generate(ids, max_tokens=4, stop=never, cancelled=stop)
    assert decoder.generate(ids, max_tokens=4, stop=never, cancelled=no).reused_tokens == 439


def test_a_run_is_common_whatever_kind_of_sequence_it_is_in():
    assert common_run([1, 2, 3], (1, 2, 4), 9) == 2
