"""What stands where a suggestion was and was not taken: its place, moved with the edits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from homespun.server.lsp.edits import TextChange

_MAX_CHARS = 2_000


@dataclass(slots=True)
class _SuggestionPlace:
    uri: str
    start: int  # where the suggestion began
    lines: int  # how many it had


class WrittenInstead:
    """Follows the places of suggestions that went; in memory, and only where somebody asks."""

    def __init__(self) -> None:
        self._places: dict[str, _SuggestionPlace] = {}  # by a suggestion's id
        self._texts: dict[str, Callable[[], str]] = {}  # by uri

    def follow(self, identifier: str, uri: str, start: int, text: str) -> None:
        """Follow the place where `text` was suggested."""
        self._places[identifier] = _SuggestionPlace(uri, start, text.count("\n") + 1)

    def changed(self, uri: str, changes: Iterable[TextChange], text: Callable[[], str]) -> None:
        """Move with the edits of a document; what was deleted with its surroundings is lost."""
        self._texts[uri] = text
        here = {name: place for name, place in self._places.items() if place.uri == uri}
        if not here:
            return
        for change in (part for each in changes for part in each.refined()):
            end = change.start + len(change.removed)
            for name, place in here.items():
                if change.start < place.start < end:
                    self._places.pop(name, None)
                elif end <= place.start and change.start < place.start:
                    place.start += change.grows

    def take(self, identifier: str) -> str:
        """Return what stands there now, as many lines as were suggested; "" where it is lost."""
        place = self._places.pop(identifier, None)
        text = self._texts.get(place.uri) if place is not None else None
        if place is None or text is None:
            return ""
        rest = text()[place.start : place.start + _MAX_CHARS]
        return "\n".join(rest.split("\n")[: place.lines])

    def followed(self) -> int:
        """Return how many places are followed."""
        return len(self._places)

    def closed(self, uri: str) -> None:
        """Forget a document."""
        self._texts.pop(uri, None)
        for name in [name for name, place in self._places.items() if place.uri == uri]:
            del self._places[name]
