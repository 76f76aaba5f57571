"""Other people's servers, started with our weights on a loopback port and ended again."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support.processes import free_port

ROOT = Path(__file__).resolve().parents[3]
PEERS = ROOT / ".venv-peers"
VLLM = ROOT / ".venv-vllm"
MODEL = "qwen2.5-coder-0.5b"
CONTEXT_TOKENS = 1024
_PATIENCE_SECONDS = 1800.0  # loading takes a minute, and ten where others want the cores
_VLLM_ENVIRONMENT = {
    "VLLM_CPU_KVCACHE_SPACE": "1",  # GiB
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",  # the cores are not its own
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True",
    "HF_HUB_OFFLINE": "1",
}
_LATENCY = "vllm:e2e_request_latency_seconds"


@dataclass(frozen=True)
class Started:
    """A server that answers."""

    name: str  # with its version
    url: str
    took_ms: Callable[[], float] = lambda: 0.0  # for the last request, where its answers do not say
    key_env: str = ""  # the environment variable with the token that it wants


@contextmanager
def llama_server(python: Path, model: Path, threads: int) -> Iterator[Started]:
    """Start llama.cpp's server in a process of its own."""
    command = [str(python), "-P", str(Path(__file__).with_name("llama_server.py"))]
    process = subprocess.Popen(
        [*command, str(model), str(threads)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        url, _, version = process.stdout.readline().strip().partition(" ")
        assert url, "llama.cpp's server did not start"
        yield Started(f"xllamacpp {version}", url)
    finally:
        process.kill()
        process.wait()


@contextmanager
def vllm_server(
    python: Path,
    model: Path,
    threads: int,
    *,
    context_tokens: int = CONTEXT_TOKENS,
    more: Sequence[str] = (),
) -> Iterator[Started]:
    """Start vLLM on a folder of weights; what it says goes into a file beside them."""
    port = free_port()
    command = [str(python), "-P", "-m", "vllm.entrypoints.openai.api_server"]
    command += ["--model", str(model), "--served-model-name", MODEL]
    command += ["--host", "127.0.0.1", "--port", str(port), "--dtype", "bfloat16"]
    command += ["--max-model-len", str(context_tokens), "--max-num-seqs", "2", "--enforce-eager"]
    log = model.with_name(f"{model.name}.vllm.log")
    with log.open("w", encoding="utf-8") as said:
        process = subprocess.Popen(
            [*command, "--enable-prompt-tokens-details", *more],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            env=os.environ | _VLLM_ENVIRONMENT | {"OMP_NUM_THREADS": str(threads)},
            start_new_session=True,  # its engine is a process of its own, and ends with it
        )
    try:
        url = f"http://127.0.0.1:{port}"
        version = _version(process, url, log)
        yield Started(f"vLLM {version}", url, _Latency(url).last_ms)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def metric(page: str, name: str) -> float | None:
    """Return what a page of metrics says of a name, None where it has none of that name."""
    found = re.search(rf"^{name}\{{.*\}} (\S+)$", page, re.MULTILINE)
    return float(found[1]) if found else None


def say(sentence: str) -> None:
    """Write a line beside what is measured."""
    print(sentence, file=sys.stderr, flush=True)  # noqa: T201


def _version(process: subprocess.Popen[bytes], url: str, log: Path) -> str:
    end = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, f"vLLM did not start; {log} says why"
        try:
            return str(httpx.get(f"{url}/version", trust_env=False).json()["version"])
        except httpx.TransportError:
            time.sleep(0.5)
    raise AssertionError(f"vLLM does not answer; {log} says what it does")


class _Latency:
    """What vLLM says in its metrics: the seconds of all requests together."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._known = (0.0, 0.0)

    def last_ms(self) -> float:
        """Return what the last request took, 0 where it was not the only one since asked before."""
        page = httpx.get(f"{self._url}/metrics", trust_env=False).text
        known = metric(page, f"{_LATENCY}_sum") or 0.0, metric(page, f"{_LATENCY}_count") or 0.0
        seconds, requests = known[0] - self._known[0], known[1] - self._known[1]
        self._known = known
        return seconds * 1000 if requests == 1 else 0.0
