from __future__ import annotations

import hashlib
import http.server
import json
import os
import threading
from dataclasses import replace

import pytest

from homespun import paths
from homespun.cli.main import main
from homespun.models import catalogue
from homespun.models.catalogue import Hub, ModelFile
from homespun.models.download import cache

CONTENT = b"official bytes " * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
TINY = replace(
    catalogue.get("qwen2.5-coder-0.5b"),
    name="tiny",
    files=(ModelFile(name="tiny.gguf", bytes=len(CONTENT), sha256=SHA256),),
    hub=Hub(repo="owner/tiny", revision="f" * 40),
    wheels=(),
)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Serve the one file of a catalogue that holds only `tiny`."""
    entries = {"tiny": TINY}
    tiny = catalogue._Catalogue(entries, default_generator="tiny")
    monkeypatch.setattr(catalogue, "_catalogue", lambda: tiny)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(CONTENT)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_address[1]}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield
    server.shutdown()
    server.server_close()
    thread.join()


def test_list_names_each_model_with_size_licence_state_and_what_to_do(capsys):
    assert main(["models", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert (
        lines[0].split()
        == (
            "qwen2.5-coder-0.5b generator 491 MB Apache-2.0 missing "
            "homespun models fetch qwen2.5-coder-0.5b"
        ).split()
    )
    assert [line.split()[0] for line in lines] == list(catalogue.names())


def test_list_json_has_every_fact(hub, capsys):
    assert main(["models", "list", "--json"]) == 0
    (model,) = json.loads(capsys.readouterr().out)
    assert model == {
        "name": "tiny",
        "what": TINY.what,
        "kind": "generator",
        "licence": "Apache-2.0",
        "bytes": 15_000,
        "arrived_bytes": 0,
        "state": "missing",
        "source": str(paths.source_dir("tiny")),
        "served": str(paths.served_dir("tiny")),
    }


def test_fetch_brings_the_default_and_list_says_where_they_are(hub, capsys):
    assert main(["models", "fetch", "--no-convert"]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith(f"tiny: downloaded in {paths.source_dir('tiny')} (")
    assert "tiny.gguf from 127.0.0.1 …" in captured.err
    assert main(["models", "list"]) == 0
    assert capsys.readouterr().out.split()[-2:] == ["downloaded", str(paths.source_dir("tiny"))]


def test_fetch_json_is_json_alone_and_stderr_is_silent(hub, capsys):
    assert main(["models", "fetch", "tiny", "--no-convert", "--json"]) == 0
    captured = capsys.readouterr()
    (report,) = json.loads(captured.out)
    assert (report["name"], report["state"], report["arrived_bytes"]) == (
        "tiny",
        "downloaded",
        15_000,
    )
    assert captured.err == ""


def test_list_shows_how_much_of_an_interrupted_download_has_arrived(hub, capsys):
    paths.source_dir("tiny").mkdir(parents=True)
    cache.partial_path(TINY, TINY.files[0]).write_bytes(CONTENT[:4321])
    assert main(["models", "list", "--json"]) == 0
    (model,) = json.loads(capsys.readouterr().out)
    assert (model["state"], model["arrived_bytes"]) == ("missing", 4321)


def test_verify_says_that_the_files_are_the_pinned_ones(hub, capsys):
    main(["models", "fetch", "--no-convert"])
    capsys.readouterr()
    assert main(["models", "verify"]) == 0
    out = capsys.readouterr().out
    assert out == f"tiny: all 1 files are the pinned ones ({paths.source_dir('tiny')})\n"
    assert main(["models", "verify", "--json"]) == 0
    (report,) = json.loads(capsys.readouterr().out)
    assert report["sha256"] == {"tiny.gguf": SHA256}


def test_verify_of_a_damaged_file_is_one_sentence_with_both_hashes_and_status_1(hub, capsys):
    main(["models", "fetch", "--no-convert"])
    cache.file_path(TINY, TINY.files[0]).write_bytes(b"damaged")
    capsys.readouterr()
    assert main(["models", "verify"]) == 1
    err = capsys.readouterr().err.splitlines()[-1]
    assert err.startswith("homespun: tiny.gguf from the local cache has sha256 ")
    assert hashlib.sha256(b"damaged").hexdigest() in err and SHA256 in err
    assert not cache.file_path(TINY, TINY.files[0]).exists()


def test_verify_of_a_damaged_served_form_names_the_file_and_lets_it_be_made_again(hub, capsys):
    main(["models", "fetch", "--no-convert"])
    served = paths.served_dir("tiny")
    served.mkdir(parents=True)
    facts = {"bytes": 3, "sha256": hashlib.sha256(b"abc").hexdigest()}
    manifest = {"files": {"decoder.onnx": facts}}
    (served / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (served / "decoder.onnx").write_bytes(b"abd")
    assert main(["models", "verify", "tiny"]) == 1
    assert f"{str(served / 'decoder.onnx')!r} is damaged" in capsys.readouterr().err
    assert not (served / "manifest.json").exists()


def test_verify_without_any_model_says_how_to_get_one(capsys):
    assert main(["models", "verify"]) == 0
    assert "homespun models fetch" in capsys.readouterr().out


@pytest.mark.parametrize("action", ["fetch", "verify"])
def test_an_unknown_model_is_one_sentence_and_status_1(action, capsys):
    assert main(["models", action, "gpt-9"]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("homespun: no model is called 'gpt-9'; the catalogue has ")
    assert captured.out == "" and "Traceback" not in captured.err


@pytest.mark.parametrize("arguments", [[], ["frobnicate"], ["list", "--no-such"]], ids=str)
def test_wrong_arguments_are_status_2(arguments):
    with pytest.raises(SystemExit) as caught:
        main(["models", *arguments])
    assert caught.value.code == 2


def test_offline_is_one_sentence_and_status_1(monkeypatch, capsys):
    monkeypatch.setenv("HOMESPUN_OFFLINE", "1")
    assert main(["models", "fetch"]) == 1
    assert "HOMESPUN_OFFLINE is set" in capsys.readouterr().err


def test_debug_shows_the_stack_trace_wherever_it_stands(monkeypatch):
    monkeypatch.setenv("HOMESPUN_OFFLINE", "1")
    for arguments in (["--debug", "fetch"], ["fetch", "--debug"]):
        with pytest.raises(Exception, match="HOMESPUN_OFFLINE is set"):
            main(["models", *arguments])


@pytest.mark.model
def test_fetch_of_a_cached_model_makes_it_ready(capsys):
    assert main(["models", "fetch", "all-minilm-l6-v2", "--json"]) == 0
    (report,) = json.loads(capsys.readouterr().out)
    assert report["state"] == "ready"
    assert os.path.isdir(report["served"])
