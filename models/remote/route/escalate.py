"""The model here first; the server where its line is probably not the one that is wanted.

An inline completion is one answer: what was shown cannot be taken back without the text under the
user's eyes changing, and clients take no second one. So a doubtful line is held back until the
server has answered or its time is up, and the less it is in doubt the shorter: `timeout_ms` where
it is surely wrong (nothing is lost by waiting), a quarter of it at the threshold (about half the
time the line is what the user wants, and he would see it now). Who types on ends all of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from homespun.models.errors import RemoteError
from homespun.models.remote.route.question import (
    LOCAL,
    REMOTE,
    AsksHere,
    AsksThere,
    is_usable,
)
from homespun.models.types import Generation

_SHORTEST = 0.25  # of `timeout_ms`: half a second of the two that are the default


def escalate(
    cancelled: Callable[[], bool],
    *,
    here: AsksHere,
    there: AsksThere,
    probability: Callable[[Generation], float],
    threshold: float,
    timeout_ms: int,
) -> Generation:
    """Return the answer of the model here, or the server's where that is in doubt.

    The server's holds the other as `instead`, for rules of the reader's that refuse it.
    """
    first = replace(here(cancelled), route=LOCAL)
    if first.finish == "cancelled":
        return first
    likely = probability(first)
    if likely >= threshold:
        sure = f"its line is right with a probability of {likely:.2f}, at least {threshold:.2f}"
        return replace(first, route_why=f"your server was not asked: {sure}")
    doubt = f"the line of the model here is right with a probability of {likely:.2f}, below "
    doubt = f"{doubt}{threshold:.2f}"
    try:
        second = there(cancelled, within_ms=waiting_ms(likely, threshold, timeout_ms))
    except RemoteError as error:
        return replace(first, route_why=f"{doubt}, and your server did not help: {error}")
    if second.finish == "cancelled":
        return replace(first, finish="cancelled")
    if not is_usable(second):
        return replace(first, route_why=f"{doubt}, and your server wrote nothing")
    refused = f"{doubt}, and what your server wrote is nothing to show"
    return replace(
        second,
        route=REMOTE,
        route_why=f"your server was asked: {doubt}",
        instead=replace(first, route_why=refused),
    )


def waiting_ms(likely: float, threshold: float, timeout_ms: int) -> int:
    """Return how long a line is held back that is right with a probability of `likely`."""
    doubt = 1 - likely / threshold  # 1 where it is surely wrong, 0 at the threshold
    return round(timeout_ms * (_SHORTEST + (1 - _SHORTEST) * doubt))
