"""Which prompt a request gets: the one that the user types on from, or one with code found anew."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace

from homespun.indexer.errors import IndexerError
from homespun.progress import never
from homespun.server.completion.plan import CompletionPlan
from homespun.server.context.retriever import Gathered, Retrieves
from homespun.server.options import CompletionOptions
from homespun.server.prompt.anchors import MAX_ADDED_TOKENS, MAX_TYPED_TOKENS, Anchor, Anchors
from homespun.server.prompt.encode import PromptEncoder
from homespun.server.prompt.render import Snippet
from homespun.server.prompt.stable_snippets import LIKELY, StableSnippets
from homespun.server.types import CompletionRequest

logger = logging.getLogger(__name__)

_BEHIND_NAMES = (".", "::", "->", "(")  # where the name before them says what is needed
# The least score of what is added to a prompt while somebody waits until it is read: what is called
# and whose members are meant. At rest it is that of a likely name.
_MIN_WAITED_FOR = 2.0
_REST_DEADLINE_MS = 1000.0  # for retrieval where nobody waits; a request breaks it off


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What asking the index took."""

    ms: float = 0.0
    parts_ms: Mapping[str, float] = field(default_factory=dict)


class AnchoredPrompts:
    """The prompts of one model over one index, with the anchors and snippets that stay."""

    def __init__(
        self,
        encoder: PromptEncoder,
        retriever: Retrieves | None,
        options: CompletionOptions,
        *,
        repo: str,
        context_tokens: int,
        clock: Callable[[], float],
    ) -> None:
        """`repo` is the name in the prompt, `context_tokens` what the model can hold."""
        self._encoder = encoder
        self._retriever = retriever
        self._options = options
        self._repo = repo
        self._context_tokens = context_tokens
        self._clock = clock
        self._stable = StableSnippets()
        self._anchors = Anchors()

    def of(self, request: CompletionRequest, plan: CompletionPlan) -> tuple[Anchor, Retrieval]:
        """Return the prompt to go on with and what retrieval took.

        Who asks by hand gets a new one. Else the index is asked where a name has just been typed
        to its end, and what the prompt lacks is added to it.
        """
        anchor = None if request.explicit else self._anchors.find(_key(request), plan.cursor)
        if anchor is not None and not self._fits(anchor, plan):
            anchor = None
        if anchor is not None and not plan.cursor.left.endswith(_BEHIND_NAMES):
            return anchor, Retrieval()
        gathered, ms = self._gather(request, plan, self._options.retrieve_deadline_ms)
        if anchor is None:
            anchor = self._rendered(request, plan, self._block(request, plan, gathered))
        if not gathered.late:
            anchor = self._with_added(anchor, gathered, request, plan, min_score=_MIN_WAITED_FOR)
        self.keep(request, anchor)
        return anchor, Retrieval(ms, gathered.parts_ms)

    def fresh(
        self,
        request: CompletionRequest,
        plan: CompletionPlan,
        cancelled: Callable[[], bool] = never,
    ) -> Anchor:
        """Render a prompt with what the index knows now; it is not kept yet."""
        deadline_ms = max(_REST_DEADLINE_MS, self._options.retrieve_deadline_ms)
        gathered, _ = self._gather(request, plan, deadline_ms, cancelled)
        block = self._block(request, plan, gathered)
        anchor = self._anchors.find(_key(request), plan.cursor)
        if anchor is None or not self._is_of_the_line(anchor, block, plan):
            return self._rendered(request, plan, block)
        return self._with_added(anchor, gathered, request, plan, min_score=LIKELY)

    def keep(self, request: CompletionRequest, anchor: Anchor) -> None:
        """Go on with this prompt from now on."""
        self._anchors.put(_key(request), anchor)
        if self._is_steady(request):
            self._stable.keep(request.path, anchor.before.count("\n"), anchor.offered)

    def _fits(self, anchor: Anchor, plan: CompletionPlan) -> bool:
        typed = self._encoder.count(anchor.typed(plan.cursor) or "")
        room = self._context_tokens - plan.max_tokens
        return typed <= MAX_TYPED_TOKENS and len(anchor.ids) + typed <= room

    def _is_of_the_line(
        self, anchor: Anchor, block: tuple[Snippet, ...], plan: CompletionPlan
    ) -> bool:
        """Say whether an anchor is what would be rendered for the cursor's line."""
        is_here = "\n" not in (anchor.typed(plan.cursor) or "")
        return is_here and anchor.offered == block and self._fits(anchor, plan)

    def _with_added(
        self,
        anchor: Anchor,
        gathered: Gathered,
        request: CompletionRequest,
        plan: CompletionPlan,
        *,
        min_score: float,
    ) -> Anchor:
        """Add what the line needs by now; what was added before is left where all of it fits."""
        lacking = anchor.lacks(gathered.snippets, request.path, min_score=min_score)
        if not lacking:
            return anchor
        wanted = {(snippet.path, snippet.start_line) for snippet in lacking}
        before = [s for s in anchor.added if (s.path, s.start_line) not in wanted]
        for snippets in ([*before, *lacking], lacking):
            rendered = self._encoder.with_added(
                anchor.plain, snippets, path=request.path, room=MAX_ADDED_TOKENS
            )
            added = replace(anchor, rendered=rendered)
            if added.added == tuple(snippets):
                break
        return added if self._fits(added, plan) else anchor

    def _rendered(
        self, request: CompletionRequest, plan: CompletionPlan, snippets: tuple[Snippet, ...]
    ) -> Anchor:
        """Render a prompt for the line of the cursor."""
        before = plan.cursor.before
        rendered = self._encoder.render(
            before,
            plan.cursor.after,
            repo=self._repo,
            path=request.path,
            snippets=snippets,
            budget=plan.budget,
        )
        before = before[: len(before) - len(rendered.prompt.typed)]
        return Anchor(before, rendered, snippets, rendered)

    def _gather(
        self,
        request: CompletionRequest,
        plan: CompletionPlan,
        deadline_ms: float,
        cancelled: Callable[[], bool] = never,
    ) -> tuple[Gathered, float]:
        """Ask the index; a fault of it costs the context, never the completion."""
        if self._retriever is None or not self._retrieves(request):
            return Gathered(), 0.0
        began = self._clock()
        try:
            gathered = self._retriever.gather(
                plan.cursor,
                path=request.path,
                language=plan.language,
                budget_tokens=plan.budget,
                deadline_ms=deadline_ms,
                recent=request.recent,
                cancelled=cancelled,
            )
        except IndexerError as error:
            logger.warning("completing without retrieval: %s", error)
            gathered = Gathered()
        return gathered, (self._clock() - began) * 1000

    def _retrieves(self, request: CompletionRequest) -> bool:
        return request.retrieval and self._options.retrieval

    def _is_steady(self, request: CompletionRequest) -> bool:
        """Say whether a document keeps its snippets; who asks by hand wants the best ones."""
        return bool(request.path) and not request.explicit and self._retrieves(request)

    def _block(
        self, request: CompletionRequest, plan: CompletionPlan, gathered: Gathered
    ) -> tuple[Snippet, ...]:
        """Return what the front of the prompt shows: as far as possible what it showed before."""
        if not self._is_steady(request):
            return gathered.snippets
        line = plan.cursor.before.count("\n")
        return self._stable.settle(request.path, line, gathered.snippets)


def _key(request: CompletionRequest) -> Hashable:
    """Return what shapes a prompt beside the text, the model and the settings."""
    return (request.path, request.language, request.retrieval)
