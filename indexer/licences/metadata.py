"""Which licence a package's metadata states: `pyproject.toml`, `package.json`, `Cargo.toml`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from homespun.indexer.licences.expressions import expression_of
from homespun.parsing import parse_json, parse_toml

MAX_BYTES = 262_144  # of such a file
# What people write for an identifier; without upper case.
_USUAL = {
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "isc license": "ISC",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "the mit license": "MIT",
    "the unlicense (unlicense)": "Unlicense",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "gnu affero general public license v3": "AGPL-3.0-only",
    "gnu affero general public license v3 or later (agplv3+)": "AGPL-3.0-or-later",
    "gnu general public license v2 (gplv2)": "GPL-2.0-only",
    "gnu general public license v2 or later (gplv2+)": "GPL-2.0-or-later",
    "gnu general public license v3 (gplv3)": "GPL-3.0-only",
    "gnu general public license v3 or later (gplv3+)": "GPL-3.0-or-later",
    "gnu lesser general public license v3 (lgplv3)": "LGPL-3.0-only",
    "gnu lesser general public license v3 or later (lgplv3+)": "LGPL-3.0-or-later",
    "gplv2": "GPL-2.0",
    "gplv3": "GPL-3.0",
    "lgplv3": "LGPL-3.0",
    "agplv3": "AGPL-3.0",
}
_CLASSIFIER = "License :: OSI Approved :: "


def stated(name: str, data: bytes) -> str:
    """Return the SPDX expression that a metadata file states, "" for none. Never raises."""
    try:
        text = data.decode("utf-8")
        table: object = parse_json(text) if name == "package.json" else parse_toml(text)
    except ValueError:
        return ""
    if not isinstance(table, dict):
        return ""
    return next(filter(None, map(as_expression, READERS[name](table))), "")


def _of_python(table: Mapping[str, object]) -> Iterator[object]:
    project = _table(table, "project")
    yield _text_in(project.get("license"), "text")
    yield _table(_table(table, "tool"), "poetry").get("license")
    classifiers = project.get("classifiers")
    for each in classifiers if isinstance(classifiers, list) else ():
        if isinstance(each, str) and each.startswith(_CLASSIFIER):
            yield each.removeprefix(_CLASSIFIER)


def _of_npm(table: Mapping[str, object]) -> Iterator[object]:
    yield _text_in(table.get("license"), "type")
    several = table.get("licenses")
    for each in several if isinstance(several, list) else ():
        yield _text_in(each, "type")


def _of_cargo(table: Mapping[str, object]) -> Iterator[object]:
    stated = _table(table, "package").get("license")
    yield stated.replace("/", " OR ") if isinstance(stated, str) else None


READERS: Mapping[str, Callable[[Mapping[str, object]], Iterator[object]]] = {
    "pyproject.toml": _of_python,
    "package.json": _of_npm,
    "Cargo.toml": _of_cargo,
}


def as_expression(value: object) -> str:
    """Return what metadata say of a licence as an SPDX expression, "" where it is none."""
    if not isinstance(value, str):
        return ""
    usual = _USUAL.get(" ".join(value[:100].casefold().split()))
    return usual or expression_of(value)


def _text_in(value: object, key: str) -> object:
    return value.get(key) if isinstance(value, dict) else value


def _table(table: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = table.get(key)
    return value if isinstance(value, dict) else {}
