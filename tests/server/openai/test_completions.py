"""What clients ask, in the shapes that they ask it in, of a real server over real HTTP."""

from __future__ import annotations

import json
import re
import socket
import threading

import pytest

from tests.support.running_openai import HOOK, PARCEL, STORE, TOKEN, TWICE, cut

pytestmark = pytest.mark.e2e

BEFORE, AFTER = cut(STORE, "return self.parcels.pop(")
SHAPES = {
    "Qwen": f"<|fim_prefix|>{BEFORE}<|fim_suffix|>{AFTER}<|fim_middle|>",
    "StarCoder": f"<fim_prefix>{BEFORE}<fim_suffix>{AFTER}<fim_middle>",
    "DeepSeek": f"<｜fim▁begin｜>{BEFORE}<｜fim▁hole｜>{AFTER}<｜fim▁end｜>",
    "CodeLlama": f"<PRE> {BEFORE} <SUF>{AFTER} <MID>",
    "Codestral": f"[SUFFIX]{AFTER}[PREFIX]{BEFORE}",
    "Seed-Coder": f"<[fim-suffix]>{AFTER}<[fim-prefix]>{BEFORE}<[fim-middle]>",
    "a typed beginning": f"<|fim_prefix|>{BEFORE[:-4]}<|fim_suffix|>{AFTER}"
    f"<|fim_middle|>{BEFORE[-4:]}",
}


@pytest.fixture(scope="module")
def plain_prompt(openai_server):
    """With what the index brings, which on a busy machine may be too late at first."""
    lengths = iter(range(8, 31))  # so it is asked anew

    def asked():
        openai_server.complete(prompt=BEFORE, suffix=AFTER, max_tokens=next(lengths))
        return openai_server.prompts()[-1]

    openai_server.until(lambda: "# depot/parcel.py" in asked())
    return without_added(asked())


def without_added(prompt):
    """What is prepared behind an answer may add definitions to the prompt of its line."""
    code, _, behind = prompt.partition("<|fim_suffix|>")
    suffix, _, typed = behind.partition("<|fim_middle|>")
    return code, re.sub(r"\n(?:#.*\n)+\Z", "", suffix), typed


@pytest.mark.parametrize("number", range(len(SHAPES)), ids=list(SHAPES))
def test_every_shape_of_a_prompt_is_asked_as_the_same_question(openai_server, plain_prompt, number):
    openai_server.log.write_text("", encoding="utf-8")
    shape = list(SHAPES.values())[number]
    body = openai_server.complete(prompt=shape, max_tokens=31 + number)  # so it is asked anew
    assert [without_added(prompt) for prompt in openai_server.prompts()] == [plain_prompt]
    assert body["choices"][0]["text"] == "answer(1)"
    assert body["homespun"]["path"] == "depot/store.py"


def test_an_answer_is_not_longer_than_was_asked_for(openai_server):
    body = openai_server.complete(prompt=BEFORE, suffix=AFTER, max_tokens=6)
    assert body["choices"] == [
        {"index": 0, "text": "answer", "logprobs": None, "finish_reason": "length"}
    ]


def test_a_completion_has_what_openai_s_clients_read(openai_server):
    body = openai_server.complete(prompt=BEFORE, suffix=AFTER, model="whatever", temperature=0.7)
    assert body["object"] == "text_completion"
    assert body["id"].startswith("cmpl-")
    assert isinstance(body["created"], int)
    assert body["model"] == "fake-model"
    [choice] = body["choices"]
    assert (choice["text"], choice["finish_reason"]) == ("answer(1)", "stop")
    usage = body["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_definitions_of_other_files_stand_in_the_prompt(openai_server):
    before, after = cut(STORE, "return sum(weigh_parcel(")
    body = openai_server.complete(prompt=before, suffix=after)
    assert "def weigh_parcel(parcel, tare_grams=0)" in openai_server.prompts()[-1]
    assert "depot/parcel.py" in {source["path"] for source in body["homespun"]["sources"]}


def test_a_stream_brings_the_text_then_the_end(openai_server):
    before, after = cut(STORE, "raise ValueError(")
    reply = openai_server.http.post(
        "/v1/completions", json={"prompt": before, "suffix": after, "stream": True}
    )
    assert reply.headers["content-type"] == "text/event-stream"
    events = [line.removeprefix("data: ") for line in reply.text.split("\n\n") if line]
    assert events[-1] == "[DONE]"
    first, last = map(json.loads, events[:-1])
    assert first["choices"][0]["text"] == "answer(1)"
    assert first["choices"][0]["finish_reason"] is None
    assert last["choices"][0] == {
        "index": 0,
        "text": "",
        "logprobs": None,
        "finish_reason": "stop",
    }


@pytest.mark.parametrize(("stop", "text"), [("(", "answer"), (["zzz", "ns"], "a"), ([], None)])
def test_a_stop_string_ends_the_text(openai_server, stop, text):
    before, after = cut(PARCEL, "return parcel.grams - ")
    body = openai_server.complete(prompt=before, suffix=after, stop=stop)
    assert body["choices"][0]["text"] == (text or "answer(1)")


def test_a_prompt_without_control_strings_is_all_before_the_cursor(openai_server):
    openai_server.complete(prompt=STORE + "\n\nlatest = ")
    assert openai_server.prompts()[-1].endswith("<|fim_middle|>latest = ")


def test_control_strings_in_the_field_prompt_are_text_where_there_is_a_suffix(openai_server):
    text = 'MARK = "<|fim_middle|>"\nother = '
    body = openai_server.complete(prompt=text, suffix="\nlast = 1\n")
    assert body["choices"][0]["text"] == "answer(1)"
    assert 'MARK = "<|fim_middle|>"' in openai_server.prompts()[-1]


def test_the_models_and_the_health_are_told(openai_server):
    [model] = openai_server.http.get("/v1/models").json()["data"]
    assert (model["id"], model["owned_by"], model["adapter"]) == (
        "fake-model",
        "homespun",
        "fake-adapter",
    )
    assert openai_server.http.get("/health").json() == {"status": "ok"}


# -- llama.vim

_FIELDS = (
    "content timings/prompt_n timings/prompt_ms timings/prompt_per_token_ms "
    "timings/prompt_per_second timings/predicted_n timings/predicted_ms "
    "timings/predicted_per_token_ms timings/predicted_per_second truncated tokens_cached"
).split()


def llama_vim(before, after):
    """The request of llama.vim a1c8e6e, autoload/llama.vim, llama#fim."""
    lines = before.split("\n")
    return {
        "id_slot": 0,
        "input_prefix": "\n".join(lines[:-1]) + "\n",
        "input_suffix": after + "\n",
        "input_extra": [{"text": "class Elsewhere:\n", "time": 1, "filename": "tmp.py"}],
        "prompt": lines[-1],
        "n_predict": 128,
        "stop": [],
        "n_indent": 8,
        "top_k": 40,
        "top_p": 0.9,
        "samplers": ["top_k", "top_p", "infill"],
        "stream": False,
        "cache_prompt": True,
        "t_max_prompt_ms": 500,
        "t_max_predict_ms": 250,
        "response_fields": _FIELDS,
    }


def test_llama_vim_gets_the_fields_that_it_names(openai_server):
    before, after = cut(STORE, "self.parcels = ")
    body = openai_server.infill(**llama_vim(before, after))
    assert list(body) == _FIELDS
    assert body["content"] == "answer(1)"
    assert body["timings/predicted_n"] > 0
    assert body["truncated"] is False


def test_llama_vim_finds_the_content_before_it_parses_the_reply(openai_server):
    """Its check: autoload/llama.vim a1c8e6e, s:fim_on_response."""
    reply = openai_server.http.post("/infill", json=llama_vim("total = compute(", ""))
    assert reply.text.startswith('{"content":"answer(1)"')


def test_llama_vim_s_question_is_that_of_the_whole_file(openai_server):
    before, after = cut(STORE, "self.places = ")
    openai_server.complete(prompt=before, suffix=after)
    whole = openai_server.prompts()[-1]
    lines = before.split("\n")
    openai_server.infill(**llama_vim("\n".join(lines[6:]), "\n".join(after.split("\n")[:8])))
    assert openai_server.prompts()[-1] == whole


def test_a_request_for_no_tokens_costs_nothing(openai_server):
    asked = len(openai_server.prompts())
    body = openai_server.infill(
        input_prefix="", input_suffix="", prompt="", n_predict=0, response_fields=[""]
    )
    assert body == {}
    assert openai_server.infill(n_predict=0)["generation_settings"]["n_ctx"] == 4096
    assert openai_server.complete(prompt="x = compute(", max_tokens=0)["choices"][0]["text"] == ""
    assert len(openai_server.prompts()) == asked


# -- minuet-ai.nvim, Zed


def test_minuet_s_notes_are_no_lines_of_the_file(openai_server):
    """Its own template: lua/minuet/config.lua 479487c, default_fim_template."""
    before, after = cut(HOOK, "const openedShelf = keyring.")
    notes = "// language: javascript\n// indentation: use 2 spaces for a tab\n"
    body = openai_server.complete(prompt=notes + before, suffix=after)
    assert body["homespun"]["path"] == "web/unlock.js"
    assert "indentation: use" not in openai_server.prompts()[-1]


def test_minuet_s_notes_say_the_language_of_a_file_that_is_nowhere(openai_server):
    notes = "-- language: lua\n-- indentation: use 2 spaces for a tab\n"
    body = openai_server.complete(prompt=notes + "local answered = ", suffix="\n")
    assert (body["homespun"]["path"], body["homespun"]["language"]) == ("", "lua")


def test_zed_s_request_is_answered_in_the_form_that_it_reads(openai_server):
    """Replayed from zed: crates/edit_prediction/src/fim.rs 09512d2, lines 83-113, and

    open_ai_compatible.rs 0fd68c5, lines 83-92; what it reads: cloud_llm_client,
    RawCompletionResponse. Its excerpt is whole lines around the cursor, without a path.
    """
    excerpt = STORE[STORE.index("    def put_parcel") :]
    before, after = cut(excerpt, "self.parcels[number] = ")
    body = openai_server.complete(
        model="qwen2.5-coder",
        prompt=f"<|fim_prefix|>{before}<|fim_suffix|>{after}<|fim_middle|>",
        max_tokens=64,
        stop=["<|endoftext|>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>"],
    )
    assert {type(body[name]) for name in ("id", "object", "model")} == {str}
    assert {type(body["usage"][name]) for name in body["usage"]} == {int}
    assert body["choices"][0]["text"] == "answer(1)"
    assert body["homespun"]["path"] == "depot/store.py"
    assert "from depot.parcel import Parcel" in openai_server.prompts()[-1]


def test_cursortab_names_the_file_before_the_prefix(openai_server):
    """Its prompt with repo_name and file_sep: server/provider/fim/fim.go 14f7163, buildRequest."""
    before, after = cut(TWICE, "return crate.grams - ")
    head = "<|repo_name|>depot\n<|file_sep|>old/other.py\nx = 1\n<|file_sep|>old/second.py\n"
    prompt = f"{head}<|fim_prefix|>{before}<|fim_suffix|>{after}<|fim_middle|>"
    body = openai_server.complete(prompt=prompt, n=1, echo=False, top_k=50)
    assert body["homespun"]["path"] == "old/second.py"
    assert "x = 1" not in openai_server.prompts()[-1]


# -- of what nobody waits for


def _post(body):
    data = json.dumps(body).encode()
    head = (
        "POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {TOKEN}\r\nUser-Agent: slow\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


def test_closing_the_connection_ends_the_work(openai_server):
    openai_server.log.write_text("", encoding="utf-8")
    with socket.create_connection(("127.0.0.1", openai_server.port)) as connection:
        connection.sendall(_post({"prompt": "SLOW = 1\nslow_one = "}))
        openai_server.until(openai_server.prompts)
    openai_server.until(lambda: openai_server.rows("finish") == ["cancelled"])


def test_a_newer_question_of_the_same_client_ends_the_older(openai_server):
    openai_server.log.write_text("", encoding="utf-8")
    headers = {"User-Agent": "the same"}
    replies = []

    def ask_slowly():
        body = {"prompt": "SLOW = 1\nslow_two = "}
        replies.append(openai_server.http.post("/v1/completions", json=body, headers=headers))

    asking = threading.Thread(target=ask_slowly)
    asking.start()
    openai_server.until(openai_server.prompts)
    newer = openai_server.http.post(
        "/v1/completions", json={"prompt": "quick = 1\nquick_one = "}, headers=headers
    )
    asking.join()
    assert newer.json()["choices"][0]["text"] == "answer(1)"
    assert replies[0].json()["choices"][0]["text"] == ""
    assert replies[0].json()["homespun"]["finish"] == "cancelled"


def test_the_next_request_on_a_connection_ends_the_one_before(openai_server):
    openai_server.log.write_text("", encoding="utf-8")
    with socket.create_connection(("127.0.0.1", openai_server.port)) as connection:
        connection.sendall(_post({"prompt": "SLOW = 1\nslow_three = "}))
        openai_server.until(openai_server.prompts)
        connection.sendall(_post({"prompt": "quick = 1\nquick_two = "}))
        said = b""
        while b"answer(1)" not in said:
            said += connection.recv(65_536)
    assert said.startswith(b"HTTP/1.1 409 ")
    assert b"HTTP/1.1 200 " in said


def test_the_same_question_at_the_same_time_is_asked_once(openai_server):
    openai_server.log.write_text("", encoding="utf-8")
    asked = _post({"prompt": "SLOW = 1\nslow_four = "})
    sockets = [socket.create_connection(("127.0.0.1", openai_server.port)) for _ in range(3)]
    sockets[0].sendall(asked)
    openai_server.until(openai_server.prompts)
    for connection in sockets[1:]:
        connection.sendall(asked)
    assert openai_server.complete(prompt="total = ", max_tokens=0)  # behind them
    sockets.pop(0).close()  # two still wait
    assert openai_server.complete(prompt="total = ", max_tokens=0)
    assert openai_server.rows("finish") == []
    for connection in sockets:
        connection.close()
    openai_server.until(lambda: openai_server.rows("finish") == ["cancelled"])
    assert len(openai_server.prompts()) == 1
