"""What a server has answered so far: its pieces put together, and where our rules end it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from itertools import takewhile

from homespun.models.remote.kinds import Piece
from homespun.models.remote.tokens.told_tokens import Token, TokenRecord, ToldToken
from homespun.models.types import Generation, GenerationFinish, StopRule, Tokenizer

LINE_END = "\n"


class RemoteAnswer:
    """An answer while it streams."""

    def __init__(
        self,
        stop: StopRule,
        *,
        heal: str,
        lead: Token | None,
        instead_of: tuple[Token, ...] = (),
        ends: Collection[int],
        control_at: Callable[[str], int],
        ends_with_line: bool,
    ) -> None:
        """`heal` is text that the answer begins with and that is not part of it.

        `lead` is a token that was put before the answer, one of those that might have come first
        `instead_of` another; `ends` are ids of which each ends it, and `control_at` finds a control
        string in it. `ends_with_line`: the server ends it there.
        """
        self.text = ""  # what counts, as far as the rules have let it through
        self.written = lead.text if lead else ""  # all of it
        self.ids: list[int] = [lead.id] if lead and lead.id is not None else []
        self.logprob = lead.logprob if lead else 0.0
        self._record = TokenRecord(heal)
        if lead:
            self._record.add([ToldToken(lead.text, lead.logprob, instead_of)])
        self.finish: GenerationFinish | None = None
        self.stop_reason = ""
        self.choices: tuple[Token, ...] = ()  # what might have come first
        self.is_at_end_token = False  # the server ends by itself then, in most cases
        self.prompt_tokens = self.reused_tokens = self.pieces = 0
        self.server_ms = 0.0
        self._stop, self._heal = stop, heal
        self._ends, self._control_at = ends, control_at
        self.ends_with_line = ends_with_line

    @property
    def is_as_told(self) -> bool:
        """Whether it begins as it must, as far as it has come."""
        return self.written.startswith(self._heal) or self._heal.startswith(self.written)

    def add(self, piece: Piece) -> bool:
        """Take a piece; True when the answer is at its end."""
        self.prompt_tokens = piece.prompt_tokens or self.prompt_tokens
        self.reused_tokens = piece.reused_tokens or self.reused_tokens
        self.server_ms = piece.server_ms or self.server_ms
        if self.finish is not None:
            self.is_at_end_token = False
            return True
        self._record.add(piece.told)
        own = tuple(takewhile(lambda token: token not in self._ends, piece.ids))
        is_end = self.is_at_end_token = len(own) < len(piece.ids)
        if is_end:
            piece = self._without_end(piece, own)
        if piece.text or piece.ids:
            self._take(piece)
            self.logprob += piece.logprob if piece.ids or not is_end else 0.0
        if self.finish is None and (is_end or piece.finish):
            self._close("length" if piece.finish == "length" and not is_end else "eos")
        return self.finish is not None

    def cut(self) -> None:
        """End it where it is: the time is up."""
        if self.finish is None:
            self.finish = "length"

    def generation(self, tokenizer: Tokenizer, prompt_tokens: int) -> Generation:
        """Return it as a generator does; who wrote it and its times are left to the caller.

        `tokenizer` and `prompt_tokens` are for what the server did not say.
        """
        is_told = self._record.is_whole(self.written)
        record = self._record if is_told else TokenRecord()
        return Generation(
            text=self.text,
            token_ids=tuple(self.ids or tokenizer.encode(self.text)),
            finish=self.finish or "eos",
            stop_reason=self.stop_reason,
            logprob=self.logprob,
            prompt_tokens=self.prompt_tokens or prompt_tokens,
            reused_tokens=self.reused_tokens,
            drafted_tokens=0,
            accepted_tokens=0,
            prefill_ms=0.0,
            decode_ms=0.0,
            token_logprobs=tuple(record.logprobs),
            token_margins=tuple(record.margins),
            token_entropies=tuple(record.entropies),
            token_ends=tuple(record.ends(self.written)),
        )

    def _without_end(self, piece: Piece, own: tuple[int, ...]) -> Piece:
        """Return what a piece brings beside an end token: text that the server had held back."""
        control = self._control_at(piece.text)
        text = piece.text if control < 0 else piece.text[:control]
        return replace(piece, text=text, ids=own, told=piece.told[: len(own)])

    def _take(self, piece: Piece) -> None:
        if not self.pieces:
            self.choices = piece.choices
        self.pieces += 1
        self.written += piece.text
        self.ids += piece.ids
        if len(self.written) <= len(self._heal) or not self.is_as_told:
            return
        text = self.written[len(self._heal) :].rstrip("\ufffd")
        control = self._control_at(text)
        if control >= 0:
            self.text = text[:control]
            if not self._judge():
                self._close("eos")
            return
        self.text = text
        self._judge()

    def _judge(self, behind: str = "") -> bool:
        """Ask the stop rule, with text `behind` that the server has kept; True where it ends."""
        verdict = self._stop(self.text + behind)
        if verdict is None:
            return False
        self.text = (self.text + behind)[: verdict.end]
        self.finish, self.stop_reason = "stop", verdict.reason
        return True

    def _close(self, finish: GenerationFinish) -> None:
        """End it as the server says; where that ends with the line, the line end is as good."""
        if finish == "eos" and self.ends_with_line and self._judge(LINE_END):
            return
        self.finish = finish


def ends_with_the_line(stop: StopRule, *before: str) -> bool:
    """Tell whether any line end ends the answer, so that the server may stop there by itself.

    A rule is asked with the shortest answers; `before` are texts that come before its own.
    """
    if any(LINE_END in text for text in before) or stop("x") is not None:
        return False
    return stop(LINE_END) is not None and stop(f"x{LINE_END}") is not None
