"""Examples -> what is learned from them: token ids, and what each of them counts.

    rules = LessonRules(prompt_share=0.5, more_holes=2)
    train = lessons(rows, encoder, rules=rules, plain=(80, 160), context=(320,), seed=0)

No loss falls on what nobody could guess, on licences (`weighing/shown_only.py`) and on lines that
an earlier example was learned from (`weighing/repeats.py`); words that the rows show once are
numbered, and the model learns them only as far as it could have guessed (`lora/truncation.py`).

Beside its hole a prompt may teach the house's own code that it shows (never snippets, headings,
masked text), as plain next tokens (Shi et al., "Instruction Modelling", arXiv 2405.14394), and it
may ask for further lines of what it shows: these share the text above them with the first hole, so
that a hole costs little more than what stands behind it.

Validation and every score take `examples.encode_all`: what is compared stays the same.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from homespun.server.prompt.encode import Rendered
from homespun.training.dataset.examples import (
    EncodedExample,
    Example,
    ExampleEncoder,
    answer_of,
    budget_of,
    is_endless,
)
from homespun.training.lessons.more_holes import more_holes
from homespun.training.lessons.shown_text import ShownPart, answer_span, shown_parts
from homespun.training.lessons.spelling import Spelling, SpellsTokens, overlaps
from homespun.training.lessons.strands import Weighed, as_one, share_enough
from homespun.training.weighing.drawn import Span
from homespun.training.weighing.rare_words import RareWords
from homespun.training.weighing.repeats import LearnedLines
from homespun.training.weighing.shown_only import shown_only


@dataclass(frozen=True, slots=True)
class LessonRules:
    """What of an example is learned; one default each, and `ANSWERS_ALONE` for the older form.

    The cuts are in nats: 4.6 is one guess in a hundred, 11.5 one in a hundred thousand.
    """

    skips_unguessable: bool = True  # keys, hashes, ids, numbers, addresses; licences
    learns_lines_once: bool = True
    rare_token_nats: float | None = 4.6  # of a word that stands once: a token above it is left out
    rare_word_nats: float | None = 11.5  # and all of the word above this
    prompt_share: float = 0.0  # what a prompt's own code counts, beside a hole of as many tokens
    more_holes: int = 0  # further lines that a prompt asks for, at most


ANSWERS_ALONE = LessonRules(
    skips_unguessable=False, learns_lines_once=False, rare_token_nats=None, rare_word_nats=None
)


def lessons(
    examples: Iterable[Example],
    encoder: ExampleEncoder,
    *,
    rules: LessonRules,
    plain: Sequence[int],
    context: Sequence[int],
    seed: int,
) -> list[EncodedExample]:
    """Return what is learned, in the order of the examples; those that teach nothing are left out.

    Of equal lines in two examples the first counts, and a hole comes before what a prompt shows.
    Prompts are as long as `budget_of` says. Raises ValueError for a tokenizer that is not
    byte-level.
    """
    rows = list(examples)
    writer = _Writer(encoder, rules, rows, seed)
    drafts = []
    for row in rows:
        budget = budget_of(row, plain=plain, context=context, seed=seed)
        rendered = encoder.render(row, budget=budget)
        encoded = encoder.encode_rendered(row, rendered)
        if not is_endless(encoded):
            drafts.append(writer.draft(row, rendered, encoded))
    found = (writer.finished(draft) for draft in drafts)
    return [one for one in found if any(one.weights)]


@dataclass(slots=True)
class _Draft:
    """An example, with the prompt's own code still to be weighed."""

    example: Example
    rendered: Rendered
    hole: Weighed
    others: list[Weighed]


class _Writer:
    def __init__(
        self, encoder: ExampleEncoder, rules: LessonRules, rows: Sequence[Example], seed: int
    ) -> None:
        if not isinstance(encoder.tokenizer, SpellsTokens):
            raise ValueError("lessons need a tokenizer that says which bytes its tokens are")
        self._encoder = encoder
        self._rules = rules
        self._seed = seed
        self._spelling = Spelling(encoder.tokenizer)
        self._lines = LearnedLines()
        self._asked: set[tuple[str, str]] = set()
        is_truncated = rules.rare_token_nats is not None or rules.rare_word_nats is not None
        texts = ((f"{row.repo}\0{row.path}", row.prefix + row.middle + row.suffix) for row in rows)
        self._words = RareWords(texts) if is_truncated else None
        self._numbered = 0  # rare words so far: each place has a number of its own

    def draft(self, row: Example, rendered: Rendered, encoded: EncodedExample) -> _Draft:
        """Weigh a hole, and ask for some more."""
        hole = self._hole(row, rendered, encoded)
        others = []
        wanted = self._rules.more_holes
        for other in more_holes(row, rendered, most=wanted, seed=self._seed, asked=self._asked):
            # All of what the first prompt shows has room in this one, or it shares nothing.
            budget = 2 * encoded.start + len(encoded.ids)
            again = self._encoder.render(other, budget=budget)
            ids = self._encoder.encode_rendered(other, again)
            if not is_endless(ids) and share_enough(encoded.ids, ids.ids):
                others.append(self._hole(other, again, ids))
        return _Draft(row, rendered, hole, others)

    def finished(self, draft: _Draft) -> EncodedExample:
        """Weigh what the prompt shows, and put the holes of one prompt together."""
        if self._rules.prompt_share:
            self._weigh_prompt(draft)
        return as_one([draft.hole, *draft.others], draft.example.id)

    def _hole(self, row: Example, rendered: Rendered, encoded: EncodedExample) -> Weighed:
        """Weigh the tokens of an answer: each 1/sqrt(n), so a block does not drown ten lines."""
        document = row.prefix + row.middle + row.suffix
        answer = answer_of(row, rendered)
        start, end = answer_span(row, rendered, answer)
        ids = encoded.ids[encoded.start : -1]
        learned, rare = self._learned(document, row.language, ids, start, end)
        if any(learned):
            learned.append(True)  # the end of the hole
            rare.append(-1)
        else:
            learned, rare = [False] * (len(ids) + 1), [-1] * (len(ids) + 1)
        weight = max(sum(learned), 1) ** -0.5
        return Weighed(
            encoded.ids,
            [0.0] * encoded.start + [weight * one for one in learned],
            [-1] * encoded.start + rare,
            hole=encoded.start,
        )

    def _weigh_prompt(self, draft: _Draft) -> None:
        row = draft.example
        document = row.prefix + row.middle + row.suffix
        encoder = self._encoder
        parts = shown_parts(row, draft.rendered, encoder.tokenizer, encoder.fim)
        learned: dict[int, int] = {}  # place of a token -> its rare word
        for part, is_behind in zip(parts, (False, True), strict=True):
            if part is not None:
                learned |= self._own_code(document, row.language, part, is_behind=is_behind)
        weight = self._rules.prompt_share * max(len(learned), 1) ** -0.5
        for place, word in learned.items():
            draft.hole.weights[place] = weight
            draft.hole.rare[place] = word

    def _own_code(
        self, document: str, language: str, part: ShownPart, *, is_behind: bool
    ) -> dict[int, int]:
        """Return the tokens of a prompt's part that are learned: place -> its rare word."""
        start = part.start
        if is_behind:  # what follows a hole that nobody has seen yet
            start = document.find("\n", part.start, part.end) + 1 or part.end
        learned, rare = self._learned(
            document, language, part.ids, part.start, part.end, silent=start
        )
        return {
            part.first + place: word
            for place, (is_learned, word) in enumerate(zip(learned, rare, strict=True))
            if is_learned
        }

    def _learned(
        self,
        document: str,
        language: str,
        ids: Sequence[int],
        start: int,
        end: int,
        *,
        silent: int = 0,
    ) -> tuple[list[bool], list[int]]:
        """Return which tokens of `document[start:end]` are learned, and their rare words.

        Nothing before `silent` is learned.
        """
        free: list[Span] = [(start, silent)] if silent > start else []
        if self._rules.skips_unguessable:
            free += shown_only(document, language, start, end)
        if self._rules.learns_lines_once:
            free += self._lines.claim(document, max(start, silent), end)
        words = list(self._words.spans(document, start, end)) if self._words else []
        spans = [
            (start + first, start + last)
            for first, last in self._spelling.spans(ids, document[start:end])
        ]
        learned = [number < 0 for number in overlaps(spans, list(_merged(free)))]
        rare = [n + self._numbered if n >= 0 else -1 for n in overlaps(spans, words)]
        self._numbered += len(words)
        return learned, rare


def _merged(spans: Sequence[Span]) -> Iterator[Span]:
    """Yield the spans in order, those that touch each other as one."""
    heap = list(spans)
    heapq.heapify(heap)
    while heap:
        start, end = heapq.heappop(heap)
        while heap and heap[0][0] <= end:
            end = max(end, heapq.heappop(heap)[1])
        yield start, end
