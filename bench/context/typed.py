"""Typed up to a name: whether its definition is in the prompt, and whether the answer is right.

    python -m bench.context.typed                      # minutes, no model
    python -m bench.context.typed --held
    python -m bench.context.typed --answers --sample 60      # and what the model writes behind it

While a line is typed its prompt stays as it is for as long as possible, for the decoder's sake
(`server/prompt/anchors.py`). This types each line from its indentation, where the prompt was
prepared, every key being asked for, and looks at the prompt that has been led to; beside it one
that is rendered anew at the cursor, and what the decoder has to read for the line.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.context.cursors import NameCursor, load
from bench.context.packages import chosen
from bench.context.recall import Bench, rank
from bench.typing.stats import markdown
from homespun.indexer.languages import language_of
from homespun.models.engine.common_prefix import common_prefix
from homespun.models.load import load_generator
from homespun.models.serve import decoder_form, ensure_served
from homespun.models.types import Generator
from homespun.models.weights.tokenizer import BpeTokenizer
from homespun.server.completion.anchored_prompts import AnchoredPrompts
from homespun.server.completion.open import context_length
from homespun.server.completion.plan import CompletionPlan, plan_of
from homespun.server.context.retriever import Retriever
from homespun.server.options import CompletionOptions
from homespun.server.prompt.anchors import Anchor
from homespun.server.prompt.cursor import Cursor
from homespun.server.prompt.encode import Encoded, PromptEncoder
from homespun.server.prompt.render import DEFAULT_LAYOUT
from homespun.server.types import CompletionRequest
from homespun.stats import paired

# A busy machine must not cut what is retrieved; the rest of the line is what is asked for.
_OPTIONS = CompletionOptions(retrieve_deadline_ms=60_000, multiline="never")


@dataclass(frozen=True, slots=True)
class TypedCursor:
    """One line, typed up to a name. Tokens are those that the decoder reads for the line."""

    cursor: NameCursor
    is_there: bool  # the needed definition, in the prompt that was led to
    is_there_anew: bool
    prompts: int  # rendered
    first_tokens: int  # of the prompt at the indentation
    later_tokens: int  # of all that came with the keys
    is_exact: bool | None = None  # the rest of the line, as the model writes it; None = not asked
    is_exact_anew: bool | None = None


def main() -> int:
    """Type the lines, print the table."""
    args = _arguments()
    form = decoder_form(ensure_served(args.model))
    tokenizer = BpeTokenizer(form.tokenizer_json(), form.control)
    encoder = PromptEncoder(tokenizer, form.fim, layout=DEFAULT_LAYOUT)
    generator = None
    if args.answers:
        length = context_length(_OPTIONS)
        generator = load_generator(args.model, threads=args.threads, context_tokens=length)
    places: list[TypedCursor] = []
    for corpus in chosen(held=args.held, names=args.packages):
        cursors = _drawn(load(corpus.name, corpus.cursors, corpus.folder()), args)
        with tempfile.TemporaryDirectory() as scratch:
            bench = Bench(corpus.name, corpus.folder(), Path(scratch))
            typing = TypedLines(bench, encoder, generator)
            places += [typing.place(cursor) for cursor in bench.without_file(cursors)]
        print(f"{corpus.name}: {len(cursors)} lines", file=sys.stderr)
    print(table(places))
    if generator is not None:
        print(f"\n{answers_table(places)}")
    return 0


class TypedLines:
    """The lines of one package, typed."""

    def __init__(
        self, bench: Bench, encoder: PromptEncoder, generator: Generator | None = None
    ) -> None:
        """Ask the package's index, which lacks the file that is typed in; and the model, if any."""
        self._repo, self._encoder, self._generator = bench.name, encoder, generator
        self._retriever = Retriever(bench.index)

    def place(self, cursor: NameCursor) -> TypedCursor:
        """Type the line of a cursor from its indentation up to it."""
        start = len(cursor.before) - len(cursor.before.rpartition("\n")[2].lstrip())
        prompts = self._prompts()
        request, plan = self._asked(cursor, start)
        anchor = prompts.fresh(request, plan)
        prompts.keep(request, anchor)
        read = self._encoded(anchor, plan.cursor).ids
        first_tokens, later_tokens, count = len(read), 0, 1
        for end in range(start + 1, len(cursor.before) + 1):
            request, plan = self._asked(cursor, end)
            last, anchor = anchor, prompts.of(request, plan)[0]
            count += anchor is not last
            ids = self._encoded(anchor, plan.cursor).ids
            later_tokens += len(ids) - common_prefix(ids, read)
            read = ids
        anew = self._prompts().fresh(request, plan)
        return TypedCursor(
            cursor,
            is_there=rank(cursor, anchor.prompt.snippets) > 0,
            is_there_anew=rank(cursor, anew.prompt.snippets) > 0,
            prompts=count,
            first_tokens=first_tokens,
            later_tokens=later_tokens,
            is_exact=self._is_exact(cursor, anchor, plan),
            is_exact_anew=self._is_exact(cursor, anew, plan),
        )

    def _is_exact(self, cursor: NameCursor, anchor: Anchor, plan: CompletionPlan) -> bool | None:
        """Say whether the model writes the rest of the line behind a prompt; None = not asked."""
        if self._generator is None:
            return None
        asked = self._encoded(anchor, plan.cursor)
        written = self._generator.generate(
            asked.ids,
            max_tokens=plan.max_tokens,
            stop=plan.stop,
            cancelled=lambda: False,
            heal=asked.heal,
        )
        return written.text.partition("\n")[0].strip() == cursor.rest.strip()

    def _prompts(self) -> AnchoredPrompts:
        return AnchoredPrompts(
            self._encoder,
            self._retriever,
            _OPTIONS,
            repo=self._repo,
            context_tokens=context_length(_OPTIONS),
            clock=time.perf_counter,
        )

    def _asked(self, cursor: NameCursor, end: int) -> tuple[CompletionRequest, CompletionPlan]:
        """Ask where the text before the cursor has come to a length."""
        before = cursor.before[:end]
        request = CompletionRequest(before + cursor.after, end, path=cursor.path)
        plan = plan_of(
            request,
            Cursor(before, cursor.after),
            language=language_of(cursor.path),
            options=_OPTIONS,
            context_tokens=context_length(_OPTIONS),
        )
        return request, plan

    def _encoded(self, anchor: Anchor, cursor: Cursor) -> Encoded:
        return self._encoder.encode(anchor.ids, anchor.typed(cursor) or "")


def table(places: Sequence[TypedCursor]) -> str:
    """Return what was there, by how the name is reached, and what the decoder read."""
    rows = [
        (
            *("next name", "lines", "typed", "anew", "typed less anew"),
            *("prompts a line", "tokens at its start", "tokens with its keys"),
        )
    ]
    for how in ("all", *sorted({place.cursor.how for place in places})):
        ours = [place for place in places if how in ("all", place.cursor.how)]
        typed = [float(place.is_there) for place in ours]
        anew = [float(place.is_there_anew) for place in ours]
        rows.append(
            (
                *(how, str(len(ours)), *_compared(ours, typed, anew)),
                f"{statistics.mean(place.prompts for place in ours):.2f}",
                f"{statistics.mean(place.first_tokens for place in ours):.0f}",
                f"{statistics.mean(place.later_tokens for place in ours):.0f}",
            )
        )
    return markdown(rows)


def answers_table(places: Sequence[TypedCursor]) -> str:
    """Return how often the rest of the line was written, behind either prompt."""
    rows = [("next name", "lines", "typed", "anew", "typed less anew", "won, lost")]
    for group in ("all", *sorted({place.cursor.group for place in places})):
        ours = [place for place in places if group in ("all", place.cursor.group)]
        typed = [float(place.is_exact or 0) for place in ours]
        anew = [float(place.is_exact_anew or 0) for place in ours]
        won = sum(one > other for one, other in zip(typed, anew, strict=True))
        lost = sum(one < other for one, other in zip(typed, anew, strict=True))
        rows.append((group, str(len(ours)), *_compared(ours, typed, anew), f"{won}, {lost}"))
    return markdown(rows)


def _compared(
    places: Sequence[TypedCursor], typed: Sequence[float], anew: Sequence[float]
) -> tuple[str, str, str]:
    """Return the shares of both, and the first less the second with its interval."""
    less = paired(typed, anew, [place.cursor.package for place in places]).difference
    return (
        *(f"{statistics.mean(typed):.3f}", f"{statistics.mean(anew):.3f}"),
        f"{less.mean:+.3f} [{less.low:+.3f}, {less.high:+.3f}]",
    )


def _drawn(cursors: Sequence[NameCursor], args: argparse.Namespace) -> list[NameCursor]:
    """Return names of other files as they were written, as many as wanted, in their order."""
    found = [cursor for cursor in cursors if cursor.is_cross and cursor.state == "written"]
    if len(found) <= args.sample:
        return found
    kept = random.Random(args.seed).sample(range(len(found)), args.sample)
    return [found[number] for number in sorted(kept)]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--held", action="store_true", help="the packages that only report")
    parser.add_argument("--packages", nargs="+", default=[])
    parser.add_argument("--sample", type=int, default=150, help="lines of a package, at most")
    parser.add_argument("--answers", action="store_true", help="have the model write, too")
    parser.add_argument("--model", default="qwen2.5-coder-0.5b", help="whose tokens are counted")
    parser.add_argument("--threads", type=int, default=0, help="0 = one per physical core")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
