"""What an encoder and a generator are. Imports nothing of ours; numpy and standard library only.

Every room above speaks to weights through these Protocols; `models/fakes.py` has the public fakes.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

MODEL_AS_SHIPPED = "none"  # what `adapter` says where no adapter of a repository is at work
WITHOUT_OWN = (MODEL_AS_SHIPPED, "base", "")  # what it says where no repository's own is merged
UNKNOWN_LOGPROB = math.nan  # of a server that does not say it; no comparison with it is true
GenerationFinish = Literal["stop", "eos", "length", "cancelled"]


class Encoder(Protocol):
    """Text to vectors."""

    @property
    def name(self) -> str:
        """Catalogue name; part of every cache key."""

    @property
    def dimensions(self) -> int:
        """Length of a vector."""

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return `(len(texts), dimensions)` float32 with unit-norm rows, in input order."""


@runtime_checkable
class AskedEncoder(Protocol):
    """What an encoder has beside `Encoder` where a server of the user's computes its vectors."""

    def encode_query(self, text: str) -> npt.NDArray[np.float32]:
        """Return the `(dimensions,)` vector of a question, soon; raises `RemoteError`."""

    def expect(self, dimensions: int) -> None:
        """Say how long the vectors are that are kept already, so that the server is not asked."""

    def leave(self) -> None:
        """End what is on its way, and send nothing more; safe on any thread."""

    def where(self) -> str:
        """Return in words where text goes, e.g. "http://gpu-box:8000"; holds no key."""


class Reranker(Protocol):
    """A question and texts to how well each answers it."""

    @property
    def name(self) -> str:
        """What it is, for people; holds no key."""

    def relevance(self, query: str, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return `(len(texts),)` finite scores, more is better; raises `ModelsError` in time."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop rule's verdict on the text generated so far."""

    end: int  # characters of the generated text to keep
    reason: str  # e.g. "newline", "block"; becomes `finish` of the completion


StopRule = Callable[[str], Stop | None]
"""Called with the whole generated text after each token; None means go on."""


@runtime_checkable
class TimedStop(Protocol):
    """A stop rule that counts time: a second answer to the same question begins anew."""

    def __call__(self, text: str) -> Stop | None:
        """As any stop rule."""

    def anew(self) -> StopRule:
        """Return the same rule with its time before it."""


class Cancellation:
    """A flag that another thread sets, and that can reach into a running step.

    Callable, so it fits wherever a `cancelled: Callable[[], bool]` is wanted. A decoder that gets
    one breaks off inside a step; a plain function is only asked between steps.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._callback: Callable[[], None] | None = None
        self._is_cancelled = False

    def __call__(self) -> bool:
        """Say whether the work was cancelled."""
        return self._is_cancelled

    def cancel(self) -> None:
        """Cancel, once and for all; safe on any thread."""
        with self._lock:
            self._is_cancelled = True
            callback = self._callback
        if callback is not None:
            callback()

    def on_cancel(self, callback: Callable[[], None] | None) -> None:
        """Have `callback` called on cancelling, at once where that has been; None takes it back."""
        with self._lock:
            self._callback = callback
            is_cancelled = self._is_cancelled
        if is_cancelled and callback is not None:
            callback()


@dataclass(frozen=True, slots=True)
class Generation:
    """What a generator did for one prompt. Times in milliseconds."""

    text: str  # kept text: cut at `Stop.end`, control tokens never included
    token_ids: tuple[int, ...]  # generated ids, the end token excluded
    finish: GenerationFinish
    stop_reason: str  # `Stop.reason` when finish is "stop", else ""
    logprob: float  # sum of the natural-log probabilities of the tokens, or UNKNOWN_LOGPROB
    prompt_tokens: int
    reused_tokens: int  # prompt tokens whose keys and values were already in the cache
    drafted_tokens: int
    accepted_tokens: int
    prefill_ms: float
    decode_ms: float
    token_logprobs: tuple[float, ...] = ()  # of each token, an end token's last; () = not told
    # As many as there are log-probabilities, or none where a server does not tell them:
    token_margins: tuple[float, ...] = ()  # by how many nats the runner-up was less likely
    token_entropies: tuple[float, ...] = ()  # of what might have come there, in nats
    token_ends: tuple[int, ...] = ()  # characters of the uncut text up to each token's end
    model: str = ""  # who answered, with which adapter, where that is not the generator's own name
    adapter: str = ""
    route: str = ""  # "local" or "remote" where it might have been either
    route_why: str = ""  # half a sentence on why it was that one
    instead: Generation | None = None  # another answer, for a reader whose rules refuse this one


@dataclass(frozen=True, slots=True)
class Warmth:
    """How far a prompt was made ready."""

    prompt_tokens: int
    reused_tokens: int  # were in the cache before
    finished: bool  # False: cancelled on the way, what was done stays


class Tokenizer(Protocol):
    """Plain text to ids and back; control tokens only by name."""

    def encode(self, text: str) -> list[int]:
        """Encode as plain text: a control string such as `<|fim_middle|>` in it stays text."""

    def decode(self, ids: Sequence[int]) -> str:
        """Decode; incomplete UTF-8 at the end becomes U+FFFD."""

    def control(self, name: str) -> int:
        """Return the id of a control token, e.g. `<|fim_prefix|>`. Raises KeyError if unknown."""


@dataclass(frozen=True, slots=True)
class FimTokens:
    """Names of a model's fill-in-the-middle control tokens; empty string where it has none."""

    prefix: str
    suffix: str
    middle: str
    repo_name: str = ""
    file_sep: str = ""
    end: tuple[str, ...] = ()  # any of these ends a completion


@dataclass(frozen=True, slots=True)
class DecoderShape:
    """How large a causal language model is: all that its work per token is counted from."""

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    feed_forward: int
    vocabulary: int


class Generator(Protocol):
    """A causal language model that keeps the keys and values of its last prompts.

    Behind it: the embedded ONNX decoder, or a server of the user's (`models/remote/`).
    Not thread-safe: one caller at a time (the server runs it on an executor of one worker).
    """

    name: str  # catalogue name or path; part of every cache key
    adapter: str  # what is merged into its weights: "none", "base" or an identifier; likewise
    fim: FimTokens
    context_tokens: int  # longest prompt plus completion
    sends: bool  # prompts leave this process: who renders them masks secrets first

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer of this model."""

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
    ) -> Generation:
        """Greedy continuation of `prompt` (token ids).

        `heal` is text that the continuation must begin with and that is not part of
        `Generation.text`: the end of what the user typed, whose last token may be partial (token
        healing). `hints` are token ids to draft from beside the prompt; they change the time,
        never the result. `not_first` are ids that the continuation does not begin with, to get
        another one. `cancelled` is polled between steps (prefill is chunked); a cancelled
        run returns what it has with finish "cancelled" and leaves a consistent cache. Raises
        `PromptTooLong` when `len(prompt) + max_tokens` exceeds `context_tokens`, and one that sends
        `RemoteError`.
        """

    def score(self, prompt: Sequence[int], answer: Sequence[int]) -> float:
        """Return the sum of the natural-log probabilities of `answer` right behind `prompt`.

        Raises `PromptTooLong` when both together exceed `context_tokens`.
        """

    def warm(self, prompt: Sequence[int], *, cancelled: Callable[[], bool]) -> Warmth:
        """Compute the keys and values of `prompt` ahead of need; raises like `generate`."""
