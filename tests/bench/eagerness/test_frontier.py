"""The frontier: what each eagerness shows as a line, the sides of a replay as points."""

from __future__ import annotations

from bench.eagerness.frontier import WITHOUT_CLOCK, curves, table


def figures(right: float, served: float) -> dict[str, dict[str, float]]:
    shares = {"right": right, "served": served, "saved": 0.25, "shown_per_hundred": 60.4}
    return {name: {"mean": share} for name, share in shares.items()}


EAGERNESS = {"calm": figures(0.9, 0.6), "all": figures(0.5, 0.7)}
REPLAY = {"llama.cpp wheel": figures(0.3, 0.1)}


def test_an_eagerness_is_a_point_of_one_line_and_a_side_a_line_of_its_own():
    found = curves(EAGERNESS, REPLAY)
    assert found == {WITHOUT_CLOCK: [(0.6, 0.9), (0.7, 0.5)], "llama.cpp wheel": [(0.1, 0.3)]}


def test_the_table_says_which_rows_had_a_clock():
    head, calm, everything, wheel = table(EAGERNESS, REPLAY)
    assert len(head) == 5
    assert calm == ("homespun, asked at every key: calm", "0.90", "0.60", "0.25", "60")
    assert everything[1:3] == ("0.50", "0.70")
    assert wheel == ("llama.cpp wheel, in time", "0.30", "0.10", "0.25", "60")
