"""The model of how likely a suggestion is right, from pinned packages to the files of the wheel.

    python -m homespun.training.shipped.confidence.job --collect   # ask the model at each key
    python -m homespun.training.shipped.confidence.job --write     # fit, compare, write
    python -m homespun.training.shipped.confidence.job --model MODEL --calibrate --write

Collecting takes some tenths of a second a key and goes on where it was broken off. Fitting needs
the `confidence` extra.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from homespun import paths
from homespun.cli.progress import RichProgress
from homespun.models.runtime import onnxruntime
from homespun.server.completion.open import context_length, open_generator
from homespun.server.confidence.choose import COSTS
from homespun.server.confidence.evidence import FEATURES
from homespun.server.confidence.probability import (
    MANIFEST,
    MODEL,
    OTHERS,
    Calibration,
    Likelihood,
)
from homespun.server.options import CompletionOptions
from homespun.storage import make_private_folder, write_private
from homespun.training.shipped.confidence import figures
from homespun.training.shipped.confidence.collect import collect, read
from homespun.training.shipped.confidence.dataset import Cuts, Floats, cuts_of, written_by
from homespun.training.shipped.confidence.fit import (
    KINDS,
    Fitted,
    calibration,
    held_out,
    probabilities,
    read_by_others,
    reading,
)
from homespun.training.shipped.confidence.graph import onnx_bytes
from homespun.training.shipped.packages import unpacked
from homespun.training.shipped.sources import LicensedPackage, sources

WRITER = "qwen2.5-coder-0.5b"
# Pinned in packages.json, so none is held out; none has trained the general adapter, which would
# be surer of them than of its user's code.
PACKAGES = (
    *("pypi/anyio", "npm/@tanstack/query-core", "debian/golang-github-labstack-echo"),
    *("pypi/dulwich", "debian/commons-text", "npm/nodemailer", "debian/hiredis"),
    *("pypi/cleo", "debian/rust-tar", "npm/fast-xml-parser", "debian/capistrano"),
    *("pypi/marshmallow", "debian/golang-github-prometheus-client-golang", "npm/viem"),
    *("pypi/virtualenv", "debian/re2", "npm/eslint", "debian/php-league-flysystem"),
    *("pypi/langgraph", "debian/commons-csv", "debian/rust-uuid", "debian/restic"),
    *("pypi/narwhals", "npm/objection", "debian/golang-github-shirou-gopsutil", "pypi/luigi"),
    *("pypi/netmiko", "npm/@tanstack/router-core", "debian/jline3", "debian/nanomsg"),
    *("pypi/pymodbus", "npm/@react-stately/table", "debian/caddy", "debian/ruby-async"),
    *("pypi/litestar", "npm/@tiptap/core", "debian/commons-configuration2", "debian/wlroots"),
    *("pypi/tortoise-orm", "npm/@tanstack/table-core", "debian/lazygit", "debian/php-slim"),
    *("pypi/nats-py", "npm/@hapi/hapi", "debian/rust-walkdir", "debian/spdlog"),
)
_SESSIONS = 16  # of a package
_SEED = 21
_MAX_ERROR = 1e-4  # of log-odds, float32 against the original


def folder() -> Path:
    """Return where the job keeps what it has collected."""
    return paths.home() / "confidence"


def packages(names: tuple[str, ...] = PACKAGES) -> list[LicensedPackage]:
    """Return the packages to learn from, in this order."""
    by_key = {source.key: source for source in sources()}
    return [by_key[name] for name in names]


def main() -> int:
    """Collect, or fit and write."""
    args = _arguments()
    make_private_folder(folder())
    file = folder() / f"{args.model}.jsonl"
    if args.collect:
        _collect(args, file)
        return 0
    if args.calibrate:
        report = calibrate(
            *(args.rows or file, args.model), every_key=bool(args.rows), write=args.write
        )
    else:
        report = fit_and_write(file, args.model, write=args.write)
    sys.stdout.write(json.dumps(report, indent=1) + "\n")
    return 0


def fit_and_write(file: Path, writer: str, *, write: bool) -> dict[str, Any]:
    """Fit each kind, take the best one, write it to where it is served from; say how good it is.

    The log-odds of packages that a model has not seen decide, and calibrate.
    """
    cuts = cuts_of(read(file))
    unseen = {kind: held_out(cuts, kind) for kind in KINDS}
    said = {kind: judged(cuts, unseen[kind]) for kind in KINDS}
    best = min(KINDS, key=lambda kind: said[kind]["log_loss"])
    how = reading(cuts, unseen[best])
    fitted = KINDS[best](cuts, range(len(cuts.rows)))
    body = onnx_bytes(fitted)
    error = difference(body, fitted, cuts.rows)
    if error > _MAX_ERROR:
        raise ValueError(f"the graph is {error:.2g} off the model that it was made of")
    manifest = {
        "about": "Log-odds that a suggestion is right up to a cut; by `make confidence`. Figures "
        "are of packages that the model judging them has not seen.",
        "kind": best,
        "features": FEATURES,
        "sha256": hashlib.sha256(body).hexdigest(),
        "calibration": {writer: how, OTHERS: how},
        "fitted": {
            "writer": writer,
            "keys": len(cuts.key_weight),
            "cuts": len(cuts.rows),
            "packages": dict(sorted(Counter(cuts.key_package).items())),
            "date": time.strftime("%Y-%m-%d"),
            "graph_error": round(error, 8),
        },
        "held_out": said,
    }
    if write:
        write_private(MODEL, body)
        write_private(MANIFEST, json.dumps(manifest, indent=1) + "\n")
    return manifest


def calibrate(
    file: Path, writer: str, *, every_key: bool = False, write: bool = True
) -> dict[str, Any]:
    """Have the shipped model's log-odds read as another model that writes needs it; say how.

    `writer` is its name, or `remote` for servers of users.
    It is kept where it says better what comes true of what is shown today, in packages that it was
    not fitted on; the manifest tells of it either way. `every_key`: the rows are of
    `bench.eagerness.run`.
    """
    cuts = cuts_of(written_by(read(file, every_key=every_key), writer))
    log_odds = np.array(Likelihood().log_odds(cuts.rows.tolist()))
    how = reading(cuts, log_odds)
    manifest: dict[str, Any] = json.loads(MANIFEST.read_text(encoding="utf-8"))
    usual = Calibration(*manifest["calibration"][WRITER])
    before, after = probabilities(log_odds, usual), read_by_others(cuts, log_odds)
    shown, weight = figures.by_the_balanced(cuts, before)
    losses = [figures.log_loss(each[shown], cuts.right[shown], weight) for each in (before, after)]
    is_kept = losses[1] < losses[0]
    report = {
        "keys": len(cuts.key_weight),
        "packages": len(set(cuts.key_package)),
        "own": how,
        "is_kept": is_kept,
        "as_the_small_one": said_of(cuts, before),
        "by_other_packages": said_of(cuts, after),
    }
    if write:
        if is_kept:
            manifest["calibration"][writer] = how
        manifest["calibrated"] = manifest.get("calibrated", {}) | {writer: report}
        write_private(MANIFEST, json.dumps(manifest, indent=1) + "\n")
    return report


def said_of(cuts: Cuts, likely: Floats) -> dict[str, Any]:
    """Return how good probabilities are: of whole suggestions, and of what the balanced show."""
    packages = np.array(cuts.package)
    found = {}
    whole = np.flatnonzero(cuts.is_whole)
    kinds = {
        "whole": (whole, cuts.key_weight[cuts.owner[whole]]),
        "shown": figures.by_the_balanced(cuts, likely),
    }
    for name, (chosen, weight) in kinds.items():
        rows = (likely[chosen], cuts.right[chosen], weight)
        error = figures.calibration_interval(*rows, packages[chosen].tolist())
        found[name] = {
            "log_loss": round(figures.log_loss(*rows), 4),
            "calibration_error": [round(x, 4) for x in (error.mean, error.low, error.high)],
            "reliability": [[round(b.said, 4), round(b.right, 4)] for b in figures.bins(*rows)],
        }
    return found


def judged(cuts: Cuts, log_odds: Floats) -> dict[str, Any]:
    """Return the figures of a model: of all cuts as they are best read, and of what is shown."""
    likely = probabilities(log_odds, calibration(log_odds, cuts.right, cuts.weight))
    rows = (likely, cuts.right, cuts.weight)
    all_cuts = {
        "log_loss": round(figures.log_loss(*rows), 4),
        "area": round(figures.area(*rows), 4),
        "calibration_error": round(figures.calibration_error(figures.bins(*rows)), 4),
    }
    as_read = read_by_others(cuts, log_odds)
    policies = {"all": figures.shown(cuts, figures.whole(cuts))} | {
        name: figures.shown(cuts, figures.by_costs(cuts, as_read, costs))
        for name, costs in COSTS.items()
    }
    return (
        all_cuts
        | said_of(cuts, as_read)
        | {"eagerness": {name: policy.rounded() for name, policy in policies.items()}}
    )


def difference(body: bytes, fitted: Fitted, rows: Floats) -> float:
    """Return by how much the graph's log-odds differ from the model's, at most."""
    session = onnxruntime().InferenceSession(body, providers=["CPUExecutionProvider"])
    single = rows.astype(np.float32)
    [found] = session.run(None, {"rows": single})
    return float(np.abs(found[:, 0] - fitted.log_odds(single.astype(np.float64))).max())


def _collect(args: argparse.Namespace, file: Path) -> None:
    options = CompletionOptions()
    with RichProgress() as progress:
        generator = open_generator(
            args.model,
            adapter="none",
            workspace=None,
            threads=args.threads,
            context_tokens=context_length(options),
            cache_mb=options.cache_mb,
            progress=progress,
        )
        for source in packages()[args.part :: args.parts]:
            collect(
                *(source.key, unpacked(source.package), generator, file),
                sessions=args.sessions,
                seed=_SEED,
                progress=progress,
            )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default=WRITER)
    parser.add_argument("--collect", action="store_true", help="ask what was not asked yet")
    parser.add_argument("--sessions", type=int, default=_SESSIONS, help="of each package")
    parser.add_argument("--part", type=int, default=0, help="of --parts, from 0: so many at a time")
    parser.add_argument("--parts", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--calibrate", action="store_true", help="what is shipped for --model, and fit nothing"
    )
    parser.add_argument(
        "--rows", type=Path, help="with --calibrate: of bench.eagerness.run, each key asked"
    )
    parser.add_argument("--write", action="store_true", help="write the files of the wheel")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
