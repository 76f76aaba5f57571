"""`homespun doctor` on real broken things: what it says, what mends it, how it ends."""

from __future__ import annotations

import json
import os
import socket
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from homespun.cli.main import main
from homespun.indexer.index import Index
from homespun.indexer.storage import manifest
from homespun.models import catalogue
from homespun.models.adapters.registry import Registry
from homespun.models.download import cache
from homespun.server.prompt.render import PROMPT_VERSION
from homespun.showable import is_showable
from tests.support.hostile import settings_and_adapters as hostile
from tests.support.tiny import save_roomy_qwen2

NAMES = [
    "installation",
    "machine",
    "places",
    "settings",
    "models",
    "index",
    "adapters",
    "editors",
    "agents",
    "sockets",
    "connections",
]
BUILDERS = [
    build
    for name, build in vars(hostile).items()
    if name.startswith(("build_settings_", "build_adapter_"))
]
DEFAULT = catalogue.default_generator()
SECRET = "ghp_" + "a8Kx2mQ9vR4tY7wZ1pL6nB3cD5eF0gHjJkKl"
SOURCE = "def tell_nobody_of_the_purple_elephant():\n    return 1\n"


@pytest.fixture(autouse=True)
def user(tmp_path, monkeypatch):
    """A user whose name and home nobody else has, without an editor."""
    home = tmp_path / "people" / "aliceliddell"
    home.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("LOGNAME", "aliceliddell")
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "PYTHONPATH", "HF_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A tiny random model that has room for whole prompts."""
    return save_roomy_qwen2(tmp_path_factory.mktemp("weights"))


@pytest.fixture
def shop(user, monkeypatch):
    """An indexed folder, and a model of the user's own: nothing is broken."""
    (user / "weights").mkdir()
    (user / "weights" / "model.safetensors").write_bytes(b"")
    monkeypatch.setenv("HOMESPUN_COMPLETION_MODEL", str(user / "weights"))
    root = user / "shop"
    (root / ".git").mkdir(parents=True)
    (root / "a.py").write_text(SOURCE)
    Index.open(root)
    monkeypatch.chdir(root)
    return root


def examined(capsys, *arguments, status=0):
    """Run `homespun doctor --json`; return its checks by name."""
    assert main(["doctor", *map(str, arguments), "--json"]) == status
    printed, error = capsys.readouterr()
    assert error == ""
    return {check["name"]: check for check in json.loads(printed)["checks"]}


def problems(check, *, broken):
    """The sentences of a check that are broken, or that are notes, with what mends each."""
    return [(p["sentence"], p["mend"]) for p in check["problems"] if p["is_broken"] == broken]


def user_file():
    return Path(os.environ["HOMESPUN_HOME"]) / "homespun.toml"


def test_where_nothing_is_broken_it_fits_one_screen_and_writes_nothing(shop, capsys):
    def files():
        kept = (shop, Path(os.environ["HOMESPUN_HOME"]))
        found = [path for folder in kept for path in folder.rglob("*")]
        return {path: path.lstat().st_mtime_ns for path in found}

    before = files()
    assert main(["doctor"]) == 0
    printed, error = capsys.readouterr()
    assert error == ""
    assert len(printed.splitlines()) <= 24
    assert [line.split()[1] for line in printed.splitlines()[1:] if line.startswith("ok")]
    assert "1 files, 1 chunks, 1 vectors" in printed
    assert "telemetry: none" in printed
    assert files() == before


def test_its_json_has_the_documented_shape(shop, capsys):
    assert main(["doctor", "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert set(body) == {"format", "folder", "grade", "checks"}
    assert (body["format"], body["folder"]) == (1, str(shop))
    assert body["grade"] in ("ok", "note")
    assert [check["name"] for check in body["checks"]] == NAMES
    for check in body["checks"]:
        assert set(check) == {"name", "grade", "line", "facts", "problems", "ms"}
        assert check["grade"] in ("ok", "note")
        for problem in check["problems"]:
            assert set(problem) == {"sentence", "mend", "is_broken"}
    machine = body["checks"][NAMES.index("machine")]["facts"]
    assert machine["int8_weight_bits"] in (7, 8)
    index = body["checks"][NAMES.index("index")]["facts"]
    assert (index["files"], index["vectors"]) == (1, 1)
    assert index["age_seconds"] < 900


# --- models


def test_a_model_that_is_missing_is_broken_and_the_fetch_mends_it(shop, capsys, monkeypatch):
    monkeypatch.delenv("HOMESPUN_COMPLETION_MODEL")
    ((sentence, mend),) = problems(examined(capsys, status=1)["models"], broken=True)
    assert "is not on this machine" in sentence
    assert mend == f"homespun models fetch {DEFAULT}"


def test_a_model_that_nobody_has_heard_of_is_broken(shop, capsys, monkeypatch):
    monkeypatch.setenv("HOMESPUN_COMPLETION_MODEL", "unheard-of")
    ((sentence, mend),) = problems(examined(capsys, status=1)["models"], broken=True)
    assert "'unheard-of'" in sentence
    assert mend == "homespun models list"


def test_a_cut_off_model_file_is_named_with_both_sizes(shop, capsys, monkeypatch):
    monkeypatch.delenv("HOMESPUN_COMPLETION_MODEL")
    entry = catalogue.get(DEFAULT)
    path = cache.file_path(entry, entry.files[0])
    path.parent.mkdir(parents=True)
    path.write_bytes(b"GGUF" * 100)
    sentences = problems(examined(capsys, status=1)["models"], broken=True)
    assert f"{str(path)!r} is damaged: it has 400 bytes, not {entry.files[0].bytes:,}" in [
        sentence for sentence, _ in sentences
    ]


def test_changed_bytes_of_the_right_size_are_found_by_hashing(shop, capsys):
    entry = catalogue.get("all-minilm-l6-v2")
    file = entry.file("vocab.txt")
    path = cache.file_path(entry, file)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x" * file.bytes)
    cache.remember(path, file)  # as if it had been good before
    assert problems(examined(capsys)["models"], broken=False) == []
    ((sentence, mend),) = problems(examined(capsys, "--thorough")["models"], broken=False)
    assert "its sha256 is not the pinned one" in sentence
    assert mend.startswith("homespun models verify all-minilm-l6-v2")
    assert path.exists(), "the doctor deletes nothing"


# --- the index


def test_a_folder_without_an_index_is_told_how_to_make_one(shop, capsys, tmp_path):
    bare = tmp_path / "a bare one"
    bare.mkdir()
    found = examined(capsys, bare, status=1)["index"]
    ((sentence, mend),) = problems(found, broken=True)
    assert "has no index" in sentence
    assert mend == f"homespun index '{bare}'"
    assert list(bare.iterdir()) == []


def damage_seal(folder):
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace('"generation":', '"generation":1'))


def damage_rows(folder):
    for path in folder.glob("lance.*/**/*.lance"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:-50])


@pytest.mark.parametrize("damage", [damage_seal, damage_rows])
def test_a_damaged_index_is_broken(shop, capsys, damage):
    damage(shop / ".homespun")
    found = examined(capsys, status=1)["index"]
    assert [mend for _, mend in problems(found, broken=True)] == [f"homespun index {shop}"]


def test_an_index_of_a_newer_homespun_is_broken(shop, capsys):
    found = manifest.load(shop / ".homespun")
    manifest.save(shop / ".homespun", replace(found, format=manifest.FORMAT_VERSION + 1))
    ((sentence, mend),) = problems(examined(capsys, status=1)["index"], broken=True)
    assert f"is of another version (format {manifest.FORMAT_VERSION + 1}" in sentence
    assert mend == f"homespun index {shop}"


def test_a_homespun_folder_that_is_a_link_is_refused(shop, capsys, tmp_path):
    os.rename(shop / ".homespun", tmp_path / "elsewhere")
    (shop / ".homespun").symlink_to(tmp_path / "elsewhere")
    found = examined(capsys, shop, status=1)["index"]
    ((sentence, mend),) = problems(found, broken=True)
    assert "is a link" in sentence
    assert mend.startswith(f"delete {shop / '.homespun'}")


def test_a_folder_that_is_not_there_is_broken_and_the_rest_is_examined(shop, capsys, tmp_path):
    found = examined(capsys, tmp_path / "nowhere", status=1)
    assert list(found) == NAMES
    ((sentence, mend),) = problems(found["index"], broken=True)
    assert "is no directory" in sentence
    assert mend == "homespun doctor DIR"
    assert {name for name in NAMES if found[name]["grade"] == "broken"} == {"index"}


def test_vectors_of_another_encoder_are_a_note(shop, capsys, monkeypatch):
    monkeypatch.setenv("HOMESPUN_INDEX_ENCODER", "all-minilm-l6-v2")
    ((sentence, mend),) = problems(examined(capsys)["index"], broken=False)
    assert "homespun-static-1" in sentence
    assert mend == f"homespun index {shop}"


# --- settings


def test_a_settings_file_of_the_user_that_cannot_be_read_is_broken_and_said_once(shop, capsys):
    user_file().write_text("[completion\n")
    ((sentence, mend),) = problems(examined(capsys, status=1)["settings"], broken=True)
    assert "cannot be read" in sentence
    assert mend == f"edit {user_file()}"


def test_a_wrong_variable_is_broken_and_named(shop, capsys, monkeypatch):
    monkeypatch.setenv("HOMESPUN_COMPLETION_MAX_TOKENS", "many")
    ((_, mend),) = problems(examined(capsys, status=1)["settings"], broken=True)
    assert mend == "edit the variable HOMESPUN_COMPLETION_MAX_TOKENS"


def test_what_a_folder_may_not_set_is_a_note_and_each_value_has_its_origin(shop, capsys):
    user_file().write_text("[completion]\nmax_lines = 3\n")
    (shop / "homespun.toml").write_text('[completion]\nmodel = "evil"\nmax_tokens = 7\n')
    found = examined(capsys)["settings"]
    ((sentence, _),) = problems(found, broken=False)
    assert "'completion.model'" in sentence
    assert "only the user may set it" in sentence
    values = found["facts"]["values"]["completion"]
    assert values["max_lines"] == {"value": 3, "origin": str(user_file())}
    assert values["max_tokens"] == {"value": 7, "origin": str(shop / "homespun.toml")}
    assert values["enabled"] == {"value": True, "origin": "default"}
    assert values["model"]["origin"] == "$HOMESPUN_COMPLETION_MODEL"


# --- adapters


@pytest.fixture
def registry(shop, tmp_path):
    """A folder with a champion that was made here."""
    hostile.write_adapter(tmp_path / "draft")
    found = Registry(shop)
    facts = {
        "base_sha256": "b" * 64,
        "tokenizer_sha256": "c" * 64,
        "prompt_version": PROMPT_VERSION,
        "gate": {"promote": True, "headline": "better"},
    }
    for _ in range(2):
        found.add(tmp_path / "draft", facts)
    found.promote("shop-tree-1")
    return found


def change_bytes(adapter):
    path = adapter.directory / "adapter_model.safetensors"
    path.write_bytes(path.read_bytes() + b"!")


def test_a_champion_is_named_with_its_seal(registry, capsys):
    found = examined(capsys)["adapters"]
    assert found["problems"] == []
    assert found["facts"]["serving"] == "shop-tree-1"
    assert [(row["id"], row["seal"]) for row in found["facts"]["adapters"]] == [
        ("shop-tree-1", "sealed by this machine"),
        ("shop-tree-2", "sealed by this machine"),
    ]


def test_a_champion_whose_bytes_have_changed_is_broken(registry, capsys):
    change_bytes(registry.get("shop-tree-1"))
    ((sentence, mend),) = problems(examined(capsys, status=1)["adapters"], broken=True)
    assert "adapter_model.safetensors' is damaged" in sentence
    assert "homespun adapters rollback" in mend


def test_another_adapter_whose_bytes_have_changed_is_a_note_if_it_is_thorough(registry, capsys):
    change_bytes(registry.get("shop-tree-2"))
    assert examined(capsys)["adapters"]["problems"] == []
    ((sentence, _),) = problems(examined(capsys, "--thorough")["adapters"], broken=False)
    assert "shop-tree-2" in sentence


def test_an_adapter_by_name_that_is_not_there_is_broken(registry, capsys, monkeypatch):
    monkeypatch.setenv("HOMESPUN_COMPLETION_ADAPTER", "nobody")
    ((sentence, mend),) = problems(examined(capsys, status=1)["adapters"], broken=True)
    assert "'nobody'" in sentence
    assert mend == "homespun adapters list"


def test_a_strangers_champion_is_a_note_and_never_serves(shop, capsys):
    hostile.build_adapter_of_a_stranger(shop)
    found = examined(capsys)["adapters"]
    ((sentence, mend),) = problems(found, broken=False)
    assert "was not made on this machine" in sentence
    assert f"homespun adapters trust {hostile.EVIL}" in mend
    assert found["facts"]["serving"] is None


@pytest.mark.parametrize("build", BUILDERS, ids=lambda build: build.__name__)
def test_whatever_a_folder_holds_it_is_examined_and_nothing_is_obeyed(
    user, tmp_path, capsys, build
):
    opened = tmp_path / "opened"
    opened.mkdir()
    build(opened)
    assert main(["doctor", str(opened)]) == 1  # it has no index
    printed, error = capsys.readouterr()
    assert is_showable(printed + error)
    assert "could not be made" not in printed


# --- what leaves the machine


def test_without_a_server_of_the_users_nothing_leaves_unasked(shop, capsys):
    found = examined(capsys)["connections"]
    assert found["line"] == "nothing leaves this machine unasked; telemetry: none"
    whens = [each["when"] for each in found["facts"]["destinations"]]
    assert whens
    assert all("models fetch" in when for when in whens)


def test_a_server_of_the_users_is_named_with_what_is_sent_and_the_model_may_be_missing(
    shop, capsys, monkeypatch
):
    monkeypatch.delenv("HOMESPUN_COMPLETION_MODEL")
    monkeypatch.setenv("HOMESPUN_MODEL_REMOTE_ROUTE", "remote")
    monkeypatch.setenv("HOMESPUN_MODEL_REMOTE_URL", "https://code.corp.example:8443/v1")
    found = examined(capsys)
    (server,) = [
        each
        for each in found["connections"]["facts"]["destinations"]
        if each["name"] == "completions"
    ]
    assert server["address"] == "https://code.corp.example:8443"
    assert server["place"] == "the internet"
    assert "code around the cursor" in server["sends"]
    assert [mend for _, mend in problems(found["models"], broken=False)] == [
        f"homespun models fetch {DEFAULT}"
    ]


def test_servers_of_vectors_and_ranks_are_named_without_what_may_be_a_key(
    shop, capsys, monkeypatch
):
    monkeypatch.setenv("HOMESPUN_INDEX_ENCODER", f"openai:embed@https://vectors.example/{SECRET}")
    monkeypatch.setenv("HOMESPUN_SEARCH_RERANKER", "http://127.0.0.1:8081/rerank")
    found = examined(capsys)
    told = {each["name"]: each for each in found["connections"]["facts"]["destinations"]}
    assert told["vectors"]["address"] == "https://vectors.example"
    assert "the repository's code" in told["vectors"]["sends"]
    assert told["reranking"]["place"] == "this machine"
    values = found["settings"]["facts"]["values"]
    assert values["index"]["encoder"]["value"] == "(set, not shown)"
    assert SECRET not in json.dumps(found)


def test_a_collector_of_traces_is_named_with_what_it_is_sent(shop, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("HOMESPUN_OBSERVE_OTLP", f"https://traces.corp.example/{SECRET}")

    def sent():
        found = examined(capsys)
        assert SECRET not in json.dumps(found)
        told = {each["name"]: each for each in found["connections"]["facts"]["destinations"]}
        assert told["traces"]["address"] == "https://traces.corp.example"
        return told["traces"]["sends"]

    assert "code" not in sent()
    monkeypatch.setenv("HOMESPUN_OBSERVE_SOURCE_TEXT", "true")
    assert "the code at the cursor" in sent()
    bundle = tmp_path / "report.json"
    assert main(["doctor", str(shop), "--bundle", str(bundle)]) == 0
    assert "corp.example" not in bundle.read_text()


def test_an_encoder_that_is_no_address_is_shown(shop, capsys):
    values = examined(capsys)["settings"]["facts"]["values"]
    assert values["index"]["encoder"]["value"] == "homespun-static-1"


def test_a_server_whose_settings_do_not_work_is_broken_and_no_secret_is_shown(
    shop, capsys, monkeypatch
):
    monkeypatch.setenv("HOMESPUN_MODEL_REMOTE_ROUTE", "remote")
    monkeypatch.setenv("HOMESPUN_MODEL_REMOTE_URL", f"https://alice:{SECRET}@code.example")
    monkeypatch.setenv("HOMESPUN_MODEL_REMOTE_HEADERS", f"X-Key: {SECRET}")
    found = examined(capsys, status=1)
    ((sentence, mend),) = problems(found["connections"], broken=True)
    assert "holds a user name or password" in sentence
    assert mend.startswith("edit [model.remote]")
    assert SECRET not in json.dumps(found)
    assert found["settings"]["facts"]["values"]["model.remote"]["headers"] == {
        "value": "(set, not shown)",
        "origin": "$HOMESPUN_MODEL_REMOTE_HEADERS",
    }


# --- the bundle


def test_a_bundle_holds_no_source_text_no_secret_no_host_and_no_name(
    shop, user, capsys, monkeypatch
):
    monkeypatch.setenv("HOMESPUN_MODEL_REMOTE_ROUTE", "remote")
    monkeypatch.setenv("HOMESPUN_MODEL_REMOTE_URL", "https://code.corp.example/v1")
    monkeypatch.setenv("HOMESPUN_MODEL_REMOTE_HEADERS", f"X-Key: {SECRET}")
    monkeypatch.setenv("HOMESPUN_MODEL_REMOTE_MODEL", SECRET)
    (shop / "homespun.toml").write_text(
        f'[index]\nexclude = ["the-merger/**"]\n[completion]\nmultiline = "{SECRET}"\n'
    )
    shop.rename(user / "aliceliddell-shop")
    folder = user / "aliceliddell-shop"
    Index.open(folder)
    file = user / "report.json"
    status = main(["doctor", str(folder), "--bundle", str(file)])
    assert status == 0
    assert "read it before you send it" in capsys.readouterr().err
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text()
    assert json.loads(text)["folder"] == "~/USER-shop"
    for word in ("purple_elephant", SECRET, "corp.example", "aliceliddell", "the-merger"):
        assert word not in text, word
    body = {check["name"]: check for check in json.loads(text)["checks"]}
    assert list(body) == NAMES
    assert body["settings"]["facts"]["values"]["index"]["exclude"]["entries"] == 1


def test_a_bundle_names_no_host_that_is_refused_either(shop, user, capsys, monkeypatch):
    monkeypatch.setenv("HOMESPUN_MODEL_REMOTE_ROUTE", "remote")
    monkeypatch.setenv("HOMESPUN_MODEL_REMOTE_URL", "http://code.corp.example/v1")
    assert main(["doctor", "--bundle", str(user / "report.json")]) == 1
    assert "code.corp.example" in capsys.readouterr().out
    text = (user / "report.json").read_text()
    assert "HOST" in text
    assert "corp.example" not in text


def test_a_bundle_takes_no_files_place(shop, user, capsys):
    (user / "report.json").write_text("mine")
    assert main(["doctor", "--bundle", str(user / "report.json")]) == 1
    printed, error = capsys.readouterr()
    assert printed == ""
    assert "is there already; name another file" in error
    assert (user / "report.json").read_text() == "mine"


# --- the three numbers


def test_three_numbers_are_measured_with_the_model_here_whatever_the_route_is(
    tiny, shop, capsys, monkeypatch
):
    monkeypatch.setenv("HOMESPUN_COMPLETION_MODEL", str(tiny))
    monkeypatch.setenv("HOMESPUN_MODEL_REMOTE_ROUTE", "remote")
    before = manifest.identity(shop / ".homespun")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        monkeypatch.setenv("HOMESPUN_MODEL_REMOTE_URL", f"http://127.0.0.1:{port}")
        found = examined(capsys, "--measure")["measures"]
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):  # nobody came
            listener.accept()
    assert found["problems"] == []
    assert all(found["facts"][f"{name}_ms"] > 0 for name in ("search", "key", "save"))
    assert manifest.identity(shop / ".homespun") == before


def test_what_cannot_be_measured_is_null_and_ends_nothing(shop, capsys, monkeypatch):
    monkeypatch.delenv("HOMESPUN_COMPLETION_MODEL")
    found = examined(capsys, "--measure", status=1)["measures"]
    assert found["facts"]["key_ms"] is None
    assert found["facts"]["search_ms"] > 0
    assert found["grade"] == "note"
