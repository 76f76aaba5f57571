"""The examined server: what is asked of it, what may be sent, and what is not believed."""

from __future__ import annotations

import math

import pytest

from homespun.models.errors import AdapterError
from homespun.models.serve import decoder_form, serve
from homespun.models.types import Stop
from homespun.models.weights.tokenizer import BpeTokenizer
from homespun.progress import NoProgress, never
from homespun.training.config import ExamEndpoint
from homespun.training.endpoint import model as exam_model
from homespun.training.endpoint.open import ExamServer
from homespun.training.errors import ExamFailed
from tests.support.fake_vllm import FakeVllm, Speaker
from tests.support.model_server import ModelServer, Reply, answer, lines
from tests.support.tiny import save_roomy_qwen2

DRAFT = "homespun-draft-"
TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"[:36]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_roomy_qwen2(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture
def draft(tmp_path):
    (tmp_path / "draft").mkdir()
    (tmp_path / "draft" / "adapter_model.safetensors").write_bytes(b"weights")
    return tmp_path / "draft"


@pytest.fixture
def speaker(model):
    form = decoder_form(serve(str(model)).directory)
    tokenizer = BpeTokenizer(form.tokenizer_json(), form.control)
    controls = [form.fim.prefix, form.fim.suffix, form.fim.middle]
    return Speaker(tokenizer, controls, nats={"coder": -2.0, DRAFT: -1.0, "shop": -1.0})


@pytest.fixture
def fake(speaker, monkeypatch):
    monkeypatch.setattr(exam_model, "_PAUSES", (0.0, 0.0))
    server = FakeVllm(root="/models/tiny", speaks=speaker)
    yield server
    server.close()


def line_end(text):
    end = text.find("\n")
    return Stop(end, "newline") if end >= 0 else None


def exam(url, learned, *, said=None, **settings):
    return ExamServer.of(
        ExamEndpoint(url, **settings),
        str(learned),
        context_tokens=1000,
        progress=NoProgress(),
        say=[].append if said is None else said.append,
    )


def asked_of(fake, path):
    return [body for _, where, body in fake.asked if where == path]


def prompt_of(speaker, text="def weigh(parcel):\n    return "):
    prefix, suffix, middle = (speaker.tokenizer.control(name) for name in speaker.controls)
    return [prefix, *speaker.tokenizer.encode(text), suffix, middle]


def test_the_draft_is_pushed_under_a_name_that_says_its_bytes(fake, model, draft):
    opened = exam(fake.url, model).opened(draft)
    (pushed,) = asked_of(fake, "/v1/load_lora_adapter")
    assert pushed["lora_path"] == str(draft)
    assert pushed["lora_name"].startswith(DRAFT)
    assert opened["repository"].adapter == pushed["lora_name"]
    assert opened["general"].adapter == "none"
    assert opened["general"].weights != opened["repository"].weights
    exam(fake.url, model).opened(draft)  # as a run that was killed does
    assert len(asked_of(fake, "/v1/load_lora_adapter")) == 1


def test_each_model_is_asked_by_its_name_and_weighs_texts(fake, model, draft, speaker):
    opened = exam(fake.url, model).opened(draft)
    prompt, ids = prompt_of(speaker), speaker.tokenizer.encode("parcel.grams")
    before, after = (opened[name].generator for name in ("general", "repository"))
    assert before.sends and after.sends
    assert before.score(prompt, ids) == pytest.approx(-2.0 * len(ids))
    assert after.score(prompt, ids) == pytest.approx(-1.0 * len(ids))
    done = after.generate(prompt, max_tokens=20, stop=line_end, cancelled=never)
    assert done.text == "found = 1"
    last = asked_of(fake, "/v1/completions")[-1]
    assert last["model"] == opened["repository"].adapter
    assert last["prompt"] == prompt


def test_what_would_have_to_be_masked_is_neither_sent_nor_weighed(fake, model, draft, speaker):
    generator = exam(fake.url, model).opened(draft)["repository"].generator
    count = len(fake.asked)
    encode = speaker.tokenizer.encode
    for prompt, text in (
        (prompt_of(speaker, f'key = "{TOKEN}"\nx = '), "1"),
        (prompt_of(speaker), f'"{TOKEN}"'),
        (prompt_of(speaker, f'key = "{TOKEN[:12]}'), f'{TOKEN[12:]}"'),  # neither half is one
    ):
        assert math.isnan(generator.score(prompt, encode(text)))
        assert not generator.may_be_sent(prompt, encode(text))
    assert len(fake.asked) == count
    assert generator.may_be_sent(prompt_of(speaker), encode("parcel"))


def test_an_adapter_that_is_there_already_is_asked_by_name(fake, model, draft):
    fake.reply("/v1/load_lora_adapter", {"lora_name": "shop-7", "lora_path": "/a"}, "")
    server = exam(fake.url, model, model="shop-7")
    assert server.opened(draft)["repository"].adapter == "shop-7"
    server.forget(draft)  # not ours to unload
    assert [row["id"] for row in fake.adapters] == ["shop-7"]
    with pytest.raises(ExamFailed, match="--exam-model 'other' is none of its models"):
        exam(fake.url, model, model="other").look()


def test_the_draft_is_unloaded_when_the_exam_is_over(fake, model, draft):
    said = []
    server = exam(fake.url, model, said=said)
    server.opened(draft)
    assert len(fake.adapters) == 1
    server.forget(draft)
    assert (fake.adapters, said) == ([], [])


def test_other_weights_and_another_tokenizer_are_refused_before_anything_is_learned(
    fake, model, speaker
):
    exam(fake.url, model).look()
    fake.root = "/models/huge"
    with pytest.raises(ExamFailed, match="serves /models/huge, and the adapter belongs on"):
        exam(fake.url, model).look()
    fake.root = "/models/tiny"
    plain = speaker.ids
    speaker.ids = lambda text: plain(text + "x")
    with pytest.raises(
        ExamFailed, match="makes other tokens of a text .* models export|cannot be told"
    ):
        exam(fake.url, model).look()


def test_a_server_with_too_little_room_is_refused_with_what_it_takes(fake, model):
    fake.context_tokens = 512
    with pytest.raises(ExamFailed, match="holds 512 tokens, .* --max-model-len 1000"):
        exam(fake.url, model).look()


def test_a_server_without_run_time_adapters_says_how_to_have_them(fake, model, draft):
    fake.loads = False
    with pytest.raises(AdapterError, match="--enable-lora"):
        exam(fake.url, model).opened(draft)


def test_a_server_that_weighs_nothing_is_told_of_and_answers_nan(fake, model, draft, speaker):
    speaker.weighs, said = False, []
    opened = exam(fake.url, model, said=said).opened(draft)
    assert any("does not say how likely" in sentence for sentence in said)
    ids = speaker.tokenizer.encode("parcel")
    assert math.isnan(opened["general"].generator.score(prompt_of(speaker), ids))


def spoiled(**changes):
    return lambda whole: {**whole, "choices": [{**whole["choices"][0], **changes}]}


@pytest.mark.parametrize(
    ("spoils", "said"),
    [
        (lambda whole: "<html>log in</html>", "no JSON"),
        (lambda whole: {"choices": []}, "no single choice"),
        (spoiled(prompt_logprobs=[None]), "1 likelihoods of"),
        (spoiled(prompt_logprobs=[None] * 5_000), "5000 likelihoods of"),
        (spoiled(prompt_logprobs=None), "and then no more"),
        (lambda whole: '{"choices": [{"prompt_logprobs": [null, NaN]}]}', "no JSON|likelihoods"),
        (lambda whole: " " * 5_000_000, "without an end|in the midst"),
    ],
)
def test_what_is_no_likelihood_ends_the_exam(fake, model, draft, speaker, spoils, said):
    generator = exam(fake.url, model).opened(draft)["repository"].generator
    speaker.spoils = spoils
    with pytest.raises(ExamFailed, match=said):
        generator.score(prompt_of(speaker), speaker.tokenizer.encode("parcel"))


def test_a_server_that_fails_ends_the_exam_and_is_no_wrong_answer(fake, model, draft, speaker):
    generator = exam(fake.url, model).opened(draft)["repository"].generator
    fake.replies["/v1/completions"] = (500, {"error": {"message": "out of memory"}})
    with pytest.raises(ExamFailed, match="out of memory.*--resume"):
        generator.generate(prompt_of(speaker), max_tokens=4, stop=line_end, cancelled=never)


def test_a_key_comes_from_the_environment_and_is_in_no_sentence(fake, model, monkeypatch):
    fake.key = "sesame-1234"
    with pytest.raises(ExamFailed, match="--exam-key-env"):
        exam(fake.url, model).look()
    monkeypatch.setenv("EXAM_KEY", "sesame-1234")
    exam(fake.url, model, key_env="EXAM_KEY").look()
    monkeypatch.setenv("EXAM_KEY", "wrong-5678")
    with pytest.raises(ExamFailed) as failed:
        exam(fake.url, model, key_env="EXAM_KEY").look()
    assert "wrong-5678" not in str(failed.value)


@pytest.mark.parametrize("url", ["http://example.org:8000", "ftp://x", "http://me:pw@127.0.0.1"])
def test_addresses_where_code_could_be_read_are_refused(model, url):
    with pytest.raises(ExamFailed) as failed:
        exam(url, model)
    assert "pw" not in str(failed.value)


def test_llama_cpp_s_server_switches_its_one_adapter_by_request(model, draft, speaker):
    said = []
    event = {"content": "found = 1\n", "tokens": [1], "stop": False}
    end = {"content": "", "tokens": [], "stop": True, "stop_type": "eos", "timings": {}}
    replies = {
        "/props": answer({"default_generation_settings": {"n_ctx": 4096}}),
        "/v1/models": answer({"data": [{"id": "tiny.gguf", "owned_by": "llamacpp"}]}),
        "/lora-adapters": answer([{"id": 0, "path": "draft.gguf", "scale": 1.0}]),
        "/tokenize": lambda asked: answer({"tokens": _llama_ids(speaker, asked.body)}),
        "/completion": lines(event, end),
    }
    with ModelServer(replies).running() as server:
        opened = exam(server.url, model, said=said, kind="llama-server").opened(draft)
        assert any("cannot pass there" in sentence for sentence in said)
        for name in ("general", "repository"):
            done = opened[name].generator.generate(
                prompt_of(speaker), max_tokens=9, stop=line_end, cancelled=never
            )
            assert done.text == "found = 1"
        scales = [asked.body["lora"] for asked in server.to("/completion")]
        assert scales == [[{"id": 0, "scale": 0.0}], [{"id": 0, "scale": 1.0}]]
        server.replies["/lora-adapters"] = Reply("[]")
        with pytest.raises(ExamFailed, match="has 0 adapters, and one is to be examined"):
            exam(server.url, model, kind="llama-server").look()


def _llama_ids(speaker, body):
    text = body["content"]
    return speaker.ids(text) if body["parse_special"] else speaker.tokenizer.encode(text)
