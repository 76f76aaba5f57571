"""A running vLLM is told of an adapter that fits what it serves, and of no other."""

from __future__ import annotations

import json

import pytest

from homespun.cli.main import main
from homespun.models.adapters.export.push import Fit, TokenProbe, check_address, push
from homespun.models.adapters.registry import Registry
from homespun.models.errors import AdapterUnfit, PushRefused
from homespun.models.fakes import FAKE_FIM, FakeTokenizer
from homespun.models.serve import identity
from homespun.server.prompt.render import PROMPT_VERSION
from tests.support.fake_vllm import FakeVllm
from tests.support.tiny import save_tiny_adapter, save_tiny_qwen2

WEIGHTS = "Qwen/Qwen2.5-Coder-0.5B-Instruct"
PROBE = TokenProbe.of(FakeTokenizer(), FAKE_FIM)


@pytest.fixture
def server():
    fake = FakeVllm(root=WEIGHTS, tokens=PROBE.tokens)
    yield fake
    fake.close()


def pushed(server, *, weights=WEIGHTS, version=7, today=7, probe=PROBE, is_merged=False, **named):
    fit = Fit(weights, version, probe, is_merged=is_merged)
    return push(server.url, name="shop-1", path="/share/a", fit=fit, prompt_version=today, **named)


def loaded(server):
    return [body for _, path, body in server.asked if path == "/v1/load_lora_adapter"]


def test_an_adapter_that_fits_is_loaded_under_its_name(server):
    done = pushed(server)
    assert loaded(server) == [{"lora_name": "shop-1", "lora_path": "/share/a"}]
    assert (done.name, done.model, done.unchecked) == ("shop-1", "coder", ())
    assert server.asked[1][2]["prompt"] == PROBE.text


@pytest.mark.parametrize(
    "root",
    ["/models/Qwen2.5-Coder-0.5B-Instruct/", "x/qwen2.5-coder-0.5b-instruct-AWQ"],
)
def test_the_same_weights_go_by_several_names(server, root):
    server.root = root
    assert pushed(server).model == "coder"


def test_other_weights_are_refused(server):
    server.root = "Qwen/Qwen2.5-Coder-1.5B-Instruct"
    with pytest.raises(AdapterUnfit, match=r"1\.5B-Instruct, and the adapter belongs on"):
        pushed(server)
    server.root = "Qwen/Qwen2.5-Coder-0.5B"  # without the instructions: other weights
    with pytest.raises(AdapterUnfit):
        pushed(server)
    assert loaded(server) == []


def test_without_the_general_adapter_it_fits_our_export_alone(server):
    ours = {"weights": "qwen2.5-coder-0.5b", "is_merged": True}
    server.root = "/models/qwen2.5-coder-0.5b"
    assert pushed(server, **ours).model == "coder"
    with pytest.raises(AdapterUnfit, match="belongs on 'Qwen/Qwen2.5-Coder-0.5B-Instruct'"):
        pushed(server)
    for other in (WEIGHTS, "Qwen/Qwen2.5-Coder-0.5B"):
        server.root = other
        with pytest.raises(AdapterUnfit, match=r"homespun models export qwen2\.5-coder-0\.5b"):
            pushed(server, **ours)
    assert len(loaded(server)) == 1


def test_another_tokenizer_is_refused(server):
    server.tokens = [*PROBE.tokens[:-1], 3]
    with pytest.raises(AdapterUnfit, match="another tokenizer"):
        pushed(server)
    assert loaded(server) == []


def test_another_prompt_version_is_refused_before_anything_is_asked(server):
    with pytest.raises(AdapterUnfit, match="prompt version 6"):
        pushed(server, version=6)
    assert server.asked == []


def test_what_cannot_be_compared_is_said(server):
    server.tokens = None
    assert "does not answer /tokenize" in pushed(server).unchecked[0]
    server.adapters.clear()
    assert "not on this machine" in pushed(server, probe=None).unchecked[0]


def test_a_name_that_is_taken_is_refused(server):
    pushed(server)
    with pytest.raises(PushRefused, match="already"):
        pushed(server)
    assert len(loaded(server)) == 1


def test_a_key_is_sent_and_a_wrong_one_is_said_without_it(server):
    server.key = "secret-key-of-the-team"
    with pytest.raises(PushRefused, match="wants a key") as refused:
        pushed(server, key="another-key")
    assert "another-key" not in str(refused.value)
    assert pushed(server, key="secret-key-of-the-team").model == "coder"


def test_a_server_without_adapters_is_told_apart(server):
    server.loads = False
    with pytest.raises(PushRefused, match="VLLM_ALLOW_RUNTIME_LORA_UPDATING"):
        pushed(server)


def test_the_server_s_own_reason_is_shown_and_nothing_of_it_obeyed(server):
    server.refusal = "Loading lora shop-1 failed: No adapter found\x1b[2J for /share/a"
    with pytest.raises(PushRefused, match="No adapter found") as refused:
        pushed(server)
    assert "\x1b" not in str(refused.value)
    assert "--as" in str(refused.value)


def test_no_server_is_a_sentence(server):
    server.close()
    server.close = lambda: None
    with pytest.raises(PushRefused, match="is it running"):
        pushed(server)


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("http://93.184.216.34:8000", "--plain-http"),
        ("http://[2606:2800:220:1::1]:8000", "--plain-http"),
        ("http://no-such-host.invalid:8000", "--plain-http"),
        ("ftp://127.0.0.1", "no address"),
        ("127.0.0.1:8000", "no address"),
        ("http://user:password@127.0.0.1:8000", "no address"),
    ],
)
def test_an_address_where_others_listen_is_refused(url, word):
    with pytest.raises(PushRefused, match=word) as refused:
        check_address(url, plain_http=False)
    assert "password" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000", "http://[::1]:8000/v1", "http://10.1.2.3", "https://x.example"]
)
def test_this_machine_a_private_network_and_tls_are_taken(url):
    check_address(url, plain_http=False)


def test_the_user_may_say_that_plain_http_goes_anywhere():
    check_address("http://93.184.216.34:8000", plain_http=True)


# -- the command


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A workspace with one adapter of a tiny model that is on this machine."""
    model = save_tiny_qwen2(tmp_path / "Tiny-Coder")
    save_tiny_adapter(model, tmp_path / "draft")
    (tmp_path / "shop" / ".git").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "shop")
    facts = identity(str(tmp_path / "Tiny-Coder")).facts()
    registry = Registry(tmp_path / "shop")
    gate = {"promote": True, "headline": "better"}
    registry.add(tmp_path / "draft", {**facts, "prompt_version": PROMPT_VERSION, "gate": gate})
    return registry


def test_the_command_exports_compares_and_pushes(shop, server, tmp_path, capsys):
    [adapter] = shop.adapters()
    server.root, server.tokens = "team/tiny-coder", [1, 2, 3]
    arguments = ["adapters", "push", server.url, "--id", adapter.id, "--folder", "../out"]
    assert main(arguments) == 1
    assert "another tokenizer" in capsys.readouterr().err
    probe = next(body for _, path, body in server.asked if path == "/tokenize")
    assert probe["prompt"].startswith("<|fim_prefix|>def weigh")
    server.tokens = None
    assert main([*arguments, "--json", "--as", "/mnt/out", "--name", "shop"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out) == {"name": "shop", "model": "coder"}
    assert "not compared: the tokenizer" in said.err
    assert loaded(server) == [{"lora_name": "shop", "lora_path": "/mnt/out"}]
    assert (tmp_path / "out" / "adapter_config.json").is_file()


def test_nothing_is_written_for_an_address_that_is_refused(shop, tmp_path, capsys):
    [adapter] = shop.adapters()
    arguments = ["--id", adapter.id, "--folder", "../out"]
    assert main(["adapters", "push", "http://93.184.216.34", *arguments]) == 1
    assert "--plain-http" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_command_exports(shop, tmp_path, capsys):
    [adapter] = shop.adapters()
    assert main(["adapters", "export", adapter.id, "../out"]) == 0
    said = capsys.readouterr().out
    assert "adapter_model.safetensors" in said
    assert f"rank 4, for {tmp_path / 'Tiny-Coder'}" in said
    assert main(["adapters", "export", adapter.id, "../out", "--format", "gguf", "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert [file.rpartition("/")[2] for file in body["files"]] == ["adapter.gguf"]
    assert main(["adapters", "export", "nobody", "../out"]) == 1
