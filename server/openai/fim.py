"""A fill-in-the-middle prompt of any family, taken apart into what stands around the cursor.

The control strings are those that the families' own tokenizers name. A prompt counts as one only
where it begins with such a string, and only where each of the family's stands in it once: with a
second one, which source text may hold, nobody can tell where the cursor is, and a guess would
complete at a place where nobody types.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from homespun.models.remote.fim_formats import format_named
from homespun.models.types import FimTokens
from homespun.server.openai.errors import BadRequest


def _family(name: str) -> FimTokens:
    known = format_named(name)
    return FimTokens(known.prefix, known.suffix, known.middle)


FAMILIES = (
    _family("qwen"),  # CodeGemma, Granite 4
    _family("starcoder"),  # Mellum, with the suffix first
    FimTokens("<fim-prefix>", "<fim-suffix>", "<fim-middle>"),  # SantaCoder, Granite 3
    _family("deepseek"),
    FimTokens("<PRE> ", " <SUF>", " <MID>"),  # CodeLlama; the blanks belong to the format
    _family("codestral"),  # the suffix first, and no middle
    FimTokens("<|code_prefix|>", "<|code_suffix|>", "<|code_middle|>"),  # GLM
    _family("seed-coder"),  # the suffix first
)
_BEGINNINGS = ("<s>", "<｜begin▁of▁sentence｜>", "<|begin_of_text|>")
_HEADS = ("<|repo_name|>", "<|file_sep|>", "<repo_name>", "<reponame>", "<file_sep>", "<filename>")
_PATH_MARK = re.compile(r"<\|file_sep\|>|<file_sep>|<filename>")


@dataclass(frozen=True, slots=True)
class Parts:
    """What a prompt says: the text around the cursor, and the file's path where it names one."""

    before: str
    after: str
    path: str = ""


def take_apart(prompt: str) -> Parts:
    """Return the parts of a prompt; one without control strings is all before the cursor.

    Raises `BadRequest` where a prompt begins as a family's and is no whole one.
    """
    text = _without_beginning(prompt)
    has_head = text.startswith(_HEADS)
    for family in FAMILIES:
        if text.startswith((family.prefix, family.suffix.lstrip())):
            return _parts(text, family)
        if has_head and family.prefix in text and family.suffix in text:
            return _parts(text, family)
    if has_head:
        raise BadRequest(
            f"the prompt begins with {_head_of(text)!r} and has no control strings of a "
            "fill-in-the-middle prompt behind it; send the fields `prompt` and `suffix`"
        )
    return Parts(prompt, "")


def _without_beginning(prompt: str) -> str:
    """Return the prompt without the token that says that a text begins."""
    for beginning in _BEGINNINGS:
        if prompt.startswith(beginning):
            return prompt[len(beginning) :].removeprefix(" ")
    return prompt


def _parts(text: str, family: FimTokens) -> Parts:
    names = [name for name in (family.prefix, family.suffix, family.middle) if name]
    for name in names:
        count = text.count(name)
        if count != 1:
            raise BadRequest(
                f"the prompt holds {name.strip()!r} {count} times where a fill-in-the-middle "
                "prompt has it once, so where the cursor is cannot be told; send the fields "
                "`prompt` and `suffix`, which are taken as plain text"
            )
    places = sorted((text.index(name), name) for name in names)
    if family.middle and places[-1][1] != family.middle:
        raise BadRequest(
            f"the prompt goes on behind {family.middle.strip()!r} with "
            f"{places[-1][1].strip()!r}; the prefix and the suffix come before it"
        )
    head = text[: places[0][0]]
    found = {}
    for number, (place, name) in enumerate(places):
        end = places[number + 1][0] if number + 1 < len(places) else len(text)
        found[name] = text[place + len(name) : end]
    # What stands behind the middle is the beginning of the answer: it is typed already.
    typed = found[family.middle] if family.middle else ""
    return Parts(found[family.prefix] + typed, found[family.suffix], _path_in(head))


def _path_in(head: str) -> str:
    """Return the path right before the control strings: a line of its own behind its mark."""
    marks = list(_PATH_MARK.finditer(head))
    if not marks:
        return ""
    path, _, rest = head[marks[-1].end() :].partition("\n")
    return path.strip() if not rest else ""


def _head_of(text: str) -> str:
    return next(head for head in _HEADS if text.startswith(head))
