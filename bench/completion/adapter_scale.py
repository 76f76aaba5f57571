"""Is the general adapter strong enough, or too strong? Its scale against exact lines.

    python -m bench.completion.adapter_scale --scales 1 1.3 --tasks 260

Merges the shipped adapter at several scales and asks ordinary Python lines in turns. The tasks are
none of those that `homespun eval infilling` asks by default, so a scale may be chosen here.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from contextlib import ExitStack
from pathlib import Path

from bench.completion import unshipped_adapters
from homespun.models.adapters import shipped as general_adapter
from homespun.training.safety import forgetting


def main() -> None:
    """Print exact lines of each scale, compared with the first."""
    args = _arguments()
    shipped = args.adapter or general_adapter.folder() / args.model
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        models = {}
        for scale in args.scales:
            folder = scaled(shipped, scale, Path(scratch) / f"scale-{scale:g}")
            candidate = unshipped_adapters.opened(
                args.model, folder, context_tokens=forgetting.CONTEXT_TOKENS
            )
            models[f"{scale:g}"] = stack.enter_context(candidate)
        found = forgetting.measure(models, chosen(args.tasks))
    print("| scale | exact | 95 % | against the first |\n|--:|--:|--:|--:|")
    for arm in found.arms:
        exact = arm.exact
        against = ""
        if arm is not found.arms[0]:
            against = unshipped_adapters.difference_cell(found.against_first(arm).difference)
        print(f"| {arm.name} | {exact.mean:.3f} | {exact.low:.3f}-{exact.high:.3f} | {against} |")


def scaled(shipped: Path, scale: float, folder: Path) -> Path:
    """Write a copy of an adapter that is `scale` times as strong; return its folder."""
    path = unshipped_adapters.copied(shipped, folder) / "adapter_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["lora_alpha"] *= scale
    path.write_text(json.dumps(config), encoding="utf-8")
    return folder


def chosen(count: int) -> list[forgetting.InfillingTask]:
    """Return tasks that the default evaluation does not ask."""
    asked = {task.id for task in forgetting.tasks()}
    left = [task for task in forgetting.all_tasks() if task.id not in asked]
    return random.Random(5).sample(left, min(count, len(left)))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--scales", nargs="+", type=float, default=[1.0, 1.3])
    parser.add_argument("--tasks", type=int, default=260)
    parser.add_argument("--model", default="qwen2.5-coder-0.5b")
    parser.add_argument("--adapter", type=Path, help="folder (default: the shipped one)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
