"""Keeps what a release leaves on a user's disk, for the releases after it to be tried on.

python -m tests.release.keep

Run once for each release, before its version is raised, with HOMESPUN_HOME an empty folder; writes
`tests/release/kept/VERSION/`: settings with every name that it knows, an adapter that serves with
the key that seals it, a line of the log of acceptance and one of traces. What it writes is
committed and never written anew.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import tempfile
import tomllib
import typing
from dataclasses import Field
from pathlib import Path
from typing import Any

from homespun.cli.doctor.checks.settings import SECTIONS
from homespun.models.adapters.registry import Registry
from homespun.server.acceptance.log import AcceptanceLog, Record
from homespun.traces.kept import KeptTraces
from homespun.traces.span import Span, root_id
from homespun.trust import machine_key
from tests.layout.house import ROOT
from tests.support.tiny import save_roomy_qwen2, save_tiny_adapter

KEPT = Path(__file__).with_name("kept")
FACTS = {
    "base": "tiny",
    "base_sha256": "b" * 64,
    "general_sha256": "",
    "tokenizer_sha256": "c" * 64,
    "prompt_version": 2,
    "commit": "0123456789abcdef",
    "gate": {"promote": True, "headline": "better"},
}
RECORD = Record(
    id="k1",
    time="2026-11-24T10:00:00Z",
    language="python",
    model="m",
    adapter="a",
    sources=2,
    kind="line",
    chars=10,
    lines=1,
    ms=50.0,
    outcome="accepted",
    stood_ms=900,
    accepted=10,
    steps=("all",),
    kept=(1.0, 0.5, None),
    changed=(0.0, 0.5, None),
    likelihood=0.75,
)
TRACE, BEGAN = "ab" * 16, 1_790_000_000_000_000_000
SPAN = Span("search", TRACE, root_id(TRACE), BEGAN, BEGAN + 5_000_000)


def main() -> None:
    """Write them, unless they are there."""
    facts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    folder = KEPT / facts["project"]["version"]
    if folder.exists():
        raise SystemExit(f"{folder} is there; what a release left is not written anew")
    folder.mkdir(parents=True)
    (folder / "homespun.toml").write_text(_settings(), encoding="utf-8")
    log = AcceptanceLog(folder / "acceptance")
    log.add(RECORD)
    log.flush()
    KeptTraces(folder / "traces").take([SPAN])
    _adapter(folder)


def _adapter(folder: Path) -> None:
    """Keep an adapter that is promoted, sealed with a key of its own."""
    from transformers import AutoModelForCausalLM

    with tempfile.TemporaryDirectory() as scratch:
        model = AutoModelForCausalLM.from_pretrained(save_roomy_qwen2(Path(scratch) / "model"))
        draft, shop = Path(scratch) / "draft", Path(scratch) / "shop"
        draft.mkdir()
        shop.mkdir()
        save_tiny_adapter(model, draft, half=True, target_modules=["q_proj"])
        for name in ("adapter_config.json", "README.md"):
            text = (draft / name).read_text(encoding="utf-8")
            (draft / name).write_text(text.replace(scratch, "/models"), encoding="utf-8")
        registry = Registry(shop)
        registry.promote(registry.add(draft, FACTS).id)
        ignored = shutil.ignore_patterns("lock")
        shutil.copytree(shop / ".homespun" / "adapters", folder / "adapters", ignore=ignored)
        (folder / "machine.key").write_bytes(machine_key())


def _settings() -> str:
    lines = []
    for section, cls in SECTIONS.items():
        lines.append(f"[{section}]")
        kinds = typing.get_type_hints(cls)
        fields = dataclasses.fields(cls)
        lines += [f"{field.name} = {_another(field, kinds[field.name])}" for field in fields]
        lines.append("")
    return "\n".join(lines)


def _another(field: Field[Any], kind: Any) -> str:
    """Return a good value that is not the default, as TOML."""
    default, known = field.default, field.metadata
    if isinstance(default, bool):
        return str(not default).lower()
    if choices := known.get("choices") or typing.get_args(kind):
        if isinstance(default, str):
            return json.dumps(next(each for each in choices if each != default))
    if isinstance(default, int | float):
        most = known.get("max", default + 1)
        return str(default + 1 if default + 1 <= most else known.get("min", 0))
    return json.dumps(["kept"] if isinstance(default, tuple) else "kept")


if __name__ == "__main__":
    main()
