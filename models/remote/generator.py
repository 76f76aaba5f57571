"""A server of the user's as a `Generator`: our prompt and rules, its weights.

Prompts come in the ids of the tokenizer here. Where the server's is the same they go as ids, else
as text in its model's own control strings. Either way secrets are masked before anything is sent.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

from homespun.models.errors import PromptTooLong, RemoteFailed, RemoteRefused, UnsupportedModel
from homespun.models.remote.answer import LINE_END, RemoteAnswer, ends_with_the_line
from homespun.models.remote.detect import RemoteServer, detect
from homespun.models.remote.kinds import Piece, RemoteQuestion
from homespun.models.remote.options import RemoteOptions
from homespun.models.remote.prompt_parts import (
    PromptSplitter,
    first_control,
    sign_of_wrong_format,
)
from homespun.models.remote.tokens.told_tokens import Token
from homespun.models.remote.wire.client import Cancelled, Limits, RemoteClient, TimedOut
from homespun.models.types import (
    MODEL_AS_SHIPPED,
    FimTokens,
    Generation,
    GenerationFinish,
    StopRule,
    Tokenizer,
    Warmth,
)

logger = logging.getLogger(__name__)

_WARM_SECONDS = 30.0  # nobody waits for it, and a request breaks it off
_NOT_UNDERSTOOD, _NOT_THERE = (400, 422), 404  # statuses
_SIGNS = 3  # answers that repeat the suffix before that is said: a model may do so once


class RemoteGenerator:
    """Implements `homespun.models.types.Generator`."""

    def __init__(
        self,
        client: RemoteClient,
        options: RemoteOptions,
        *,
        tokenizer: Tokenizer,
        fim: FimTokens,
        context_tokens: int,
        adapter: str,
        mask: Callable[[str], str],
        say: Callable[[str], None] = logger.warning,
    ) -> None:
        """Open nothing yet: the first question does, or `connect`.

        `tokenizer`, `fim` and `context_tokens` are those that prompts are rendered with, `adapter`
        is that of the repository, asked for where the server has it, `mask` replaces secrets by as
        many other characters, and `say` gets a sentence on what is odd.
        """
        where = client.address.shown
        self.name = f"{options.model}@{where}" if options.model else f"model@{where}"
        self.adapter = MODEL_AS_SHIPPED
        # No names of repository and file: the layout in comments, which every format can hold.
        self.fim = replace(fim, repo_name="", file_sep="")
        self.context_tokens = context_tokens
        self.sends = True
        self.tokenizer = tokenizer
        self.client = client
        self.server: RemoteServer | None = None  # once it is known
        self.server_ms = 0.0  # what the server took for its last answer, 0 where it did not say
        self._options = options
        self._adapter = adapter
        self._splitter = PromptSplitter(tokenizer, fim, mask=mask)
        self._mask, self._say = mask, say
        self._connecting = threading.Lock()
        self._signs = 0  # of a wrong format
        # What might have come first, by the question; for answers that begin otherwise.
        self._choices: tuple[tuple[tuple[int, ...], str], tuple[Token, ...]] = (((), ""), ())

    def connect(self, limits: Limits) -> RemoteServer:
        """Find out what is at the address, once. Raises `RemoteError`, `Cancelled`."""
        if self.server is not None:
            return self.server
        if not self._connecting.acquire(timeout=max(limits.deadline - self.client.clock(), 0)):
            raise TimedOut(f"{self.client.address.shown} has not answered in time")
        try:
            if self.server is None:
                self.server = self._found(limits)
        finally:
            self._connecting.release()
        return self.server

    def generate(
        self,
        prompt: Sequence[int],
        *,
        max_tokens: int,
        stop: StopRule,
        cancelled: Callable[[], bool],
        heal: str = "",
        hints: Sequence[Sequence[int]] = (),
        not_first: Collection[int] = (),
        within_ms: int | None = None,
    ) -> Generation:
        """Have the server continue `prompt`; see `homespun.models.types.Generator`.

        `hints` are for drafts, which a server makes by itself or not. The whole answer comes
        `within_ms`; without it what has come in `timeout_ms` is taken. Raises `RemoteError`.
        """
        self._check_length(prompt, max_tokens)
        began = self.client.clock()
        limits = self._limits(cancelled, within_ms)
        asked = (tuple(prompt), heal)
        lead = self._another(asked, not_first) if not_first else None
        if not_first and lead is None:
            return _nothing(len(prompt), "eos")
        try:
            server = self.connect(limits)
            self._check_room(server, len(prompt) + max_tokens)
            answer = self._new_answer(server, stop, heal, lead)
            first = self._listen(server, answer, asked, lead, max_tokens, limits)
        except Cancelled:
            return _nothing(len(prompt), "cancelled")
        except RemoteRefused as error:
            if error.status == _NOT_THERE:
                self.server = None  # it may have another model by now
            if not self._asks_more_plainly(error):
                raise
            return self.generate(
                prompt,
                max_tokens=max_tokens,
                stop=stop,
                cancelled=cancelled,
                heal=heal,
                not_first=not_first,
                within_ms=within_ms,
            )
        if not not_first:
            self._choices = (asked, answer.choices)
        self._look_for_signs(server, answer, prompt)
        self.server_ms = answer.server_ms
        ended = self.client.clock()
        return replace(
            answer.generation(self.tokenizer, len(prompt)),
            prefill_ms=((first or ended) - began) * 1000,
            decode_ms=(ended - (first or ended)) * 1000,
            model=f"{server.model_shown}@{self.client.address.shown}",
            adapter=server.adapter,
        )

    def score(self, prompt: Sequence[int], answer: Sequence[int]) -> float:
        """Refuse: servers score what they write, not what they are given."""
        raise UnsupportedModel(
            f"{self.name} cannot say how likely a given text is; measure with a model on this "
            "machine (completion.model)"
        )

    def warm(self, prompt: Sequence[int], *, cancelled: Callable[[], bool]) -> Warmth:
        """Have the server read `prompt` ahead of need, where that costs nobody money."""
        self._check_length(prompt, 0)
        limits = Limits(self.client.clock() + _WARM_SECONDS, cancelled)
        reused = 0
        try:
            server = self.connect(limits)
            if server.kind.warms:
                question = self._question(server, (tuple(prompt), ""), None, 1, ())
                for event in self._events(server, question, limits):
                    reused = event.reused_tokens or reused
        except Cancelled:
            return Warmth(len(prompt), reused, finished=False)
        return Warmth(len(prompt), reused, finished=True)

    def close(self) -> None:
        """Close idle connections."""
        self.client.close()

    def _limits(self, cancelled: Callable[[], bool], within_ms: int | None) -> Limits:
        is_whole, left_ms = within_ms is not None, within_ms or self._options.timeout_ms
        return Limits(self.client.clock() + left_ms / 1000, cancelled, is_whole=is_whole)

    def _found(self, limits: Limits) -> RemoteServer:
        with self.client.guarded():
            server = detect(
                self.client,
                self._options,
                tokenizer=self.tokenizer,
                fim=self.fim,
                adapter=self._adapter,
                limits=limits,
            )
        logger.info("%s is %s", self.client.address.shown, server.sentence)
        return server

    def _new_answer(
        self, server: RemoteServer, stop: StopRule, heal: str, lead: Token | None
    ) -> RemoteAnswer:
        expected = heal if server.heals else ""
        return RemoteAnswer(
            stop,
            heal=expected,
            lead=lead,
            instead_of=self._choices[1] if lead else (),
            ends=self._end_ids(server),
            control_at=lambda text: first_control(text, server.format),
            ends_with_line=ends_with_the_line(stop, expected, lead.text if lead else ""),
        )

    def _listen(
        self,
        server: RemoteServer,
        answer: RemoteAnswer,
        asked: tuple[tuple[int, ...], str],
        lead: Token | None,
        max_tokens: int,
        limits: Limits,
    ) -> float | None:
        """Fill the answer; return when its first piece came, None where none did."""
        stops = (LINE_END,) if answer.ends_with_line else ()
        question = self._question(server, asked, lead, max_tokens - bool(lead), stops)
        first, has_ended = None, False
        try:
            with closing(self._events(server, question, limits)) as pieces:
                for piece in pieces:
                    if first is None and (piece.text or piece.finish):
                        first = self.client.clock()
                    is_over = answer.add(piece)
                    if not answer.is_as_told:
                        self._cannot_heal(server)
                    has_ended = has_ended or bool(piece.finish)
                    # Behind an end token comes the server's last word, and the connection stays.
                    if is_over and not has_ended and not answer.is_at_end_token:
                        break  # by our own rule: leaving tells the server
        except TimedOut:
            if limits.is_whole or not answer.text:
                raise
            answer.cut()
        return first

    def _question(
        self,
        server: RemoteServer,
        asked: tuple[tuple[int, ...], str],
        lead: Token | None,
        max_tokens: int,
        stops: tuple[str, ...],
    ) -> RemoteQuestion:
        prompt, heal = asked
        led = lead.text if lead else ""
        kept = "" if server.heals else heal  # else the server is told to begin with it
        sent: tuple[int, ...] | str
        suffix = ""
        if server.takes_our_ids:
            behind = self.tokenizer.encode(self._mask(kept))
            own = [lead.id] if lead and lead.id is not None else self.tokenizer.encode(led)
            sent = (*self._splitter.safe_ids(prompt), *behind, *own)
        elif server.kind.form == "halves":
            parts = self._splitter.parts(prompt)
            sent, suffix = parts.as_halves(server.format, self._mask(heal) + led)
        else:
            assert server.format is not None  # else it was refused
            sent = self._splitter.parts(prompt).as_text(server.format, self._mask(kept) + led)
        by_id = server.kind.ends_by_id and server.takes_our_ids
        ends = server.format.ends if server.format is not None and not by_id else ()
        return RemoteQuestion(
            model=server.model,
            prompt=sent,
            suffix=suffix,
            max_tokens=max(max_tokens, 1),
            heal=self._mask(heal)[len(led) :] if server.heals else "",
            tells=server.tells,
            stops=(*stops, *ends),
            end_ids=tuple(sorted(self._end_ids(server))) if by_id else (),
            context_tokens=self.context_tokens,
        )

    def _events(
        self, server: RemoteServer, question: RemoteQuestion, limits: Limits
    ) -> Generator[Piece, None, None]:
        """Yield the pieces of an answer; closing the iterator ends the request."""
        body = server.kind.body(question)
        with closing(self.client.events(server.kind.path, body, limits=limits)) as events:
            for event in events:
                yield _read(server, event, self.client.address.shown)

    def _another(
        self, asked: tuple[tuple[int, ...], str], not_first: Collection[int]
    ) -> Token | None:
        """Return the likeliest first token that is none of these, as far as the server told."""
        known, choices = self._choices
        if known != asked:
            return None
        heal = asked[1] if self.server is not None and self.server.heals else ""
        for token in choices:
            number = token.id if token.id is not None else self._first_id(token.text)
            fits = token.text.startswith(heal) or heal.startswith(token.text)
            if fits and token.text and number not in not_first and number is not None:
                return replace(token, id=number)
        return None

    def _first_id(self, text: str) -> int | None:
        return next(iter(self.tokenizer.encode(text)), None)

    def _end_ids(self, server: RemoteServer) -> frozenset[int]:
        if not server.takes_our_ids:
            return frozenset()
        names = (*self.fim.end, self.fim.prefix, self.fim.suffix, self.fim.middle)
        names += server.format.marks if server.format is not None else ()
        return frozenset(filter(None, (_control(self.tokenizer, name) for name in names)))

    def _asks_more_plainly(self, error: RemoteRefused) -> bool:
        """Ask for less from now on, where a request was refused that asks for more than all know.

        Older servers know no `structured_outputs`, some no `logprobs`, and say 400.
        """
        if error.status not in _NOT_UNDERSTOOD or self.server is None or self.server.is_plain:
            return False
        self.server = self.server.plain()
        self.client.breaker.succeeded()  # it is there, and it answers
        logger.info("%s; asking it for no more than a text", error)
        return True

    def _cannot_heal(self, server: RemoteServer) -> None:
        """Give up telling the server how to begin. Raises `RemoteFailed` for this answer."""
        self.server = replace(server, heals=False)
        raise RemoteFailed(
            f"{self.client.address.shown} did not begin its answer as it was told to; from now on "
            "the whole word at the cursor stands in the prompt"
        )

    def _look_for_signs(
        self, server: RemoteServer, answer: RemoteAnswer, prompt: Sequence[int]
    ) -> None:
        """Say once that the model seems not to be asked in its own way."""
        if self._signs >= _SIGNS or not answer.written:
            return
        after = self._splitter.parts(prompt).after
        sign = sign_of_wrong_format(answer.written, after, server.format)
        if not sign:
            return
        self._signs += 1 if sign.startswith("repeats") else _SIGNS
        if self._signs >= _SIGNS:
            form = server.format.name if server.format is not None else "its own"
            self._say(
                f"{server.model_shown} at {self.client.address.shown} seems to be asked in the "
                f"wrong way ({form}): its answer {sign}; set model.remote.fim, or take a model "
                "that is made to fill in"
            )

    def _check_length(self, prompt: Sequence[int], max_tokens: int) -> None:
        if not prompt or len(prompt) + max_tokens > self.context_tokens:
            raise PromptTooLong(
                f"a prompt of {len(prompt)} tokens and {max_tokens} new ones do not fit "
                f"{self.context_tokens} tokens of context; shorten the prompt or raise context"
            )

    def _check_room(self, server: RemoteServer, tokens: int) -> None:
        if server.context_tokens and tokens > server.context_tokens:
            raise RemoteFailed(
                f"{self.client.address.shown} holds {server.context_tokens} tokens and {tokens} "
                "are wanted; start it with more, or lower completion.context_tokens"
            )


def _read(server: RemoteServer, event: Mapping[str, Any], where: str) -> Piece:
    try:
        return server.kind.read(event)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        raise RemoteFailed(
            f"{where} answers in another form than {server.kind.name} does; look at "
            "model.remote.kind"
        ) from None


def _control(tokenizer: Tokenizer, name: str) -> int | None:
    try:
        return tokenizer.control(name)
    except KeyError:
        return None


def _nothing(prompt_tokens: int, finish: GenerationFinish) -> Generation:
    return Generation("", (), finish, "", 0.0, prompt_tokens, 0, 0, 0, 0.0, 0.0)
