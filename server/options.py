"""Settings of the server: one default each, here and nowhere else. Standard library only.

The user writes them as `[completion]`, `[licences]` and `[server]` in homespun.toml, as
`HOMESPUN_COMPLETION_…` variables, or in the editor in camelCase. `metadata["help"]` is the only
description: the README and the editor's settings page are made from it. `choices`, `min` and `max`
say which values are good, `cores` that the machine's are the most, `workspace` what a workspace's
own files may set, `editor` how an editor does (`homespun/settings.py`); they name no model, no
adapter and no path, and switch no log.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class CompletionOptions:
    """What is completed, by which model, and how much of it (section `completion`)."""

    enabled: bool = field(default=True, metadata={"help": "complete at all", "workspace": True})
    model: str = field(
        default="qwen2.5-coder-0.5b",
        metadata={
            "help": "catalogue name of the model, or the path of a model of your own; auto takes "
            "the one that `homespun models recommend` names"
        },
    )
    adapter: str = field(
        default="champion",
        metadata={
            "help": "champion takes the adapter that is promoted in the workspace, else the model "
            "as shipped; none the model as shipped; base the model without its general adapter; "
            "or an adapter's identifier"
        },
    )
    threads: int = field(
        default=0,
        metadata={
            "help": "threads of the model; 0 takes every physical core",
            "min": 0,
            "cores": True,
        },
    )
    context_tokens: int = field(
        default=1024,
        metadata={
            "help": "longest prompt, in tokens; more helps little and costs time",
            "min": 128,
            "max": 32_768,
            "workspace": "lowers",
        },
    )
    cache_mb: int = field(
        default=256,
        metadata={
            "help": "memory for what the model has read of the last prompts, in MiB",
            "min": 16,
            "max": 8_192,
        },
    )
    max_tokens: int = field(
        default=64,
        metadata={
            "help": "longest completion of a single line, in tokens",
            "min": 1,
            "max": 1_024,
            "workspace": "lowers",
        },
    )
    max_block_tokens: int = field(
        default=128,
        metadata={
            "help": "longest completion of a block, in tokens",
            "min": 1,
            "max": 2_048,
            "workspace": "lowers",
        },
    )
    max_lines: int = field(
        default=12,
        metadata={
            "help": "longest completion of a block, in lines",
            "min": 1,
            "max": 500,
            "workspace": "lowers",
        },
    )
    block_budget_ms: int = field(
        default=800,
        metadata={
            "help": "a block that is not asked for by hand ends with its last whole line after "
            "this time",
            "min": 0,
            "max": 60_000,
            "workspace": "lowers",
        },
    )
    multiline: str = field(
        default="auto",
        metadata={
            "help": "auto completes a block where the syntax says that one is due, "
            "never only single lines, always blocks",
            "choices": ("auto", "never", "always"),
            "workspace": True,
        },
    )
    retrieval: bool = field(
        default=True,
        metadata={"help": "use code of other files of the repository", "workspace": True},
    )
    retrieve_deadline_ms: int = field(
        default=60,
        metadata={
            "help": "what retrieval has not found by then is left out; at rest, where nobody "
            "waits, it has a second",
            "min": 0,
            "max": 10_000,
            "workspace": "lowers",
        },
    )
    disabled_languages: tuple[str, ...] = field(
        default=(),
        metadata={"help": "languages that are not completed, e.g. markdown", "workspace": "adds"},
    )
    disabled_globs: tuple[str, ...] = field(
        default=(),
        metadata={
            "help": "paths that are not completed, relative to the workspace folder",
            "workspace": "adds",
        },
    )
    eagerness: str = field(
        default="balanced",
        metadata={
            "help": "how much a suggestion must promise: calm (of those shown on packages that it "
            "had not seen, .96 were right; right behind .47 of the keys; 50 shown a hundred keys), "
            "balanced (.92; .59; 64), eager (.86; .69; 79), or all that the rules let pass (.68; "
            ".62; 92); what is only sure at its beginning is shown up to there, and what is typed "
            "before it is seen is not shown by the calm and the balanced",
            "choices": ("calm", "balanced", "eager", "all"),
            "workspace": True,
        },
    )
    recalibrate: bool = field(
        default=True,
        metadata={
            "help": "after 200 suggestions that were shown, probabilities are read as your own "
            "acceptance log has them; nothing leaves the machine"
        },
    )
    min_logprob: float = field(
        default=-100.0,
        metadata={
            "help": "a completion is shown from this mean log-probability of its tokens on; "
            "0 is certain, -100 shows all",
            "min": -100.0,
            "max": 0.0,
            "workspace": True,
        },
    )
    max_line_suffix_chars: int = field(
        default=8,
        metadata={
            "help": "no completion where more than this many characters other than closing "
            "brackets, quotes and punctuation stand to the right of the cursor",
            "min": 0,
            "max": 10_000,
            "workspace": True,
        },
    )


@dataclass(frozen=True, slots=True)
class LicenceOptions:
    """What is not shown because of the licence it is under elsewhere (section `licences`)."""

    deny: tuple[str, ...] = field(
        default=(),
        metadata={
            "help": "a suggestion that is the same as lines of the repository under one of these "
            "licences is not shown: SPDX identifiers, e.g. GPL-3.0, unknown for files of which "
            "nothing says it, other for whatever is not the repository's own; without any it is "
            "shown, and the command why says so",
            "workspace": "adds",
            "editor": "adds",
        },
    )


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How the language server itself behaves (section `server`)."""

    save_debounce_ms: int = field(
        default=150,
        metadata={
            "help": "pause after a save before the index takes it in",
            "min": 0,
            "max": 60_000,
        },
    )
    refresh_seconds: float = field(
        default=5.0,
        metadata={
            "help": "how often to look for another process's changes of the index",
            "min": 0.1,
            "max": 3_600,
        },
    )
    acceptance_log: bool = field(
        default=True,
        metadata={
            "help": "write down what becomes of suggestions, without source text, for "
            "`homespun acceptance`; nothing leaves the machine"
        },
    )
