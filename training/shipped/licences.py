"""Which licence a source package states, and whether it lets us learn from it; nothing is guessed.

What a package declares (PKG-INFO, package.json, Cargo.toml, a gemspec, a .cabal file, a pom,
composer.json) comes first, then the texts of its LICENSE and COPYING files. A package is taken only
when what it says is permissive; everything else is refused with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from homespun.parsing import parse_json
from homespun.training.sources.licence_heads import COPYLEFT, HEAD_CHARS, LICENCE_TEXTS

_PERMISSIVE = {  # what is written, case folded -> SPDX name
    "0bsd": "0BSD",
    "apache": "Apache-2.0",
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache 2.0 license": "Apache-2.0",
    "apache license": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "apache software license (apache 2.0)": "Apache-2.0",
    "apache software license - version 2.0": "Apache-2.0",
    "apache-2.0": "Apache-2.0",
    "apache-2.0 with llvm-exception": "Apache-2.0",
    "blueoak-1.0.0": "BlueOak-1.0.0",
    "boost software license 1.0 (bsl-1.0)": "BSL-1.0",
    "bsd": "BSD",
    "bsd license": "BSD",
    "bsd-2-clause": "BSD-2-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "bsd-3-clause": "BSD-3-Clause",
    "bsd2": "BSD-2-Clause",
    "bsd3": "BSD-3-Clause",
    "bsl-1.0": "BSL-1.0",
    "cc0-1.0": "CC0-1.0",
    "cc0 1.0 universal (cc0 1.0) public domain dedication": "CC0-1.0",
    "historical permission notice and disclaimer (hpnd)": "HPND",
    "hpnd": "HPND",
    "isc": "ISC",
    "isc license": "ISC",
    "isc license (iscl)": "ISC",
    "mit": "MIT",
    "mit license": "MIT",
    "mit-0": "MIT-0",
    "mit-cmu": "HPND",
    "postgresql": "PostgreSQL",
    "psf-2.0": "PSF-2.0",
    "python software foundation license": "PSF-2.0",
    "python-2.0": "PSF-2.0",
    "the apache license, version 2.0": "Apache-2.0",
    "the bsd license": "BSD",
    "the apache software license, version 2.0": "Apache-2.0",
    "the mit license": "MIT",
    "the unlicense (unlicense)": "Unlicense",
    "unlicense": "Unlicense",
    "x11": "X11",
    "zlib": "Zlib",
}
_FILES = re.compile(r"(?:licen[sc]e|copying|copyright|notice)", re.IGNORECASE)
_PLACES = ("*", "license/*", "licenses/*", "LICENSES/*", "legal/*", "doc/*", "docs/*", "src/dist/*")


@dataclass(frozen=True, slots=True)
class LicenceFinding:
    """What a package says about its licence."""

    licence: str  # SPDX name(s), "" when it is refused
    reason: str  # why it is refused, "" when it is taken


def licence_of(folder: Path) -> LicenceFinding:
    """Return the permissive licence of an unpacked source package, or why it is refused."""
    for where, stated in _declared(folder):
        names = _permissive(stated)
        if names:
            return LicenceFinding(names, "")
        return LicenceFinding("", f"{where} says {stated[:80]!r}")
    texts = [path for place in _PLACES for path in sorted(folder.glob(place)) if _is_text(path)]
    found: list[str] = []
    for path in texts:
        text = " ".join(_read(path).casefold().split())
        if COPYLEFT.search(text[:HEAD_CHARS]):
            return LicenceFinding("", f"{path.name} is or names a copyleft licence")
        found += [name for phrase, name in LICENCE_TEXTS if phrase.search(text)][:1]
    if found:
        return LicenceFinding(" AND ".join(dict.fromkeys(found)), "")
    return LicenceFinding("", "no licence that is known here is stated")


def _permissive(stated: str) -> str:
    """Return the SPDX names of an expression if it is permissive, else ""."""
    plain = stated.strip().strip("()").replace("(", " ").replace(")", " ")
    folded = " ".join(stated.strip().casefold().split())
    if folded in _PERMISSIVE:
        return _PERMISSIVE[folded]
    options = re.split(r"\s+or\s+|/", plain, flags=re.IGNORECASE)
    if len(options) > 1:
        taken = [name for option in options if (name := _permissive(option))]
        return taken[0] if taken else ""
    parts = re.split(r"\s+and\s+|,\s+(?!version)", plain, flags=re.IGNORECASE)
    if len(parts) > 1:
        names = [_permissive(part) for part in parts]
        return " AND ".join(dict.fromkeys(names)) if all(names) else ""
    return _PERMISSIVE.get(" ".join(plain.casefold().split()), "")


def _declared(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield (file, expression) for what the package's own metadata states."""
    yield from _of_pkg_info(folder / "PKG-INFO")
    for name, pattern in (
        ("Cargo.toml", r'^license\s*=\s*"([^"]+)"'),
        ("*.gemspec", r"\blicenses?\s*=\s*\[?['\"]([^'\"]+)['\"]"),
        ("*.cabal", r"^license:\s*(\S+)"),
    ):
        for path in sorted(folder.glob(name)):
            stated = re.search(pattern, _read(path), re.MULTILINE | re.IGNORECASE)
            if stated:
                yield path.name, stated[1]
    for name in ("package.json", "composer.json"):
        yield from _of_json(folder / name)
    if (folder / "pom.xml").is_file():
        stated = re.search(r"<license>\s*<name>([^<]+)</name>", _read(folder / "pom.xml"))
        if stated:
            yield "pom.xml", stated[1]


def _of_pkg_info(path: Path) -> Iterator[tuple[str, str]]:
    if not path.is_file():
        return
    head = _read(path).split("\n\n", 1)[0]
    expression = re.search(r"^License-Expression: (.+)$", head, re.MULTILINE)
    if expression:
        yield "PKG-INFO", expression[1]
        return
    classifiers = re.findall(r"^Classifier: License :: (?:.*:: )?(.+)$", head, re.MULTILINE)
    classifiers = [name for name in classifiers if name != "OSI Approved"]
    if classifiers:
        # Several classifiers mean a choice in some packages and a sum in others: all must do.
        yield "PKG-INFO", " AND ".join(classifiers)
        return
    stated = re.search(r"^License: (.{2,60})$", head, re.MULTILINE)
    if stated and stated[1].strip().casefold() not in ("unknown", "license"):
        yield "PKG-INFO", stated[1]


def _of_json(path: Path) -> Iterator[tuple[str, str]]:
    if not path.is_file():
        return
    try:
        stated = parse_json(_read(path)).get("license")
    except (ValueError, AttributeError):
        return
    if isinstance(stated, dict):
        stated = stated.get("type")
    if isinstance(stated, list):
        stated = " OR ".join(str(option) for option in stated)
    if stated:
        yield path.name, str(stated)


def _is_text(path: Path) -> bool:
    return path.is_file() and _FILES.match(path.name) is not None


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")
