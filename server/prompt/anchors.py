"""Anchors: prompts that stay as they are while the user types on.

A prompt is rendered when the cursor comes to a line. What is typed from then on only goes to its
end, so a keystroke costs the decoder a token or two. The prompt is rendered anew when the text
around it has changed, when much was typed since, and ahead of need while the cursor rests. A few
anchors of a document are kept: the one that was prepared and the one that it will replace.

What a line turns out to need while it is typed is added to its prompt behind all other code: that
costs the decoder some hundred tokens where a prompt with another block at its front costs it all.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from homespun.server.prompt.cursor import Cursor
from homespun.server.prompt.encode import Rendered
from homespun.server.prompt.render import NEAR_KINDS, Prompt, Snippet, is_visible, shown_behind

MAX_TYPED_TOKENS = 256  # behind an anchor
MAX_ADDED_TOKENS = 200  # to its prompt
MAX_BEHIND_TOKENS = MAX_TYPED_TOKENS + MAX_ADDED_TOKENS  # that a decoder holds beside a prompt
_MAX_TYPED_CHARS = 800  # about 250 tokens of code
_MAX_TYPED_LINES = 12
_CLEAR_GAIN = 1.2  # times the score that a snippet had when there was no room for it
_OF_A_DOCUMENT = 3
_MAX_DOCUMENTS = 32


@dataclass(frozen=True, slots=True)
class Anchor:
    """A rendered prompt and the document that it was rendered from."""

    before: str  # the document up to the anchor
    plain: Rendered  # as it was at first
    offered: tuple[Snippet, ...]  # snippets that it could choose from
    rendered: Rendered  # with what was added since

    @property
    def prompt(self) -> Prompt:
        """The prompt to go on with."""
        return self.rendered.prompt

    @property
    def ids(self) -> tuple[int, ...]:
        """The token ids of the prompt, up to and with the middle token."""
        return self.rendered.ids

    @property
    def added(self) -> tuple[Snippet, ...]:
        """What was added to the prompt since it was rendered."""
        return self.prompt.snippets[len(self.plain.prompt.snippets) :]

    def typed(self, cursor: Cursor) -> str | None:
        """Return what was typed since; None where the prompt no longer fits the document."""
        if not cursor.before.startswith(self.before):
            return None
        typed = cursor.before[len(self.before) :]
        too_long = len(typed) > _MAX_TYPED_CHARS or typed.count("\n") > _MAX_TYPED_LINES
        return None if too_long or shown_behind(cursor.after) != self.plain.behind else typed

    def lacks(self, found: Sequence[Snippet], path: str, *, min_score: float) -> list[Snippet]:
        """Return the definitions of at least a score that the prompt lacks.

        A class that is shown with other members than those which are wanted now is lacking. `path`
        is the document's, of which the prompt shows the lines around the cursor.
        """
        prompt = self.prompt
        return [
            snippet
            for snippet in found
            if snippet.kind in NEAR_KINDS
            and snippet.score >= min_score
            and not is_visible(snippet, path, prompt.first_line, prompt.last_line)
            and not any(_shows(known, snippet) for known in prompt.snippets)
            and not any(_left_out(known, snippet) for known in self.offered)
        ]


def _shows(known: Snippet, wanted: Snippet) -> bool:
    """Tell whether a snippet of a prompt, perhaps cut at its end, is the wanted one."""
    if (known.path, known.start_line) != (wanted.path, wanted.start_line):
        return False
    is_cut = known.end_line < wanted.end_line
    return wanted.text.startswith(known.text) if is_cut else wanted.text == known.text


def _left_out(offered: Snippet, wanted: Snippet) -> bool:
    """Tell whether a prompt had no room for a snippet, which is wanted no more now than then."""
    is_the_same = (offered.path, offered.text) == (wanted.path, wanted.text)
    return is_the_same and wanted.score <= _CLEAR_GAIN * offered.score


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
