from __future__ import annotations

import pytest

from homespun.indexer.licences.expressions import denied_by, expression_of, is_same


@pytest.mark.parametrize(
    ("licence", "own", "same"),
    [
        ("MIT", "MIT", True),
        ("mit", "MIT", True),
        ("GPL-3.0-or-later", "GPL-3.0", True),
        ("GPL-2.0-only", "GPL-3.0-only", False),
        ("LGPL-3.0", "GPL-3.0", False),
        ("MIT OR Apache-2.0", "Apache-2.0", True),
        ("MIT AND Apache-2.0", "MIT", False),
        ("Apache-2.0", "MIT OR Apache-2.0", False),
    ],
)
def test_of_a_choice_one_is_enough(licence, own, same):
    assert is_same(licence, own) is same


@pytest.mark.parametrize(
    ("licence", "denied", "entry"),
    [
        ("GPL-3.0-or-later", ["gpl-3.0"], "gpl-3.0"),
        ("GPL-3.0", ["MIT", "GPL-3.0-only"], "GPL-3.0-only"),
        ("LGPL-3.0", ["GPL-3.0"], ""),
        ("MIT OR GPL-3.0", ["GPL-3.0"], ""),
        ("MIT OR GPL-3.0", ["GPL-3.0", "MIT"], "MIT"),
        ("MIT AND GPL-3.0", ["GPL-3.0"], "GPL-3.0"),
        ("MIT AND (GPL-3.0 OR ISC)", ["GPL-3.0"], "GPL-3.0"),
        ("MIT OR ISC", ["other"], "other"),
        ("unknown", ["GPL-3.0"], ""),
        ("unknown", ["unknown"], "unknown"),
        ("unknown", ["Other"], "Other"),
        ("MIT", [], ""),
    ],
)
def test_a_choice_is_denied_where_all_of_it_is(licence, denied, entry):
    assert denied_by(licence, denied) == entry


@pytest.mark.parametrize(
    "text",
    ["", "MIT MIT", "OR", "(MIT", "MIT)", "()", "Proprietary", "ü", "a" * 999, "a" * 150 + "!"],
)
def test_what_is_no_expression_is_none(text):
    assert expression_of(text) == ""
