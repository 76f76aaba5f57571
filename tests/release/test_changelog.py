"""The gate of a release: what is built is what the newest section of the changelog speaks of."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.layout.house import ROOT

_HEADING = re.compile(r"^## (\d+\.\d+\.\d+)(?: \((\d{4}-\d{2}-\d{2})\))?$")


def sections(text):
    """Each section's version and text, the newest first; other headings are faults."""
    title, *rest = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    assert title.strip() == "# Changelog"
    found = []
    for section in rest:
        heading, _, body = section.partition("\n")
        match = _HEADING.match(heading)
        assert match, f"{heading!r} is no `## 1.2.3` or `## 1.2.3 (2026-11-24)`"
        assert body.strip(), f"{heading!r} says nothing"
        found.append((tuple(map(int, match[1].split("."))), body))
    return found


def test_the_newest_section_is_of_the_version_that_is_built():
    facts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    version = tuple(map(int, facts["project"]["version"].split(".")))
    found = sections((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    assert found[0][0] == version
    versions = [each for each, _ in found]
    assert versions == sorted(set(versions), reverse=True)


@pytest.mark.parametrize(
    "text",
    [
        "# Changelog\n\n## Unreleased\n\nx\n",
        "# Changelog\n\n## 1.0.0\n\n## 0.9.0\n\nx\n",
        "# Changes\n\n## 1.0.0\n\nx\n",
    ],
)
def test_what_is_no_section_is_a_fault(text):
    with pytest.raises(AssertionError):
        sections(text)
