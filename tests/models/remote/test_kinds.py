"""Each kind of server is asked in its own words, and its answer is read as it means it."""

from __future__ import annotations

import math

import pytest

from homespun.models.types import MODEL_AS_SHIPPED
from tests.models.remote.exchanges import (
    CONTROLS,
    END,
    MODEL,
    PATHS,
    SERVERS,
    TOKENIZER,
    foreign,
    llama,
    llama_end,
    llama_event,
    ollama,
    together,
    vllm,
    vllm_events,
)
from tests.support.model_server import stream

HEALS = ("llama-server", "vllm")  # these are told how to begin, and say it again


def pieces_of(kind, *pieces):
    return (" ", *pieces) if kind in HEALS else pieces


@pytest.mark.parametrize("told", ["auto", "by name"])
@pytest.mark.parametrize("kind", SERVERS)
def test_a_line_comes_from_each_kind(kind, told, serving, asking):
    if told == "auto" and kind in ("mistral", "deepseek"):
        pytest.skip("known by the name of the host")
    server = serving(SERVERS[kind](*pieces_of(kind, "first", " + 1")))
    ask = asking(server.url, kind="auto" if told == "auto" else kind)
    done = ask()
    assert done.text == "first + 1"
    assert done.finish in ("eos", "stop")
    assert done.model.endswith(f"@{server.url}")
    assert ask.remote.server.kind.name == kind
    assert len(server.to(PATHS[kind])) == 1
    assert ask.generator.state.trouble == ""


@pytest.mark.parametrize("kind", SERVERS)
def test_each_is_asked_greedily_for_a_stream_of_so_many_tokens(kind, serving, asking):
    server = serving(SERVERS[kind](*pieces_of(kind, "x")))
    asking(server.url, kind=kind)(max_tokens=33)
    (asked,) = server.to(PATHS[kind])
    flat = {**asked.body, **asked.body.get("options", {})}
    assert flat["temperature"] == 0
    assert flat["stream"] is True
    assert 33 in (flat.get("max_tokens"), flat.get("n_predict"), flat.get("num_predict"))
    assert len(flat.get("stop", [])) <= 4


def test_llama_server_gets_ids_a_pinned_slot_and_a_grammar(serving, asking):
    server = serving(llama(" ", "first"))
    ask = asking(server.url)
    ask()
    (asked,) = server.to("/completion")
    body = asked.body
    assert body["prompt"] == list(ask.asked().ids)
    assert body["prompt"][0] == CONTROLS["<|fim_prefix|>"]
    assert (body["id_slot"], body["cache_prompt"], body["return_tokens"]) == (0, True, True)
    assert body["grammar"] == 'root ::= " " [^\\x00]*'
    assert "suffix" not in body


def test_vllm_gets_ids_no_suffix_and_sees_special_tokens(serving, asking):
    server = serving(vllm(" ", "first"))
    ask = asking(server.url)
    done = ask()
    (asked,) = server.to("/v1/completions")
    body = asked.body
    assert body["prompt"] == list(ask.asked().ids)
    assert body["skip_special_tokens"] is False
    assert body["structured_outputs"] == {"regex": " [\\s\\S]*"}
    assert "suffix" not in body
    assert (done.prompt_tokens, done.reused_tokens) == (14, 8)
    assert done.logprob == pytest.approx(-0.25 * len(" first"))


def test_vllm_is_told_ends_by_their_ids_and_so_holds_no_text_back(serving, asking):
    server = serving(vllm(" ", "first", " + 1"))
    ask = asking(server.url)
    assert (ask().text, ask.remote.server.takes_our_ids) == ("first + 1", True)
    (asked,) = server.to("/v1/completions")
    assert asked.body["stop"] == ["\n"]
    assert END in asked.body["stop_token_ids"]


def test_text_that_comes_with_the_end_token_counts(serving, asking):
    held_back = vllm_events(" ", "first", " + 1", stops=("<|endoftext|>",))
    assert held_back[-2]["choices"][0]["text"] == " first + 1"
    server = serving({**vllm(), "/v1/completions": stream(*held_back)})
    done = asking(server.url)()
    assert done.text == "first + 1"
    assert done.token_ids == tuple(TOKENIZER.encode(" first + 1"))
    assert done.logprob == pytest.approx(-0.25 * len(" first + 1"))  # without the end's


def test_several_tokens_and_the_end_may_come_at_once(serving, asking):
    events = vllm_events(" ", "first", " + 1")
    events[1:4] = [together(*events[1:4])]  # as of a server that is busy
    server = serving({**vllm(), "/v1/completions": stream(*events)})
    done = asking(server.url)()
    assert done.text == "first + 1"
    assert done.token_ids == tuple(TOKENIZER.encode(" first + 1"))
    assert done.logprob == pytest.approx(-0.25 * len(" first + 1"))


def test_vllm_with_another_tokenizer_is_told_ends_by_name(serving, asking):
    server = serving(vllm(" ", "first", " + 1", tokenize=foreign))
    assert asking(server.url)().text == "first + 1"
    (asked,) = server.to("/v1/completions")
    assert "<|endoftext|>" in asked.body["stop"]
    assert "stop_token_ids" not in asked.body


def test_adapters_beside_a_model_of_vllm_are_no_other_models(serving, asking):
    server = serving(vllm(" ", "first", adapters=("shop-1", "depot-2")))
    ask = asking(server.url)
    assert (ask().adapter, ask.generator.state.trouble) == (MODEL_AS_SHIPPED, "")
    assert server.to("/v1/completions")[0].body["model"] == MODEL


@pytest.mark.parametrize("how", ["by its name", "as the repository's own"])
def test_an_adapter_of_vllm_is_asked_for_and_named(how, serving, asking):
    server = serving(vllm(" ", "first", adapters=("shop-1", "depot-2")))
    by_name = how == "by its name"
    ask = asking(
        server.url, model="depot-2" if by_name else "", adapter="" if by_name else "depot-2"
    )
    assert ask().adapter == "depot-2"
    assert server.to("/v1/completions")[0].body["model"] == "depot-2"
    assert f"with depot-2, an adapter of {MODEL}" in ask.generator.state.server
    assert ask.remote.server.context_tokens == 8192  # which vLLM says of the model alone


def test_ollama_is_asked_raw_with_room_for_the_prompt(serving, asking):
    server = serving(ollama("first"))
    ask = asking(server.url)
    ask()
    (asked,) = server.to("/api/generate")
    assert asked.body["raw"] is True
    assert "suffix" not in asked.body
    assert asked.body["options"]["num_ctx"] == ask.generator.context_tokens
    assert asked.body["prompt"] == (
        "<|fim_prefix|># shop/a.py\nfirst = 1\n<|fim_suffix|>\nlast = 2\n<|fim_middle|>answer = "
    )


@pytest.mark.parametrize("kind", ["mistral", "deepseek"])
def test_services_get_prompt_and_suffix_without_control_strings(kind, serving, asking):
    server = serving(SERVERS[kind]("first"))
    done = asking(server.url, kind=kind)()
    (asked,) = server.to(PATHS[kind])
    assert asked.body["prompt"] == "# shop/a.py\nfirst = 1\nanswer = "
    assert asked.body["suffix"] == "\nlast = 2\n"
    assert math.isnan(done.logprob) == (kind == "mistral")  # which has none in its schema


def test_another_tokenizer_gets_text_in_the_models_own_form(serving, asking):
    server = serving(llama(" ", "first", tokenize=foreign))
    done = asking(server.url)()
    (asked,) = server.to("/completion")
    assert asked.body["prompt"].startswith("<|fim_prefix|># shop/a.py\n")
    assert asked.body["prompt"].endswith("<|fim_middle|>answer =")
    assert done.text == "first"


FORMS = {
    "starcoder2-7b": "<fim_prefix>ABOVE<fim_suffix>BELOW<fim_middle>answer = ",
    "deepseek-coder-6.7b": "<｜fim▁begin｜>ABOVE<｜fim▁hole｜>BELOW<｜fim▁end｜>answer = ",
    "codestral-22b": "[SUFFIX]BELOW[PREFIX]ABOVEanswer = ",
    "Seed-Coder-8B-Base": "<[fim-suffix]>BELOW<[fim-prefix]>ABOVE<[fim-middle]>answer = ",
    "codegemma-7b": "<|fim_prefix|>ABOVE<|fim_suffix|>BELOW<|fim_middle|>answer = ",
    "granite-4.0-h-tiny": "<|fim_prefix|>ABOVE<|fim_suffix|>BELOW<|fim_middle|>answer = ",
    "granite-8b-code-base": "<fim_prefix>ABOVE<fim_suffix>BELOW<fim_middle>answer = ",
    "Qwen3-Coder-30B-A3B": "<|fim_prefix|>ABOVE<|fim_suffix|>BELOW<|fim_middle|>answer = ",
}


@pytest.mark.parametrize(("model", "form"), FORMS.items(), ids=FORMS)
def test_a_models_name_says_how_it_is_asked(model, form, serving, asking):
    server = serving(SERVERS["openai"]("first", model=model))
    asking(server.url)()
    (asked,) = server.to("/v1/completions")
    above, below = "# shop/a.py\nfirst = 1\n", "\nlast = 2\n"
    assert asked.body["prompt"] == form.replace("ABOVE", above).replace("BELOW", below)


def test_the_form_can_be_set(serving, asking):
    server = serving(SERVERS["openai"]("first", model="house-model-3"))
    asking(server.url, fim="starcoder")()
    assert server.to("/v1/completions")[0].body["prompt"].startswith("<fim_prefix>")


def test_a_template_says_how_a_model_of_ollama_is_asked(serving, asking):
    template = "{{- if .Suffix }}<fim_prefix>{{ .Prompt }}<fim_suffix>{{ .Suffix }}<fim_middle>"
    server = serving(ollama("first", model="house:latest", template=template))
    asking(server.url)()
    assert server.to("/api/generate")[0].body["prompt"].startswith("<fim_prefix>")


def test_a_model_of_which_nothing_tells_the_form_is_refused_in_a_sentence(serving, asking):
    server = serving(SERVERS["openai"]("first", model="house-model-3"))
    ask = asking(server.url)
    assert ask().text == "local answer"
    assert "model.remote.fim" in ask.generator.state.trouble
    assert server.to("/v1/completions") == []


def llama_of(*events):
    return {**llama(), "/completion": stream(*events, llama_end(), done="")}


def test_the_logprob_is_the_sum_and_unknown_where_one_is_missing(serving, asking):
    server = serving(llama(" ", "a", "b"))
    assert asking(server.url)().logprob == pytest.approx(-1.5)
    silent = [{**llama_event(text), "completion_probabilities": None} for text in (" ", "a")]
    server = serving({**llama(), "/completion": stream(*silent, llama_end(), done="")})
    assert math.isnan(asking(server.url)().logprob)


def test_it_is_told_how_sure_the_model_was_of_each_token(serving, asking):
    sure = llama_event(" first", logprob=-0.1, others=(" second", "third"))
    server = serving(llama_of(sure, llama_event(" + 1", logprob=-2.0, others=(" - 1",))))
    done = asking(server.url)()
    assert done.text == "first + 1"
    assert done.token_logprobs[1] == -2.0
    assert done.token_margins == (pytest.approx(1.0), pytest.approx(1.0))
    assert done.token_ends == (len("first"), len("first + 1"))
    # " first" begins with the blank that was typed, and "third" does not.
    assert done.token_logprobs[0] == pytest.approx(-math.log1p(math.exp(-1.0)))
    assert len(done.token_entropies) == 2


def test_tokens_of_which_it_is_not_told_leave_no_evidence(serving, asking):
    silent = {**llama_event(" + 1"), "completion_probabilities": None}
    server = serving(llama_of(llama_event(" first", others=(" second",)), silent))
    done = asking(server.url)()
    assert (done.text, done.token_logprobs, done.token_ends) == ("first + 1", (), ())


def test_lists_of_tokens_tell_the_same(serving, asking):
    server = serving(vllm(" first", " + 1"))
    done = asking(server.url)()
    assert done.text == "first + 1"
    assert done.token_ends[-1] == len("first + 1")
    assert set(done.token_margins) <= {1.25, math.inf}
    assert set(done.token_logprobs) <= {-0.25, 0.0}


def test_what_no_probability_can_be_is_none(serving, asking):
    odd = llama_event(" first", others=(" second",))
    odd["completion_probabilities"][0]["top_logprobs"][1]["logprob"] = 1e300
    odd["completion_probabilities"][0]["logprob"] = -1e300
    done = asking(serving(llama_of(odd)).url)()
    assert done.text == "first"
    assert all(map(math.isfinite, (*done.token_logprobs, *done.token_entropies)))


@pytest.mark.parametrize("field", ["tokens_evaluated", "logprob"])
def test_a_number_that_no_float_can_be_is_another_form_of_answer(field, serving, asking):
    odd = llama_event(" first", others=(" second",))
    where = odd if field in odd else odd["completion_probabilities"][0]
    where[field] = 10**400
    ask = asking(serving(llama_of(odd)).url)
    assert ask().text == "local answer"
    assert "answers in another form" in ask.generator.state.trouble


def test_an_answer_may_begin_otherwise(serving, asking):
    first = llama_event(" first", others=("third", " second"))
    server = serving(
        {
            **llama(),
            "/completion": [
                stream(first, llama_end(), done=""),
                stream(llama_event("ly"), llama_end(), done=""),
            ],
        }
    )
    ask = asking(server.url)
    best = ask()
    other = ask(not_first=[best.token_ids[0]])
    assert (best.text, other.text) == ("first", "secondly")  # "third" has not the typed blank
    assert other.token_ids == (1002, *TOKENIZER.encode("ly"))
    assert other.logprob == pytest.approx(-2.5 - 0.5)
    assert other.token_logprobs == ()  # nothing is told of the token behind it
    last = server.to("/completion")[-1].body
    assert last["prompt"][-1] == 1002
    assert "grammar" not in last


def test_where_no_other_beginning_is_known_there_is_no_other_answer(serving, asking):
    server = serving(SERVERS["mistral"]("first"))
    ask = asking(server.url, kind="mistral")
    best = ask()
    other = ask(not_first=[best.token_ids[0]])
    assert (other.text, other.token_ids) == ("", ())
    assert len(server.to(PATHS["mistral"])) == 1


def test_the_server_ends_a_line_by_itself_and_the_connection_stays(serving, asking):
    stopped = [llama_event(" "), llama_event("first"), llama_end("word")]
    server = serving({**llama(), "/completion": stream(*stopped, done="")})
    ask = asking(server.url)
    done, again = ask(), ask()
    assert (done.text, done.finish, done.stop_reason) == ("first", "stop", "newline")
    assert again.text == "first"
    asked = server.to("/completion")
    assert asked[0].body["stop"][0] == "\n"
    assert len({each.connection for each in server.asked}) == 1
    assert ask.remote.server_ms == 12.5


def test_a_rule_that_lets_lines_through_is_not_cut_by_the_server(serving, asking):
    server = serving(llama("\n", "    ", "value", "\n", "rest"))
    done = asking(server.url)(before="call(\n", stop=lambda text: None)
    assert "\n" not in server.to("/completion")[0].body["stop"]
    assert done.text.endswith("value\nrest")


def test_our_rule_ends_a_stream_and_tells_the_server(serving, asking):
    events = [llama_event(text) for text in (" ", "one", "\nt", "wo", "\nthree")]
    server = serving({**llama(), "/completion": stream(*events, done="", waits_behind=True)})

    def second_line(text):
        from homespun.models.types import Stop

        return Stop(text.index("\nt"), "block") if text.count("\n") == 2 else None

    done = asking(server.url)(stop=second_line)
    assert (done.text, done.stop_reason) == ("one", "block")
    assert server.left.wait(10)


def test_a_control_token_of_the_model_ends_the_answer(serving, asking):
    end = {**llama_event("x"), "content": "", "tokens": [CONTROLS["<|fim_prefix|>"]]}
    server = serving(
        {**llama(), "/completion": stream(llama_event(" a"), end, llama_event("b"), done="")}
    )
    assert asking(server.url)().text == "a"


def test_behind_an_end_token_the_servers_last_word_is_awaited(serving, asking):
    end = {**llama_event("x"), "content": "", "tokens": [TOKENIZER.control("<|endoftext|>")]}
    events = (llama_event(" "), llama_event("first"), end, llama_end())
    server = serving({**llama(), "/completion": stream(*events, done="")})
    ask = asking(server.url)
    assert (ask().text, ask.remote.server_ms) == ("first", 12.5)
    ask()
    assert len({each.connection for each in server.asked}) == 1


def test_reading_ahead_asks_for_one_token_where_it_is_free_and_for_nothing_elsewhere(
    serving, asking
):
    server = serving(llama(" ", "x"))
    ask = asking(server.url)
    warmth = ask.generator.warm(ask.asked().ids, cancelled=lambda: False)
    assert (warmth.finished, warmth.reused_tokens) == (True, 12)
    assert server.to("/completion")[0].body["n_predict"] == 1
    paid = serving(SERVERS["mistral"]("x"))
    ask = asking(paid.url, kind="mistral")
    assert ask.generator.warm(ask.asked().ids, cancelled=lambda: False).finished
    assert paid.asked == []
