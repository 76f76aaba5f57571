"""A request's JSON -> what is asked. One function an endpoint; standard library only.

What shapes an answer here is read and checked; what steers sampling (temperature, top_p, seed,
samplers, n, …) is accepted and has no effect: homespun decodes greedily, so the same question gets
the same answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from homespun.parsing import parse_json
from homespun.server.openai.errors import BadRequest
from homespun.server.openai.fim import Parts, take_apart

_MAX_STOPS = 64
_MAX_STOP_CHARS = 1_000
_MAX_PATH_CHARS = 1_000
# minuet-ai.nvim's own template puts two comments before the text; they are no lines of the file.
_LANGUAGE_NOTE = re.compile(r"[^\w\n]{0,8}language: ([\w.+#-]{1,40})[^\w\n]{0,8}\n")
_INDENT_NOTE = re.compile(r"[^\w\n]{0,8}indentation: use [^\n]{1,20} for a tab[^\w\n]{0,8}\n")


@dataclass(frozen=True, slots=True)
class CursorQuestion:
    """What somebody asks over HTTP."""

    before: str  # the cursor
    after: str
    path: str = ""  # of the file, as the client names it; to be checked
    language: str = ""  # an editor's name of it; likewise
    max_tokens: int | None = None  # None = what the settings say; 0 = nothing is to be made
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and the form that its answer has."""

    question: CursorQuestion
    stream: bool
    fields: tuple[str, ...] | None = None  # of `/infill`: those that are wanted, None = all


def of_completions(body: bytes) -> Asked:
    """Read the body of `/v1/completions`. Raises `BadRequest`."""
    fields = _object(body)
    prompt, suffix = _prompt(fields), _text(fields, "suffix")
    parts = Parts(prompt, suffix) if suffix else take_apart(prompt)
    return Asked(_question(fields, parts, _count(fields, "max_tokens")), _flag(fields, "stream"))


def of_infill(body: bytes) -> Asked:
    """Read the body of llama.cpp's `/infill`. Raises `BadRequest`.

    `prompt` is what stands on the line before the cursor, behind `input_prefix`. `input_extra`,
    code of other files, is not used: what the repository has is found in the index.
    """
    fields = _object(body)
    before = _text(fields, "input_prefix") + _text(fields, "prompt")
    parts = Parts(before, _text(fields, "input_suffix"))
    wanted = fields.get("response_fields")
    return Asked(
        _question(fields, parts, _count(fields, "n_predict")),
        _flag(fields, "stream"),
        None if wanted is None else _texts("response_fields", wanted),
    )


def _question(fields: Mapping[str, object], parts: Parts, max_tokens: int | None) -> CursorQuestion:
    before, language = _without_notes(parts.before)
    path = parts.path or _text(fields, "path") or _text(fields, "filename")
    return CursorQuestion(
        before=before,
        after=parts.after,
        path=path if len(path) <= _MAX_PATH_CHARS else "",
        language=language or _text(fields, "language"),
        max_tokens=max_tokens,
        stop=_stops(fields),
    )


def _without_notes(before: str) -> tuple[str, str]:
    """Take away notes on the language and the indentation; return the language they name."""
    language = _LANGUAGE_NOTE.match(before)
    if language is None:
        return before, ""
    indentation = _INDENT_NOTE.match(before, language.end())
    return (before[indentation.end() :], language[1]) if indentation else (before, "")


def _object(body: bytes) -> Mapping[str, object]:
    try:
        value = parse_json(body)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the body is no JSON: {error}; send one object") from error
    if not isinstance(value, dict):
        raise BadRequest(f"the body is a JSON {type(value).__name__}; send one object")
    return value


def _prompt(fields: Mapping[str, object]) -> str:
    """Return the prompt; OpenAI also takes a list, of which one text is understood."""
    prompt = fields.get("prompt", "")
    if isinstance(prompt, list) and len(prompt) == 1:
        prompt = prompt[0]
    if isinstance(prompt, str):
        return prompt
    raise BadRequest(
        "`prompt` is neither a text nor a list of one text; token ids are those of another "
        "tokenizer, and several prompts are several requests"
    )


def _text(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadRequest(f"`{name}` is a JSON {type(value).__name__}; send a text")
    return value


def _flag(fields: Mapping[str, object], name: str) -> bool:
    value = fields.get(name)
    if value is not None and not isinstance(value, bool):
        raise BadRequest(f"`{name}` is a JSON {type(value).__name__}; send true or false")
    return bool(value)


def _count(fields: Mapping[str, object], name: str) -> int | None:
    """Return a number of tokens; None without one, and for -1, llama.cpp's word for any number."""
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < -1:
        raise BadRequest(f"`{name}` is {str(value)[:40]!r}; send a whole number from 0 on")
    return None if value == -1 else value


def _stops(fields: Mapping[str, object]) -> tuple[str, ...]:
    value = fields.get("stop")
    if value is None:
        return ()
    stops = _texts("stop", [value] if isinstance(value, str) else value)
    if len(stops) > _MAX_STOPS or any(len(stop) > _MAX_STOP_CHARS for stop in stops):
        raise BadRequest(
            f"`stop` has more than {_MAX_STOPS} texts, or one of more than {_MAX_STOP_CHARS} "
            "characters; send fewer or shorter ones"
        )
    return tuple(stop for stop in stops if stop)


def _texts(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise BadRequest(f"`{name}` is no list of texts; send one")
    return tuple(value)
