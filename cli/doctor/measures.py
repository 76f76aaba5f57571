"""Three numbers of this machine, as a user meets them: a search, a key, a save.

The key is of a small document of our own, by the model here: nothing goes to a server of the
user's. The save is of a small folder in the system's place for drafts, so the folder's own index
stays as it is; what a save costs does not grow with the repository.
"""

from __future__ import annotations

import logging
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from homespun.cli.doctor.checks.finding import Finding, Patient, Problem
from homespun.errors import HomespunError
from homespun.indexer.config import IndexConfig
from homespun.indexer.index import Index
from homespun.settings import resolve
from homespun.storage import write_private

logger = logging.getLogger(__name__)

_ROUNDS = 5
_QUERIES = ("where are settings read", "parse a file", "Session", "write the index", "test of a")
_DOCUMENT = '''"""Prices of a shop."""


def total(prices: list[int]) -> int:
    """Return the sum of all prices."""
    return sum(prices)


def mean(prices: list[int]) -> float:
    """Return the mean of all prices."""
    return '''
_TYPED = "total("
_MODULE = '''"""Part {number} of a shop."""


def price_{number}(weight: int) -> int:
    """Return the price of a parcel."""
    return weight * {number}
'''


def check_speed(patient: Patient) -> Finding:
    """Measure what can be: each number is null where there is nothing to measure it with."""
    facts: dict[str, object] = {"rounds": _ROUNDS}
    problems: list[Problem] = []
    words = []
    for name, measured in (("search", _search), ("key", _key), ("save", _save)):
        try:
            times = list(measured(patient))
        except HomespunError as error:
            problems.append(_not_measured(name, error))
            facts[f"{name}_ms"] = None
            continue
        median = round(statistics.median(times), 1)
        facts |= {f"{name}_ms": median, f"{name}_max_ms": round(max(times), 1)}
        words.append(f"a {name} {median:,.1f} ms")
    line = ", ".join(words) or "nothing could be measured"
    return Finding(line=line, facts=facts, problems=tuple(problems))


def _not_measured(name: str, error: HomespunError) -> Problem:
    return Problem(f"a {name} could not be measured: {error}", "see above", is_broken=False)


def _search(patient: Patient) -> Iterator[float]:
    """Yield milliseconds of searches in the folder's index, words and vectors."""
    from homespun.indexer.embedding.encoders import open_encoder

    index = Index.open(patient.folder, _config(patient))
    if index.encoder_stamp is not None:
        index.use_encoder(open_encoder(index.encoder_stamp.name))
    index.search(_QUERIES[0])  # what is made once
    for query in _QUERIES:
        began = time.perf_counter()
        index.search(query)
        yield _ms_since(began)


def _key(patient: Patient) -> Iterator[float]:
    """Yield milliseconds of keys typed one after the other, from the second on."""
    from homespun.server.completion.completer import Completer
    from homespun.server.types import CompletionRequest

    completer = Completer.open(
        patient.folder if patient.workspace else Path.home(),
        remote={"route": "local"},
        retrieval=None if patient.workspace else False,
        say=logger.debug,
    )
    for typed in range(len(_TYPED)):
        text = _DOCUMENT + _TYPED[:typed]
        began = time.perf_counter()
        completer.complete(CompletionRequest(text, len(text), language="python"))
        if typed:  # the first one reads the document
            yield _ms_since(began)


def _save(patient: Patient) -> Iterator[float]:
    """Yield milliseconds until a changed file of a small folder is indexed, vectors included."""
    from homespun.indexer.embedding.encoders import encoder_at_hand

    config = _config(patient)
    with tempfile.TemporaryDirectory(prefix="homespun-doctor-") as name:
        root = Path(name)
        for number in range(20):
            _write(root, number, "")
        index = Index.open(root, config, create=True)
        index.use_encoder(encoder_at_hand(config.encoder, say=logger.debug))
        index.update()
        index.embed()
        for number in range(_ROUNDS):
            _write(root, number, f"\nCHANGED_{number} = True\n")
            began = time.perf_counter()
            index.update(paths=[_name(number)])
            index.embed()
            yield _ms_since(began)


def _write(root: Path, number: int, more: str) -> None:
    write_private(root / _name(number), _MODULE.format(number=number) + more)


def _name(number: int) -> str:
    return f"part_{number}.py"


def _config(patient: Patient) -> IndexConfig:
    config = resolve(IndexConfig, "index", workspace=patient.workspace).value
    return replace(config, lock_wait_seconds=min(config.lock_wait_seconds, 1.0))


def _ms_since(began: float) -> float:
    return (time.perf_counter() - began) * 1000
