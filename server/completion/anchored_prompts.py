"""Which prompt a request gets: the one that the user types on from, or one with code found anew."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterable
from dataclasses import replace

from homespun.indexer.errors import IndexerError
from homespun.server.completion.plan import CompletionPlan
from homespun.server.context.retriever import Gathered, Retrieves
from homespun.server.options import CompletionOptions
from homespun.server.prompt.anchors import MAX_TYPED_TOKENS, Anchor, Anchors
from homespun.server.prompt.encode import PromptEncoder
from homespun.server.prompt.render import Snippet
from homespun.server.prompt.stable_snippets import StableSnippets
from homespun.server.types import CompletionRequest

logger = logging.getLogger(__name__)

_BEHIND_NAMES = ("(", ".")


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

    def of(self, request: CompletionRequest, plan: CompletionPlan) -> tuple[Anchor, float]:
        """Return the prompt to go on with and the milliseconds that retrieval took.

        Who asks by hand gets a new one. Code found since the prompt was rendered can wait for a
        rest, but where a name has just been typed to its end and its definition is found.
        """
        anchor = None if request.explicit else self._anchors.find(_key(request), plan.cursor)
        if anchor is not None and self._fits(anchor, plan):
            if not plan.cursor.left.endswith(_BEHIND_NAMES):
                return anchor, 0.0
            gathered, retrieve_ms = self._gather(request, plan)
            if gathered.late or _locations(gathered.snippets) <= _locations(anchor.offered):
                return anchor, retrieve_ms
        else:
            gathered, retrieve_ms = self._gather(request, plan)
        anchor = self._rendered(request, plan, gathered)
        self.keep(request, anchor)
        return anchor, retrieve_ms

    def fresh(self, request: CompletionRequest, plan: CompletionPlan) -> Anchor:
        """Render a prompt with what the index knows now; it is not kept yet."""
        return self._rendered(request, plan, self._gather(request, plan)[0])

    def keep(self, request: CompletionRequest, anchor: Anchor) -> None:
        """Go on with this prompt from now on."""
        self._anchors.put(_key(request), anchor)

    def _fits(self, anchor: Anchor, plan: CompletionPlan) -> bool:
        typed = self._encoder.count(anchor.typed(plan.cursor) or "")
        room = self._context_tokens - plan.max_tokens
        return typed <= MAX_TYPED_TOKENS and len(anchor.ids) + typed <= room

    def _rendered(
        self, request: CompletionRequest, plan: CompletionPlan, gathered: Gathered
    ) -> Anchor:
        """Render a prompt for the line of the cursor."""
        before = plan.cursor.before
        rendered = self._encoder.render(
            before,
            plan.cursor.after,
            repo=self._repo,
            path=request.path,
            snippets=gathered.snippets,
            budget=plan.budget,
        )
        before = before[: len(before) - len(rendered.prompt.typed)]
        return Anchor(
            before, rendered.behind, rendered.prompt, rendered.ids, offered=gathered.snippets
        )

    def _gather(self, request: CompletionRequest, plan: CompletionPlan) -> tuple[Gathered, float]:
        """Ask the index; a fault of it costs the context, never the completion."""
        if self._retriever is None or not (request.retrieval and self._options.retrieval):
            return Gathered(), 0.0
        began = self._clock()
        try:
            gathered = self._retriever.gather(
                plan.cursor,
                path=request.path,
                language=plan.language,
                budget_tokens=plan.budget,
                deadline_ms=self._options.retrieve_deadline_ms,
                recent=request.recent,
            )
        except IndexerError as error:
            logger.warning("completing without retrieval: %s", error)
            gathered = Gathered()
        if request.path and not request.explicit:  # who asks by hand wants the best, not the same
            line = plan.cursor.before.count("\n")
            snippets = self._stable.settle(request.path, line, gathered.snippets)
            gathered = replace(gathered, snippets=snippets)
        return gathered, (self._clock() - began) * 1000


def _key(request: CompletionRequest) -> Hashable:
    """Return what shapes a prompt beside the text, the model and the settings."""
    return (request.path, request.language, request.retrieval)


def _locations(snippets: Iterable[Snippet]) -> set[tuple[str, int, int]]:
    return {(snippet.path, snippet.start_line, snippet.end_line) for snippet in snippets}
