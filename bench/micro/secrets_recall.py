"""How many planted secrets reach the index, and what ordinary code loses to the filter.

    python -m bench.micro.secrets_recall [--half development|held|all] [--seed N] [--show]
                                         [--code DIR...]

The kinds stand in bench/secrets/kinds.txt; every value is drawn when this runs, so no secret stands
in the repository. A plant reaches the index when half of one of its secret parts, in one piece, is
found in what `parse_file` makes of the file. The held half is for the end: rules are written while
looking at the other one. `--code` masks the files of a folder and lists what was taken.
"""

from __future__ import annotations

import argparse
import base64
import random
import re
import string
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.common.provenance import ROOT
from homespun.indexer.config import IndexConfig
from homespun.indexer.languages import has_grammar, language_of
from homespun.indexer.scan import skip
from homespun.indexer.scan.decode import decode
from homespun.indexer.secrets import mask
from homespun.indexer.syntax.parse import parse_file
from homespun.indexer.types import ParsedFile, Skipped

KINDS = ROOT / "bench" / "secrets" / "kinds.txt"
HALVES = ("development", "held")

_FIELD = re.compile(r"(?P<open>[«‹])(?P<shape>[\w]+)(?::(?P<length>\d+))?[»›]")
_MIN_PIECE = 6  # characters
# Enough around a plant that a file is not left out for being little else than a secret.
_AROUND = "the rest of this file says how the shop is served, and by whom\n" * 12
_MAX_BYTES = 500_000
_CODE_SUFFIXES = frozenset(
    ".py .pyi .c .h .cpp .hpp .js .ts .go .rs .java .md .rst .txt .toml .yaml .yml .json .cfg .ini"
    " .sh .html .css .sql .xml".split()
)

_DIGITS = string.digits
_ALNUM = string.ascii_letters + _DIGITS
_ALPHABETS = {
    "hex": "0123456789abcdef",
    "HEX": "0123456789ABCDEF",
    "alnum": _ALNUM,
    "low": string.ascii_lowercase + _DIGITS,
    "letters": string.ascii_letters,
    "digits": _DIGITS,
    "base32": string.ascii_uppercase + "234567",
    "base32low": string.ascii_lowercase + "234567",
    "b64": _ALNUM + "+/",
    "b64url": _ALNUM + "-_",
    "salt": _ALNUM + "!@#$%^&*()-_=+[]{}|;:,.<>?~ ",
    "age": "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
}
_WORDS = "Kestrel Harbor pumpkin Violet meadow Copper tundra Falcon biscuit Walrus".split()


@dataclass(frozen=True, slots=True)
class Plant:
    """One line or a few with secrets in them."""

    kind: str
    file: str
    text: str
    parts: tuple[str, ...]  # what must not reach the index


def main() -> int:
    """Print a line a kind, then the sums; the masked strings of ordinary code where asked."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--half", choices=(*HALVES, "all"), default="development")
    parser.add_argument("--seed", type=int, default=0, help="of the drawn values")
    parser.add_argument("--show", action="store_true", help="print the plants that reach the index")
    parser.add_argument("--code", nargs="*", type=Path, default=[], help="folders of ordinary code")
    parser.add_argument("--lines", type=int, default=0, help="stop after so many lines of code")
    args = parser.parse_args()
    _print_recall(list(plants(half=args.half, seed=args.seed)), show=args.show)
    if args.code:
        _print_lost(args.code, most_lines=args.lines)
    return 0


def plants(*, half: str, seed: int) -> Iterator[Plant]:
    """Yield the plants of a half ("all" for both), with values of this seed."""
    for kind, file, template in _templates():
        if half in ("all", half_of(kind)):
            yield _planted(kind, file, template, random.Random(f"{seed} {kind} {file} {template}"))


def half_of(kind: str) -> str:
    """Return the half a kind belongs to: for ever the same, and all its plants together."""
    return HALVES[random.Random(kind).randrange(2)]


def reaches_index(plant: Plant) -> bool:
    """Tell whether half of a secret part is found in what the index is given."""
    source = f"{_AROUND}{plant.text}\n{_AROUND}"
    parsed = parse_file(f"shop/{plant.file}", source.encode(), IndexConfig())
    if not isinstance(parsed, ParsedFile):
        return False
    seen = "\n".join(chunk.text for chunk in parsed.chunks) + repr(parsed.symbols)
    return any(piece in seen for part in plant.parts for piece in _pieces(part))


def _templates() -> Iterator[tuple[str, str, str]]:
    kind = ""
    for line in KINDS.read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            kind = line[3:]
        elif line and not line.startswith("#"):
            file, _, template = line.partition(": ")
            # "\\n" is a backslash and an "n" of the file itself.
            text = template.replace("\\\\n", "\0").replace("\\n", "\n").replace("\\t", "\t")
            yield kind, file, text.replace("\0", "\\n")


def _planted(kind: str, file: str, template: str, dice: random.Random) -> Plant:
    parts: list[str] = []

    def drawn(match: re.Match[str]) -> str:
        value = _value(match["shape"], int(match["length"] or 0), dice)
        if match["open"] == "«" and len(value) >= _MIN_PIECE:
            parts.append(value)
        return value

    return Plant(kind, file, _FIELD.sub(drawn, template), tuple(parts))


def _value(shape: str, length: int, dice: random.Random) -> str:
    made: dict[str, Callable[[], str]] = {
        "chosen": lambda: _chosen(dice),
        "uuid": lambda: _uuid(dice),
        "basic": lambda: _basic(dice),
    }
    if shape in made:
        return made[shape]()
    while True:
        value = "".join(dice.choices(_ALPHABETS[shape], k=length))
        # A random key of letters and digits has both.
        is_mixed = re.search(r"\d", value) and re.search(r"[A-Za-z]", value)
        if is_mixed or length < 8 or shape in ("digits", "letters"):
            return value


def _chosen(dice: random.Random) -> str:
    """Return a password as people make it: words, a mark, a number."""
    word, other = dice.sample(_WORDS, 2)
    number = str(dice.randrange(10, 9999))
    mark = dice.choice("!#$%&*-_.+")
    forms = (word + mark + other.capitalize() + number, word.capitalize() + number + mark)
    return dice.choice(forms)


def _uuid(dice: random.Random) -> str:
    digits = "".join(dice.choices(_ALPHABETS["hex"], k=32))
    return "-".join(digits[a:b] for a, b in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32)))


def _basic(dice: random.Random) -> str:
    pair = f"deploy:{''.join(dice.choices(_ALNUM, k=18))}"
    return base64.b64encode(pair.encode()).decode()


def _pieces(part: str) -> Iterator[str]:
    length = min(len(part), max(_MIN_PIECE, len(part) // 2))
    return (part[at : at + length] for at in range(len(part) - length + 1))


def _print_recall(planted: list[Plant], *, show: bool) -> None:
    reached: Counter[str] = Counter()
    of_kind = Counter(plant.kind for plant in planted)
    for plant in planted:
        if reaches_index(plant):
            reached[plant.kind] += 1
            if show:
                print(f"  {plant.kind}: {plant.file}: {plant.text[:200]!r}")
    for kind, number in of_kind.items():
        if reached[kind]:
            print(f"{kind:<28} {reached[kind]} of {number} reach the index")
    kinds = sum(1 for kind in of_kind if reached[kind])
    print(
        f"{reached.total()} of {len(planted)} planted secrets reach the index"
        f" ({reached.total() / max(1, len(planted)):.1%}; {kinds} of {len(of_kind)} kinds)"
    )


def _print_lost(folders: list[Path], *, most_lines: int) -> None:
    lines = taken = 0
    seconds = 0.0
    for path in _code_files(folders):
        source = path.read_bytes()
        text = decode(source)
        language = language_of(path.as_posix(), source)
        if isinstance(text, Skipped) or skip.reason_by_content(language, text) is not None:
            continue
        if skip.reason_by_name(path.name) is not None:
            continue
        lines += text.count("\n")
        begin = time.perf_counter()
        masked = mask.mask(text, language)
        seconds += time.perf_counter() - begin
        if not has_grammar(language) and mask.masked_share(text, masked) > 0.5:
            continue
        for span in _masked_spans(text, masked):
            taken += 1
            print(f"  {path.name}: {span}")
        if most_lines and lines >= most_lines:
            break
    print(
        f"{taken} strings masked in {lines:,} lines of code;"
        f" {seconds / max(1, lines) * 1e6:.2f} ms for 1,000 lines"
    )


def _code_files(folders: list[Path]) -> Iterator[Path]:
    found = [path for folder in folders for path in sorted(folder.rglob("*"))]
    random.Random(0).shuffle(found)  # so that `--lines` takes something of everything
    for path in found:
        if path.suffix in _CODE_SUFFIXES and path.is_file():
            if 0 < path.stat().st_size <= _MAX_BYTES:
                yield path


def _masked_spans(text: str, masked: str) -> Iterator[str]:
    for before, after in zip(text.split("\n"), masked.split("\n"), strict=True):
        if before == after:
            continue
        for run in re.finditer(r"\*+", after):
            hidden = before[run.start() : run.end()]
            if hidden != run[0]:
                yield f"{before[max(0, run.start() - 60) : run.start()].strip()} [{hidden[:60]}]"


if __name__ == "__main__":
    sys.exit(main())
