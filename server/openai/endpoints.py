"""Which path answers what: OpenAI's completions and models, llama.cpp's infill, health."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from homespun.server.openai.answerer import Answered, Answerer
from homespun.server.openai.errors import BadRequest
from homespun.server.openai.http import HttpRequest
from homespun.server.openai.question import Asked, CursorQuestion, of_completions, of_infill
from homespun.server.openai.replies import Reply, events_reply, json_reply, refusal
from homespun.server.types import Completion

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Served:
    """What answers, as the replies name it."""

    model: str
    adapter: str
    context_tokens: int
    began: int  # seconds since 1970


class Endpoints:
    """Answers whole requests that were let in."""

    def __init__(self, answerer: Answerer, served: Served) -> None:
        self._answerer = answerer
        self._served = served
        self._routes: Mapping[str, tuple[str, Callable[[HttpRequest], Awaitable[Reply]]]] = {
            "/v1/completions": ("POST", self._completions),
            "/v1/models": ("GET", self._models),
            "/infill": ("POST", self._infill),
            "/health": ("GET", self._health),
        }

    async def reply(self, request: HttpRequest) -> Reply:
        """Answer a request; whatever goes wrong is an error in OpenAI's shape."""
        if request.path not in self._routes:
            known = ", ".join(self._routes)
            return refusal(404, f"there is no {request.path[:80]!r} here; known are {known}")
        method, answer = self._routes[request.path]
        if request.method != method:
            return refusal(405, f"{request.path!r} answers {method}, not {request.method[:20]!r}")
        try:
            return await answer(request)
        except BadRequest as error:
            return refusal(error.status, str(error), code=error.code)
        except Exception as error:
            logger.error("a request failed: %s", error, exc_info=error)
            return refusal(500, f"the completion failed ({type(error).__name__}); see the log")

    async def _completions(self, request: HttpRequest) -> Reply:
        asked = of_completions(request.body)
        answered = await self._answered(request, asked.question)
        return _as_openai(answered, asked, self._served)

    async def _infill(self, request: HttpRequest) -> Reply:
        asked = of_infill(request.body)
        answered = await self._answered(request, asked.question)
        return _as_llama_cpp(answered, asked, self._served)

    async def _models(self, request: HttpRequest) -> Reply:
        model = {
            "id": self._served.model,
            "object": "model",
            "created": self._served.began,
            "owned_by": "homespun",
            "adapter": self._served.adapter,
            "max_model_len": self._served.context_tokens,
        }
        return json_reply({"object": "list", "data": [model]})

    async def _health(self, request: HttpRequest) -> Reply:
        return json_reply({"status": "ok"})

    async def _answered(self, request: HttpRequest, question: CursorQuestion) -> Answered:
        """Ask; a question for no tokens, by which llama.vim warms a server up, costs nothing."""
        if question.max_tokens == 0:
            return Answered(Completion("", "length", model=self._served.model))
        client = (request.client, request.headers.get("user-agent", ""))
        return await self._answerer.answer(client, question)


def _as_openai(answered: Answered, asked: Asked, served: Served) -> Reply:
    """Return OpenAI's form; a suggestion is judged as a whole, so a stream brings it in one."""
    completion = answered.completion
    common = {
        "id": f"cmpl-{uuid.uuid4().hex}",
        "object": "text_completion",
        "created": int(time.time()),
        "model": served.model,
    }
    finish = "length" if completion.finish == "length" else "stop"
    prompt, made = completion.tokens.get("prompt", 0), completion.tokens.get("generated", 0)
    last = {
        "usage": {
            "prompt_tokens": prompt,
            "completion_tokens": made,
            "total_tokens": prompt + made,
        },
        "homespun": _ours(answered),
    }

    def choice(text: str, finish: str | None) -> dict[str, object]:
        return {"index": 0, "text": text, "logprobs": None, "finish_reason": finish}

    if not asked.stream:
        return json_reply(common | {"choices": [choice(completion.text, finish)]} | last)
    pieces = [common | {"choices": [choice(completion.text, None)]}] if completion.text else []
    return events_reply([*pieces, common | {"choices": [choice("", finish)]} | last], done=True)


def _as_llama_cpp(answered: Answered, asked: Asked, served: Served) -> Reply:
    completion = answered.completion
    prompt, made = completion.tokens.get("prompt", 0), completion.tokens.get("generated", 0)
    reused = completion.tokens.get("reused", 0)
    body: dict[str, object] = {
        "index": 0,
        "content": completion.text,
        "stop": True,
        "stop_type": "limit" if completion.finish == "length" else "eos",
        "model": served.model,
        "id_slot": 0,
        "tokens_predicted": made,
        "tokens_evaluated": prompt,
        "tokens_cached": reused + made,
        "truncated": False,
        "generation_settings": {"n_ctx": served.context_tokens, "temperature": 0.0},
        "timings": {
            "cache_n": reused,
            **_rate("prompt", prompt - reused, completion.timings_ms.get("prefill", 0.0)),
            **_rate("predicted", made, completion.timings_ms.get("decode", 0.0)),
        },
        "homespun": _ours(answered),
    }
    if asked.fields is not None:
        body = _only(body, asked.fields)
    return events_reply([body], done=False) if asked.stream else json_reply(body)


def _rate(what: str, tokens: int, milliseconds: float) -> dict[str, float]:
    return {
        f"{what}_n": tokens,
        f"{what}_ms": milliseconds,
        f"{what}_per_token_ms": milliseconds / max(tokens, 1),
        f"{what}_per_second": 1000 * tokens / milliseconds if milliseconds else 0.0,
    }


def _only(body: Mapping[str, object], fields: tuple[str, ...]) -> dict[str, object]:
    """Return the fields that llama.cpp's `response_fields` name: "timings/prompt_n", flattened."""
    chosen: dict[str, object] = {}
    for field in fields:
        value: object = body
        for part in field.split("/"):
            value = value.get(part) if isinstance(value, Mapping) else None
        if value is not None:
            chosen[field] = value
    return chosen


def _ours(answered: Answered) -> dict[str, object]:
    """Return what no other server says: of which file, from which sources, and why it ended."""
    completion = answered.completion
    return {
        "path": answered.path,
        "language": answered.language,
        "finish": completion.finish,
        "adapter": completion.adapter,
        "sources": [place.to_json() for place in completion.places],
        "timings_ms": {stage: round(ms, 2) for stage, ms in completion.timings_ms.items()},
    }
