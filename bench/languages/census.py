"""What the indexer finds in real packages of every language: definitions, documentation, imports.

    python -m bench.languages.census [--language LANGUAGE ...] [--unresolved 5]
    python -m bench.languages.census --write    # the table of bench/README.md

The packages of packages.json are fetched by hash, read and never run. An import counts as internal
when its text says so: a relative path, or a module that a file of the same package declares.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench.common.provenance import ROOT
from bench.languages.internal import Declared
from homespun.indexer.config import IndexConfig
from homespun.indexer.imports.statements import resolve_import
from homespun.indexer.languages import language_of
from homespun.indexer.syntax.parse import parse_file
from homespun.indexer.types import Import, ParsedFile
from homespun.training.shipped.packages import Package, unpacked

_PACKAGES = Path(__file__).with_name("packages.json")
SHOWN_KINDS = 6
MARK, END = "<!-- languages -->", "<!-- /languages -->"
HEAD = (
    "| language | files | definitions | documented | most frequent kinds | files without one "
    "| lines in nameless chunks | files with syntax errors | imports of the package | resolved "
    "| others that resolve |",
    "|---|--:|--:|--:|---|--:|--:|--:|--:|--:|--:|",
)


@dataclass
class Tally:
    """Counts over the files of one language."""

    files: int = 0
    empty: int = 0  # files with code and no definition
    partial: int = 0
    lines: int = 0
    nameless: int = 0  # lines in chunks that no definition names
    documented: int = 0
    internal: int = 0
    resolved: int = 0
    others: int = 0  # imports that are not internal by their text
    mistaken: int = 0  # of these, how many lead to a file of the package all the same
    kinds: Counter[str] = field(default_factory=Counter)
    unresolved: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def main() -> None:
    """Print a row a language."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--language", action="append", help="only this one (may be repeated)")
    parser.add_argument("--unresolved", type=int, default=0, help="show so many of the imports")
    parser.add_argument("--write", action="store_true", help="write the table into bench/README.md")
    arguments = parser.parse_args()
    if arguments.write and arguments.language:
        parser.error("--write wants all languages: leave out --language")
    rows = json.loads(_PACKAGES.read_text(encoding="utf-8"))
    tallies: dict[str, Tally] = {}
    for row in rows:
        language = row.pop("language")
        if not arguments.language or language in arguments.language:
            root = unpacked(Package(**{key: row[key] for key in row if key != "root"}))
            add(tallies.setdefault(language, Tally()), root / row.get("root", ""), language)
    table = [*HEAD, *(line(language, tally) for language, tally in tallies.items())]
    print("\n".join(table))
    for tally in tallies.values():
        for text in tally.unresolved[: arguments.unresolved]:
            print("unresolved", text)
        for text in tally.wrong[: arguments.unresolved]:
            print("mistaken", text)
    if arguments.write:
        write(table)


def write(table: list[str]) -> None:
    """Put the table between its marks in bench/README.md."""
    path = ROOT / "bench" / "README.md"
    before, mark, rest = path.read_text(encoding="utf-8").partition(MARK)
    _, end, after = rest.partition(END)
    text = before + mark + "\n" + "\n".join(table) + "\n" + end + after
    path.write_text(text, encoding="utf-8", newline="\n")


def add(tally: Tally, root: Path, language: str) -> None:
    """Count what lies below a folder."""
    parsed = list(files(root, language))
    paths = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    declared = Declared(language, root, parsed)
    for file in parsed:
        tally.files += 1
        tally.partial += file.partial
        tally.empty += not file.symbols
        tally.kinds.update(symbol.kind for symbol in file.symbols)
        tally.documented += sum(bool(s.doc) for s in file.symbols)
        for chunk in file.chunks:
            count = chunk.end_line - chunk.start_line + 1
            tally.lines += count
            tally.nameless += count if not chunk.symbol else 0
        for imported in file.imports:
            count_import(tally, imported, file, paths, internal=declared.has(imported, file))


def count_import(
    tally: Tally, imported: Import, file: ParsedFile, paths: set[str], *, internal: bool
) -> None:
    """Count an import, and whether it leads to a file of the package, as internal ones should."""
    found = resolve_import(imported.module, file.path, file.language, paths, name=imported.name)
    if not internal:
        tally.others += 1
        tally.mistaken += found is not None
        if found:
            tally.wrong.append(f"{file.path}:{imported.line} {imported.module} -> {found}")
        return
    tally.internal += 1
    tally.resolved += found is not None
    if found is None:
        tally.unresolved.append(f"{file.path}:{imported.line} {imported.module} {imported.name}")


def files(root: Path, language: str) -> Iterator[ParsedFile]:
    """Yield the parsed files of a language."""
    for path in sorted(root.rglob("*")):
        if path.is_file():
            source = path.read_bytes()
            if language_of(path.name, source[:8000]) == language:
                found = parse_file(path.relative_to(root).as_posix(), source, IndexConfig())
                if isinstance(found, ParsedFile):
                    yield found


def line(language: str, tally: Tally) -> str:
    """Return a row of the table."""
    total = tally.kinds.total()
    kinds = ", ".join(f"{kind} {n:,}" for kind, n in tally.kinds.most_common(SHOWN_KINDS))
    cells = [
        language,
        f"{tally.files:,}",
        f"{total:,}",
        share(tally.documented, total),
        kinds,
        share(tally.empty, tally.files),
        share(tally.nameless, tally.lines),
        share(tally.partial, tally.files),
        f"{tally.internal:,}",
        share(tally.resolved, tally.internal),
        share(tally.mistaken, tally.others),
    ]
    return "| " + " | ".join(cells) + " |"


def share(part: int, whole: int) -> str:
    """Return a percentage."""
    return f"{100 * part / whole:.0f} %" if whole else "–"


if __name__ == "__main__":
    main()
