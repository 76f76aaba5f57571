"""What traces cost a key: off, kept on this machine, and sent to a collector.

    python -m bench.micro.trace_cost [--keys 30] [--traces 3000] [--write]

A line is typed into a file of this repository, key by key, through the `Completer` that serves:
each key turn by turn without traces and with them, in changing order, so that both meet the same
neighbours. Beside that the parts alone: what the thread of the request pays (`RequestTrail`), and
the processor time of everything else (the recorder's thread, the file, OpenTelemetry's threads),
for many traces of the last key. The collector is a socket of this process that reads and forgets,
whose own time counts as well. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from bench.common.provenance import RESULTS, facts
from homespun.indexer.index import Index
from homespun.models.observe.open import open_recorder
from homespun.models.observe.options import ObserveOptions
from homespun.server.completion.completer import Completer
from homespun.server.traces.trail import RequestTrail, complete_traced
from homespun.server.types import Completion, CompletionRequest
from homespun.traces.recorder import use_recorder
from homespun.traces.span import new_trace_id

ROOT = Path(__file__).resolve().parents[2]
MODEL = "qwen2.5-coder-0.5b"
FILE = "server/requests/debounce.py"
LINE = "        delay = self._delay_of(request.urgent) if request is not None else 0.0"
PORTION = 100  # traces at once: fewer spans than OpenTelemetry holds for sending


@dataclass(frozen=True, slots=True)
class TraceCost:
    """Of one way to trace, in microseconds a key; processor time in `behind_us`."""

    way: str
    request_us: float
    behind_us: float
    share: float  # both together, of a key's median


def main() -> int:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--keys", type=int, default=30)
    parser.add_argument("--traces", type=int, default=3_000)
    parser.add_argument("--write", action="store_true", help="keep it in bench/results/traces.json")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, _collector() as url:
        ways = {
            "off": ObserveOptions(),
            "kept": ObserveOptions(traces=True),
            "kept and sent": ObserveOptions(traces=True, otlp=url),
        }
        folder = Path(home) / "repository"
        shutil.copytree(ROOT / "server", folder / "server", ignore=_no_caches)
        completer = Completer.open(folder, index=Index.open(folder))
        os.environ["HOMESPUN_HOME"] = home  # the traces go there; the model is loaded
        times, request, completion = _typed(completer, ways, args.keys)
        off = statistics.median(times["off"])
        costs = [
            _cost(way, options, request, completion, args.traces, off)
            for way, options in ways.items()
        ]
    rows = {way: round(statistics.median(ms), 2) for way, ms in times.items()}
    _print(rows, costs, len(times["off"]))
    if args.write:
        body = {"facts": facts(MODEL, 2), "key_ms": rows, "costs": [_row(cost) for cost in costs]}
        (RESULTS / "traces.json").write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")
    return 0


def _typed(
    completer: Completer, ways: dict[str, ObserveOptions], keys: int
) -> tuple[dict[str, list[float]], CompletionRequest, Completion]:
    """Return milliseconds by way, and the last key's request and answer."""
    text = (ROOT / FILE).read_text(encoding="utf-8")
    times: dict[str, list[float]] = {way: [] for way in ways}
    names = list(ways)
    first = len(LINE) - min(keys, len(LINE.strip()))
    for number, length in enumerate(range(first, len(LINE)), start=1):
        typed = f"{text}\n{LINE[:length]}"
        request = CompletionRequest(typed, len(typed), path=FILE, explicit=False)
        for way in names[number % len(names) :] + names[: number % len(names)]:
            use_recorder(open_recorder(ways[way], say=_fail))
            began = time.perf_counter()
            completion = complete_traced(completer, replace(request, id=new_trace_id()))
            times[way].append((time.perf_counter() - began) * 1000)
            use_recorder(None)
    return times, replace(request, id=new_trace_id()), completion


def _cost(
    way: str,
    options: ObserveOptions,
    request: CompletionRequest,
    completion: Completion,
    count: int,
    key_ms: float,
) -> TraceCost:
    recorder = open_recorder(options, say=_fail)
    if recorder is None:
        return TraceCost(way, 0.0, 0.0, 0.0)
    noted, spent = 0.0, time.process_time()
    for number in range(0, count, PORTION):
        own = time.thread_time()
        for _ in range(min(PORTION, count - number)):
            trail = RequestTrail(recorder)
            trail.admit(replace(request, id=new_trace_id()))
            trail.run()
            trail.end(completion)
        noted += time.thread_time() - own
        time.sleep(0.3)  # the queues run empty
    recorder.close()
    behind = time.process_time() - spent - noted
    assert recorder.dropped == 0
    request_us, behind_us = noted / count * 1e6, behind / count * 1e6
    return TraceCost(way, request_us, behind_us, (request_us + behind_us) / (key_ms * 1000))


def _print(rows: dict[str, float], costs: list[TraceCost], keys: int) -> None:
    print(f"| traces | a key, median ms of {keys} | request's thread | other threads | of a key |")
    print("|---|--:|--:|--:|--:|")
    for cost in costs:
        cells = (f"{cost.request_us:.0f} us", f"{cost.behind_us:.0f} us", f"{cost.share:.2%}")
        print(f"| {cost.way} | {rows[cost.way]:.1f} | " + " | ".join(cells) + " |")


def _row(cost: TraceCost) -> dict[str, object]:
    return {
        "way": cost.way,
        "request_us": round(cost.request_us, 1),
        "behind_us": round(cost.behind_us, 1),
        "share": round(cost.share, 5),
    }


@contextmanager
def _collector() -> Iterator[str]:
    """Listen on this machine, read what comes, and forget it."""

    class Forgets(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # noqa: N802 - its name in the library
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Forgets)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


_no_caches = shutil.ignore_patterns("__pycache__")


def _fail(sentence: str) -> None:
    raise SystemExit(sentence)


if __name__ == "__main__":
    sys.exit(main())
