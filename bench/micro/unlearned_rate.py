"""What of real code looks as if nobody could guess it, and so carries no loss.

    python -m bench.micro.unlearned_rate DIR [DIR...] [--files 800] [--show 30]

Prints the share of characters (white space apart) in each tree, by kind, and how much of random
keys is found; with --show also as many pieces that are left out, and as many that nearly were: runs
of digits and letters that were judged to be no draw.
"""

from __future__ import annotations

import argparse
import base64
import random
import re
import string
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from homespun.indexer.types import Skipped
from homespun.training.sources.filters import SourceText, source_text
from homespun.training.weighing.drawn import drawn
from homespun.training.weighing.literals import unguessable

_MAX_BYTES = 300_000
_ENDINGS = frozenset(
    ".py .pyi .js .mjs .cjs .ts .tsx .jsx .go .rs .java .kt .scala .rb .php .cs .c .h .cc .cpp .hpp"
    " .swift .lua .sh .ex .exs .hs .zig".split()
)
_NEAR = re.compile(r"(?<![\w.])(?=[\w+/-]*\d)(?=[\w+/-]*[A-Za-z])[\w+/-]{8,}(?![\w.])|\b\d{5,}\b")
_LETTERS = string.ascii_letters + string.digits
_KEYS: dict[str, Callable[[random.Random], str]] = {
    "8 hexadecimal digits": lambda rng: rng.randbytes(4).hex(),
    "32 hexadecimal digits": lambda rng: rng.randbytes(16).hex(),
    "uuid": lambda rng: str(uuid.UUID(int=rng.getrandbits(128))),
    "12 of a-z, 0-9": lambda rng: "".join(rng.choices(_LETTERS[:26] + string.digits, k=12)),
    "16 of a-z, 0-9": lambda rng: "".join(rng.choices(_LETTERS[:26] + string.digits, k=16)),
    "20 of A-Z, 0-9": lambda rng: "".join(rng.choices(_LETTERS[26:], k=20)),
    "16 of a-z, A-Z, 0-9": lambda rng: "".join(rng.choices(_LETTERS, k=16)),
    "40 of a-z, A-Z, 0-9": lambda rng: "".join(rng.choices(_LETTERS, k=40)),
    "24 bytes as base64": lambda rng: base64.b64encode(rng.randbytes(24)).decode(),
    "20 of a-z": lambda rng: "".join(rng.choices(string.ascii_lowercase, k=20)),
    "12 digits": lambda rng: "".join(rng.choices(string.digits, k=12)),
    "6 digits": lambda rng: "".join(rng.choices(string.digits, k=6)),
}
_DRAWS = 1_000


def main() -> None:
    """Count, and show some."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("dirs", nargs="+", type=Path)
    parser.add_argument("--files", type=int, default=800, help="of each tree, drawn by chance")
    parser.add_argument("--show", type=int, default=0)
    args = parser.parse_args()
    rng = random.Random(0)
    left_out: list[str] = []
    nearly: list[str] = []
    print("| tree | files | characters | left out | pieces, by kind |\n|---|--:|--:|--:|---|")
    for root in args.dirs:
        print(_row(root, _sources(root, args.files, rng), left_out, nearly))
    print("\n| drawn by chance | found |\n|---|--:|")
    for name, draw in _KEYS.items():
        found = sum(_is_found(draw(rng)) for _ in range(_DRAWS))
        print(f"| {name} | {found / _DRAWS:.1%} |")
    for title, lines in (("left out", left_out), ("nearly", nearly)):
        if args.show:
            print(f"\n{title}:")
            print("\n".join(rng.sample(lines, min(args.show, len(lines)))))


def _sources(root: Path, most: int, rng: random.Random) -> list[SourceText]:
    paths = sorted(
        path
        for path in root.rglob("*")
        if path.suffix in _ENDINGS and path.is_file() and path.stat().st_size < _MAX_BYTES
    )
    found = []
    for path in rng.sample(paths, min(most, len(paths))):
        name = path.relative_to(root).as_posix()
        source = source_text(name, path.read_bytes(), most_bytes=_MAX_BYTES)
        if not isinstance(source, Skipped):
            found.append(source)
    return found


def _row(root: Path, sources: list[SourceText], left_out: list[str], nearly: list[str]) -> str:
    kinds: Counter[str] = Counter()
    characters = covered = 0
    for source in sources:
        text = source.text
        characters += sum(not character.isspace() for character in text)
        pieces = unguessable(text, source.language)
        for piece in pieces:
            kinds[piece.kind] += 1
            covered += piece.end - piece.start
            left_out.append(_shown(text, piece.start, piece.end))
        taken = [(piece.start, piece.end) for piece in pieces]
        for match in _NEAR.finditer(text):
            if not any(match.start() < end and start < match.end() for start, end in taken):
                nearly.append(_shown(text, *match.span()))
    counts = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common())
    share = covered / max(characters, 1)
    return f"| {root.name} | {len(sources)} | {characters:,} | {share:.2%} | {counts} |"


def _is_found(key: str) -> bool:
    text = f'key = "{key}"\n'
    return sum(piece.end - piece.start for piece in drawn(text)) >= 0.8 * len(key)


def _shown(text: str, start: int, end: int) -> str:
    begin = text.rfind("\n", 0, start) + 1
    line = text[begin:].split("\n", 1)[0].strip()
    return f"  {text[start:end][:44]:44}  in  {line[:90]}"


if __name__ == "__main__":
    main()
