"""Anchors: prompts that stay as they are while the user types on.

A prompt is rendered when the cursor comes to a line. What is typed from then on only goes to its
end, so a keystroke costs the decoder a token or two. The prompt is rendered anew when the text
around it has changed, when much was typed since, and ahead of need while the cursor rests. A few
anchors of a document are kept: the one that was prepared and the one that it will replace.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Hashable
from dataclasses import dataclass

from homespun.server.prompt.cursor import Cursor
from homespun.server.prompt.render import Prompt, Snippet, shown_behind

MAX_TYPED_TOKENS = 256  # behind an anchor; a decoder's context holds them beside the prompt
_MAX_TYPED_CHARS = 800  # about 250 tokens of code
_MAX_TYPED_LINES = 12
_OF_A_DOCUMENT = 3
_MAX_DOCUMENTS = 32


@dataclass(frozen=True, slots=True)
class Anchor:
    """A rendered prompt and the document that it was rendered from."""

    before: str  # the document up to the anchor
    behind: str  # what the prompt shows behind the cursor
    prompt: Prompt
    ids: tuple[int, ...]  # of the prompt, up to and with the middle token
    offered: tuple[Snippet, ...]  # snippets that it could choose from

    def typed(self, cursor: Cursor) -> str | None:
        """Return what was typed since; None where the prompt no longer fits the document."""
        if not cursor.before.startswith(self.before):
            return None
        typed = cursor.before[len(self.before) :]
        too_long = len(typed) > _MAX_TYPED_CHARS or typed.count("\n") > _MAX_TYPED_LINES
        return None if too_long or shown_behind(cursor.after) != self.behind else typed


class Anchors:
    """The last anchors of the last documents."""

    def __init__(self) -> None:
        self._by_key: OrderedDict[Hashable, deque[Anchor]] = OrderedDict()

    def find(self, key: Hashable, cursor: Cursor) -> Anchor | None:
        """Return the anchor nearest before the cursor whose prompt still fits.

        `key` is the document and whatever else shapes a prompt beside its text.
        """
        fitting = [a for a in self._by_key.get(key, ()) if a.typed(cursor) is not None]
        return max(fitting, key=lambda anchor: len(anchor.before), default=None)

    def put(self, key: Hashable, anchor: Anchor) -> None:
        """Keep an anchor, in place of one for the same line."""
        old = self._by_key.pop(key, deque())
        kept = [a for a in old if a.before != anchor.before]
        self._by_key[key] = deque([*kept, anchor], maxlen=_OF_A_DOCUMENT)
        if len(self._by_key) > _MAX_DOCUMENTS:
            self._by_key.popitem(last=False)
