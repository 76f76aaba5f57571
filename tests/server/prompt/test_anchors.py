"""Prompts stay while one types, and are renewed when the text around the cursor changes."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from homespun.indexer.config import IndexConfig
from homespun.indexer.index import Index
from homespun.models.fakes import FakeGenerator
from homespun.models.types import Cancellation
from homespun.server.completion.completer import Completer
from homespun.server.context.retriever import Gathered
from homespun.server.options import CompletionOptions
from homespun.server.prompt.anchors import MAX_ADDED_TOKENS
from homespun.server.prompt.render import Snippet
from homespun.server.types import CompletionRequest

HEAD = "import os\n\n" + "line = 1\n" * 10
CLIENT_HEAD = "from client import connect\n" + "number = 1\n" * 30
TAIL = "\n" + "more = 2\n" * 5


def completer(script=" value\n") -> tuple[Completer, FakeGenerator]:
    generator = FakeGenerator(script, context_tokens=8192)
    return Completer(generator, None, CompletionOptions(context_tokens=2048)), generator


def completer_over(root, script: str, **options) -> tuple[Completer, FakeGenerator]:
    """A completer with an index of what is in a folder."""
    index = Index.open(root, IndexConfig(encoder="none"), create=True)
    index.update()
    generator = FakeGenerator(script, context_tokens=8192)
    options = CompletionOptions(retrieve_deadline_ms=60_000, **options)
    return Completer(generator, index, options), generator


def completer_with_client(root) -> tuple[Completer, FakeGenerator]:
    (root / "client.py").write_text("def connect(address):\n    return address\n")
    return completer_over(root, "'shop')\n", context_tokens=2048)


def at(typed: str, *, tail: str = TAIL, head: str = HEAD, **fields) -> CompletionRequest:
    before = head + typed
    return CompletionRequest(before + tail, len(before), path="app.py", language="python", **fields)


def prompts(generator: FakeGenerator) -> list[str]:
    return [generator.tokenizer.render(prompt) for prompt in generator.prompts]


def test_typed_text_goes_behind_the_middle_token_and_nothing_else_moves():
    ours, generator = completer()
    for typed in ("val", "valu", "value = ", "value"):
        ours.complete(at(typed))
    first = prompts(generator)[0]
    frame = first.removesuffix("val")
    assert frame.endswith("<|fim_middle|>")
    assert prompts(generator)[1:] == [frame + t for t in ("valu", "value = ", "value")]


def test_the_next_line_goes_on_in_the_old_prompt():
    ours, generator = completer()
    ours.complete(at("value = 1"))
    ours.complete(at("value = 1\nother"))
    frame = prompts(generator)[0].removesuffix("value = 1")
    assert prompts(generator)[1] == frame + "value = 1\nother"


@pytest.mark.parametrize(
    "changed",
    [
        at("value", head=HEAD.replace("line = 1", "line = 3", 1)),
        at("value", tail=TAIL + "last = 4\n"),
        at("value\n" + "x = 1\n" * 13),
    ],
    ids=["the text above", "the text below", "a lot"],
)
def test_the_prompt_is_renewed_when_the_text_around_it_changed(changed):
    ours, generator = completer()
    ours.complete(at("value"))
    ours.complete(changed)
    fresh, alone = completer()
    fresh.complete(changed)
    assert prompts(generator)[1] == prompts(alone)[0]


def test_brackets_that_the_editor_closes_do_not_renew_the_prompt():
    ours, generator = completer("alpha)\n")
    ours.complete(at("call"))
    answer = ours.complete(at("call(", tail=")" + TAIL))
    assert answer.text == "alpha"
    assert prompts(generator)[1] == prompts(generator)[0] + "("


def test_code_right_of_the_cursor_is_shown_to_the_model():
    ours, generator = completer("a")
    ours.complete(at("call(", tail=").run(1)" + TAIL, explicit=True))
    assert "<|fim_suffix|>).run(1)\n" in prompts(generator)[0]


def test_who_asks_by_hand_gets_a_prompt_for_the_line_of_the_cursor():
    ours, generator = completer()
    ours.complete(at("value = 1"))
    ours.complete(at("value = 1\nother", explicit=True))
    assert prompts(generator)[1].endswith("<|fim_middle|>other")


def test_a_prepared_prompt_is_the_one_that_the_next_request_uses():
    ours, generator = completer()
    ours.complete(at("value = 1"))
    request = at("value = 1\nother")
    assert ours.prepare(request) is True
    answer = ours.complete(request)
    assert prompts(generator)[1].endswith(
        "value = 1\n<|fim_suffix|>" + TAIL + "<|fim_middle|>other"
    )
    assert answer.tokens["reused"] >= len(generator.warmed[0]) - 1


def test_a_preparation_that_was_broken_off_leaves_the_old_prompt_in_use():
    ours, generator = completer()
    ours.complete(at("value = 1"))
    stop = Cancellation()
    stop.cancel()
    assert ours.prepare(at("value = 1\nother"), cancelled=stop) is False
    ours.complete(at("value = 1\nother"))
    assert prompts(generator)[1].endswith("<|fim_middle|>value = 1\nother")


def test_preparing_for_an_accepted_suggestion_reads_it():
    ours, generator = completer()
    ours.complete(at("value = "))
    assert ours.prepare(at("value = "), accepted="compute(1)") is True
    assert ours.complete(at("value = compute(1)")).tokens["reused"] >= len(generator.warmed[0]) - 1


def test_nothing_is_prepared_where_completion_is_switched_off():
    generator = FakeGenerator("x", context_tokens=8192)
    options = CompletionOptions(disabled_languages=("python",))
    assert Completer(generator, None, options).prepare(at("value")) is False
    assert generator.warmed == []


def test_an_endless_line_is_cut_into_prefix_and_typed_text():
    ours, generator = completer()
    ours.complete(at("x" * 5000))
    assert prompts(generator)[0].endswith("x" * 600)
    assert ours.complete(at("x" * 5000 + "y")).tokens["reused"] > 1000


def test_typed_text_never_outgrows_the_context_of_the_model():
    generator = FakeGenerator(" value\n", context_tokens=512)
    ours = Completer(generator, None, CompletionOptions(context_tokens=2048))
    for length in range(0, 700, 23):
        ours.complete(at("y" * length))
        ours.complete(at("x = 1\n" * (length // 60) + "z"))
    assert max(len(prompt) for prompt in generator.prompts) <= 512


def test_everything_that_shapes_an_answer_is_in_the_key():
    ours, _ = completer()
    request = at("value")
    others = [
        replace(request, path="other.py"),
        replace(request, language="go"),
        replace(request, explicit=True),
        replace(request, retrieval=False),
        replace(request, max_tokens=3),
    ]
    keys = {ours.key(r) for r in (request, *others)}
    options = CompletionOptions(context_tokens=2048, adapter="a1")
    keys.add(Completer(FakeGenerator(""), None, options).key(request))
    assert len(keys) == 7
    assert ours.key(request) == ours.key(replace(request, text="other", offset=0, id="9"))


def test_a_definition_found_behind_a_typed_name_renews_the_prompt(tmp_path):
    ours, generator = completer_with_client(tmp_path)
    head = CLIENT_HEAD.replace("from client import connect", "import client")
    for typed in ("c = ", "c = client", "c = client.", "c = client.co"):
        ours.complete(at(typed, head=head))
    shown = ["# def connect(address):" in prompt for prompt in prompts(generator)]
    assert shown == [False, False, True, True]


def test_a_prompt_with_retrieved_code_is_not_the_one_for_a_request_without(tmp_path):
    ours, generator = completer_with_client(tmp_path)
    for retrieval in (True, False, True):
        ours.complete(at("c = connect(", head=CLIENT_HEAD, retrieval=retrieval))
    shown = ["# def connect(address):" in prompt for prompt in prompts(generator)]
    assert shown == [True, False, True]


SHOP = "class Shop:\n" + "".join(
    f"    def open_{n}(self, number):\n        return number\n\n" for n in range(20)
)
WHILE_TYPED = "from shop import Shop\n\n\ndef count(shop: Shop):\n"


def completer_with_shop(root) -> tuple[Completer, FakeGenerator]:
    (root / "shop.py").write_text(SHOP)
    return completer_over(root, "x\n")


def typed_in_shop(ours, *lines: str) -> list:
    return [ours.complete(at(typed, head=WHILE_TYPED)) for typed in lines]


def test_members_wanted_by_the_line_come_behind_the_suffix_and_the_front_stays(tmp_path):
    ours, generator = completer_with_shop(tmp_path)
    typed_in_shop(ours, "    return", "    return shop.", "    return shop.op")
    first, second, third = prompts(generator)
    front, _, behind = second.partition("<|fim_suffix|>")
    assert first.startswith(front + "<|fim_suffix|>")
    assert behind.startswith(TAIL + "\n# shop.py\n# class Shop:\n#     def open_")
    assert third == second + "op"


def test_what_was_added_is_a_source_and_fits_its_room(tmp_path):
    ours, generator = completer_with_shop(tmp_path)
    before, after = typed_in_shop(ours, "    return", "    return shop.")
    assert [source.path for source in after.sources].count("shop.py") == 1
    assert max(source.score for source in after.sources) > max(s.score for s in before.sources)
    added = len(generator.prompts[1]) - len(generator.prompts[0]) - len(" shop.")
    assert 0 < added <= MAX_ADDED_TOKENS


def test_only_behind_a_name_something_is_looked_for(tmp_path):
    ours, _ = completer_with_shop(tmp_path)
    typed = ("    return", "    return s", "    return shop", "    return shop + ")
    answers = typed_in_shop(ours, *typed)
    assert [answer.timings_ms["retrieve"] > 0 for answer in answers] == [True, False, False, False]


def test_a_rest_on_the_line_adds_and_leaves_the_front(tmp_path):
    ours, generator = completer_with_shop(tmp_path)
    typed_in_shop(ours, "    return")
    assert ours.prepare(at("    return shop.", head=WHILE_TYPED)) is True
    typed_in_shop(ours, "    return shop.")
    front = prompts(generator)[0].partition("<|fim_suffix|>")[0]
    assert prompts(generator)[1].startswith(front + "<|fim_suffix|>")
    assert generator.prompts[1][: len(generator.warmed[0])] == generator.warmed[0]
    assert "# class Shop" in generator.tokenizer.render(generator.warmed[0]).partition("suffix")[2]


def test_who_asks_by_hand_gets_what_the_line_needs_at_the_front(tmp_path):
    ours, generator = completer_with_shop(tmp_path)
    typed_in_shop(ours, "    return")
    ours.complete(at("    return shop.", head=WHILE_TYPED, explicit=True))
    front, _, behind = prompts(generator)[1].partition("<|fim_suffix|>")
    assert "# class Shop:" in front and "# class" not in behind


class Scripted:
    """A public fake of what is retrieved: whatever the test says is found next."""

    def __init__(self):
        self.found: list[Snippet] = []
        self.late = False
        self.given: list[dict] = []

    def gather(self, cursor, **given) -> Gathered:
        self.given.append(given)
        return Gathered(tuple(self.found), self.late)


def snippet(name: str, score: float = 4.0, *, kind="definition", path="lib.py", line=1, more=""):
    return Snippet(path, line, line, f"def {name}(): ...\n{more}", score, kind)


def completer_with_script(*, holds=8192, **options) -> tuple[Scripted, Completer, FakeGenerator]:
    retriever, generator = Scripted(), FakeGenerator("x\n", context_tokens=holds)
    ours = Completer(generator, None, CompletionOptions(**options), retriever=retriever)
    return retriever, ours, generator


def shown_behind_the_suffix(
    *found: list[Snippet], first=(), late=False, holds=8192, **options
) -> list[str]:
    """Type a dot for each list, which is found behind it; return what each has added."""
    retriever, ours, generator = completer_with_script(holds=holds, context_tokens=2048, **options)
    typed = "y"
    retriever.found = list(first)
    ours.complete(at(typed))
    for retriever.found in found:
        retriever.late = late
        typed += ".y"
        ours.complete(at(typed[:-1]))
    texts = [prompt.partition(TAIL)[2] for prompt in prompts(generator)]
    return [re.sub(r"<\|fim_middle\|>.*", "", text) for text in texts[1:]]


def names_in(text: str) -> list[str]:
    return re.findall(r"def (\w+)", text)


def test_what_was_added_stays_in_front_of_what_is_added_next():
    first, second = shown_behind_the_suffix([snippet("a")], [snippet("b", line=5)])
    assert (names_in(first), names_in(second)) == (["a"], ["a", "b"])
    assert second.startswith(first)


def test_what_was_added_leaves_where_not_all_of_it_fits():
    long = "# long\n" * (MAX_ADDED_TOKENS // 14)
    added = shown_behind_the_suffix([snippet("a", more=long)], [snippet("b", line=5, more=long)])
    assert [names_in(text) for text in added] == [["a"], ["b"]]


def test_the_same_place_in_other_words_takes_the_place_of_the_old():
    added = shown_behind_the_suffix([snippet("a")], [snippet("a", more="def b(): ...\n")])
    assert [names_in(text) for text in added] == [["a"], ["a", "b"]]
    assert added[1].count("def a()") == 1


@pytest.mark.parametrize(
    "found",
    [
        snippet("a", kind="similar"),
        snippet("a", kind="recent"),
        snippet("a", score=1.99),
        snippet("a", path="app.py", kind="far", line=3),
    ],
    ids=["alike", "edited elsewhere", "unlikely", "on display"],
)
def test_what_the_line_does_not_need_is_not_added(found):
    assert shown_behind_the_suffix([found]) == [""]


def test_what_came_too_late_is_not_added():
    assert shown_behind_the_suffix([snippet("a")], late=True) == [""]


def test_retrieval_that_is_switched_off_adds_nothing():
    assert shown_behind_the_suffix([snippet("a")], retrieval=False) == [""]


def test_what_there_was_no_room_for_is_added_once_it_is_wanted_more():
    long = "# long\n" * 20
    offered = snippet("a", score=2.0, more=long)
    wanted = [snippet("a", score=score, more=long) for score in (2.2, 4.0)]
    added = shown_behind_the_suffix(*([w] for w in wanted), first=[offered], holds=600)
    assert [names_in(text) for text in added] == [[], ["a"]]


def test_what_the_model_cannot_hold_is_not_added():
    long = "# long\n" * (MAX_ADDED_TOKENS // 10)
    [text] = shown_behind_the_suffix([snippet("a", more=long)], holds=330)
    assert names_in(text) == []


def test_a_rest_renders_the_line_anew_where_the_front_would_be_another():
    retriever, ours, generator = completer_with_script()
    ours.complete(at("y"))
    retriever.found = [snippet("alike", kind="similar")]
    assert ours.prepare(at("y = ")) is True
    front = generator.tokenizer.render(generator.warmed[0]).partition("<|fim_suffix|>")[0]
    assert names_in(front) == ["alike"]


def test_a_new_line_is_begun_without_a_look_at_the_index():
    retriever, ours, generator = completer_with_script()
    ours.complete(at("y = 1"))
    assert ours.complete(at("y = 1\n    ")).timings_ms["retrieve"] == 0


@pytest.mark.parametrize(("score", "added"), [(0.61, ["a"]), (0.59, [])])
def test_at_rest_the_less_likely_is_added_too(score, added):
    retriever, ours, generator = completer_with_script()
    retriever.found = [snippet("alike", kind="similar")]
    ours.complete(at("y"))
    retriever.found += [snippet("a", score=score, line=9)]
    ours.prepare(at("y = "))
    behind = generator.tokenizer.render(generator.warmed[0]).partition("<|fim_suffix|>")[2]
    assert names_in(behind) == added


def broken_off() -> Cancellation:
    """Return what has a preparation end before it is done."""
    stop = Cancellation()
    stop.cancel()
    return stop


def test_a_rest_that_was_broken_off_leaves_no_snippets_behind():
    retriever, ours, generator = completer_with_script()
    retriever.found = [snippet("of_the_line_before")]
    assert ours.prepare(at("y"), cancelled=broken_off()) is False
    retriever.found = [snippet("wanted", line=9)]
    ours.complete(at("y."))
    front, _, behind = prompts(generator)[0].partition("<|fim_suffix|>")
    assert (names_in(front), names_in(behind)) == (["wanted"], [])


def test_a_new_prompt_with_the_snippets_of_before_gets_what_its_line_needs():
    retriever, ours, generator = completer_with_script()
    retriever.found = [snippet("a")]
    ours.complete(at("y"))
    retriever.found = [snippet("a", more="def b(): ...\n")]
    ours.complete(at("y.", tail="\nother = 3\n"))
    front, _, behind = prompts(generator)[1].partition("<|fim_suffix|>")
    assert (names_in(front), names_in(behind)) == (["a"], ["a", "b"])


@pytest.mark.parametrize(("setting", "at_rest"), [(60, 1000), (5000, 5000)])
def test_nobody_waits_at_rest_so_retrieval_may_take_longer(setting, at_rest):
    retriever, ours, _ = completer_with_script(retrieve_deadline_ms=setting)
    ours.complete(at("y"))
    ours.prepare(at("y = "))
    assert [given["deadline_ms"] for given in retriever.given] == [setting, at_rest]


def test_retrieval_at_rest_ends_with_the_rest():
    retriever, ours, _ = completer_with_script()
    stop = broken_off()
    ours.prepare(at("y"), cancelled=stop)
    ours.complete(at("y"))
    assert [given["cancelled"]() for given in retriever.given] == [True, False]
