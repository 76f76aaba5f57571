"""EDGE httpx: an exported adapter is loaded by a running vLLM, where it fits what runs there.

vLLM reads the files itself (`POST /v1/load_lora_adapter` with `lora_path`), so its machine has to
see the folder. Before it is told of one, what can be known of the server is compared with what the
adapter was made for: the name of the weights (`GET /v1/models`), the tokens of a text with the
control strings (`POST /tokenize`), and the version of the prompts that homespun writes today.

Plain HTTP goes to this machine and to private addresses only, unless the user says otherwise: the
key and the names would be readable on the way.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from homespun.models.errors import AdapterUnfit, PushRefused
from homespun.models.types import FimTokens, Tokenizer
from homespun.parsing import parse_json
from homespun.showable import showable_line

_TIMEOUT = httpx.Timeout(30.0, read=300.0)  # vLLM reads the weights before it answers
_MAX_REPLY_BYTES = 4_000_000
_ROUNDED = re.compile(r"(?:[-_.](?:gguf|awq|gptq|bnb|fp8|int\d|\d+bit))+\Z")
_PROBE = "def weigh(parcel):\n    return parcel.grams  # naïve → 漢字\n"


@dataclass(frozen=True, slots=True)
class TokenProbe:
    """A text with control strings, and the tokens that it has to be."""

    text: str
    tokens: tuple[int, ...]

    @classmethod
    def of(cls, tokenizer: Tokenizer, fim: FimTokens) -> TokenProbe:
        """Encode the text as our prompts are encoded."""
        control = tokenizer.control
        ids = [control(fim.prefix), *tokenizer.encode(_PROBE), control(fim.suffix)]
        text = f"{fim.prefix}{_PROBE}{fim.suffix}{fim.middle}"
        return cls(text, (*ids, control(fim.middle)))


@dataclass(frozen=True, slots=True)
class Fit:
    """What an adapter was made for, as a server can be asked about it."""

    weights: str  # e.g. "Qwen/Qwen2.5-Coder-0.5B-Instruct"
    prompt_version: int
    probe: TokenProbe | None  # None where our tokenizer is not at hand
    is_merged: bool = False  # the weights hold the general adapter: they are an export of ours


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a server was told, and what it did not let us check."""

    name: str
    model: str  # the server's name of its weights
    unchecked: tuple[str, ...]


def push(
    url: str,
    *,
    name: str,
    path: str,
    fit: Fit,
    prompt_version: int,
    key: str = "",
    plain_http: bool = False,
    transport: httpx.BaseTransport | None = None,
) -> Pushed:
    """Have the server at `url` load the adapter at `path`, as it sees it, under a name.

    `prompt_version` is today's; `plain_http` lets an address be public without TLS. Raises
    `PushRefused`, and `AdapterUnfit` where the server serves something else.
    """
    check_address(url, plain_http=plain_http)
    if fit.prompt_version != prompt_version:
        raise AdapterUnfit(
            f"adapter {name!r} was made for prompt version {fit.prompt_version}, and homespun "
            f"asks with version {prompt_version}; train a new one with `homespun train`"
        )
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with httpx.Client(
        base_url=url.rstrip("/").removesuffix("/v1"),
        headers=headers,
        timeout=_TIMEOUT,
        trust_env=False,
        follow_redirects=False,
        transport=transport,
    ) as client:
        server = _Server(client, url)
        models = server.models()
        model = base_of(models, fit, server.where)
        if any(row.get("id") == name for row in models):
            raise PushRefused(
                f"{server.where} serves something called {name!r} already; give another name "
                "with --name, or have it unloaded with POST /v1/unload_lora_adapter"
            )
        unchecked = server.compare_tokens(model, fit.probe)
        server.load(name, path)
    return Pushed(name, model, unchecked)


def check_address(url: str, *, plain_http: bool) -> None:
    """Raise `PushRefused` for what is no address, or plain HTTP to where others may listen."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise PushRefused(
            f"{_without_secrets(url)!r} is no address of a server; write e.g. "
            "http://127.0.0.1:8000, and a key into the environment (--api-key-env)"
        )
    if parts.scheme == "https" or plain_http or _is_private(parts.hostname):
        return
    raise PushRefused(
        f"http to {parts.hostname!r} can be read on the way; use https, or add --plain-http"
    )


class _Server:
    """The few requests."""

    def __init__(self, client: httpx.Client, url: str) -> None:
        self._client = client
        self.where = urlsplit(url).netloc

    def models(self) -> list[Mapping[str, Any]]:
        reply = self._ask("GET", "/v1/models")
        if reply.status in (401, 403):
            raise PushRefused(
                f"{self.where} wants a key, or another one; name the variable that holds it with "
                "--api-key-env"
            )
        rows = reply.json().get("data") if reply.status == 200 else None
        if not isinstance(rows, list):
            raise PushRefused(
                f"{self.where} has no list of models at /v1/models (status "
                f"{reply.status}); give the address of a vLLM server"
            )
        return [row for row in rows if isinstance(row, dict)]

    def compare_tokens(self, model: str, probe: TokenProbe | None) -> tuple[str, ...]:
        """Return what could not be compared. Raises `AdapterUnfit` where the tokens differ."""
        if probe is None:
            return ("the tokenizer, as the model is not on this machine",)
        body = {"model": model, "prompt": probe.text, "add_special_tokens": False}
        theirs = self._ask("POST", "/tokenize", body).json().get("tokens")
        if not isinstance(theirs, list):
            return (f"the tokenizer, as {self.where} does not answer /tokenize",)
        if list(probe.tokens) != theirs:
            raise AdapterUnfit(
                f"{self.where} has another tokenizer than the adapter was made for: the same text "
                f"is {len(theirs)} tokens there, {str(theirs[:6])[:80]} …, and {len(probe.tokens)} "
                f"here, {list(probe.tokens[:6])} …; serve the weights that it belongs on"
            )
        return ()

    def load(self, name: str, path: str) -> None:
        body = {"lora_name": name, "lora_path": path}
        reply = self._ask("POST", "/v1/load_lora_adapter", body)
        if reply.status == 200:
            return
        if reply.status in (404, 405) and "error" not in reply.json():
            raise PushRefused(
                f"{self.where} loads no adapters while it runs; start vLLM with --enable-lora and "
                "VLLM_ALLOW_RUNTIME_LORA_UPDATING=True"
            )
        raise PushRefused(
            f"{self.where} did not load {path!r} (status {reply.status}): "
            f"{reply.reason()}; its machine has to see that folder (--as names it there), and "
            "--max-lora-rank has to be large enough"
        )

    def _ask(self, method: str, path: str, body: object = None) -> _Reply:
        try:
            with self._client.stream(method, path, json=body) as reply:
                data = bytearray()
                for chunk in reply.iter_bytes():
                    data += chunk
                    if len(data) > _MAX_REPLY_BYTES:
                        raise PushRefused(
                            f"{self.where} answers {path!r} without an end; is it a vLLM server?"
                        )
                return _Reply(reply.status_code, bytes(data))
        except httpx.HTTPError as error:
            raise PushRefused(
                f"{self.where} cannot be reached ({type(error).__name__}: {error}); is it running?"
            ) from error


@dataclass(frozen=True, slots=True)
class _Reply:
    """What a server said."""

    status: int
    data: bytes

    def json(self) -> Mapping[str, Any]:
        """Return its object, an empty one where it is none."""
        try:
            body = parse_json(self.data)
        except ValueError:
            return {}
        return body if isinstance(body, dict) else {}

    def reason(self) -> str:
        """Return the error's sentence, in vLLM's form or any other."""
        body = self.json()
        error = body.get("error", body)
        said = error.get("message") if isinstance(error, dict) else error
        return showable_line(str(said or self.data[:200].decode("utf-8", "replace")))[:300]


def base_of(models: Sequence[Mapping[str, Any]], fit: Fit, where: str) -> str:
    """Return the server's name of the weights that an adapter belongs on, of the rows of its list.

    Raises `AdapterUnfit` where it has none of them.
    """
    bases = [row for row in models if not row.get("parent")]
    # Capitals count: our qwen2.5-coder-0.5b is not Qwen2.5-Coder-0.5B, the maker's untuned weights.
    plain = _last_part if fit.is_merged else _plain_name
    wanted = plain(fit.weights)
    for row in bases:
        names = (str(row.get(key) or "") for key in ("root", "id"))
        if any(plain(name) == wanted for name in names):
            return str(row.get("id"))
    served = ", ".join(showable_line(str(row.get("root") or row.get("id")))[:100] for row in bases)
    advice = "start the server with those weights"
    if fit.is_merged:
        advice = f"serve what `homespun models export {wanted} DIR/{wanted}` writes, by that name"
    raise AdapterUnfit(
        f"{where} serves {served or 'no model'}, and the adapter belongs on {fit.weights!r}"
        f"{' as homespun ships it' if fit.is_merged else ''}; {advice}"
    )


def _plain_name(name: str) -> str:
    """Return the last part of a path or repository's name, without how it was rounded."""
    return _ROUNDED.sub("", _last_part(name).lower())


def _last_part(name: str) -> str:
    return name.rstrip("/").rpartition("/")[2]


def _is_private(host: str) -> bool:
    """Tell whether a name stands for addresses of this machine or of a private network only."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    addresses = [ipaddress.ip_address(str(row[4][0]).partition("%")[0]) for row in found]
    return all(each.is_loopback or each.is_private for each in addresses)


def _without_secrets(url: str) -> str:
    return url.rpartition("@")[2]
