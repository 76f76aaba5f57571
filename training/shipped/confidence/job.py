"""The model of how likely a suggestion is right, from pinned packages to the files of the wheel.

python -m homespun.training.shipped.confidence.job --collect   # ask the model at each key
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from homespun import paths
from homespun.cli.progress import RichProgress
from homespun.server.completion.open import context_length, open_generator
from homespun.server.options import CompletionOptions
from homespun.storage import make_private_folder
from homespun.training.shipped.confidence.collect import collect
from homespun.training.shipped.packages import unpacked
from homespun.training.shipped.sources import LicensedPackage, sources

MODEL = "qwen2.5-coder-0.5b"
# Pinned in packages.json, so none is held out; none has trained the general adapter, which would
# be surer of them than of its user's code.
PACKAGES = (
    *("pypi/anyio", "npm/@tanstack/query-core", "debian/golang-github-labstack-echo"),
    *("pypi/dulwich", "debian/commons-text", "npm/nodemailer", "debian/hiredis"),
    *("pypi/cleo", "debian/rust-tar", "npm/fast-xml-parser", "debian/capistrano"),
    *("pypi/marshmallow", "debian/golang-github-prometheus-client-golang", "npm/viem"),
    *("pypi/virtualenv", "debian/re2", "npm/eslint", "debian/php-league-flysystem"),
    *("pypi/langgraph", "debian/commons-csv", "debian/rust-uuid", "debian/restic"),
)
_SESSIONS = 8  # of a package
_SEED = 21


def folder() -> Path:
    """Return where the job keeps what it has collected."""
    return paths.home() / "confidence"


def packages(names: tuple[str, ...] = PACKAGES) -> list[LicensedPackage]:
    """Return the packages to learn from, in this order."""
    by_key = {source.key: source for source in sources()}
    return [by_key[name] for name in names]


def main() -> int:
    """Run the stages that are asked for."""
    args = _arguments()
    file = folder() / f"{args.model}.jsonl"
    make_private_folder(folder())
    with RichProgress() as progress:
        if args.collect:
            generator = open_generator(
                args.model,
                adapter="none",
                workspace=None,
                threads=args.threads,
                context_tokens=context_length(CompletionOptions()),
                cache_mb=CompletionOptions().cache_mb,
                progress=progress,
            )
            for source in packages()[args.part :: args.parts]:
                collect(
                    *(source.key, unpacked(source.package), generator, file),
                    sessions=args.sessions,
                    seed=_SEED,
                    progress=progress,
                )
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--collect", action="store_true", help="ask what was not asked yet")
    parser.add_argument("--sessions", type=int, default=_SESSIONS, help="of each package")
    parser.add_argument("--part", type=int, default=0, help="of --parts, from 0: so many at a time")
    parser.add_argument("--parts", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
