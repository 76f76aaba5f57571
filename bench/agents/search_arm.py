"""The arm with homespun: one call of `search`, then the places as they are ranked.

Who does not find it among five asks once more for ten.
"""

from __future__ import annotations

import time
from pathlib import Path

from bench.agents.trail import MAX_OPENED, Trail, follow
from homespun.indexer.evaluation.queries import Query
from homespun.indexer.types import Region
from homespun.server.agents.knowledge import DEFAULT_TOP_K, Knowledge


def search(trail: Trail, knowledge: Knowledge, root: Path, query: Query, below: str) -> None:
    """Go from a question to its answer, or give up after `MAX_OPENED` places."""
    seen = 0
    for top_k in (DEFAULT_TOP_K, MAX_OPENED):
        began = time.perf_counter()
        found = knowledge.search(query.text, top_k=top_k)
        answer = found.to_text()
        trail.searched(answer, time.perf_counter() - began)
        places = [Region(p.path, p.start_line, p.end_line) for p in found.places]
        if follow(trail, places[seen:], root, query, below):
            return
        seen = len(places)
