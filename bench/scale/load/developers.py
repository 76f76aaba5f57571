"""Some developers who type at once, each with the laptop's own client: a process of its own.

One JSON object on standard input says who they are and where the server is; one on standard output
says what came of every key. As in the editor a key ends the question before it and is never waited
for: typing is one thread, asking another.
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.scale.load.typed_prompts import PromptedKey, QuietGenerator, quiet_generator
from homespun.indexer.secrets.mask import mask
from homespun.models.remote.open import open_remote
from homespun.models.remote.options import RemoteOptions
from homespun.models.remote.prompt_parts import PromptParts, PromptSplitter
from homespun.models.remote.router import Router
from homespun.models.types import Cancellation, Generation
from homespun.server.completion.stop_rules import single_line
from homespun.server.options import CompletionOptions
from homespun.server.requests.debounce import Debounce, is_urgent

_LAST_SECONDS = 5.0  # that the last answers are waited for
_OPEN_SECONDS = 5.0  # from a document's opening to its first key
_TOKEN = "HOMESPUN_BENCH_TOKEN"
_REASONS = ("left alone", "in time", "429", "closed the connection", "nothing answers")


class RememberingSplitter(PromptSplitter):
    """Takes each prompt apart once: a run repeats what laptops of their own would do each."""

    known: dict[tuple[int, ...], PromptParts]

    def parts(self, prompt: Sequence[int]) -> PromptParts:
        """Return the texts of a prompt."""
        key = tuple(prompt)
        if key not in self.known:
            self.known[key] = super().parts(prompt)
        return self.known[key]


@dataclass(slots=True)
class KeyOutcome:
    """What came of one key. Milliseconds."""

    outcome: str  # "remote", "from memory", "cancelled", "skipped", or why the laptop answered
    gap_ms: float
    answer_ms: float = 0.0  # from the key
    after_cancel_ms: float = -1.0  # from the key that ended the question to its return
    late_ms: float = 0.0  # beyond what the client may take for a question


@dataclass(slots=True)
class _Pressed:
    key: PromptedKey
    at: float
    stop: Cancellation = field(default_factory=Cancellation)
    cancelled_at: float = 0.0


class Developer:
    """Types a session again and again; see `run`."""

    def __init__(
        self,
        router: Router,
        keys: Sequence[PromptedKey],
        *,
        timeout_ms: int,
        asked_share: float,
        seed: int,
    ) -> None:
        """`router` is this developer's own, with a token and connections of its own.

        Of the keys behind an answer only `asked_share` ask again: the rest type it along, or there
        is nothing to ask. As long as there is no answer every key asks.
        """
        self.outcomes: list[KeyOutcome] = []
        self.press_ms: list[float] = []  # what a key takes the editor
        self.behind_ms: list[float] = []  # that a key came after its time: this machine is busy
        self._router, self._keys, self._timeout_ms = router, keys, timeout_ms
        self._asked_share, self._random = asked_share, random.Random(seed)
        self._has_answer = False
        self._debounce = Debounce()
        self._news = threading.Condition()
        self._newest: _Pressed | None = None
        self._running: _Pressed | None = None
        self._is_over = False

    def run(self, begins: float, ends: float) -> list[threading.Thread]:
        """Start typing and asking; times are of `time.monotonic`."""
        threads = [
            threading.Thread(target=self._type, args=(begins, ends), daemon=True),
            threading.Thread(target=self._ask, daemon=True),
        ]
        for thread in threads:
            thread.start()
        return threads

    def _type(self, begins: float, ends: float) -> None:
        due, place = begins, 0
        while due < ends:
            time.sleep(max(due - time.monotonic(), 0.0))
            key = self._keys[place % len(self._keys)]
            pressed = time.monotonic()
            self.behind_ms.append((pressed - due) * 1000)
            self._press(_Pressed(key, pressed))
            self.press_ms.append((time.monotonic() - pressed) * 1000)
            due, place = due + key.gap_ms / 1000, place + 1
        time.sleep(self._timeout_ms / 1000)
        with self._news:
            self._is_over = True
            self._news.notify()

    def _press(self, pressed: _Pressed) -> None:
        self._debounce.typed()
        if self._has_answer and self._random.random() >= self._asked_share:
            self.outcomes.append(KeyOutcome("from memory", pressed.key.gap_ms))
            return
        self._has_answer = False
        with self._news:
            if self._newest is not None:
                self.outcomes.append(KeyOutcome("skipped", self._newest.key.gap_ms))
            self._newest, running = pressed, self._running
            self._news.notify()
        if running is not None:
            running.cancelled_at = pressed.at
            running.stop.cancel()

    def _ask(self) -> None:
        self._open()
        while (pressed := self._next()) is not None:
            done, began = None, time.monotonic()
            try:
                done = self._answered(pressed)
            finally:
                with self._news:
                    self._running = None
            ended = time.monotonic()
            self._debounce.served(ended - began, whole=done.finish != "cancelled")
            self._has_answer = done.finish != "cancelled" and not pressed.cancelled_at
            self.outcomes.append(self._outcome(pressed, done, began, ended))

    def _open(self) -> None:
        """Have the prompt read that a document which is opened is likely to need; a key ends it."""
        with self._news:
            if self._newest is not None:
                return
            self._running = opened = _Pressed(self._keys[0], time.monotonic())
        self._router.warm(opened.key.ids, cancelled=opened.stop)
        with self._news:
            self._running = None

    def _next(self) -> _Pressed | None:
        """Wait for a key, and after it as long as the editor's server waits."""
        with self._news:
            while True:
                while self._newest is None and not self._is_over:
                    self._news.wait()
                if self._newest is None:
                    return None
                waiting = self._newest
                urgent = is_urgent(waiting.key.left)
                if (delay := self._debounce.delay(urgent=urgent)) > 0:
                    self._news.wait(delay)
                if self._newest is waiting:
                    self._newest, self._running = None, waiting
                    return waiting

    def _answered(self, pressed: _Pressed) -> Generation:
        key = pressed.key
        return self._router.generate(
            key.ids,
            max_tokens=key.max_tokens,
            stop=single_line(key.left),
            cancelled=pressed.stop,
            heal=key.heal,
        )

    def _outcome(
        self, pressed: _Pressed, done: Generation, began: float, ended: float
    ) -> KeyOutcome:
        found = KeyOutcome(_said(done), pressed.key.gap_ms, (ended - pressed.at) * 1000)
        allowed = self._timeout_ms / 1000
        if pressed.cancelled_at:
            found.after_cancel_ms = max(ended - max(pressed.cancelled_at, began), 0.0) * 1000
        found.late_ms = max(ended - began - allowed, 0.0) * 1000
        return found


def _said(done: Generation) -> str:
    if done.finish == "cancelled":
        return "cancelled"
    if done.route == "remote":
        return "remote"
    return next((reason for reason in _REASONS if reason in done.route_why), done.route_why)


def main() -> int:
    """Read who types, let them type, write what came of it."""
    told = json.load(sys.stdin)
    sessions = _sessions(told["sessions"], told["places"])
    local = quiet_generator(told["model"], CompletionOptions(context_tokens=told["context_tokens"]))
    local.sends = False
    known: dict[tuple[int, ...], PromptParts] = {}
    developers = [
        Developer(
            _router(told, local, token, known),
            keys,
            timeout_ms=told["timeout_ms"],
            asked_share=told["asked_share"],
            seed=place,
        )
        for token, keys, place in zip(told["tokens"], sessions, told["places"], strict=True)
    ]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    begins = time.monotonic() + 0.2
    count, threads = len(developers), []
    for number, developer in enumerate(developers):
        threads += developer.run(
            begins + _OPEN_SECONDS + number / count, begins + _OPEN_SECONDS + told["seconds"]
        )
    for thread in threads:
        thread.join(_OPEN_SECONDS + told["seconds"] + told["timeout_ms"] / 1000 + _LAST_SECONDS)
    times = os.times()
    json.dump(
        {
            "keys": [_row(each) for developer in developers for each in developer.outcomes],
            "press_ms": [ms for developer in developers for ms in developer.press_ms],
            "behind_ms": [ms for developer in developers for ms in developer.behind_ms],
            "stuck": sum(thread.is_alive() for thread in threads),
            "cpu_seconds": times.user + times.system,
        },
        sys.stdout,
    )
    return 0


def _row(each: KeyOutcome) -> list[Any]:
    times = (each.gap_ms, each.answer_ms, each.after_cancel_ms, each.late_ms)
    return [each.outcome, *(round(ms, 2) for ms in times)]


def _sessions(file: str, places: Sequence[int]) -> list[list[PromptedKey]]:
    """Return the keys of the sessions at these places of the file."""
    with open(file, encoding="utf-8") as rows:
        found = {place: json.loads(row) for place, row in enumerate(rows) if place in set(places)}
    return [[PromptedKey(**key) for key in found[place]] for place in places]


def _router(
    told: dict[str, Any],
    local: QuietGenerator,
    token: str,
    known: dict[tuple[int, ...], PromptParts],
) -> Router:
    os.environ[_TOKEN] = token
    options = RemoteOptions(
        route="remote",
        url=told["url"],
        kind="vllm",
        fim="qwen",
        api_key_env=_TOKEN,
        timeout_ms=told["timeout_ms"],
    )
    router = open_remote(options, local, context_tokens=local.context_tokens, mask=mask)
    splitter = RememberingSplitter(local.tokenizer, local.fim, mask=mask)
    splitter.known = known
    router.remote._splitter = splitter  # noqa: SLF001 - the measurement's own saving
    return router


if __name__ == "__main__":
    sys.exit(main())
