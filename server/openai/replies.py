"""Replies as bytes: JSON, server-sent events, and errors in OpenAI's shape."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

_KINDS = {401: "authentication_error", 403: "permission_error", 503: "server_error"}


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back over HTTP."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


def json_reply(value: object) -> Reply:
    """Return a reply of status 200."""
    return Reply(200, _compact(value).encode())


def events_reply(values: Iterable[object], *, done: bool) -> Reply:
    """Return server-sent events of status 200, one a value; `done` adds OpenAI's last one."""
    lines = [f"data: {_compact(value)}\n\n" for value in values]
    if done:
        lines.append("data: [DONE]\n\n")
    return Reply(200, "".join(lines).encode(), "text/event-stream")


def refusal(status: int, sentence: str, *, code: str | None = None) -> Reply:
    """Return an error in OpenAI's shape."""
    kind = _KINDS.get(status, "server_error" if status >= 500 else "invalid_request_error")
    error = {"message": sentence, "type": kind, "param": None, "code": code}
    headers = (("www-authenticate", "Bearer"),) if status == 401 else ()
    return Reply(status, _compact({"error": error}).encode(), headers=headers)


def _compact(value: object) -> str:
    """Return JSON without blanks: llama.vim looks for `"content":"` before it parses a reply."""
    return json.dumps(value, separators=(",", ":"))
