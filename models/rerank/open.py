"""From settings to a reranker: a server of the user's, or a cross-encoder in a folder of his."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from homespun.models.errors import UnknownModel
from homespun.models.remote.connect import connect
from homespun.models.rerank import pinned
from homespun.models.rerank.cross_encoder import OnnxCrossEncoder
from homespun.models.rerank.options import RERANKS, RerankerOptions
from homespun.models.rerank.remote import RemoteReranker
from homespun.models.types import Reranker


def open_reranker(
    options: RerankerOptions, *, mask: Callable[[str], str], say: Callable[[str], None]
) -> Reranker:
    """Return the reranker of the settings; nothing is sent yet.

    Raises `RemoteRefused` for an address that does not work, `UnknownModel`, `ModelMissing`,
    `ModelDamaged`, `UnsupportedModel` and `WrongHash` for a folder; no sentence holds a key.
    """
    if "://" not in options.reranker:
        return _in_a_folder(options, say)
    client = connect(
        options.reranker,
        api_key_env=options.reranker_api_key_env,
        headers=options.reranker_headers,
        names=RERANKS,
        say=say,
    )
    return RemoteReranker(client, options, mask=mask)


def _in_a_folder(options: RerankerOptions, say: Callable[[str], None]) -> Reranker:
    folder = Path(options.reranker).expanduser()
    if not folder.is_absolute():  # else it would be looked for in whichever folder is open
        raise UnknownModel(
            "search.reranker is neither an address with http:// or https:// nor the whole path of "
            "a folder; write one of the two"
        )
    files = pinned.files_of(folder)
    pinned.check(files, options.reranker_sha256, say=say)
    return OnnxCrossEncoder(files.graph, files.tokenizer, timeout_ms=options.reranker_timeout_ms)
