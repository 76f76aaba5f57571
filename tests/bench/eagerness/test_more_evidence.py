"""What is known of a key beside the shipped evidence: pace, and what was typed over."""

from __future__ import annotations

import pytest

from bench.eagerness.more_evidence import Past
from bench.typing.offline import OfflineKey


def _key(char, fresh="", *, line=0, gap=150.0, kind="char"):
    return OfflineKey(
        *("p", "python", False, "p/a", "a", 0, kind, line, gap),
        *(char, "", "", 0, "", "stop", False, "nothing", 0, 0),
        fresh=fresh,
    )


def _typed(past, *keys):
    for key in keys:
        past.typed(key)
        past.answered(key)
    return past


def test_what_is_typed_over_is_refuted_on_its_line_and_known_again():
    past = _typed(Past(), _key("a", "bcdef"), _key("x", "yz"))
    assert past.features("bcdefgh")[2:] == [1.0, 1.0, 0.0, 1.0]
    assert past.features("other")[5] == 0.0
    assert _typed(past, _key("\n", kind="enter", line=1)).features("")[2:4] == [1.0, 2.0]


def test_what_is_typed_along_agrees_until_it_is_typed_over():
    past = _typed(Past(), _key("a", "bcd"), _key("b"), _key("c"), _key("x"))
    assert past.features("")[4] == pytest.approx(1.0986, abs=1e-4)  # of two characters


def test_keys_are_counted_from_a_pause_on():
    past = _typed(Past(), _key("a"), _key("b", gap=700.0), _key("c"), _key("d"))
    assert (past.keys, past.ms) == (2, 150.0)
