"""The prompt: what the model sees. SHARED WITH TRAINING AND EVALUATION: standard library only.

One prompt builder for all three. A change here changes what every adapter was trained on: raise
`PROMPT_VERSION` with it.

A prompt is a sequence of parts, each the NAME of a control token or plain text. The tokenizer
encodes text parts as plain text, so source code that contains `<|fim_middle|>` cannot steer the
model. Each part is encoded by itself: equal parts at the start of two prompts are equal token ids,
and that is what keeps the decoder's cache of keys and values alive between two keystrokes.
Parts go from stable to volatile: repository, similar code, path, prefix, what the line at the
cursor may need (in the layout "near"; else with the similar code), suffix, what was found since
the prompt was rendered (`with_added`), typed text.

The prefix ends where the line of the cursor begins (the anchor), and what was typed on the line
comes after the middle token: so a typed character is one new token, where it would move the whole
suffix otherwise. The last word of the typed text is taken off, for it may be half a word; the model
has to begin with its text (token healing). What stands right of the cursor is left out when
it is only closing brackets and punctuation: editors put and remove these while one types.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Literal, Protocol

from homespun.server.prompt.budget import (
    CountTokens,
    Lines,
    cut_prefix,
    cut_suffix,
    round_up,
    share_out,
)

PROMPT_VERSION = 2  # recorded with every dataset and adapter

Layout = Literal["repository", "comments", "near"]
LAYOUTS: tuple[Layout, ...] = ("repository", "comments", "near")
# On 100 cursors of two packages the 0.5B model completed .41 of the lines exactly with it, .33 with
# "repository" (docs/log.md). Another model may want the other one.
DEFAULT_LAYOUT: Layout = "comments"

# Snippets of these kinds belong to the line at the cursor: they change from line to line. In the
# layout "near" they stand right above it, where a change leaves what was read before as it is.
NEAR_KINDS = frozenset({"definition", "usage", "far"})

# A keystroke moves the suffix and costs its whole prefill again, so it never takes more than this.
_MAX_SUFFIX_SHARE = 0.25
# In a short file retrieved code could fill the prompt; more of it costs time and misleads.
_MAX_SNIPPETS_SHARE = 0.45
# The prefix asks for room in steps, so that a typed token does not squeeze a snippet out.
_STEP_TOKENS = 64
_MIN_BUDGET_TOKENS = 16
_LONGEST_TYPED_CHARS = 600  # of an endless line; the rest of it belongs to the prefix
_GAP = "\n"  # between the suffix, which may end in a line, and what is added to it
_CLOSERS = re.compile(r"[)\]}>\"'`;:,\s]*")
_COMMENT_LEADERS = {
    "//": "c cc cpp cs cxx dart go h hpp java js jsx kt kts mjs php rs scala swift ts tsx",
    "--": "hs lua sql",
}


class FimNames(Protocol):
    """Names of a model's control tokens (`homespun.models.types.FimTokens` is one)."""

    @property
    def prefix(self) -> str:
        """Begins the code before the cursor."""

    @property
    def suffix(self) -> str:
        """Begins the code behind the cursor."""

    @property
    def middle(self) -> str:
        """Begins what the model writes."""

    @property
    def repo_name(self) -> str:
        """Begins the repository's name, or empty."""

    @property
    def file_sep(self) -> str:
        """Begins a file, or empty."""


@dataclass(frozen=True, slots=True)
class Snippet:
    """Code of the repository that may help; `text` is whole lines."""

    path: str
    start_line: int  # 1-based, inclusive
    end_line: int
    text: str
    score: float
    kind: str  # "definition", "usage", "far", "similar" or "recent"


@dataclass(frozen=True, slots=True)
class Context:
    """Everything a prompt is made from; lines end in LF. `split` gives the three texts.

    `snippets` stand in the order in which they are shown: stable ones first.
    """

    repo: str
    path: str  # relative to the repository, "" where unknown
    prefix: str
    suffix: str
    snippets: tuple[Snippet, ...] = ()
    typed: str = ""  # what stands between the prefix and the cursor


@dataclass(frozen=True, slots=True)
class Control:
    """A control token, by name."""

    name: str


Part = Control | str


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is sent to the model, and which snippets are really in it."""

    parts: tuple[Part, ...]  # without the typed text
    typed: str  # comes behind the parts; the end of the context's where that was too long
    snippets: tuple[Snippet, ...]  # as cut, in the order of the prompt
    tokens: int  # exact: the number of ids of the parts and of the typed text
    first_line: int  # of the document, 1-based: the lines that the prompt shows
    last_line: int


def split(before: str, after: str) -> tuple[str, str, str]:
    """Cut a document at a cursor's line: (prefix, typed, suffix) as a prompt shows them."""
    start = before.rfind("\n") + 1
    start = max(start, len(before) - _LONGEST_TYPED_CHARS)
    return before[:start], before[start:], shown_behind(after)


def shown_behind(after: str) -> str:
    """Return what a prompt shows of the text behind a cursor: not closers alone on its line."""
    right = after.partition("\n")[0]
    return after[len(right) :] if _CLOSERS.fullmatch(right) else after


def render(
    context: Context,
    *,
    fim: FimNames,
    budget: int,
    count_tokens: CountTokens,
    layout: Layout = "repository",
) -> Prompt:
    """Lay `context` out in at most `budget` tokens.

    A model without a file separator gets the "comments" layout. Raises ValueError for an unknown
    layout and for a budget below 16 tokens.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"unknown layout {layout!r}; choose one of {', '.join(LAYOUTS)}")
    if budget < _MIN_BUDGET_TOKENS:
        raise ValueError(
            f"a budget of {budget!r} tokens is below {_MIN_BUDGET_TOKENS}; raise context_tokens"
        )
    if not fim.file_sep:
        layout = "near" if layout == "near" else "comments"
    frame = _frame(context, fim, layout, budget, count_tokens)
    context = _with_short_typed(context, budget // 2, count_tokens)
    room = budget - _cost(frame.opening + frame.header, count_tokens) - 2
    room -= count_tokens(context.typed)
    while True:
        prompt = _fill(context, frame, fim, room, count_tokens)
        if prompt.tokens <= budget:
            return prompt
        # Lines are counted one by one; joined they may cost a token more in an odd text.
        room -= prompt.tokens - budget


def with_added(
    prompt: Prompt,
    snippets: Sequence[Snippet],
    *,
    path: str,
    fim: FimNames,
    room: int,
    count_tokens: CountTokens,
) -> Prompt:
    """Show more snippets in a prompt: behind the suffix, the best that fit `room` tokens.

    There they cost the decoder their own tokens, at the front they would cost the whole prompt.
    They stand in comments in every layout: no file begins in the middle of another one.
    """
    frame = _named_frame("", "", path, fim, "comments")
    chosen = _choose(snippets, frame, room - count_tokens(_GAP), count_tokens)
    if not chosen:
        return prompt
    added = [_GAP, *_snippet_parts(chosen, frame)]
    return replace(
        prompt,
        parts=(*prompt.parts[:-1], *added, prompt.parts[-1]),
        snippets=(*prompt.snippets, *chosen),
        tokens=prompt.tokens + _cost(added, count_tokens),
    )


def _with_short_typed(context: Context, most: int, count: CountTokens) -> Context:
    """Give the start of a long typed text to the prefix, where it can be cut."""
    prefix, typed = context.prefix, context.typed
    while count(typed) > most:
        half = (len(typed) + 1) // 2
        prefix, typed = prefix + typed[:half], typed[half:]
    return replace(context, prefix=prefix, typed=typed)


@dataclass(frozen=True, slots=True)
class _Frame:
    """What a layout puts around snippets and code."""

    layout: Layout
    opening: list[Part]  # before the snippets
    header: list[Part]  # between the snippets and the prefix
    separator: str  # control token before a file, "" in comments
    leader: str  # line comment, "" in the repository layout


def _frame(
    context: Context, fim: FimNames, layout: Layout, budget: int, count: CountTokens
) -> _Frame:
    """Name the repository and the file, more shortly where the names take too much room."""
    name = PurePosixPath(context.path).name if context.path else ""
    for repo, path in ((context.repo, context.path), ("", context.path), ("", name)):
        frame = _named_frame(repo, path, context.path, fim, layout)
        if _cost(frame.opening + frame.header, count) <= budget // 4:
            return frame
    return _named_frame("", "", context.path, fim, layout)


def _named_frame(repo: str, path: str, whole_path: str, fim: FimNames, layout: Layout) -> _Frame:
    if layout != "repository":
        leader = _comment_leader(whole_path)
        header: list[Part] = [f"{leader} {_one_line(path)}\n"] if path else []
        return _Frame(layout, [Control(fim.prefix)], header, "", leader)
    opening: list[Part] = []
    if repo and fim.repo_name:
        opening = [Control(fim.repo_name), f"{_one_line(repo)}\n"]
    header = [Control(fim.file_sep), f"{_one_line(path)}\n"] if path else []
    return _Frame(layout, opening, [*header, Control(fim.prefix)], fim.file_sep, "")


def _fill(context: Context, frame: _Frame, fim: FimNames, room: int, count: CountTokens) -> Prompt:
    """Share `room` tokens out and put the parts together."""
    before = Lines(context.prefix.split("\n"), count, most=room, backwards=True)
    after = Lines(context.suffix.split("\n"), count, most=int(room * _MAX_SUFFIX_SHARE))
    wanted_snippets = sum(_snippet_cost(snippet, frame, count) for snippet in context.snippets)
    wants = (
        round_up(before.cost, _STEP_TOKENS),
        min(after.cost, after.most),
        min(wanted_snippets, int(max(room, 0) * _MAX_SNIPPETS_SHARE)),
    )
    grants = share_out(room, wants=wants)
    prefix, first_line = cut_prefix(before, grants[0])
    suffix, suffix_lines = cut_suffix(after, grants[1])
    last_line = len(before.lines) + context.typed.count("\n") + max(suffix_lines - 1, 0)
    outside = [
        s for s in context.snippets if not is_visible(s, context.path, first_line, last_line)
    ]
    snippets = _choose(outside, frame, grants[2], count)
    near: list[Snippet] = []
    if frame.layout == "near" and (not prefix or prefix.endswith("\n")):
        near = [snippet for snippet in snippets if snippet.kind in NEAR_KINDS]
    far = [snippet for snippet in snippets if snippet not in near]
    parts = [
        *frame.opening,
        *_snippet_parts(far, frame),
        *frame.header,
        prefix,
        *_snippet_parts(near, frame, lead=_indentation(context.typed)),
        Control(fim.suffix),
        suffix,
        Control(fim.middle),
    ]
    kept = tuple(part for part in parts if part != "")
    tokens = _cost(kept, count) + count(context.typed)
    return Prompt(kept, context.typed, tuple(snippets), tokens, first_line, last_line)


def _indentation(typed: str) -> str:
    return typed[: len(typed) - len(typed.lstrip(" \t"))]


def is_visible(snippet: Snippet, path: str, first_line: int, last_line: int) -> bool:
    """Tell whether a snippet repeats lines that the prompt shows around the cursor."""
    overlaps = snippet.start_line <= last_line and snippet.end_line >= first_line
    return bool(path) and snippet.path == path and overlaps


def _choose(
    snippets: Sequence[Snippet], frame: _Frame, grant: int, count: CountTokens
) -> list[Snippet]:
    """Take the best snippets that fit, cut at a line where needed, in their given order."""
    by_score = sorted(range(len(snippets)), key=lambda index: (-snippets[index].score, index))
    chosen: dict[int, Snippet] = {}
    for index in by_score:
        cut = _cut_snippet(snippets[index], frame, grant, count)
        if cut is not None:
            chosen[index] = cut
            grant -= _snippet_cost(cut, frame, count)
    return [chosen[index] for index in sorted(chosen)]


def _cut_snippet(snippet: Snippet, frame: _Frame, grant: int, count: CountTokens) -> Snippet | None:
    """Return the snippet, or its first lines where it is too long, or None.

    Less than half of it is no longer what was retrieved; then there is room for another.
    """
    if _snippet_cost(snippet, frame, count) <= grant:
        return snippet
    lines = _snippet_lines(snippet)
    for kept in range(len(lines) - 1, len(lines) // 2, -1):
        shorter = replace(
            snippet,
            text="".join(f"{line}\n" for line in lines[:kept]),
            end_line=max(snippet.end_line - (len(lines) - kept), snippet.start_line),
        )
        if _snippet_cost(shorter, frame, count) <= grant:
            return shorter
    return None


def _snippet_cost(snippet: Snippet, frame: _Frame, count: CountTokens) -> int:
    return _cost(_snippet_parts([snippet], frame), count)


def _snippet_parts(snippets: Sequence[Snippet], frame: _Frame, *, lead: str = "") -> list[Part]:
    """Return the parts of all snippets; neighbours of one file share its header.

    In comments each line begins with `lead`, the indentation of the line at the cursor.
    """
    parts: list[Part] = []
    path = None
    for snippet in snippets:
        if snippet.path != path:
            parts += _file_parts(snippet.path, frame, lead)
            path = snippet.path
        lines = _snippet_lines(snippet)
        if frame.leader:
            lines = [f"{lead}{frame.leader} {line}".rstrip() for line in lines]
        parts.append("".join(f"{line}\n" for line in lines))
    return parts


def _file_parts(path: str, frame: _Frame, lead: str = "") -> list[Part]:
    if frame.separator:
        return [Control(frame.separator), f"{_one_line(path)}\n"]
    return [f"{lead}{frame.leader} {_one_line(path)}\n"]


def _snippet_lines(snippet: Snippet) -> list[str]:
    return snippet.text.removesuffix("\n").split("\n")


def _cost(parts: Sequence[Part], count: CountTokens) -> int:
    return sum(1 if isinstance(part, Control) else count(part) for part in parts)


def _comment_leader(path: str) -> str:
    ending = PurePosixPath(path).suffix.removeprefix(".").lower()
    for leader, endings in _COMMENT_LEADERS.items():
        if ending in endings.split():
            return leader
    return "#"


def _one_line(name: str) -> str:
    return " ".join(name.split())
