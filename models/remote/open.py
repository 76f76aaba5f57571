"""From settings to a server that answers: what may be sent where is decided here."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping

from homespun.models.download.offline import is_offline
from homespun.models.errors import RemoteRefused
from homespun.models.remote.generator import RemoteGenerator
from homespun.models.remote.options import RemoteOptions
from homespun.models.remote.router import Router
from homespun.models.remote.wire.address import address_of
from homespun.models.remote.wire.client import RemoteClient
from homespun.models.types import FimTokens, Generator
from homespun.models.weights.piece_tokenizer import PieceTokenizer

logger = logging.getLogger(__name__)

_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x20-\x7e\x80-\xff]*)")
_KEY = re.compile(r"[\x21-\x7e]+")
_OURS = ("host", "content-length", "transfer-encoding", "content-type", "accept-encoding")
_SHORTEST_SECRET = 4  # of a header; a shorter value is none
# Prompts without a model on this machine are rendered with these names; none is ever sent.
_FIM = FimTokens("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")


def open_remote(
    options: RemoteOptions,
    local: Generator | None,
    *,
    context_tokens: int,
    mask: Callable[[str], str],
    say: Callable[[str], None] = logger.warning,
    changed: Callable[[], None] = lambda: None,
) -> Router:
    """Return a generator that asks by the route of the settings; opens no connection yet.

    `local` answers where the server does not, None where this machine has no model;
    `context_tokens` is what a prompt and its answer may have together. Raises `RemoteRefused` for
    settings that do not work, in words that hold no key.
    """
    if not options.url:
        raise RemoteRefused(
            f"model.remote.route is {options.route!r} and model.remote.url is empty; set the "
            "address of your server in the user's settings, or the route to 'local'"
        )
    address = address_of(options.url)
    if is_offline() and not address.is_on_this_machine:
        raise RemoteRefused(
            f"HOMESPUN_OFFLINE is set, so nothing goes to {address.shown}; unset it, or set "
            "model.remote.route to 'local'"
        )
    headers = dict(_headers(options, os.environ))
    if headers and address.scheme == "http" and not address.is_on_this_machine:
        say(
            f"{address.shown} is asked over plain http, so whoever sees the network sees the key; "
            "https:// in model.remote.url hides it"
        )
    client = RemoteClient(address, headers, secrets=tuple(_secrets(headers)))
    remote = RemoteGenerator(
        client,
        options,
        tokenizer=local.tokenizer if local else PieceTokenizer(_FIM),
        fim=local.fim if local else _FIM,
        context_tokens=local.context_tokens if local else context_tokens,
        mask=mask,
        say=say,
    )
    return Router(remote, local, options, changed=changed)


def _headers(options: RemoteOptions, environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield what goes with each request. Raises `RemoteRefused`; no value is in the sentence."""
    for number, header in enumerate(options.headers, start=1):
        match = _HEADER.fullmatch(header)
        if match is None or match[1].lower() in _OURS:
            raise RemoteRefused(
                f"entry {number} of model.remote.headers is no header of yours to set; write each "
                "as 'Name: value'"
            )
        yield match[1], match[2]
    if options.api_key_env:
        key = environment.get(options.api_key_env, "").strip()
        if not _KEY.fullmatch(key):
            raise RemoteRefused(
                "the environment variable that model.remote.api_key_env names holds no key; "
                "export it where the editor or the shell is started, or empty the setting"
            )
        yield "Authorization", f"Bearer {key}"


def _secrets(headers: Mapping[str, str]) -> Iterator[str]:
    """Yield what of the headers must be in no sentence."""
    for value in headers.values():
        for part in (value, value.removeprefix("Bearer ")):
            if len(part) >= _SHORTEST_SECRET:
                yield part
