from __future__ import annotations

import pytest

from homespun.server.completion.filters import Answer, Filtered, clean, refusal
from homespun.server.options import CompletionOptions
from homespun.server.prompt.cursor import Cursor
from homespun.server.types import CompletionRequest

CONTROLS = ("<|fim_prefix|>", "<|fim_middle|>", "<|endoftext|>")


def at(marked: str) -> Cursor:
    before, _, after = marked.partition("|")
    return Cursor(before, after)


def cleaned(marked: str, text: str, *, finish: str = "newline", explicit: bool = False) -> str:
    answer = Answer(
        text=text,
        finish=finish,
        logprob=-1.0,
        tokens=2,
        is_block=finish == "block",
        language="python",
        explicit=explicit,
        controls=CONTROLS,
    )
    return clean(answer, at(marked), least_logprob=-100.0)


@pytest.mark.parametrize(
    ("marked", "text", "shown"),
    [
        pytest.param("x = |\n", "1 + 2", "1 + 2", id="good text stays"),
        pytest.param("x = |\n", "12  ", "12", id="blanks at the end go"),
        pytest.param("x = |\n", "ab<|fim_middle|>cd", "ab", id="spelled control string"),
        pytest.param("foo(|)", "a, b)", "a, b", id="no doubled bracket"),
        pytest.param("foo(|)", "bar(1), 2)", "bar(1), 2", id="own brackets stay"),
        pytest.param("foo(|)", '")")', '")"', id="a bracket in a string"),
        pytest.param("foo(|):", "self, x):", "self, x", id="bracket and colon"),
        pytest.param('x = "|"', 'hello"', "hello", id="no doubled quote"),
        pytest.param("x = | + tail\n", "head + tail", "head", id="rest of the line"),
        pytest.param("x = [|]\n", "ab\n]", "ab", id="one line where the line goes on"),
        pytest.param("    |\n    b = compute()\n", "a = 1\n    b = compute()", "a = 1", id="below"),
        pytest.param("f(|", ")", ")", id="a bracket that ends the line"),
        pytest.param("def f(x)|\n", ":", ":", id="a colon that ends the line"),
        pytest.param("f(|\n", "1))", "1)", id="closes only what is open"),
        pytest.param("f(g(|\n", "1))", "1))", id="closes both that are open"),
    ],
)
def test_what_is_shown(marked, text, shown):
    assert cleaned(marked, text) == shown


def test_lines_that_repeat_are_cut_between_lines():
    text = "\n    a.cancel()\n    a.finish(None)\n    b.cancel()" + "\n    a.finish(None)" * 4
    shown = cleaned("def finish(a):|\n", text, finish="block")
    assert shown == "\n    a.cancel()\n    a.finish(None)\n    b.cancel()"


@pytest.mark.parametrize(
    ("marked", "text", "reason"),
    [
        pytest.param("x = 1|\n", "", "line-complete", id="nothing more to say"),
        pytest.param("x = |\n", "  ", "line-complete", id="only white space"),
        pytest.param("x = |\n", "<|endoftext|>abc", "line-complete", id="only a control string"),
        pytest.param("foo(|)", ")", "repeats-suffix", id="only the bracket that is there"),
        pytest.param("|\nresult = 1\n", "result = 1", "repeats-suffix", id="the line below"),
        pytest.param("x = |\n", "abc, " * 8, "repetition", id="the same word again and again"),
        pytest.param("total = 1\n|\n", "total = 1", "repeats-line-above", id="the line above"),
        pytest.param("x = 1\ny = |\n", ")", "bracket", id="a bracket that nothing opened"),
        pytest.param("x = |\n", "a", "too-short", id="one letter"),
        pytest.param(
            "def peek(self, place, *, last=1):\n    return |\n",
            "self.peek(place, last=last)",
            "calls-itself",
            id="itself, with what it was given",
        ),
        pytest.param(
            'password = "|\n', 'kJ8#mQ2$xZ9vL4nR7w"', "secret", id="looks like a password"
        ),
        pytest.param("k = |\n", '"AKIAZ5LQ7RXN2VPD3TWM"', "secret", id="looks like a key"),
    ],
)
def test_why_nothing_is_shown(marked, text, reason):
    with pytest.raises(Filtered) as filtered:
        cleaned(marked, text)
    assert filtered.value.reason == reason


@pytest.mark.parametrize(
    ("marked", "text"),
    [
        ("def peek(place):\n    return |\n", "peek(place + 1)"),
        ("def peek(place):\n    return |\n", "other.peek(place)"),
        ("def peek(place):\n    return |\n", "skip(place)"),
        ("def peek():\n    return |\n", "peek()"),  # of nothing it may be another one's
        ("def peek(place):\n    if peek(place - 1):\n        return |\n", "peek(place)"),
        ("def peek(place):\n    return 1\n\n\nx = |\n", "peek(place)"),
    ],
)
def test_a_call_that_may_end_is_shown(marked, text):
    assert cleaned(marked, text) == text


@pytest.mark.parametrize("line", ["x = 1|\n", "    'a': True,|\n", "f(a)|\n"])
def test_nothing_is_suggested_below_a_line_that_is_finished(line):
    with pytest.raises(Filtered) as filtered:
        cleaned(line, "\n    y = 2")
    assert filtered.value.reason == "line-complete"
    assert cleaned(line, "\n    y = 2", explicit=True) == "\n    y = 2"


def test_what_a_line_opens_is_suggested_below_it():
    assert cleaned("f(|\n", "\n    a,") == "\n    a,"
    assert cleaned("if x:|\n", "\n    y = 2", finish="block") == "\n    y = 2"


def test_one_letter_is_shown_to_who_asks_for_it():
    assert cleaned("x = |\n", "a", explicit=True) == "a"


def test_indentation_that_the_cursor_has_is_not_doubled():
    assert cleaned("def f():\n    |\n", "    return x") == "return x"
    text = "    if x:\n            a()\n        b()"
    assert cleaned("def f():\n    |\n", text, finish="block") == "if x:\n        a()\n    b()"
    assert cleaned("def f():\n|\n", "    return x") == "    return x"


def test_an_answer_below_an_empty_line_comes_up_to_the_cursor():
    assert cleaned("def f():\n    |\n", "\n    return x") == "return x"


def test_a_line_that_repeats_is_shown_once():
    text = "append(item)\n    append(item)\n    append(item)\n"
    assert cleaned("def f():\n    |\n", text, finish="block") == "append(item)"


def test_a_block_that_repeats_is_shown_once():
    text = "a = compute()\nb = compute(a)\na = compute()\nb = compute(a)"
    assert cleaned("|", text, finish="block") == "a = compute()\nb = compute(a)"


def test_an_unlikely_answer_is_not_shown_when_the_user_wants_that():
    answer = Answer("value", "newline", -4.0, 2, False, "python")
    assert clean(answer, at("x = |\n"), least_logprob=-2.5) == "value"
    with pytest.raises(Filtered) as filtered:
        clean(answer, at("x = |\n"), least_logprob=-1.5)
    assert filtered.value.reason == "low-logprob"


def refused(marked: str, *, path: str = "src/app.py", explicit: bool = False, **settings) -> str:
    cursor = at(marked)
    request = CompletionRequest(
        cursor.before + cursor.after, len(cursor.before), path=path, explicit=explicit
    )
    return refusal(request, cursor, "python", CompletionOptions(**settings))


@pytest.mark.parametrize(
    ("marked", "reason"),
    [
        pytest.param("value = |", "", id="at the end of a line"),
        pytest.param("value = f(|)", "", id="before a closing bracket"),
        pytest.param('value = f("|");', "", id="before quotes and punctuation"),
        pytest.param("value = |other", "inside-word", id="before a word"),
        pytest.param("value = | + something_long", "text-on-the-right", id="long rest"),
        pytest.param("x|", "prefix-too-short", id="nothing to go by"),
        pytest.param("int value = 3;|", "statement-complete", id="behind a semicolon"),
    ],
)
def test_when_the_model_is_asked(marked, reason):
    assert refused(marked) == reason


def test_an_explicit_request_is_always_tried():
    assert refused("value = |other", explicit=True) == ""


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"enabled": False}, "disabled"),
        ({"disabled_languages": ("python",)}, "disabled-language"),
        ({"disabled_globs": ("*.py",)}, "disabled-path"),
        ({"disabled_globs": ("src/*.py",)}, "disabled-path"),
        ({"disabled_globs": ("src/",)}, "disabled-path"),
        ({"disabled_globs": ("**/app.py",)}, "disabled-path"),
        ({"disabled_globs": ("lib/", "*.js")}, ""),
    ],
)
def test_what_the_user_switched_off_stays_off(settings, reason):
    assert refused("value = |", explicit=True, **settings) == reason


@pytest.mark.parametrize(
    "unsafe",
    ["\x1b[2J", "\x07", "\x9b31m", "\r", "\u202e", "\u2066", "\u200b", "\ufeff", "\U000e0041"],
    ids=ascii,
)
def test_what_a_terminal_obeys_or_nobody_sees_is_never_suggested(unsafe):
    with pytest.raises(Filtered, match="^control$"):
        cleaned("x = |\n", f"one{unsafe}two")
    with pytest.raises(Filtered, match="^control$"):
        cleaned(f"y = '{unsafe}'\nx = |\n", f"'{unsafe}'")  # also where the document has it


def test_tabs_line_ends_and_other_scripts_are_suggested():
    assert cleaned("x = |\n", "größe(\n\t'日本', 😋)", finish="block").startswith(
        "größe(\n\t'日本'"
    )
