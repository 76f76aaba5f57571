"""What kinds of servers there are: where each is asked, in which words, and how its answer reads.

Sources: llama.cpp `tools/server/README.md`, vLLM "OpenAI-Compatible Server", Ollama `docs/api.md`,
LM Studio "OpenAI compatibility", Mistral "FIM completion", DeepSeek "FIM completion (beta)".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from homespun.models.remote.tokens.healing import grammar, regular_expression
from homespun.models.remote.tokens.told_tokens import Token, ToldToken

ALTERNATIVES = 5  # likely first tokens that are asked for, so that there are other answers
_MAX_STOPS = 4  # what every server takes
_MIN_LOGPROB = -100.0  # nats; servers write anything from there down for what cannot come
_KEEP_LOADED = "30m"  # Ollama unloads a model after five minutes otherwise


@dataclass(frozen=True, slots=True)
class RemoteQuestion:
    """What a server is asked, in the form that its kind takes."""

    model: str
    prompt: tuple[int, ...] | str  # token ids, or text with control strings
    suffix: str  # only where the server puts the prompt together itself
    max_tokens: int
    heal: str = ""  # text that the answer must begin with, where the kind can be told so
    stops: tuple[str, ...] = ()
    end_ids: tuple[int, ...] = ()  # the same of tokens, where the kind takes their ids
    context_tokens: int = 0  # prompt and answer, for servers that are told
    tells: bool = True  # how likely the answer is: some servers refuse to be asked


@dataclass(frozen=True, slots=True)
class Piece:
    """What one event of an answer brings."""

    text: str = ""
    ids: tuple[int, ...] = ()
    told: tuple[ToldToken, ...] = ()  # its tokens, where they are told of
    finish: Literal["", "stop", "length"] = ""
    prompt_tokens: int = 0
    reused_tokens: int = 0
    server_ms: float = 0.0  # what the server itself took, where it says so

    @property
    def logprob(self) -> float:
        """Of its tokens together; NaN where it is not told."""
        return math.fsum(token.logprob for token in self.told) if self.told else math.nan

    @property
    def choices(self) -> tuple[Token, ...]:
        """What might have come in the place of its first token."""
        return self.told[0].choices if self.told else ()


@dataclass(frozen=True, slots=True)
class ServerKind:
    """How one kind of server is spoken to."""

    name: str
    path: str
    form: Literal["ids", "text", "halves"]  # of the prompt: "halves" has the suffix as a field
    body: Callable[[RemoteQuestion], dict[str, Any]]
    read: Callable[[Mapping[str, Any]], Piece]
    heals: bool = False  # `RemoteQuestion.heal` is obeyed
    ends_by_id: bool = False  # `RemoteQuestion.end_ids` is obeyed
    warms: bool = False  # reading a prompt ahead of need costs nobody money
    usual_model: str = ""  # where none is set and the server is not asked


def _llama_body(question: RemoteQuestion) -> dict[str, Any]:
    return {
        "prompt": _listed(question.prompt),
        "n_predict": question.max_tokens,
        "stream": True,
        "cache_prompt": True,
        "id_slot": 0,  # another slot would read the prompt anew
        "temperature": 0,
        "samplers": ["top_k"],
        "top_k": 1,
        **({"n_probs": ALTERNATIVES} if question.tells else {}),
        "return_tokens": True,
        "stop": _few(question.stops),
        **({"grammar": grammar(question.heal)} if question.heal else {}),
    }


def _llama_read(event: Mapping[str, Any]) -> Piece:
    tokens = _dicts(event.get("completion_probabilities"))
    timings = event.get("timings") or {}
    finish: Literal["", "stop", "length"] = ""
    if event.get("stop"):
        finish = "length" if event.get("stop_type") == "limit" else "stop"
    return Piece(
        text=_text(event.get("content")),
        ids=_ids(event.get("tokens")),
        told=_told(tokens),
        finish=finish,
        prompt_tokens=_count(event.get("tokens_evaluated")),
        reused_tokens=_count(timings.get("cache_n")),
        server_ms=_number(timings.get("prompt_ms")) + _number(timings.get("predicted_ms")),
    )


def _vllm_body(question: RemoteQuestion) -> dict[str, Any]:
    heal = question.heal
    return {
        **_openai_body(question),
        "prompt": _listed(question.prompt),
        # Without it special tokens are left out of the text, and a stop among them is not seen.
        "skip_special_tokens": False,
        "spaces_between_special_tokens": False,
        "return_token_ids": True,
        # Not by their names: as long as the longest stop is, so much of the text is held back.
        **({"stop_token_ids": list(question.end_ids)} if question.end_ids else {}),
        **({"structured_outputs": {"regex": regular_expression(heal)}} if heal else {}),
    }


def _openai_body(question: RemoteQuestion) -> dict[str, Any]:
    return {
        "model": question.model,
        "prompt": question.prompt,
        "max_tokens": question.max_tokens,
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
        **({"logprobs": ALTERNATIVES} if question.tells else {}),
        **({"stop": _few(question.stops)} if question.stops else {}),
    }


def _plain_body(question: RemoteQuestion) -> dict[str, Any]:
    """Return what every server with /v1/completions takes."""
    body = _openai_body(question)
    del body["stream_options"]
    return body


def _openai_read(event: Mapping[str, Any]) -> Piece:
    usage = event.get("usage") or {}
    details = usage.get("prompt_tokens_details") or {}
    reused = _count(details.get("cached_tokens") or usage.get("prompt_cache_hit_tokens"))
    counted = Piece(prompt_tokens=_count(usage.get("prompt_tokens")), reused_tokens=reused)
    choice = next(iter(_dicts(event.get("choices"))), None)
    if choice is None:
        return counted
    said = choice.get("logprobs") or {}
    delta = choice.get("delta") or choice.get("message") or {}
    finish = choice.get("finish_reason") or ""
    return Piece(
        text=_text(choice.get("text") or delta.get("content")),
        ids=_ids(choice.get("token_ids")),
        told=_older_told(said) or _told(_dicts(said.get("content"))),
        finish="length" if finish == "length" else "stop" if finish else "",
        prompt_tokens=counted.prompt_tokens,
        reused_tokens=reused,
    )


def _ollama_body(question: RemoteQuestion) -> dict[str, Any]:
    return {
        "model": question.model,
        "prompt": question.prompt,
        "raw": True,  # else an empty suffix takes the path of a chat
        "stream": True,
        "keep_alive": _KEEP_LOADED,
        **({"logprobs": True, "top_logprobs": ALTERNATIVES} if question.tells else {}),
        "options": {
            "temperature": 0,
            "num_predict": question.max_tokens,
            "num_ctx": question.context_tokens,  # else a prompt is cut without a word
            "stop": _few(question.stops),
        },
    }


def _ollama_read(event: Mapping[str, Any]) -> Piece:
    tokens = _dicts(event.get("logprobs"))
    finish: Literal["", "stop", "length"] = ""
    if event.get("done"):
        finish = "length" if event.get("done_reason") == "length" else "stop"
    return Piece(
        text=_text(event.get("response")),
        told=_told(tokens),
        finish=finish,
        prompt_tokens=_count(event.get("prompt_eval_count")),
        server_ms=_number(event.get("total_duration")) / 1e6,
    )


def _mistral_body(question: RemoteQuestion) -> dict[str, Any]:
    return {
        "model": question.model,
        "prompt": question.prompt,
        "suffix": question.suffix,
        "max_tokens": question.max_tokens,
        "temperature": 0,
        "stream": True,
        **({"stop": _few(question.stops)} if question.stops else {}),
    }


def _deepseek_body(question: RemoteQuestion) -> dict[str, Any]:
    return {**_openai_body(question), "suffix": question.suffix}


KINDS = {
    kind.name: kind
    for kind in (
        ServerKind(
            "llama-server", "/completion", "ids", _llama_body, _llama_read, heals=True, warms=True
        ),
        ServerKind(
            "vllm",
            "/v1/completions",
            "ids",
            _vllm_body,
            _openai_read,
            heals=True,
            ends_by_id=True,
            warms=True,
        ),
        ServerKind("ollama", "/api/generate", "text", _ollama_body, _ollama_read, warms=True),
        ServerKind("lmstudio", "/v1/completions", "text", _plain_body, _openai_read, warms=True),
        ServerKind("openai", "/v1/completions", "text", _plain_body, _openai_read),
        ServerKind(
            "mistral",
            "/v1/fim/completions",
            "halves",
            _mistral_body,
            _openai_read,
            usual_model="codestral-latest",
        ),
        ServerKind(
            "deepseek",
            "/beta/completions",
            "halves",
            _deepseek_body,
            _openai_read,
            usual_model="deepseek-chat",
        ),
    )
}


def _listed(prompt: tuple[int, ...] | str) -> list[int] | str:
    return prompt if isinstance(prompt, str) else list(prompt)


def _few(stops: Sequence[str]) -> list[str]:
    return list(stops[:_MAX_STOPS])


# What follows reads a stranger's JSON: whatever is of another type counts as not said.


def _dicts(value: object) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else 0.0  # type: ignore[arg-type]


def _count(value: object) -> int:
    return max(int(_number(value)), 0)


def _ids(value: object) -> tuple[int, ...]:
    is_list = isinstance(value, list) and all(type(each) is int for each in value)
    return tuple(value) if is_list else ()  # type: ignore[arg-type]


def _id(value: object) -> int | None:
    return value if type(value) is int else None


def _logprob(value: object) -> float:
    """Return a log-probability, 0 at most and finite; NaN for anything else."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    known = float(value) if is_number else math.nan  # type: ignore[arg-type]
    return known if math.isnan(known) else min(max(known, _MIN_LOGPROB), 0.0)


def _told(tokens: Sequence[Mapping[str, Any]]) -> tuple[ToldToken, ...]:
    return tuple(
        ToldToken(
            _text(token.get("token")),
            _logprob(token.get("logprob")),
            _choices(token.get("top_logprobs")),
            _id(token.get("id")),
        )
        for token in tokens
    )


def _choices(value: object) -> tuple[Token, ...]:
    return tuple(
        Token(_id(each.get("id")), _text(each.get("token")), p)
        for each in _dicts(value)
        if not math.isnan(p := _logprob(each.get("logprob")))
    )


def _older_told(said: Mapping[str, Any]) -> tuple[ToldToken, ...]:
    """Read what is said in three lists, as `/v1/completions` had it first."""
    logprobs = said.get("token_logprobs") or ()
    texts, choices = said.get("tokens") or (), said.get("top_logprobs") or ()
    return tuple(
        ToldToken(
            _text(texts[place]) if place < len(texts) else "",
            _logprob(logprob),
            _older_choices(choices[place]) if place < len(choices) else (),
        )
        for place, logprob in enumerate(logprobs)
    )


def _older_choices(value: object) -> tuple[Token, ...]:
    pairs = value.items() if isinstance(value, dict) else ()
    known = [
        Token(None, _text(text), p)
        for text, logprob in pairs
        if not math.isnan(p := _logprob(logprob))
    ]
    return tuple(sorted(known, key=lambda token: -token.logprob))
