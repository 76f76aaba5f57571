"""Which source packages the embedder learns from, and which of their files.

`packages.json` pins them: version, sha256, licence as found. What evaluation sets are made
of stays out twice: by name (`held_out.json`), and by content, for copies that others bundle.

    python -m homespun.training.shipped.sources pin pypi NAME[==VERSION] …

adds packages to the list, or to those that are refused, with the reason. With `--held-out` they go
to `held_out_packages.json`: read for fingerprints, never learned from.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from homespun.errors import HomespunError
from homespun.storage import write_private
from homespun.training.shipped.licences import licence_of
from homespun.training.shipped.packages import Package, latest, unpacked

LIST = Path(__file__).with_name("packages.json")
HELD_OUT = Path(__file__).with_name("held_out.json")
HELD_OUT_PACKAGES = Path(__file__).with_name("held_out_packages.json")
_PREFIXES = re.compile(
    r"^(?:golang-(?:[a-z0-9.]+-)?|rust-|node-|python3?-|ruby-|php-|haskell-|lib)"
)
_VERSION = re.compile(r"-?[\d.]+$")  # libuv1, ruby3.3, commons-lang3
_PARALLEL = 4


@dataclass(frozen=True, slots=True)
class LicensedPackage:
    """A pinned package and the licence that it states."""

    package: Package
    licence: str

    @property
    def key(self) -> str:
        """The package's name in a corpus."""
        return f"{self.package.registry}/{self.package.name}"


def sources(path: Path = LIST) -> list[LicensedPackage]:
    """Return the pinned packages; raises `ValueError` if one is held out."""
    rows = json.loads(path.read_text(encoding="utf-8"))["packages"]
    held = held_out_names()
    found = []
    for row in rows:
        licence = row.pop("licence")
        package = Package(**row)
        if is_held_out(package.name, held):
            raise ValueError(
                f"{package.name!r} is held out for evaluation; take it off {path.name}"
            )
        found.append(LicensedPackage(package, licence))
    return found


def held_out_packages(path: Path = HELD_OUT_PACKAGES) -> list[Package]:
    """Return the pinned packages whose definitions must not be learned from copies."""
    rows = json.loads(path.read_text(encoding="utf-8"))["packages"]
    return [Package(**{key: row[key] for key in row if key != "licence"}) for row in rows]


def held_out_names(path: Path = HELD_OUT) -> frozenset[str]:
    """Return the names of everything that evaluation sets are made of."""
    groups = json.loads(path.read_text(encoding="utf-8"))
    return frozenset(
        name.casefold() for key, names in groups.items() if key != "about" for name in names
    )


def is_held_out(name: str, held: frozenset[str]) -> bool:
    """Compare a package's name with and without what registries put before and after it."""
    folded = name.casefold().lstrip("@")
    bare = _PREFIXES.sub("", folded)
    forms = {folded, bare, folded.split("/", 1)[0], folded.rsplit("/", 1)[-1]}
    forms |= {form.removesuffix("-java") for form in forms}
    forms |= {_VERSION.sub("", form) for form in forms}
    if folded.startswith(("golang-", "ruby-", "php-", "node-")):
        forms.add(folded.rsplit("-", 1)[-1])
    return bool(forms & held)


def pin(
    registry: str, names: Iterable[str], path: Path = LIST, *, held_out: bool = False
) -> list[str]:
    """Add packages to the list, each once; return a sentence for each that is not taken."""
    listed = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    names = list(dict.fromkeys(names))
    packages = listed.get("packages", [])
    refused = listed.get("refused", [])
    known = {(row["registry"], row["name"]) for row in packages}
    refused = [
        row
        for row in refused
        if (row["registry"], row["name"].split("==")[0])
        not in {(registry, name.split("==")[0]) for name in names}
    ]
    new = [name for name in names if (registry, name.split("==")[0]) not in known]
    said = []
    with ThreadPoolExecutor(_PARALLEL) as pool:
        for name, row, reason in pool.map(
            lambda name: _pinned(registry, name, held_out=held_out), new
        ):
            if reason:
                said.append(f"{name}: {reason}")
                if row:
                    refused.append({**row, "reason": reason})
            else:
                packages.append(row)
    for rows in (packages, refused):
        rows.sort(key=lambda row: (row["registry"], row["name"]))
    listed = {"packages": packages, "refused": refused}
    write_private(path, _as_lines(listed))
    return said


def _pinned(registry: str, name: str, *, held_out: bool) -> tuple[str, dict[str, str], str]:
    name, _, version = name.partition("==")
    if not held_out and is_held_out(name, held_out_names()):
        return name, {}, "held out for evaluation"
    try:
        package = latest(registry, name, version)
        verdict = licence_of(unpacked(package))
    except (HomespunError, OSError, ValueError) as error:
        return name, {}, str(error)
    row = {key: value for key, value in asdict(package).items() if value}
    if held_out:
        return name, row, ""
    if verdict.reason:
        return name, {key: row[key] for key in ("registry", "name", "version")}, verdict.reason
    return name, {**row, "licence": verdict.licence}, ""


def _as_lines(listed: dict[str, list[dict[str, str]]]) -> str:
    """Return JSON with one package a line, so that a change of one is a change of one line."""
    parts = [
        f'"{key}": [\n' + ",\n".join("  " + json.dumps(row) for row in rows) + "\n ]"
        for key, rows in listed.items()
    ]
    return "{\n " + ",\n ".join(parts) + "\n}\n"


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m homespun.training.shipped.sources")
    actions = parser.add_subparsers(dest="action", required=True)
    action = actions.add_parser("pin", help="add packages to the list")
    action.add_argument("registry", choices=("pypi", "npm", "debian"))
    action.add_argument("--held-out", action="store_true", help="for fingerprints only")
    action.add_argument("names", nargs="+", metavar="NAME[==VERSION]")
    return parser


if __name__ == "__main__":
    arguments = _arguments().parse_args()
    target = HELD_OUT_PACKAGES if arguments.held_out else LIST
    for sentence in pin(arguments.registry, arguments.names, target, held_out=arguments.held_out):
        sys.stderr.write(sentence + "\n")
