"""The same places of this repository asked of a server and of this process."""

from __future__ import annotations

import json
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from homespun.models.remote.open import open_remote
from homespun.models.remote.options import RemoteOptions
from homespun.models.remote.router import Router
from homespun.models.types import MODEL_AS_SHIPPED, Generation, Generator
from homespun.server.completion.completer import Completer
from homespun.server.completion.sent import masked_part
from homespun.server.confidence.choose import judge_of
from homespun.server.options import CompletionOptions
from homespun.server.types import Completion, CompletionRequest
from tests.e2e.servers.starting import CONTEXT_TOKENS, ROOT, Started, say

LEAST_SAME = 0.8  # share of texts, those at near ties with them; each rounds in its own way
_NEAR_NATS = 1.0  # what is less likely than the best by so much here may be the best there
_PROMPT_TOKENS = 256  # on two cores llama.cpp reads a hundred a second
_MIN_LINE_CHARS = 20
_SEED = 20
_OPTIONS = CompletionOptions(retrieval=False, context_tokens=_PROMPT_TOKENS)


@dataclass(frozen=True)
class Asked:
    """One place and both answers."""

    place: str
    here: str
    there: str
    added_ms: float | None  # beyond what the server took; None where it was left before it said so
    gap_nats: float = 0.0  # by which this process finds the other text less likely than its own
    # That the text is right, by what is told of its tokens; None where that is not enough.
    likely_here: float | None = None
    likely_there: float | None = None

    @property
    def is_near(self) -> bool:
        """Tell whether they differ, and by no more than rounding does."""
        return self.here != self.there and self.gap_nats <= _NEAR_NATS


class Overheard:
    """A generator of which one sees what it was asked last."""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self._prompt: Sequence[int] = ()
        self._heal = ""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever it is there
        return getattr(self._generator, name)

    def generate(self, prompt: Sequence[int], *, heal: str = "", **more: Any) -> Generation:  # noqa: ANN401
        """Ask it."""
        self._prompt, self._heal = prompt, heal
        return self._generator.generate(prompt, heal=heal, **more)

    def likelihood(self, text: str) -> float:
        """Return the log-probability of a text as the answer."""
        ids = self._generator.tokenizer.encode(self._heal + text)
        return self._generator.score(self._prompt, ids)


def places(count: int) -> Iterator[tuple[str, CompletionRequest]]:
    """Cut lines of this repository somewhere in their second half."""
    chosen = random.Random(_SEED)
    files = sorted((ROOT / "server").rglob("*.py"))
    while count:
        file = chosen.choice(files)
        lines = file.read_text(encoding="utf-8").split("\n")
        number = chosen.randrange(len(lines)) if len(lines) > 1 else 0
        line = lines[number]
        if len(line.strip()) < _MIN_LINE_CHARS or line.lstrip().startswith(("#", '"')):
            continue
        indent = len(line) - len(line.lstrip())
        column = chosen.randrange(indent + (len(line) - indent) // 3, len(line) - 2)
        before = "\n".join([*lines[:number], line[:column]])
        after = "\n".join(["", *lines[number + 1 :]])
        path = str(file.relative_to(ROOT))
        request = CompletionRequest(before + after, len(before), path, explicit=True)
        yield f"{path}:{number + 1}:{column + 1}", request
        count -= 1


def asked(
    wanted: Iterator[tuple[str, CompletionRequest]],
    server: Started,
    local: Generator,
    *,
    adapter: str = MODEL_AS_SHIPPED,
) -> Iterator[Asked]:
    """Ask both for each place, the one behind the other; `adapter` is what both have to name."""
    remote = _remote(server, local)
    heard = Overheard(local)
    own = Completer(heard, None, _OPTIONS, judge=judge_of(_OPTIONS))
    there = Completer(remote, None, _OPTIONS, judge=judge_of(_OPTIONS))
    for place, request in wanted:
        here = own.complete(request)
        server.took_ms()  # from here on
        began = time.perf_counter()
        other = answered(there, request)
        total = (time.perf_counter() - began) * 1000
        assert {here.adapter, other.adapter} == {adapter}, (here.adapter, other.adapter)
        server_ms = remote.remote.server_ms or server.took_ms()
        added = total - other.timings_ms["context"] - server_ms if server_ms else None
        gap = 0.0
        if here.text != other.text:
            gap = heard.likelihood(here.text) - heard.likelihood(other.text)
        likely = (here.probability, other.probability)
        yield Asked(place, here.text, other.text, added, gap, *likely)
    remote.close()


def texts(wanted: Iterator[tuple[str, CompletionRequest]], local: Generator) -> Iterator[str]:
    """Yield what this process writes at each place."""
    own = Completer(local, None, _OPTIONS)
    for _, request in wanted:
        yield own.complete(request).text


def answered(completer: Completer, request: CompletionRequest) -> Completion:
    """Return what a server says; a fault of its or ours ends the run."""
    completion = completer.complete(request)
    assert not completion.finish.startswith("filtered:problem"), completion.facts
    return completion


def report(server: str, rows: Sequence[Asked], *, as_json: bool) -> int:
    """Print what was found; 1 where the texts differ too often, or one is told too little of."""
    same = sum(row.here == row.there for row in rows)
    near = sum(row.is_near for row in rows)
    added = sorted(row.added_ms for row in rows if row.added_ms is not None)
    for row in rows:
        if row.here != row.there and not as_json:
            print(f"{row.place} ({row.gap_nats:.2f} nats)")  # noqa: T201
            print(f"  here   {row.here!r}\n  there  {row.there!r}")  # noqa: T201
    untold = sum(bool(row.there) and row.likely_there is None for row in rows)
    apart = [
        abs(row.likely_here - row.likely_there)
        for row in rows
        if row.here == row.there and row.likely_here is not None and row.likely_there is not None
    ]
    figures = {
        "server": server,
        "places": len(rows),
        "same": same,
        "near_ties": near,
        "added_ms_p50": round(statistics.median(added), 1) if added else None,
        "added_ms_p95": round(added[int(len(added) * 0.95)], 1) if added else None,
        "timed": len(added),
        "told_too_little_of": untold,
        "probabilities_apart_p50": round(statistics.median(apart), 3) if apart else None,
    }
    print(json.dumps(figures), flush=True)  # noqa: T201
    return 0 if same + near >= LEAST_SAME * len(rows) and not untold else 1


def _remote(server: Started, local: Generator) -> Router:
    settings = RemoteOptions(
        route="remote", url=server.url, api_key_env=server.key_env, timeout_ms=600_000
    )
    remote = open_remote(settings, local, context_tokens=CONTEXT_TOKENS, mask=masked_part)
    remote.local = None  # a fault is to be seen
    remote.connect()
    say(remote.state.sentence)
    return remote
