"""A team's server under load: hundreds of developers who type at once, on a machine for few.

    python -m bench.scale.team [--developers 1 5 20 50 200] [--seconds 60] [--arms direct nginx]

Real packages are retyped at a person's pace; every key asks by the laptop's own client, and ends
the question before it. The server is llama.cpp's (`make peers`) with the 0.5B model as exported, by
itself and behind the nginx of docs/scale/team/; in the arms `paced` it is one that waits where
another computes (load/paced_server.py). Each size gets a fresh server. Looked for is the
shape of an overload: what queues, what is cancelled, and that nobody's editor waits.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import secrets
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from bench.common import provenance
from bench.common.plot import bars
from bench.engine.report import replaced
from bench.scale.load.team_tables import line, table
from bench.scale.load.typed_prompts import write_sessions
from bench.typing.client import processor_seconds
from bench.typing.corpus import corpus
from homespun.models.export.export import export
from tests.e2e.scale.team_door import Door, door, missing
from tests.e2e.servers.starting import PEERS
from tests.support.processes import children

MODEL = "qwen2.5-coder-0.5b"
MARK = "scale-team"
_PACKAGES = ("starlette", "click", "structlog")
_ARMS = ("direct", "nginx", "paced", "paced, nginx")
_A_PROCESS = 50  # developers
_TIMEOUT_MS = 2000  # of the settings
_PAUSE_MS = 600.0  # between two keys: long enough for an answer to be seen
_POLL_SECONDS = 0.5
_GAUGE = re.compile(r"^llamacpp:(\w+) ([\d.e+-]+)$", re.MULTILINE)


class Watched:
    """A server's own figures, and the processor time of processes, while a run lasts."""

    def __init__(self, url: str, pids: Mapping[str, Sequence[int]]) -> None:
        """Read /metrics at `url` twice a second; `pids` are the processes by name."""
        self.deferred: list[float] = []
        self.unanswered = 0  # the server was too busy to say
        self._url, self._pids = url, pids
        self._first, self._began = self._counters(), time.monotonic()
        self._cpu = self._spent()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._poll, daemon=True)
        self._thread.start()

    def figures(self) -> dict[str, Any]:
        """Stop, and return what was seen."""
        self._over.set()
        self._thread.join()
        seconds = time.monotonic() - self._began
        last, cpu = self._counters(), self._spent()
        names = ("prompt_tokens_total", "prompt_tokens_cached_total", "tokens_predicted_total")
        read, cached, written = (last.get(n, 0.0) - self._first.get(n, 0.0) for n in names)
        return {
            "read_tokens_s": read / seconds,
            "cached_tokens_s": cached / seconds,
            "written_tokens_s": written / seconds,
            "deferred_max": max(self.deferred, default=0.0),
            "deferred_mean": statistics.mean(self.deferred) if self.deferred else 0.0,
            "metrics_unanswered": self.unanswered,
            "cpu": {name: (cpu[name] - self._cpu[name]) / seconds for name in cpu},
        }

    def _poll(self) -> None:
        while not self._over.wait(_POLL_SECONDS):
            known = self._counters()
            if "requests_deferred" in known:
                self.deferred.append(known["requests_deferred"])
            else:
                self.unanswered += 1

    def _counters(self) -> dict[str, float]:
        try:
            page = httpx.get(f"{self._url}/metrics", trust_env=False, timeout=5).text
        except httpx.HTTPError:
            return {}
        return {name: float(value) for name, value in _GAUGE.findall(page)}

    def _spent(self) -> dict[str, float]:
        return {
            name: sum(processor_seconds(pid) or 0.0 for pid in pids)
            for name, pids in self._pids.items()
        }


@contextlib.contextmanager
def _server(args: argparse.Namespace, arm: str) -> Iterator[tuple[str, int, str]]:
    if arm.startswith("paced"):
        pace = (str(args.reads), str(args.step_ms / 1000))
        command = [sys.executable, "-m", "bench.scale.load.paced_server", *pace]
    else:
        script, file = (
            Path(__file__).with_name("load") / "team_server.py",
            args.weights / f"{MODEL}.gguf",
        )
        command = [str(PEERS / "bin" / "python"), "-P", str(script), str(file)]
        command += [str(args.threads), str(args.slots)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=provenance.ROOT,
        text=True,
    )
    try:
        assert process.stdout is not None
        url, _, version = process.stdout.readline().strip().partition(" ")
        assert url, "the server did not start"
        yield url, process.pid, version
    finally:
        process.kill()
        process.wait()


def main() -> int:
    """Run, print the table, write the report."""
    args = _arguments()
    if args.only_print:
        kept = provenance.RESULTS / "scale-team.json"
        _show(json.loads(kept.read_text(encoding="utf-8"))["rows"])
        return 0
    with tempfile.TemporaryDirectory(prefix="scale-team-") as scratch:
        folder = Path(scratch)
        is_real = any(not arm.startswith("paced") for arm in args.arms)
        if is_real and not (args.weights / f"{MODEL}.gguf").exists():
            export(MODEL, args.weights, form="gguf")
        sessions = folder / "sessions.jsonl"
        keys = write_sessions(
            corpus(names=_PACKAGES),
            sessions,
            count=max(args.developers),
            keys=args.keys,
            model=MODEL,
            context_tokens=args.context_tokens,
        )
        _say(f"{keys} keys of {max(args.developers)} sessions are written down")
        rows = []
        for arm in args.arms:
            for count in args.developers:
                rows.append(_run(args, folder, sessions, arm, count))
                _say(line(rows[-1]))
    _write(args, rows)
    return 0


def _run(
    args: argparse.Namespace, folder: Path, sessions: Path, arm: str, count: int
) -> dict[str, Any]:
    """Let `count` developers type at a fresh server; return what came of it."""
    with contextlib.ExitStack() as stack:
        url, pid, version = stack.enter_context(_server(args, arm))
        pids = {"server": [pid]}
        names = tuple(f"user{number}" for number in range(count))
        tokens = [secrets.token_hex(32) for _ in names]
        asked, environment, front = url, dict(os.environ), None
        if arm.endswith("nginx"):
            place = folder / f"{arm}-{count}".replace(", ", "-")
            place.mkdir()
            front = stack.enter_context(door(place, url, users=names))
            tokens, asked = list(front.tokens.values()), front.url
            environment["SSL_CERT_FILE"] = str(front.authority)
            pids["nginx"] = [front.pid, *children(front.pid)]
        load = os.getloadavg()[0]
        told = {
            "url": asked,
            "sessions": str(sessions),
            "model": MODEL,
            "context_tokens": args.context_tokens,
            "timeout_ms": _TIMEOUT_MS,
            "asked_share": args.asked_share,
            "seconds": args.seconds,
        }
        typing = [
            _started(told, tokens[first : first + _A_PROCESS], first, environment)
            for first in range(0, count, _A_PROCESS)
        ]
        for each in typing:
            assert each.stdout is not None
            assert each.stdout.readline() == "ready\n", "a process of developers did not start"
        watched = Watched(url, pids)
        reports = [json.loads(each.communicate()[0]) for each in typing]
        found = {**_figures(reports), **watched.figures(), "server_mb": _resident_mb(pid)}
        return {
            **{
                "arm": arm,
                "developers": count,
                "seconds": args.seconds,
                "load": round(load, 1),
                "server": version,
            },
            **found,
            "statuses": _statuses(front) if front else {},
        }


def _started(
    told: Mapping[str, Any], tokens: Sequence[str], first: int, environment: Mapping[str, str]
) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.scale.load.developers"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=provenance.ROOT,
        env=dict(environment),
        text=True,
    )
    assert process.stdin is not None
    places = list(range(first, first + len(tokens)))
    process.stdin.write(json.dumps({**told, "places": places, "tokens": list(tokens)}))
    process.stdin.close()
    process.stdin = None
    return process


def _figures(reports: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what came of the keys of all processes."""
    keys = [key for report in reports for key in report["keys"]]
    outcomes = Counter(key[0] for key in keys)
    answers = [key[2] for key in keys if key[0] == "remote"]
    pauses = [key for key in keys if key[1] >= _PAUSE_MS]
    press = [ms for report in reports for ms in report["press_ms"]]
    behind = [ms for report in reports for ms in report["behind_ms"]]
    left = [key[3] for key in keys if key[3] >= 0]
    return {
        "keys": len(keys),
        "outcomes": dict(outcomes.most_common()),
        "answered": outcomes["remote"],
        "answer_ms": _percentiles(answers),
        "pauses": len(pauses),
        "pauses_answered": sum(key[0] in ("remote", "from memory") for key in pauses),
        "press_ms": {**_percentiles(press), "worst": max(press, default=0.0)},
        "behind_ms": {**_percentiles(behind), "worst": max(behind, default=0.0)},
        "after_cancel_ms": {**_percentiles(left), "worst": max(left, default=0.0)},
        "beyond_timeout_ms": max((key[4] for key in keys), default=0.0),
        "stuck": sum(report["stuck"] for report in reports),
        "client_cpu_seconds": sum(report["cpu_seconds"] for report in reports),
    }


def _percentiles(values: Sequence[float]) -> dict[str, float]:
    ordered = sorted(values)
    if not ordered:
        return {}
    at = {f"p{p}": ordered[min(len(ordered) * p // 100, len(ordered) - 1)] for p in (50, 95)}
    return {name: round(value, 2) for name, value in at.items()}


def _statuses(front: Door) -> dict[str, int]:
    """Return how often nginx answered with each status; 499 is a laptop that left."""
    rows = (front.folder / "access.log").read_text(encoding="utf-8").splitlines()
    return dict(Counter(row.split()[4] for row in rows).most_common())


def _resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return round(int(found[1]) / 1000) if found else 0.0


def _write(args: argparse.Namespace, rows: Sequence[Mapping[str, Any]]) -> None:
    kept = provenance.RESULTS / "scale-team.json"
    if args.add and kept.exists():
        old = json.loads(kept.read_text(encoding="utf-8"))["rows"]
        rows = [*(row for row in old if row["arm"] not in args.arms), *rows]
    report = {
        **provenance.facts(MODEL, args.threads),
        **{
            "asked_share": args.asked_share,
            "seconds": args.seconds,
            "slots": args.slots,
            "timeout_ms": _TIMEOUT_MS,
        },
        **{"paced": {"reads_s": args.reads, "step_ms": args.step_ms}},
        **{"context_tokens": args.context_tokens, "packages": _PACKAGES, "rows": list(rows)},
    }
    written = provenance.write("scale-team", report)
    groups = {
        f"{row['developers']}, {row['arm']}, {name}": {name: row["answer_ms"][name]}
        for row in rows
        for name in ("p50", "p95")
        if row["answer_ms"]
    }
    note = f"{MODEL}, {args.threads} thread(s), {args.slots} slots; those that were answered"
    if groups:
        drawing = bars(groups, title="From a key to the server's answer", note=note)
        written.with_suffix(".svg").write_text(drawing, encoding="utf-8")
    _show(rows)


def _show(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print the tables, and put them into the page."""
    tables = table(rows)
    print(tables)
    page = provenance.ROOT / "bench" / "README.md"
    text = page.read_text(encoding="utf-8")
    page.write_text(replaced(text, MARK, tables), encoding="utf-8")


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--developers", type=int, nargs="+", default=[1, 5, 20, 50, 200])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--arms", nargs="+", choices=_ARMS, default=list(_ARMS))
    parser.add_argument("--threads", type=int, default=1, help="of the server")
    parser.add_argument("--reads", type=float, default=2000, help="tokens a second, paced")
    parser.add_argument("--step-ms", type=float, default=20, help="of a step, paced")
    parser.add_argument("--add", action="store_true", help="keep the rows of other arms")
    parser.add_argument("--only-print", action="store_true", help="what the report has")
    parser.add_argument("--slots", type=int, default=4, help="of the server")
    parser.add_argument("--keys", type=int, default=40, help="of a session, at least")
    parser.add_argument(
        "--asked-share",
        type=float,
        default=0.24,
        help="of the keys behind an answer, that ask again (bench/results/typing-*.json: .24)",
    )
    parser.add_argument("--context-tokens", type=int, default=128, help="of a prompt")
    parser.add_argument("--weights", type=Path, default=provenance.ROOT / "build" / "servers")
    args = parser.parse_args()
    if (
        not all(arm.startswith("paced") for arm in args.arms)
        and not (PEERS / "bin" / "python").exists()
    ):
        sys.exit("no llama.cpp here; run `make peers`")
    if any(arm.endswith("nginx") for arm in args.arms) and missing():
        sys.exit(f"the arms with nginx: {missing()}; or leave them out: --arms direct paced")
    return args


if __name__ == "__main__":
    sys.exit(main())
