"""The door of a team's server in front of a fake of vLLM: what passes, whom, how fast it lets go.

nginx reads the file that docs/scale/team/ ships. Without nginx all of it is skipped.
"""

from __future__ import annotations

import time

import certifi
import httpx
import pytest

from homespun.indexer.secrets.mask import mask
from homespun.models.fakes import FakeGenerator
from homespun.models.remote.open import open_remote
from homespun.models.remote.options import RemoteOptions
from homespun.server.completion.stop_rules import single_line
from homespun.server.prompt.encode import PromptEncoder
from tests.e2e.scale.team_door import door, missing
from tests.support.model_server import ModelServer, Reply, answer, stream

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(bool(missing()), reason=missing())]
BASE = {"id": "qwen2.5-coder-7b", "object": "model", "owned_by": "vllm", "max_model_len": 4096}
ADAPTER = {**BASE, "id": "shop-1", "parent": BASE["id"], "max_model_len": None}
MODELS = answer({"object": "list", "data": [BASE, ADAPTER]})
COMPLETIONS, LISTED = "/v1/completions", "/v1/models"
PATIENCE = 60.0


def piece(text, finish=None):
    """An event of vLLM's stream."""
    choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": finish}
    return {"object": "text_completion", "model": BASE["id"], "choices": [choice]}


@pytest.fixture(scope="module")
def backend():
    server = ModelServer({})
    with server.running():
        yield server


@pytest.fixture(scope="module")
def opened(backend, tmp_path_factory):
    folder = tmp_path_factory.mktemp("door")
    with door(folder, backend.url, users=("alice", "bob")) as found:
        yield found


@pytest.fixture
def strict(backend, entry, tmp_path):
    """Another door, where three requests are all that a user has in a long while."""
    changes = {"rate=10r/s": "rate=1r/m", "burst=20 nodelay": "burst=2 nodelay"}
    with door(tmp_path, backend.url, users=("alice", "bob"), changes=changes) as found:
        yield found


@pytest.fixture
def entry(opened, backend):
    """The door, the server behind it as new, and nobody's rate used up."""
    backend.replies = {COMPLETIONS: stream(piece("one", "stop")), LISTED: MODELS}
    backend.asked.clear()
    backend.left.clear()
    backend.is_waiting.clear()
    return opened


def patiently(client, method, path, **more):
    """Ask as a client does that was told to slow down."""
    end = time.monotonic() + PATIENCE
    while (told := client.request(method, path, **more)).status_code == 429:
        assert time.monotonic() < end
        time.sleep(0.1)
    return told


@pytest.mark.parametrize("user", ["alice", "bob"])
def test_a_user_gets_a_completion_and_the_list_of_models(entry, backend, user):
    with entry.client(user) as client:
        told = patiently(client, "POST", f"{COMPLETIONS}?key=of-the-query", json={"prompt": [1]})
        assert (told.status_code, "one" in told.text) == (200, True)
        assert patiently(client, "GET", LISTED).json()["data"][1]["id"] == "shop-1"
    asked = [(each.method, each.path, each.body) for each in backend.asked]
    assert asked == [("POST", COMPLETIONS, {"prompt": [1]}), ("GET", LISTED, None)]
    assert [each.headers.get("authorization") for each in backend.asked] == [None, None]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", COMPLETIONS),
        ("PUT", COMPLETIONS),
        ("POST", LISTED),
        ("POST", "/v1/completions/"),
        ("POST", "/V1/completions"),
        ("POST", "/v1/completions/../load_lora_adapter"),
        ("POST", "/v1/completions%2f..%2fload_lora_adapter"),
        ("POST", "/v1/completions%00"),
        ("POST", "/v1/chat/completions"),
        ("POST", "/v1/embeddings"),
        ("POST", "/v1/load_lora_adapter"),
        ("POST", "/v1/unload_lora_adapter"),
        ("GET", "/v1/models/shop-1"),
        *(("POST", f"/{path}") for path in ("invocations", "adapters", "tokenize", "detokenize")),
        *(("POST", f"/{path}") for path in ("scale_elastic_ep", "sleep", "pause", "inference/v1")),
        *(("GET", f"/{path}") for path in ("", "metrics", "version", "health", "docs", "ping")),
        ("GET", "/openapi.json"),
    ],
)
def test_nothing_else_passes(entry, backend, method, path):
    with entry.client("alice") as client:
        told = client.request(method, path, json={} if method == "POST" else None)
    assert told.status_code in (400, 404)
    assert backend.asked == []


@pytest.mark.parametrize(
    "path", ["//v1//completions", "/metrics/../v1/completions", "/v1/%63ompletions"]
)
def test_an_allowed_path_goes_on_by_its_plain_name_however_it_was_spelt(entry, backend, path):
    with entry.client("alice") as client:
        patiently(client, "POST", path, json={"prompt": "x"})
    assert {each.path for each in backend.asked} <= {COMPLETIONS}


def test_without_a_token_of_a_user_nothing_passes(entry, backend):
    alice = entry.tokens["alice"]
    for header in ("", "Bearer", f"Bearer {alice}0", f"Bearer {alice[:-1]}", alice):
        with entry.client() as client:
            client.headers["Authorization"] = header
            for method, path in (("POST", COMPLETIONS), ("GET", LISTED)):
                assert client.request(method, path).status_code == 401
    with entry.client() as client:
        assert client.post(COMPLETIONS, json={}).json()["error"]["message"].startswith("no token")
    assert backend.asked == []


def test_who_asks_too_much_is_told_to_wait_and_the_others_are_not(strict):
    with strict.client("alice") as alice, strict.client("bob") as bob:
        told = [alice.post(COMPLETIONS, json={}) for _ in range(4)]
        assert [each.status_code for each in told] == [200, 200, 200, 429]
        assert told[-1].headers["Retry-After"] == "1"
        assert "more requests" in told[-1].json()["error"]["message"]
        assert bob.post(COMPLETIONS, json={}).status_code == 200
    assert "limiting requests" in strict.said()


def test_a_piece_is_passed_on_when_it_comes_and_leaving_reaches_the_server(entry, backend):
    backend.replies[COMPLETIONS] = stream(piece("one"), done="", waits_behind=True)
    with entry.client("alice") as client:
        while True:
            with client.stream("POST", COMPLETIONS, json={"prompt": "x"}) as told:
                if told.status_code == 429:
                    continue
                lines = told.iter_lines()  # kept, as its end is that of the connection
                assert "one" in next(lines)  # the server has not ended, nor will it
                assert not backend.left.is_set()
                break
    assert backend.left.wait(PATIENCE)


def test_who_leaves_before_anything_was_said_is_heard_of_by_the_server(entry, backend):
    backend.replies[COMPLETIONS] = Reply(waits=True)
    asking = laptop(entry)
    assert asking(cancelled=backend.is_waiting.is_set).finish == "cancelled"
    assert backend.left.wait(PATIENCE)


def test_a_body_is_bounded_and_on_no_disk(entry, backend):
    secret = "what-nobody-may-read"
    with entry.client("alice") as client:
        large = {"prompt": secret * 12_000}  # 240 kB
        assert patiently(client, "POST", COMPLETIONS, json=large).status_code == 200
        assert backend.asked[-1].body == large
        count = len(backend.asked)
        told = patiently(client, "POST", COMPLETIONS, json={"prompt": secret * 14_000})
        assert told.status_code == 413
        assert len(backend.asked) == count
        patiently(client, "POST", f"{COMPLETIONS}?q={secret}", json={})
    backend.replies[COMPLETIONS] = Reply(hangs_up=True)
    with entry.client("alice") as client:
        assert patiently(client, "POST", COMPLETIONS, json={"prompt": secret}).status_code == 503
    said = entry.said()
    assert secret not in said.replace(f"?q={secret}", "") and f"?q={secret}" not in access(entry)
    assert "buffered to a temporary file" not in said
    assert not [path for path in (entry.folder / "tmp").rglob("*") if secret in content(path)]
    assert not any(token in said for token in entry.tokens.values())
    assert f" alice POST {COMPLETIONS} 200 " in said


def content(path):
    """The text of a file, "" for what is none."""
    return path.read_text(errors="replace") if path.is_file() else ""


def access(entry):
    """The log of requests."""
    return (entry.folder / "access.log").read_text()


def laptop(entry, *, user="bob", timeout_ms=20_000, model="", adapter="none"):
    """The laptop's own generator at this door: ask it once."""
    options = RemoteOptions(
        route="remote",
        url=entry.url,
        kind="vllm",
        model=model,
        api_key_env="TEAM_TOKEN",
        timeout_ms=timeout_ms,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEAM_TOKEN", entry.tokens[user])
        local = FakeGenerator("local answer\n", name="the-local", adapter=adapter)
        generator = open_remote(options, local, context_tokens=4096, mask=mask, say=print)
    encoder = PromptEncoder(generator.tokenizer, generator.fim, layout="comments", counted_texts=9)
    before = "first = 1\nanswer = "
    rendered = encoder.render(before, "\n", repo="shop", path="shop/a.py", budget=2000)
    prompt = encoder.encode(rendered.ids, rendered.prompt.typed)

    def ask(cancelled=lambda: False):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SSL_CERT_FILE", str(entry.authority))
            patch.delenv("HOMESPUN_OFFLINE", raising=False)
            return generator.generate(
                prompt.ids,
                heal=prompt.heal,
                max_tokens=16,
                stop=single_line(before.rpartition("\n")[2]),
                cancelled=cancelled,
            )

    ask.generator = generator
    return ask


def test_the_laptop_is_answered_by_what_it_names_as_the_model(entry, backend):
    said = stream(piece(" 1\n", "stop"))
    backend.replies[COMPLETIONS] = lambda asked: (
        said if asked.body.get("stream") else answer({"choices": []})
    )
    assert laptop(entry)().route == "remote"
    assert laptop(entry, model="shop-1")().adapter == "shop-1"
    named = [each.body["model"] for each in backend.to(COMPLETIONS) if each.body.get("stream")]
    assert named == [BASE["id"], "shop-1"]
    assert {each.path for each in backend.asked} == {COMPLETIONS, LISTED}  # /tokenize was refused


def test_a_laptop_over_its_rate_is_answered_by_its_own_model(strict):
    with strict.client("alice") as client:
        assert [client.post(COMPLETIONS, json={}).status_code for _ in range(4)][-1] == 429
    ask = laptop(strict, user="alice")
    done = ask()
    assert (done.text, done.route) == ("local answer", "local")
    assert "429" in ask.generator.state.trouble


def test_a_laptop_that_does_not_know_the_authority_sends_nothing(entry, backend, monkeypatch):
    ask = laptop(entry)
    monkeypatch.setattr(entry, "authority", certifi.where())
    assert ask().text == "local answer"
    assert "SSL_CERT_FILE" in ask.generator.state.trouble
    assert backend.asked == []


def test_a_token_ends_with_a_reload_and_the_new_one_begins(entry):
    old = entry.rotate("alice")
    end = time.monotonic() + PATIENCE
    while asked_anew(entry, entry.tokens["alice"]) == 401:  # until nginx has read it
        assert time.monotonic() < end
    while asked_anew(entry, old) != 401:  # the last of the old workers has gone
        assert time.monotonic() < end


def asked_anew(entry, token):
    """The status for a token on a connection of its own, which a reload closes."""
    with entry.client(token=token) as client:
        try:
            return client.post(COMPLETIONS, json={}).status_code
        except httpx.RemoteProtocolError:
            return 0
