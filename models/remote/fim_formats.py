"""How families of models are asked to fill in, as data.

Sources: the models' tokenizer_config.json and cards (Qwen2.5-Coder, StarCoder2, DeepSeek-Coder,
Codestral, CodeGemma, Granite code), for Seed-Coder arXiv 2506.03524, table 1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FimFormat:
    """One family's fill-in-the-middle prompt."""

    name: str  # as in the setting model.remote.fim
    prefix: str  # control string before the code above the cursor
    suffix: str
    middle: str  # "" where the model goes on right behind the prefix
    suffix_first: bool
    ends: tuple[str, ...]  # each ends an answer
    model_names: re.Pattern[str]  # finds the family in a model's name
    controls: tuple[str, ...] = ()  # more control strings, to be broken up in source text

    @property
    def marks(self) -> tuple[str, ...]:
        """Return all control strings that this family is known to have."""
        return tuple(
            name
            for name in (self.prefix, self.suffix, self.middle, *self.ends, *self.controls)
            if name
        )

    def arranged(self, before: str, after: str, typed: str) -> str:
        """Return the prompt; the model goes on behind `typed`.

        What a model wants before everything (`<s>`, `<bos>`) its server puts there.
        """
        prefix, suffix = f"{self.prefix}{before}", f"{self.suffix}{after}"
        if not self.middle:
            prefix, typed = prefix + typed, ""
        halves = (suffix, prefix) if self.suffix_first else (prefix, suffix)
        return "".join((*halves, self.middle, typed))


def _named(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


FORMATS = (
    FimFormat(
        name="qwen",
        prefix="<|fim_prefix|>",
        suffix="<|fim_suffix|>",
        middle="<|fim_middle|>",
        suffix_first=False,
        ends=("<|endoftext|>", "<|fim_pad|>", "<|file_sep|>", "<|repo_name|>", "<|im_end|>"),
        model_names=_named(r"qwen"),
        controls=("<|im_start|>", "<|cursor|>"),
    ),
    FimFormat(
        name="starcoder",
        prefix="<fim_prefix>",
        suffix="<fim_suffix>",
        middle="<fim_middle>",
        suffix_first=False,
        ends=("<|endoftext|>", "<file_sep>", "<fim_pad>", "<repo_name>"),
        model_names=_named(r"star-?coder|starcoder2|refact"),
        controls=("<gh_stars>", "<filename>", "<reponame>", "<issue_start>", "<commit_before>"),
    ),
    FimFormat(
        name="deepseek",
        prefix="<｜fim▁begin｜>",
        suffix="<｜fim▁hole｜>",
        middle="<｜fim▁end｜>",
        suffix_first=False,
        ends=("<｜end▁of▁sentence｜>", "<|EOT|>"),
        model_names=_named(r"deepseek"),
    ),
    FimFormat(
        name="codestral",
        prefix="[PREFIX]",
        suffix="[SUFFIX]",
        middle="",
        suffix_first=True,
        ends=("</s>",),
        model_names=_named(r"codestral|mistral|devstral"),
        controls=("[MIDDLE]", "[INST]", "[/INST]"),
    ),
    FimFormat(
        name="seed-coder",
        prefix="<[fim-prefix]>",
        suffix="<[fim-suffix]>",
        middle="<[fim-middle]>",
        suffix_first=True,
        ends=("<[end▁of▁sentence]>",),
        model_names=_named(r"seed-?coder"),
        controls=("<[begin▁of▁sentence]>", "<[PAD▁TOKEN]>"),
    ),
    FimFormat(
        name="codegemma",
        prefix="<|fim_prefix|>",
        suffix="<|fim_suffix|>",
        middle="<|fim_middle|>",
        suffix_first=False,
        ends=("<|file_separator|>", "<eos>", "<end_of_turn>"),
        model_names=_named(r"gemma"),
        controls=("<start_of_turn>", "<pad>", "<unk>"),
    ),
    FimFormat(
        name="granite",
        prefix="<|fim_prefix|>",
        suffix="<|fim_suffix|>",
        middle="<|fim_middle|>",
        suffix_first=False,
        ends=("<|end_of_text|>", "<|endoftext|>", "<|fim_pad|>", "<|filename|>"),
        model_names=_named(r"granite"),
        controls=("<|start_of_role|>", "<|end_of_role|>", "<|reponame|>"),
    ),
)
# The first granite code models have StarCoder's tokens.
_OLD_GRANITE = _named(r"granite-?\d*b?-?code|granite-code")


def names() -> tuple[str, ...]:
    """Return the names of all formats."""
    return tuple(each.name for each in FORMATS)


def format_named(name: str) -> FimFormat:
    """Return a format by its name. Raises KeyError."""
    return {each.name: each for each in FORMATS}[name]


def format_of_model(model: str) -> FimFormat | None:
    """Return the format of the family that a model's name speaks of, None where it does not."""
    if _OLD_GRANITE.search(model):
        return format_named("starcoder")
    return next((each for each in FORMATS if each.model_names.search(model)), None)


def format_in_template(template: str) -> FimFormat | None:
    """Return the format whose control strings a chat or infill template holds."""
    return next(
        (each for each in FORMATS if each.prefix in template and each.suffix in template), None
    )
