"""What each kind of server answers: recorded from llama.cpp's and vLLM's, else as documented."""

from __future__ import annotations

import json

from homespun.models.fakes import FakeTokenizer
from tests.support.model_server import Asked, Reply, answer, lines, stream

TOKENIZER = FakeTokenizer()
CONTROLS = {
    name: TOKENIZER.control(name) for name in ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
}
END = TOKENIZER.control("<|endoftext|>")
MODEL = "qwen2.5-coder-7b"


def ids_of(text: str, *, special: bool) -> list[int]:
    """A tokenizer of bytes, which is that of `FakeGenerator`."""
    found: list[int] = []
    while text:
        name = next((name for name in CONTROLS if special and text.startswith(name)), "")
        found += [CONTROLS[name]] if name else TOKENIZER.encode(text[0])
        text = text[len(name) or 1 :]
    return found


def tokenized(asked: Asked) -> Reply:
    """`/tokenize` of llama.cpp's server and of vLLM."""
    text = asked.body.get("content", asked.body.get("prompt"))
    ids = ids_of(text, special=asked.body.get("parse_special", True))
    return answer({"tokens": ids, "count": len(ids)})


def foreign(asked: Asked) -> Reply:
    """The same of a model with another tokenizer, in which Qwen's control strings are tokens."""
    text = asked.body.get("content", asked.body.get("prompt"))
    ids = ids_of(text, special=True)
    return answer({"tokens": [each if each in CONTROLS.values() else each + 1 for each in ids]})


def llama_event(text: str, *, logprob: float = -0.5, others: tuple[str, ...] = ()) -> dict:
    """An event of `/completion` with `n_probs` and `return_tokens` (xllamacpp 2026.10).

    With `others` the token is the number 1000, and they are those behind it.
    """
    ids = [1000] if others else TOKENIZER.encode(text)
    rows = [
        {"id": 1000 + place, "token": each, "bytes": [], "logprob": logprob - place}
        for place, each in enumerate((text, *others))
    ]
    chosen = {"id": ids[0], "token": text, "bytes": [], "logprob": logprob, "top_logprobs": rows}
    return {
        "index": 0,
        "content": text,
        "tokens": ids,
        "stop": False,
        "id_slot": -1,
        "tokens_predicted": 1,
        "tokens_evaluated": 14,
        "completion_probabilities": [chosen],
    }


def llama_end(stop_type: str = "eos") -> dict:
    """Its last event."""
    return {
        "index": 0,
        "content": "",
        "tokens": [],
        "id_slot": 0,
        "stop": True,
        "model": f"/models/{MODEL}.gguf",
        "tokens_predicted": 3,
        "tokens_evaluated": 14,
        "truncated": False,
        "stop_type": stop_type,
        "stopping_word": "",
        "tokens_cached": 17,
        "timings": {"cache_n": 12, "prompt_n": 2, "prompt_ms": 7.0, "predicted_ms": 5.5},
    }


def llama(*pieces: str, tokenize=tokenized, n_ctx: int = 32768) -> dict:
    """A llama-server that says these pieces."""
    events = [llama_event(piece) for piece in pieces]
    return {
        "/props": answer(
            {
                "default_generation_settings": {"params": {}, "n_ctx": n_ctx},
                "total_slots": 1,
                "model_path": f"/models/{MODEL}.gguf",
                "model_alias": f"/models/{MODEL}.gguf",
            }
        ),
        "/v1/models": answer(
            {"object": "list", "data": [{"id": f"/models/{MODEL}.gguf", "owned_by": "llamacpp"}]}
        ),
        "/tokenize": tokenize,
        "/completion": stream(*events, llama_end(), done=""),
    }


def completion_event(text: str, *, finish: str | None = None, ids: bool = False) -> dict:
    """A chunk of a streamed `/v1/completions`, the logprobs in the older form."""
    tokens = list(text) if ids else [text]  # the tokenizer here is one of bytes
    said = {
        "tokens": tokens,
        "token_logprobs": [-0.25] * len(tokens),
        "top_logprobs": [{each: -0.25, "other": -1.5} for each in tokens],
        "text_offset": [0] * len(tokens),
    }
    choice = {"index": 0, "text": text, "logprobs": said, "finish_reason": finish}
    if ids:
        choice["token_ids"] = TOKENIZER.encode(text)
    return {
        "id": "cmpl-1",
        "object": "text_completion",
        "created": 1,
        "model": MODEL,
        "choices": [choice],
    }


USAGE = {
    "id": "cmpl-1",
    "object": "text_completion",
    "created": 1,
    "model": MODEL,
    "choices": [],
    "usage": {
        "prompt_tokens": 14,
        "completion_tokens": 2,
        "prompt_tokens_details": {"cached_tokens": 8},
    },
}


def vllm_events(*pieces: str, stops: tuple[str, ...] = ()) -> list[dict]:
    """What vLLM 0.32 streams for a piece a token; `stops` are those that it was given.

    A text that may still become a stop is held back. What was comes with the last token, the end.
    """
    held = max(map(len, stops), default=1) - 1
    said, events = 0, []
    for place, piece in enumerate(pieces):
        until = max(len("".join(pieces[: place + 1])) - held, said)
        event = completion_event(piece, ids=True)
        event["choices"][0]["text"] = "".join(pieces)[said:until]
        events.append(event)
        said = until
    end = completion_event("<|endoftext|>", finish="stop")
    end["choices"][0] |= {"text": "".join(pieces)[said:], "token_ids": [END], "stop_reason": None}
    return [*events, end, USAGE]


def together(*events: dict) -> dict:
    """What vLLM makes of several events that nobody fetched in time."""
    choices = [event["choices"][0] for event in events]
    said = {name: [] for name in choices[0]["logprobs"]}
    for choice in choices:
        for name, values in choice["logprobs"].items():
            said[name] = said[name] + values
    choice = choices[-1] | {"text": "".join(each["text"] for each in choices), "logprobs": said}
    ids = [number for each in choices for number in each["token_ids"]]
    return events[-1] | {"choices": [choice | {"token_ids": ids}]}


def vllm_once(tokens: list[int] | None) -> Reply:
    """What vLLM 0.32 says to a prompt that is not streamed; `tokens` is what it made of it.

    None is one of before 0.10.2, which does not say so.
    """
    choice = {"index": 0, "text": "x", "logprobs": None, "finish_reason": "length"}
    said = {} if tokens is None else {"token_ids": [1], "prompt_token_ids": tokens}
    return answer({"object": "text_completion", "model": MODEL, "choices": [{**choice, **said}]})


def vllm(*pieces: str, tokenize=tokenized, adapters=(), tells_tokens=True) -> dict:
    """A vLLM server that says these pieces, with names of adapters that it has loaded."""
    entry = {"id": MODEL, "owned_by": "vllm", "root": MODEL, "parent": None, "max_model_len": 8192}
    entries = [
        {**entry, "id": name, "root": f"/srv/{name}", "parent": MODEL, "max_model_len": None}
        for name in adapters
    ]

    def complete(asked: Asked) -> Reply:
        if not asked.body.get("stream"):
            tokens = json.loads(tokenize(asked).body)["tokens"]
            return vllm_once(tokens if tells_tokens else None)
        return stream(*vllm_events(*pieces, stops=tuple(asked.body.get("stop", ()))))

    return {
        "/v1/models": answer({"object": "list", "data": [entry, *entries]}),
        "/tokenize": tokenize,
        "/v1/completions": complete,
    }


def openai(*pieces: str, owner: str = "someone", model: str = MODEL) -> dict:
    """Any server with `/v1/completions`."""
    events = [completion_event(piece) for piece in pieces]
    return {
        "/v1/models": answer({"object": "list", "data": [{"id": model, "owned_by": owner}]}),
        "/v1/completions": stream(*events, completion_event("", finish="stop")),
    }


def lmstudio(*pieces: str) -> dict:
    """LM Studio, which has a list of its own beside."""
    listed = {"object": "list", "data": [{"id": MODEL, "type": "llm", "state": "loaded"}]}
    return {**openai(*pieces, owner="organization_owner"), "/api/v0/models": answer(listed)}


def ollama(*pieces: str, model: str = "qwen2.5-coder:7b", template: str = "") -> dict:
    """Ollama: newline-delimited JSON, durations in nanoseconds at the end."""
    rows = [
        {
            "model": model,
            "response": piece,
            "done": False,
            "logprobs": [{"token": piece, "logprob": -0.5, "top_logprobs": []}],
        }
        for piece in pieces
    ]
    end = {
        "model": model,
        "response": "",
        "done": True,
        "done_reason": "stop",
        "total_duration": 12_000_000,
        "prompt_eval_count": 14,
        "eval_count": 2,
    }
    return {
        "/api/version": answer({"version": "0.12.11"}),
        "/api/tags": answer({"models": [{"name": model, "details": {"family": "qwen2"}}]}),
        "/api/show": answer({"template": template, "capabilities": ["completion", "insert"]}),
        "/api/generate": lines(*rows, end),
    }


def mistral(*pieces: str) -> dict:
    """Mistral's fill-in-the-middle endpoint: chunks of a chat."""
    events = [
        {
            "id": "1",
            "object": "chat.completion.chunk",
            "model": "codestral-latest",
            "choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}],
        }
        for piece in pieces
    ]
    end = {
        "id": "1",
        "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 14, "completion_tokens": 2, "total_tokens": 16},
    }
    return {"/v1/fim/completions": stream(*events, end)}


def deepseek(*pieces: str) -> dict:
    """DeepSeek's beta endpoint."""
    events = [completion_event(piece) for piece in pieces]
    return {"/beta/completions": stream(*events, completion_event("", finish="stop"))}


SERVERS = {
    "llama-server": llama,
    "vllm": vllm,
    "ollama": ollama,
    "lmstudio": lmstudio,
    "openai": openai,
    "mistral": mistral,
    "deepseek": deepseek,
}
PATHS = {
    "llama-server": "/completion",
    "vllm": "/v1/completions",
    "ollama": "/api/generate",
    "lmstudio": "/v1/completions",
    "openai": "/v1/completions",
    "mistral": "/v1/fim/completions",
    "deepseek": "/beta/completions",
}
