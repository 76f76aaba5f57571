"""Every reason why nothing is shown has its sentence, with the numbers of the moment."""

from __future__ import annotations

import ast
import dataclasses
import re
import string
from pathlib import Path

import pytest

from homespun.models.fakes import FakeGenerator
from homespun.server.completion import filters
from homespun.server.completion.completer import Completer
from homespun.server.completion.reasons import REASONS, ReasonInputs, sentence
from homespun.server.options import CompletionOptions
from homespun.server.prompt.cursor import Cursor
from homespun.server.types import CompletionRequest

FOLDER = Path(filters.__file__).parents[1]
# By who is asked for a completer, by the finish itself, and by the look at licences.
GIVEN_ELSEWHERE = {"message", "kind", "same", "denied"}


def nodes(tree, kind):
    return (node for node in ast.walk(tree) if isinstance(node, kind))


def texts(expression):
    """The strings that an expression may be."""
    branches = [expression]
    if isinstance(expression, ast.IfExp):
        branches = [expression.body, expression.orelse]
    return {b.value for b in branches if isinstance(b, ast.Constant) and b.value}


def calls_of(tree, name):
    return (call for call in nodes(tree, ast.Call) if getattr(call.func, "id", "") == name)


def reasons_in(tree):
    """Names of reasons in a module: written out, raised, or handed to a cut."""
    for constant in nodes(tree, ast.Constant):
        if match := re.fullmatch(r"filtered:([a-z-]+)", str(constant.value)):
            yield match[1]
    for call in calls_of(tree, "Filtered"):
        yield from texts(call.args[0])
    for call in calls_of(tree, "_some"):
        yield from texts(call.args[1])


def refusals(tree):
    """What `refusal` returns."""
    [function] = [node for node in nodes(tree, ast.FunctionDef) if node.name == "refusal"]
    return {text for answer in nodes(function, ast.Return) for text in texts(answer.value)}


def states_without_a_model(tree):
    """States that a missing model may have; with a dash they are reasons."""
    for call in calls_of(tree, "Status"):
        yield from (state.replace(" ", "-") for state in texts(call.args[0]))


def reasons_in_the_code():
    trees = {
        path.stem: ast.parse(path.read_text(encoding="utf-8"))
        for path in FOLDER.rglob("*.py")
        if path.stem != "reasons"
    }
    found = {name for tree in trees.values() for name in reasons_in(tree)}
    found |= refusals(trees["filters"])
    for module in ("model_loader", "model_fetch"):
        found |= set(states_without_a_model(trees[module])) - {"ready"}
    # A `finish` of its own: a newer key, a failure, and nothing asked yet.
    return found | {"cancelled", "error", "no-request"}


def test_every_reason_that_the_code_gives_has_a_sentence_and_every_sentence_a_reason():
    found = reasons_in_the_code()
    assert {"secret", "repeats-suffix", "inside-word", "line-complete", "problem"} <= found
    assert found == set(REASONS)


def test_a_sentence_ends_and_names_only_settings_that_exist():
    settings = {
        re.sub("_([a-z])", lambda match: match[1].upper(), field.name)
        for field in dataclasses.fields(CompletionOptions)
    }
    for name, reason in REASONS.items():
        assert reason.sentence.startswith("Nothing"), name
        assert reason.sentence.endswith("."), name
        assert set(re.findall(r"completion\.(\w+)", reason.sentence)) <= settings, name


def test_every_fact_that_a_sentence_wants_is_there():
    inputs = ReasonInputs(CompletionRequest("", 0), Cursor("", ""), "", CompletionOptions())
    for name, reason in REASONS.items():
        wanted = {field for _, field, _, _ in string.Formatter().parse(reason.sentence) if field}
        assert wanted - GIVEN_ELSEWHERE == set(reason.facts(inputs)), name


@pytest.mark.parametrize(
    ("marked", "says", "settings", "said"),
    [
        pytest.param(
            "x = | one two three",
            "",
            {},
            "Nothing: 11 characters stand right of the cursor; the setting "
            "completion.maxLineSuffixChars allows 8.",
            id="text on the right",
        ),
        pytest.param(
            "x =|",
            "",
            {},
            "Nothing: 2 of the 4 characters that it takes to know what is wanted stand before the "
            "cursor; type on, or ask by hand (the editor's command that triggers an inline "
            "suggestion).",
            id="too little before",
        ),
        pytest.param(
            "value = |",
            "",
            {"disabled_languages": ("go", "python")},
            "Nothing: the setting completion.disabledLanguages holds 'python'.",
            id="a language",
        ),
        pytest.param(
            "value = |",
            "",
            {"disabled_globs": ("*.md", "app*")},
            "Nothing: this file matches 'app*' of the setting completion.disabledGlobs.",
            id="a path",
        ),
        pytest.param(
            "value = |",
            "total",
            {"min_logprob": -0.001},
            "Nothing: the model was not sure enough, with a mean log-probability of -0.01; the "
            "setting completion.minLogprob wants -0.001.",
            id="a doubt",
        ),
        pytest.param(
            "value = |",
            "\n",
            {},
            "Nothing: the model takes this line for complete; begin the next one, or write the "
            "first letters of what is missing.",
            id="a line that is complete",
        ),
    ],
)
def test_a_silent_answer_says_why_in_numbers(marked, says, settings, said):
    before, _, after = marked.partition("|")
    completer = Completer(FakeGenerator(says), None, CompletionOptions(**settings))
    request = CompletionRequest(before + after, len(before), path="app.py", language="python")
    answer = completer.complete(request)
    assert sentence(answer.finish, answer.facts) == said


@pytest.mark.parametrize(
    ("finish", "facts", "said"),
    [
        ("filtered:problem", {"message": "no model"}, "Nothing: no model."),
        ("filtered:problem", {}, "Nothing: …."),
        ("error:ValueError", {}, "Nothing: the completion failed (ValueError); "),
        ("filtered:unheard-of", {}, "Nothing: unheard-of."),
        ("", {}, "Nothing yet: the editor has not asked for a completion; "),
    ],
)
def test_what_is_not_known_costs_no_sentence(finish, facts, said):
    assert sentence(finish, facts).startswith(said)
