"""A developer of the load test: a key ends the question before it and is never waited for."""

from __future__ import annotations

import threading
import time

from bench.scale.load.developers import Developer
from bench.scale.load.typed_prompts import PromptedKey, QuietGenerator
from homespun.models.fakes import FAKE_FIM, FakeTokenizer


class SlowServer:
    """Answers a question when it is cancelled, or at once; a router as a developer sees it."""

    def __init__(self, *, answers):
        self.answers, self.asked, self.opened = answers, 0, threading.Event()
        self.woken, self.is_over = threading.Event(), False
        self._quiet = QuietGenerator(FakeTokenizer(), FAKE_FIM, "quiet", 100)

    def warm(self, prompt, *, cancelled):
        self.opened.set()
        return self._quiet.warm(prompt, cancelled=cancelled)

    def generate(self, prompt, *, cancelled, **asked):
        self.asked += 1
        if not self.answers:
            cancelled.on_cancel(self.woken.set)
            self.woken.wait(60)
            if not self.is_over:
                self.woken.clear()
        done = self._quiet.generate(prompt, **asked)
        finish = "eos" if self.answers else "cancelled"
        return type(done)(**{**fields(done), "finish": finish, "route": "remote"})


def fields(value):
    """The fields of a frozen dataclass with slots."""
    return {name: getattr(value, name) for name in type(value).__dataclass_fields__}


def typed(server, *, keys, asked_share=1.0):
    developer = Developer(
        server,
        [PromptedKey(gap_ms=20, left="x = (", ids=[1, 2], heal="", max_tokens=4)],
        timeout_ms=50,
        asked_share=asked_share,
        seed=1,
    )
    begins = time.monotonic() + 0.05
    threads = developer.run(begins, begins + keys * 0.02 - 0.01)
    if not server.answers:
        threads[0].join(60)
        server.is_over = True
        server.woken.set()
    for thread in threads:
        thread.join(60)
    return developer


def test_every_key_has_one_outcome():
    server = SlowServer(answers=True)
    developer = typed(server, keys=10)
    assert server.opened.is_set()
    assert len(developer.outcomes) == len(developer.press_ms) == 10
    assert {each.outcome for each in developer.outcomes} <= {"remote", "skipped"}


def test_a_server_that_never_answers_is_left_at_each_key():
    server = SlowServer(answers=False)
    developer = typed(server, keys=10)
    assert len(developer.outcomes) == len(developer.press_ms) == 10
    assert {each.outcome for each in developer.outcomes} <= {"cancelled", "skipped"}
    assert server.asked > 1


def test_keys_behind_an_answer_may_be_typed_along():
    server = SlowServer(answers=True)
    developer = typed(server, keys=10, asked_share=0.0)
    said = [each.outcome for each in developer.outcomes]
    assert said.count("remote") == server.asked
    assert said.count("from memory") > 0
