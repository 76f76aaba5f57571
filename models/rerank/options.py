"""Settings of a reranker: one default each, here and nowhere else.

The section `search` of the user's `homespun.toml`, or `HOMESPUN_SEARCH_…` variables. As with
`model.remote` no field is a workspace's to set, and the editor is not asked.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from homespun.models.remote.wire.setting_names import SettingNames

SECTION = "search"
RERANKS = SettingNames(
    url="search.reranker",
    api_key_env="search.reranker_api_key_env",
    headers="search.reranker_headers",
    kind="search.reranker",
    model="search.reranker and search.reranker_model",
    off="empty search.reranker",
)


@dataclass(frozen=True, slots=True)
class RerankerOptions:
    """Who looks at the best hits of a search once more (section `search`)."""

    reranker: str = field(
        default="",
        metadata={
            "help": "address of a server with /v1/rerank or /rerank, e.g. http://127.0.0.1:8080, "
            "or the path of a folder with a cross-encoder (ONNX) and its tokenizer.json; empty "
            "leaves hits as words, vectors and rules rank them",
            "private": True,
        },
    )
    reranker_model: str = field(
        default="",
        metadata={"help": "name of the model there; many servers have only one and want none"},
    )
    reranker_sha256: str = field(
        default="",
        metadata={
            "help": "of a folder's files, as `homespun search` says it; empty writes down what "
            "lies there at the first use, and anything else is refused afterwards"
        },
    )
    reranker_api_key_env: str = field(
        default="",
        metadata={
            "help": "name of the environment variable with the key, e.g. JINA_API_KEY",
            "private": True,
        },
    )
    reranker_headers: tuple[str, ...] = field(
        default=(),
        metadata={"help": 'more headers, each "Name: value"', "private": True},
    )
    reranker_candidates: int = field(
        default=40,
        metadata={"help": "how many of the best hits it looks at", "min": 2, "max": 200},
    )
    reranker_weight: float = field(
        default=1.0,
        metadata={
            "help": "what its word counts: 1 as much as the words of a query or its vector",
            "max": 1000,
        },
    )
    reranker_timeout_ms: int = field(
        default=3000,
        metadata={
            "help": "longest wait for it; after it the hits are in the order without it",
            "min": 50,
            "max": 600_000,
        },
    )
