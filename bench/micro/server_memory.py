"""Memory of the language server with the real model: resident bytes after completions.

    python -m bench.micro.server_memory FOLDER [--model NAME]

Starts `homespun serve --stdio` on the folder, waits until model and index are ready, completes in
the first Python files, and prints the resident set (now and at its peak). Linux only.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.support.rpc import Client


def main() -> None:
    """Print one line a stage."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="qwen2.5-coder-0.5b")
    args = parser.parse_args()
    root = args.folder.resolve()
    command = [sys.executable, "-P", "-m", "homespun.cli", "serve", "--stdio"]
    unlogged = {"HOMESPUN_SERVER_ACCEPTANCE_LOG": "0"}
    client = Client([*command, "--model", args.model], env=unlogged)
    try:
        client.initialize(rootUri=root.as_uri(), workspaceFolders=[_folder(root)])
        client.wait_until_ready()
        _print(client, "ready")
        for number, path in enumerate(sorted(root.rglob("*.py"))[:5], start=1):
            text = path.read_text(encoding="utf-8")
            client.open(path.as_uri(), text)
            client.complete(path.as_uri(), line=text.count("\n") // 2)
            _print(client, f"after {number} completions")
    finally:
        client.stop()


def _folder(root: Path) -> dict[str, str]:
    return {"uri": root.as_uri(), "name": root.name}


def _print(client: Client, stage: str) -> None:
    status = Path(f"/proc/{client.process.pid}/status").read_text(encoding="utf-8")
    facts = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    now, peak = (int(facts[key].split()[0]) / 1e6 for key in ("VmRSS", "VmHWM"))
    print(f"{stage:<24} {now:.2f} GB resident, {peak:.2f} GB at its peak")


if __name__ == "__main__":
    main()
