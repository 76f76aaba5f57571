"""Conditions on rows, as LanceDB reads them."""

from __future__ import annotations

from collections.abc import Sequence

VALUES_A_CONDITION = 500  # a list of this length is still parsed in a millisecond


def is_one_of(column: str, values: Sequence[str]) -> str:
    """Return the condition that a column of text holds one of these values."""
    quoted = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
    return f"{column} IN ({quoted})"
