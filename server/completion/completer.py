"""The use case: request -> context -> prompt -> model -> filters -> completion."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from homespun.indexer.languages import language_of
from homespun.models.errors import RemoteError
from homespun.models.types import Generation, Generator
from homespun.progress import Progress, never
from homespun.server.completion import reasons, sent, stop_rules, told
from homespun.server.completion.anchored_prompts import AnchoredPrompts
from homespun.server.completion.filters import Answer, Filtered, clean, refusal
from homespun.server.completion.open import compose
from homespun.server.completion.plan import CompletionPlan, plan_of
from homespun.server.completion.reasons import ReasonInputs
from homespun.server.completion.source_file import request_at
from homespun.server.confidence.choose import judge_of
from homespun.server.confidence.suggestion import Judge, Verdict, WrittenSuggestion, shown_whole
from homespun.server.context.retriever import Retriever, Retrieves
from homespun.server.licences.check import LicenceCheck
from homespun.server.options import CompletionOptions, LicenceOptions
from homespun.server.prompt.cursor import Cursor, cut_at
from homespun.server.prompt.encode import PromptEncoder
from homespun.server.prompt.render import DEFAULT_LAYOUT, PROMPT_VERSION, Layout, Prompt
from homespun.server.types import Completion, CompletionRequest, PromptContext

if TYPE_CHECKING:
    from homespun.indexer.index import Index

logger = logging.getLogger(__name__)

_TRIES = 2  # for each other answer that is wanted
_OTHERS_MS = 600  # after this time none is begun
_MAX_WORSE = 2.0  # nats a token: what is less likely than the best by more is no choice
_NOTHING_DENIED = LicenceOptions()
_SWITCHED_OFF = ("disabled", "disabled-language", "disabled-path")


@dataclass(frozen=True, slots=True)
class _Ready:
    """A request that the model can answer."""

    request: CompletionRequest
    plan: CompletionPlan
    prompt: Prompt
    ids: tuple[int, ...]
    heal: str  # what the answer begins with, and stands in the document already
    is_crlf: bool
    began: float
    context_ms: float
    retrieve_ms: float
    context: PromptContext


class Completer:
    """Answers requests with one model and, where there is one, one index."""

    def __init__(
        self,
        generator: Generator,
        index: Index | None,
        options: CompletionOptions,
        *,
        retriever: Retrieves | None = None,
        layout: Layout = DEFAULT_LAYOUT,
        repo: str | None = None,
        folder: Path | None = None,
        judge: Judge = shown_whole,
        licences: LicenceOptions = _NOTHING_DENIED,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Take snippets from `retriever`, by default the index's.

        `repo` is the name in the prompt, `folder` what paths are in: by default those of the index.
        """
        self._generator = generator
        self._likely = judge
        self._licences = LicenceCheck(index, licences)
        self._options = options
        self._layout = layout
        self._repo = repo if repo is not None else (index.root.name if index else "")
        self._folder = folder or (index.root if index else Path())
        self._clock = clock
        if retriever is None and index is not None:
            retriever = Retriever(index, clock=clock)
        self._last_ids: tuple[int, ...] = ()  # of the last answer: the user may type the like of it
        self._encoder = PromptEncoder(generator.tokenizer, generator.fim, layout=layout)
        self._prompts = AnchoredPrompts(
            self._encoder,
            retriever,
            options,
            repo=self._repo,
            context_tokens=generator.context_tokens,
            clock=clock,
        )
        self._controls = tuple(
            name
            for name in (
                *(generator.fim.prefix, generator.fim.suffix, generator.fim.middle),
                *(generator.fim.repo_name, generator.fim.file_sep, *generator.fim.end),
            )
            if name
        )

    @classmethod
    def open(
        cls,
        folder: Path | str = ".",
        *,
        model: str | None = None,
        adapter: str | None = None,
        retrieval: bool | None = None,
        remote: Mapping[str, object] | None = None,
        index: Index | None = None,
        progress: Progress | None = None,
        say: Callable[[str], None] = logger.warning,
    ) -> Completer:
        """Load what completes in a folder by its settings: model, promoted adapter, index.

        `server/completion/open.py` says what comes of what is missing or refused; it raises
        `NotADirectory`, `ModelMissing` (with the command to run) and other `HomespunError`.
        """
        made = compose(
            Path(folder),
            model=model,
            adapter=adapter,
            retrieval=retrieval,
            remote=remote,
            index=index,
            progress=progress,
            say=say,
        )
        return cls(
            *(made.generator, made.index, made.options),
            repo=made.folder.name,
            folder=made.folder,
            judge=judge_of(made.options),
            licences=made.licences,
        )

    @property
    def generator(self) -> Generator:
        """The model that answers; one caller at a time."""
        return self._generator

    @property
    def options(self) -> CompletionOptions:
        """The settings that it answers by."""
        return self._options

    def complete_file(self, file: Path | str, *, line: int, column: int) -> Completion:
        """Complete at a place of a file as it is on the disk; the file's path is in the folder.

        Lines and columns count from 1, columns count characters. Asked for by hand: the rules of
        when to stay silent do not hold. Raises `SourceUnreadable`.
        """
        folder = self._folder
        return self.complete(request_at(folder / file, folder=folder, line=line, column=column))

    def complete(
        self, request: CompletionRequest, *, cancelled: Callable[[], bool] = never
    ) -> Completion:
        """Return the completion, or in `finish` why there is none. Odd requests do not raise."""
        began = self._clock()
        if not 0 <= request.offset <= len(request.text):
            return self._nothing(request, "filtered:cursor-out-of-range", began)
        cursor, is_crlf = cut_at(request.text, request.offset)
        language = request.language or language_of(request.path)
        reason = refusal(request, cursor, language, self._options)
        if reason:
            finish = f"filtered:{reason}"
            facts = reasons.facts(finish, ReasonInputs(request, cursor, language, self._options))
            return self._nothing(request, finish, began, facts)
        if self._generator.sends:
            safe = sent.masked(request, language)
            if sent.is_in_a_secret(request, safe):
                return self._nothing(request, "filtered:secret-at-cursor", began)
            request = safe
            cursor, _ = cut_at(request.text, request.offset)
        plan = self._plan(request, cursor, language)
        anchor, retrieval = self._prompts.of(request, plan)
        if cancelled():
            return self._nothing(request, "cancelled", began)
        asked = self._encoder.encode(anchor.ids, anchor.typed(cursor) or "")
        context_ms = (self._clock() - began) * 1000 - retrieval.ms
        ready = _Ready(
            *(request, plan, anchor.prompt, tuple(asked.ids), asked.heal, is_crlf),
            *(began, context_ms, retrieval.ms),
            told.context_of(anchor.prompt, anchor.offered, retrieval.parts_ms),
        )
        try:
            generation = self._generate(ready, cancelled)
        except RemoteError as error:  # and no model is here to answer in its place
            return self._nothing(request, "filtered:problem", began, {"message": str(error)})
        self._last_ids = generation.token_ids or self._last_ids
        completion = self._completion(ready, generation)
        if not (request.others and completion.text):
            return completion
        others = self._others(ready, generation.token_ids, completion, cancelled)
        return replace(completion, others=tuple(others))

    def _generate(
        self, ready: _Ready, cancelled: Callable[[], bool], not_first: Collection[int] = ()
    ) -> Generation:
        plan, stop = ready.plan, ready.plan.stop
        if plan.is_block and not ready.request.explicit:
            budget_ms = self._options.block_budget_ms
            stop = stop_rules.in_time(stop, budget_ms=budget_ms, clock=self._clock)
        return self._generator.generate(
            ready.ids,
            max_tokens=plan.max_tokens,
            stop=stop,
            cancelled=cancelled,
            heal=ready.heal,
            hints=(self._last_ids,) if self._last_ids else (),
            not_first=not_first,
        )

    def _others(
        self,
        ready: _Ready,
        ids: Sequence[int],
        best: Completion,
        cancelled: Callable[[], bool],
    ) -> Iterator[Completion]:
        """Yield answers that begin otherwise than the best, which has the tokens `ids`.

        What another token leads to is often the same text, so there are more tries than answers.
        """
        seen, begun, since = {best.text}, [ids[0]], self._clock()
        for _ in range(_TRIES * ready.request.others):
            if (self._clock() - since) * 1000 > _OTHERS_MS:
                return
            try:
                generation = self._generate(ready, cancelled, begun)
            except RemoteError:  # said with the status; the best answer is there
                return
            if generation.finish == "cancelled" or not generation.token_ids:
                return
            begun.append(generation.token_ids[0])
            other = self._completion(ready, generation)
            is_a_choice = _per_token(other) >= _per_token(best) - _MAX_WORSE
            if is_a_choice and other.text and other.text not in seen:
                seen.add(other.text)
                yield other
            if len(seen) > ready.request.others:
                return

    def _completion(self, ready: _Ready, generation: Generation) -> Completion:
        request, plan = ready.request, ready.plan
        verdict, finish = self._judge(ready, generation)
        licence = self._licences.verdict(verdict.text, plan.cursor, request.path)
        if licence.denied:
            finish = "filtered:licence"
        text = "" if licence.denied else verdict.text
        if not text and finish != "cancelled" and generation.instead is not None:
            return self._completion(ready, generation.instead)
        mean = generation.logprob / max(len(generation.token_ids), 1)
        seen = ReasonInputs(
            *(request, plan.cursor, plan.language, self._options),
            mean_logprob=mean,
            verdict=verdict,
        )
        return Completion(
            text=text.replace("\n", "\r\n") if ready.is_crlf else text,
            finish=finish,
            model=generation.model or self._generator.name,
            adapter=generation.adapter or self._generator.adapter,
            sources=told.sources_of(ready.prompt),
            logprob=generation.logprob,
            probability=verdict.probability,
            timings_ms={
                "context": ready.context_ms,
                "retrieve": ready.retrieve_ms,
                "prefill": generation.prefill_ms,
                "decode": generation.decode_ms,
                "total": (self._clock() - ready.began) * 1000,
            },
            tokens=told.tokens_of(generation),
            id=request.id,
            route=generation.route or "local",
            facts={
                **reasons.facts(finish, seen),
                **licence.facts,
                **_known("route_why", generation.route_why or None),
                **_known("likelihood", verdict.likelihood),
            },
            same_as=licence.same_as,
            context=ready.context,
        )

    def prepare(
        self,
        request: CompletionRequest,
        *,
        accepted: str = "",
        cancelled: Callable[[], bool] = never,
    ) -> bool:
        """Make ready for a request at this cursor, as if `accepted` had been inserted there.

        Renders the prompt anew, with what the index knows now, and has the decoder read it.
        Returns False when that was cancelled or when there is nothing to complete.
        """
        offset = request.offset
        if not 0 <= offset <= len(request.text):
            return False
        text = request.text[:offset] + accepted + request.text[offset:]
        request = replace(request, text=text, offset=offset + len(accepted))
        cursor, _ = cut_at(request.text, request.offset)
        language = request.language or language_of(request.path)
        if refusal(request, cursor, language, self._options) in _SWITCHED_OFF:
            return False
        if self._generator.sends:
            request = sent.masked(request, language)
            cursor, _ = cut_at(request.text, request.offset)
        plan = self._plan(request, cursor, language)
        anchor = self._prompts.fresh(request, plan, cancelled)
        asked = self._encoder.encode(anchor.ids, anchor.typed(cursor) or "")
        if cancelled():
            return False
        is_ready = self._generator.warm(asked.ids, cancelled=cancelled).finished
        if is_ready:  # else the anchor before it is the better one
            self._prompts.keep(request, anchor)
            self._licences.prepare(cancelled=cancelled)
        return is_ready

    def key(self, request: CompletionRequest) -> Hashable:
        """Return what shapes an answer beside the text around the cursor."""
        return (
            *(request.path, request.language, request.retrieval, request.max_tokens),
            *(request.explicit, self._generator.name, self._generator.adapter),
            *(self._options, self._licences.options, self._layout, self._repo, PROMPT_VERSION),
        )

    def _plan(self, request: CompletionRequest, cursor: Cursor, language: str) -> CompletionPlan:
        return plan_of(
            request,
            cursor,
            language=language,
            options=self._options,
            context_tokens=self._generator.context_tokens,
        )

    def _judge(self, ready: _Ready, generation: Generation) -> tuple[Verdict, str]:
        """Return what to show and how it ended: first the rules decide, then how likely it is."""
        request, plan = ready.request, ready.plan
        finish = generation.stop_reason if generation.finish == "stop" else generation.finish
        if finish == "cancelled":
            return Verdict(""), finish
        answer = Answer(
            text=generation.text,
            finish=finish,
            logprob=generation.logprob,
            tokens=len(generation.token_ids),
            is_block=plan.is_block,
            language=plan.language,
            explicit=request.explicit,
            controls=self._controls,
        )
        try:
            text = clean(answer, plan.cursor, least_logprob=self._options.min_logprob)
        except Filtered as filtered:
            return Verdict(""), f"filtered:{filtered.reason}"
        verdict = self._likely(
            WrittenSuggestion(
                *(text, generation, ready.heal, plan.cursor, plan.language),
                snippets=ready.prompt.snippets,
                is_block=plan.is_block,
                model=generation.model or self._generator.name,
                explicit=request.explicit,
            )
        )
        if verdict.text:
            return verdict, finish
        return verdict, "filtered:little" if verdict.is_too_short else "filtered:unlikely"

    def _nothing(
        self,
        request: CompletionRequest,
        finish: str,
        began: float,
        facts: Mapping[str, object] | None = None,
    ) -> Completion:
        total_ms = (self._clock() - began) * 1000
        return told.nothing(self._generator, finish, total_ms, id=request.id, facts=facts or {})


def _per_token(completion: Completion) -> float:
    """Return the mean log-probability of what the model wrote."""
    return completion.logprob / max(completion.tokens["generated"], 1)


def _known(name: str, value: object | None) -> dict[str, object]:
    return {} if value is None else {name: value}
