"""Who is asked, whose answer is shown, and that the local answer is never lost."""

from __future__ import annotations

import logging
import threading
from datetime import date

import pytest

from homespun.models.errors import RemoteError
from homespun.models.fakes import FakeGenerator
from homespun.models.remote.route.budget import DayBudget
from homespun.models.remote.route.race import race
from homespun.models.types import Cancellation
from tests.models.remote.exchanges import llama, llama_event
from tests.support.model_server import Reply, stream

DOUBT = -3.0  # of each token


def local(text="local answer\n", *, logprob=DOUBT, **more):
    return FakeGenerator(text, name="the-local", logprob=logprob, **more)


def said(*pieces, **more):
    """A reply of `/completion` in the midst."""
    return stream(*(llama_event(piece) for piece in pieces), done="", **more)


def race_threads():
    return [each for each in threading.enumerate() if each.name.startswith("homespun-race")]


def assert_both_have_ended():
    for thread in race_threads():
        thread.join(10)
    assert race_threads() == []


@pytest.fixture
def server(serving):
    return serving(llama(" ", "from", "_afar"))


# Escalation


def test_who_is_sure_answers_alone(server, asking):
    ask = asking(server.url, route="escalate", local=local(logprob=-0.01))
    done = ask()
    assert (done.text, done.route, done.model) == ("local answer", "local", "the-local")
    assert "your server was not asked" in done.route_why
    assert server.asked == []


def test_a_line_in_doubt_is_replaced_by_the_servers(server, asking):
    ask = asking(server.url, route="escalate", local=local())
    done = ask()
    assert (done.text, done.route) == ("from_afar", "remote")
    assert done.model == f"qwen2.5-coder-7b.gguf@{server.url}"
    assert "right with a probability of 0." in done.route_why
    assert (done.instead.text, done.instead.route) == ("local answer", "local")
    assert len(server.to("/completion")) == 1
    assert " where the line of the model here is in doubt" in ask.generator.state.sentence


FAILURES = {
    "a server that says nothing in time": Reply(waits=True),
    "half an answer when the time is up": said(" ", "from", waits_behind=True),
    "a stream that breaks off": said(" ", "from", breaks_off=True),
    "an error": Reply("{}", status=500),
    "silence": llama(" ", "\n")["/completion"],
}


@pytest.mark.parametrize("reply", FAILURES.values(), ids=FAILURES)
def test_the_local_line_is_not_lost(reply, server, asking):
    ask = asking(server.url, route="escalate", local=local(), timeout_ms=700)
    server.replies["/completion"] = reply
    done = ask()
    assert (done.text, done.route, done.model) == ("local answer", "local", "the-local")
    assert "your server" in done.route_why
    if reply.waits or reply.waits_behind:
        assert server.left.wait(10)


def test_who_types_on_ends_the_escalation(server, asking):
    server.replies["/completion"] = Reply(waits=True)
    ask = asking(server.url, route="escalate", local=local())
    cancellation, done = Cancellation(), []
    thread = threading.Thread(target=lambda: done.append(ask(cancelled=cancellation)))
    thread.start()
    assert server.is_waiting.wait(20)
    cancellation.cancel()
    thread.join(10)
    assert server.left.wait(10)
    assert [each.finish for each in done] == ["cancelled"]


def test_nothing_is_read_ahead_of_need_by_a_server_that_may_not_be_asked(server, asking):
    ask = asking(server.url, route="escalate")
    assert ask.generator.warm(ask.asked().ids, cancelled=lambda: False).finished
    assert len(ask.local.warmed) == 1
    assert server.asked == []


def test_other_answers_come_from_who_gave_the_first(server, asking):
    own = local(logprob=-0.01)
    own.others = ["another\n"]
    ask = asking(server.url, route="escalate", local=own)
    first = ask()
    other = ask(not_first=[first.token_ids[0]])
    assert (other.text, other.route) == ("another", "local")
    assert server.asked == []


# A race


def test_the_server_wins_and_the_model_here_is_stopped(server, asking):
    own = local("x" * 2000, step_seconds=0.05)
    ask = asking(server.url, route="race", local=own)
    done = ask(max_tokens=2100)
    assert (done.text, done.route) == ("from_afar", "remote")
    assert_both_have_ended()


def test_the_model_here_wins_and_the_connection_is_closed(server, asking):
    server.replies["/completion"] = Reply(waits=True)
    ask = asking(server.url, route="race", local=local(step_seconds=0.05))
    done = ask()
    assert (done.text, done.route) == ("local answer", "local")
    assert "before your server" in done.route_why
    assert server.left.wait(10)
    assert_both_have_ended()
    assert ask.generator.state.trouble == ""  # losing is no fault


def test_of_two_that_are_there_the_servers_is_shown(server, asking):
    ask = asking(server.url, route="race")
    asked = threading.Event()

    def here(_):
        asked.wait(10)
        return ask.local.generate([1], max_tokens=20, stop=lambda _: None, cancelled=lambda: False)

    def there(cancelled, *, within_ms):
        asked.set()
        return ask.remote.generate(
            ask.asked().ids, max_tokens=9, stop=lambda _: None, cancelled=cancelled
        )

    question = type("Asked", (), {"cancelled": lambda self: None})()
    done = race(
        question, lambda: False, here=here, there=there, timeout_ms=20_000, grace_seconds=20.0
    )
    assert done.route == "remote"


@pytest.mark.parametrize("name", ["a stream that breaks off", "an error", "silence"])
def test_a_race_is_not_won_by_what_cannot_be_shown(name, server, asking):
    server.replies["/completion"] = FAILURES[name]
    ask = asking(server.url, route="race", local=local(step_seconds=0.1))
    done = ask()
    assert (done.text, done.route) == ("local answer", "local")
    assert_both_have_ended()


def test_a_model_here_that_is_silent_does_not_win(server, asking):
    done = asking(server.url, route="race", local=local("\n"))()
    assert (done.text, done.route) == ("from_afar", "remote")


@pytest.mark.parametrize("kind", ["told", "asked"])
def test_who_types_on_ends_both(kind, server, asking):
    server.replies["/completion"] = Reply(waits=True)
    ask = asking(server.url, route="race", local=local("x" * 2000, step_seconds=0.05))
    cancellation, done = Cancellation(), []
    cancelled = cancellation if kind == "told" else lambda: cancellation()
    thread = threading.Thread(target=lambda: done.append(ask(cancelled=cancelled, max_tokens=2100)))
    thread.start()
    assert server.is_waiting.wait(20)
    cancellation.cancel()
    thread.join(10)
    assert [each.finish for each in done] == ["cancelled"]
    assert server.left.wait(10)
    assert_both_have_ended()


# Tokens a day


@pytest.mark.parametrize("route", ["remote", "escalate", "race"])
def test_when_the_tokens_are_spent_the_model_here_answers_and_it_is_said_once(
    route, server, asking, caplog
):
    ask = asking(server.url, route=route, local=local(), tokens_a_day=200)
    DayBudget(200).reserve(190)
    caplog.set_level(logging.WARNING)
    for _ in range(3):
        done = ask()
        assert (done.text, done.route) == ("local answer", "local")
    assert server.asked == []
    assert_both_have_ended()
    assert "not now: the 200 tokens of today are spent" in ask.generator.state.sentence
    assert caplog.text.count("the-local answers meanwhile") == 1


def test_the_next_day_the_server_is_asked_again(server, asking, monkeypatch):
    ask = asking(server.url, local=local(), tokens_a_day=200)
    DayBudget(200, today=lambda: date(2020, 1, 1)).reserve(190)
    assert ask().route == "remote"
    assert ask.generator.state.spent == ""


def test_without_a_model_here_a_spent_day_is_a_sentence(server, asking):
    ask = asking(server.url, local=None, tokens_a_day=20)
    with pytest.raises(RemoteError, match="the 20 tokens of today are spent"):
        ask()


def test_what_is_counted_is_what_the_server_counts(server, asking, monkeypatch):
    ask = asking(server.url, local=local(), tokens_a_day=10_000)
    settled = []
    monkeypatch.setattr(DayBudget, "settle", lambda self, _, used: settled.append(used))
    done = ask()
    server.replies["/completion"] = FAILURES["a stream that breaks off"]
    ask()
    server.replies["/completion"] = Reply("{}", status=404)
    ask()
    assert settled == [
        done.prompt_tokens + len(done.token_ids),  # 14 by its last event
        len(ask.asked().ids),  # it may have been read
        0,  # it was refused
    ]
