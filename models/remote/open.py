"""From settings to a server that answers: what may be sent where is decided here."""

from __future__ import annotations

import logging
from collections.abc import Callable

from homespun.models.errors import RemoteRefused
from homespun.models.remote.connect import connect
from homespun.models.remote.generator import RemoteGenerator
from homespun.models.remote.options import RemoteOptions
from homespun.models.remote.router import Router
from homespun.models.remote.wire.setting_names import COMPLETES
from homespun.models.types import MODEL_AS_SHIPPED, FimTokens, Generator
from homespun.models.weights.piece_tokenizer import PieceTokenizer

logger = logging.getLogger(__name__)

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
    client = connect(
        options.url,
        api_key_env=options.api_key_env,
        headers=options.headers,
        names=COMPLETES,
        say=say,
    )
    remote = RemoteGenerator(
        client,
        options,
        tokenizer=local.tokenizer if local else PieceTokenizer(_FIM),
        fim=local.fim if local else _FIM,
        context_tokens=local.context_tokens if local else context_tokens,
        adapter=local.adapter if local else MODEL_AS_SHIPPED,
        mask=mask,
        say=say,
    )
    return Router(remote, local, options, changed=changed)
