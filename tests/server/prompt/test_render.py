from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homespun.models.fakes import FAKE_FIM, FakeTokenizer
from homespun.models.types import FimTokens
from homespun.server.prompt.encode import encode_parts, split_last_word
from homespun.server.prompt.render import LAYOUTS, Context, Control, Snippet, render, with_added

TOKENIZER = FakeTokenizer()
PLAIN_FIM = FimTokens(prefix="<|fim_prefix|>", suffix="<|fim_suffix|>", middle="<|fim_middle|>")


def count_tokens(text: str) -> int:
    return len(TOKENIZER.encode(text))


def whole(prompt) -> list[int]:
    return [*encode_parts(prompt.parts, TOKENIZER), *TOKENIZER.encode(prompt.typed)]


def shown(context: Context, *, budget: int = 2048, layout: str = "repository", fim=FAKE_FIM) -> str:
    prompt = render(context, fim=fim, budget=budget, count_tokens=count_tokens, layout=layout)
    return TOKENIZER.render(whole(prompt))


def snippet(path: str, text: str, *, start: int = 1, score: float = 1.0) -> Snippet:
    lines = text.removesuffix("\n").count("\n")
    return Snippet(path, start, start + lines, text, score, "definition")


def test_the_repository_layout_names_repository_files_and_path():
    context = Context(
        repo="shop",
        path="app/cart.py",
        prefix="from app.price import total\n\nx = ",
        suffix="\nprint(x)\n",
        snippets=(snippet("app/price.py", "def total(items):\n    ..."),),
    )
    assert shown(context) == (
        "<|repo_name|>shop\n"
        "<|file_sep|>app/price.py\ndef total(items):\n    ...\n"
        "<|file_sep|>app/cart.py\n"
        "<|fim_prefix|>from app.price import total\n\nx = "
        "<|fim_suffix|>\nprint(x)\n"
        "<|fim_middle|>"
    )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_is_added_stands_in_comments_behind_the_suffix(layout):
    context = Context("shop", "app/cart.ts", "let x = ", "\nlog(x)\n")
    prompt = render(context, fim=FAKE_FIM, budget=512, count_tokens=count_tokens, layout=layout)
    more = [snippet("app/price.ts", "function total()\n"), snippet("b.ts", "b()\n" * 90, score=2)]
    given = {"path": context.path, "fim": FAKE_FIM, "count_tokens": count_tokens}
    added = with_added(prompt, more, room=60, **given)
    behind = "\n// app/price.ts\n// function total()\n"
    before, middle, _ = TOKENIZER.render(whole(prompt)).partition("<|fim_middle|>")
    assert TOKENIZER.render(whole(added)) == before + behind + middle
    assert (added.tokens, added.snippets) == (len(whole(added)), (more[0],))
    assert with_added(prompt, more, room=len(behind) - 1, **given) == prompt


def test_the_comments_layout_comments_snippets_in_the_language_of_the_file():
    context = Context(
        repo="shop",
        path="app/cart.ts",
        prefix="let x = ",
        suffix="\n",
        snippets=(snippet("app/price.ts", "function total() {\n\n}\n"),),
    )
    assert shown(context, layout="comments") == (
        "<|fim_prefix|>// app/price.ts\n// function total() {\n//\n// }\n"
        "// app/cart.ts\nlet x = <|fim_suffix|>\n<|fim_middle|>"
    )


def test_a_model_without_file_separator_gets_the_comments_layout():
    context = Context("shop", "a.py", "x = ", "", (snippet("b.py", "y = 1\n"),))
    prompt = render(context, fim=PLAIN_FIM, budget=99, count_tokens=count_tokens)
    names = [part.name for part in prompt.parts if isinstance(part, Control)]
    assert names == ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"]
    assert prompt.parts[1] == "# b.py\n"


def test_unknown_names_are_left_out():
    assert shown(Context("", "", "a", "b")) == "<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>"


def test_snippets_of_one_file_share_its_header():
    pieces = (snippet("b.py", "one\n"), snippet("b.py", "two\n", start=9), snippet("c.py", "x\n"))
    text = shown(Context("", "a.py", "", "", pieces))
    assert text.startswith("<|file_sep|>b.py\none\ntwo\n<|file_sep|>c.py\nx\n<|file_sep|>a.py\n")


def test_control_strings_in_source_text_stay_text():
    context = Context("r", "<|fim_middle|>.py", "s = '<|fim_suffix|>'", "<|file_sep|>")
    prompt = render(context, fim=FAKE_FIM, budget=999, count_tokens=count_tokens)
    names = [part.name for part in prompt.parts if isinstance(part, Control)]
    assert names == [
        "<|repo_name|>",
        "<|file_sep|>",
        "<|fim_prefix|>",
        "<|fim_suffix|>",
        "<|fim_middle|>",
    ]
    ids = whole(prompt)
    assert sum(1 for number in ids if number >= 256) == 5


def test_a_path_cannot_break_out_of_its_line():
    assert "<|file_sep|>a b.py\n" in shown(Context("r", "a\nb.py", "", ""))


def numbered(first: int, last: int) -> str:
    return "".join(f"line {number:04}\n" for number in range(first, last + 1))


def test_a_long_prefix_begins_at_a_multiple_of_lines():
    prompt = render(
        Context("", "a.py", numbered(1, 500) + "x = ", ""),
        fim=FAKE_FIM,
        budget=1024,
        count_tokens=count_tokens,
    )
    assert (prompt.first_line - 1) % 16 == 0
    assert prompt.first_line > 400
    assert f"line {prompt.first_line:04}\n" in TOKENIZER.render(whole(prompt))


def test_typing_does_not_move_the_first_line():
    firsts = set()
    for typed in ("", "x", "x =", "x = call(argu", "x = call(argument, other"):
        prompt = render(
            Context("", "a.py", numbered(1, 500) + typed, "\nend\n"),
            fim=FAKE_FIM,
            budget=1024,
            count_tokens=count_tokens,
        )
        firsts.add(prompt.first_line)
    assert len(firsts) == 1


def test_the_line_of_the_cursor_is_never_given_up():
    line = "x = " + "value + " * 400
    prompt = render(
        Context("", "a.py", numbered(1, 40) + line, "\n"),
        fim=FAKE_FIM,
        budget=200,
        count_tokens=count_tokens,
    )
    text = TOKENIZER.render(whole(prompt))
    kept = re.search(r"<\|fim_prefix\|>(.*)<\|fim_suffix\|>", text, re.DOTALL).group(1)
    assert line.endswith(kept)
    assert len(kept) > 150


def test_the_suffix_is_cut_at_a_whole_line():
    text = shown(Context("", "a.py", numbered(1, 99), numbered(100, 300)), budget=1000)
    suffix = re.search(r"<\|fim_suffix\|>(.*)<\|fim_middle\|>", text, re.DOTALL).group(1)
    assert suffix.startswith("line 0100\n")
    assert suffix.endswith("\n")
    assert len(suffix) == 190  # 14 / (14 + 58) of the room


def test_a_short_prefix_leaves_its_share_to_the_snippets():
    big = snippet("b.py", numbered(1, 60))
    prompt = render(
        Context("", "a.py", "x = ", "", (big,)),
        fim=FAKE_FIM,
        budget=1400,
        count_tokens=count_tokens,
    )
    assert prompt.snippets == (big,)  # 600 of 1,400 tokens, more than 28 %


def test_snippets_never_fill_a_prompt():
    pieces = tuple(snippet(f"{n}.py", numbered(1, 10)) for n in range(30))
    prompt = render(
        Context("", "a.py", "x = ", "", pieces),
        fim=FAKE_FIM,
        budget=1000,
        count_tokens=count_tokens,
    )
    assert len(prompt.snippets) == 4
    assert prompt.tokens < 460


def test_a_snippet_that_does_not_fit_is_cut_at_a_line():
    big = snippet("b.py", numbered(1, 60), start=11)
    prompt = render(
        Context("", "a.py", "x = ", "", (big,)),
        fim=FAKE_FIM,
        budget=1200,
        count_tokens=count_tokens,
    )
    (cut,) = prompt.snippets
    lines = cut.text.count("\n")
    assert 31 <= lines < 60
    assert cut.text == numbered(1, lines)
    assert (cut.start_line, cut.end_line) == (11, 10 + lines)


def test_a_snippet_of_which_half_does_not_fit_is_dropped_and_a_smaller_one_taken():
    big = snippet("b.py", numbered(1, 900), score=9.0)
    small = snippet("c.py", "def f(): ...\n", score=1.0)
    prompt = render(
        Context("", "a.py", "x = ", "", (big, small)),
        fim=FAKE_FIM,
        budget=600,
        count_tokens=count_tokens,
    )
    assert prompt.snippets == (small,)


def test_the_best_snippets_are_taken_but_shown_in_the_given_order():
    pieces = tuple(
        snippet(f"{name}.py", numbered(1, 10), score=score)
        for name, score in (("a", 1.0), ("b", 3.0), ("c", 2.0))
    )
    prompt = render(
        Context("", "x.py", "", "", pieces), fim=FAKE_FIM, budget=530, count_tokens=count_tokens
    )
    assert [piece.path for piece in prompt.snippets] == ["b.py", "c.py"]


def test_lines_that_the_prompt_shows_do_not_come_back_as_a_snippet():
    near = snippet("a.py", "line 0003\n", start=3)
    far = snippet("a.py", "line 0900\n", start=900)
    prompt = render(
        Context("", "a.py", numbered(1, 9), "", (near, far)),
        fim=FAKE_FIM,
        budget=999,
        count_tokens=count_tokens,
    )
    assert prompt.snippets == (far,)


def test_the_tokens_of_two_prompts_agree_up_to_the_typed_text():
    def ids(typed: str) -> list[int]:
        context = Context("r", "a.py", f"import os\n{typed}", "\n", (snippet("b.py", "y = 1\n"),))
        prompt = render(context, fim=FAKE_FIM, budget=512, count_tokens=count_tokens)
        return whole(prompt)

    before, after = ids("os.pa"), ids("os.pat")
    stable = before.index(TOKENIZER.control("<|fim_suffix|>"))
    assert before[:stable] == after[:stable]


@pytest.mark.parametrize("budget", [0, 15, -1])
def test_a_budget_that_holds_nothing_is_refused(budget):
    with pytest.raises(ValueError, match="raise context_tokens"):
        render(Context("", "", "", ""), fim=FAKE_FIM, budget=budget, count_tokens=count_tokens)


def test_an_unknown_layout_is_refused():
    with pytest.raises(ValueError, match="'sideways'"):
        shown(Context("", "", "", ""), layout="sideways")


def test_a_suffix_of_one_endless_line_is_cut():
    text = shown(Context("", "", "x", "a" * 100_000), budget=100)
    assert text == f"<|fim_prefix|>x<|fim_suffix|>{'a' * 24}<|fim_middle|>"


def merging_count(text: str) -> int:
    """A tokenizer in which joined text can cost more than its lines apart."""
    return len(text.encode("utf-8", "replace")) + 3 * text.count("\n\n") + text.count("x\nx")


ODD = st.one_of(
    st.text(max_size=400),
    st.sampled_from(
        [
            "",
            "\n",
            "\r\n" * 40,
            "a" * 100_000,
            "😋" * 300,
            "\n\n\n\n",
            "x\n" * 300,
            "\ud800",
            "\f\v",
        ]
    ),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    prefix=ODD,
    suffix=ODD,
    path=st.one_of(st.text(max_size=60), st.just("d/" * 500 + "f.py")),
    snippets=st.lists(ODD, max_size=4),
    budget=st.integers(16, 700),
    layout=st.sampled_from(["repository", "comments", "near"]),
    count=st.sampled_from([count_tokens, merging_count]),
)
def test_the_budget_is_never_exceeded(prefix, suffix, path, snippets, budget, layout, count):
    pieces = tuple(snippet(f"s{n}.py", text) for n, text in enumerate(snippets))
    prompt = render(
        Context("repository", path, prefix, suffix, pieces),
        fim=FAKE_FIM,
        budget=budget,
        count_tokens=count,
        layout=layout,
    )
    tokens = sum(1 if isinstance(part, Control) else count(part) for part in prompt.parts)
    assert tokens == prompt.tokens <= budget


@pytest.mark.parametrize(
    ("typed", "heal"),
    [
        ("x = self.con", ".con"),
        ("x = session_cla", "_cla"),
        ("    retur", " retur"),
        ("call(", "("),
        ("value = ", " "),
        ("n1", "1"),
        ("é", "é"),
        ("x = 'häl", "'häl"),
        ("", ""),
    ],
)
def test_the_last_word_is_left_to_the_model_to_write(typed, heal):
    ids, healed = split_last_word(typed, TOKENIZER)
    assert healed.endswith(heal)
    assert TOKENIZER.decode(ids) + healed == typed


@given(st.text(max_size=40))
def test_typed_text_is_never_lost_by_healing(typed):
    ids, healed = split_last_word(typed, TOKENIZER)
    assert TOKENIZER.decode(ids) + healed == typed
    assert bool(healed) == bool(typed)


def test_near_the_line_stands_what_it_may_need_and_similar_code_at_the_front():
    context = Context(
        "shop",
        "app.py",
        "def f():\n",
        "\n",
        (
            Snippet("a.py", 1, 1, "a = 1\n", 1.0, "similar"),
            Snippet("b.py", 1, 1, "b = 1\n", 2.0, "definition"),
        ),
        "    x = ",
    )
    assert shown(context, layout="near") == (
        "<|fim_prefix|># a.py\n# a = 1\n# app.py\ndef f():\n    # b.py\n    # b = 1\n"
        "<|fim_suffix|>\n<|fim_middle|>    x = "
    )
