"""Settings of your own server: one default each, here and nowhere else. Standard library only.

The section `model.remote` of the user's `homespun.toml`, or `HOMESPUN_MODEL_REMOTE_…` variables. No
field is a workspace's to set, and the editor is not asked: its settings come with a clone, too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

SECTION = "model.remote"

Route = Literal["local", "remote", "escalate", "race"]
KindName = Literal[
    "auto", "vllm", "llama-server", "ollama", "lmstudio", "openai", "mistral", "deepseek"
]
FormatName = Literal[
    "auto", "qwen", "starcoder", "deepseek", "codestral", "seed-coder", "codegemma", "granite"
]


@dataclass(frozen=True, slots=True)
class RemoteOptions:
    """Which server completes in the model's place (section `model.remote`)."""

    route: Route = field(
        default="local",
        metadata={
            "help": "who answers: local sends nothing anywhere; remote asks the server at `url`, "
            "and the model on this machine where that does not answer in time; escalate asks the "
            "server only where the line of the model on this machine is in doubt; race asks both "
            "and shows the first answer",
        },
    )
    url: str = field(
        default="",
        metadata={
            "help": "address of the server, e.g. http://127.0.0.1:8080; plain http only to this "
            "machine or a private network",
            "private": True,  # somebody may have written a password into it
        },
    )
    kind: KindName = field(
        default="auto",
        metadata={
            "help": "auto asks the server; or vllm, llama-server, ollama, lmstudio, openai (any "
            "server with /v1/completions), mistral, deepseek",
        },
    )
    model: str = field(
        default="",
        metadata={"help": "name of the model there; empty takes the only one that it has"},
    )
    fim: FormatName = field(
        default="auto",
        metadata={
            "help": "how the model there is asked to fill in: auto goes by its name and its "
            "control tokens; or qwen, starcoder, deepseek, codestral, seed-coder, codegemma, "
            "granite",
        },
    )
    api_key_env: str = field(
        default="",
        metadata={
            "help": "name of the environment variable with the key, e.g. MISTRAL_API_KEY",
            "private": True,  # … or the key itself
        },
    )
    headers: tuple[str, ...] = field(
        default=(),
        metadata={"help": 'more headers, each "Name: value"', "private": True},
    )
    timeout_ms: int = field(
        default=2000,
        metadata={
            "help": "after this time the model on this machine answers, or what has come by then "
            "is taken",
            "min": 50,
            "max": 600_000,
        },
    )

    tokens_a_day: int = field(
        default=0,
        metadata={
            "help": "so many tokens, of prompts and answers, go to the server and back in a day; "
            "after that the model on this machine answers until midnight; 0 is no limit",
            "min": 0,
            "max": 1_000_000_000,
        },
    )

    @property
    def is_on(self) -> bool:
        """Whether anything is sent anywhere."""
        return self.route != "local"
