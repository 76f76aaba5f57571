"""`homespun models recommend`: the machine, a row a model, one name, one reason."""

from __future__ import annotations

import json

import pytest

from homespun.cli.main import main
from homespun.models.recommend import auto, kept
from homespun.models.recommend.speeds import MachineSpeeds

SPEEDS = MachineSpeeds((0.25,) * 4, (40.0, 60.0, 150.0, 512.0))


@pytest.fixture
def timed(monkeypatch):
    """Threads that the machine was timed with; it is a quiet one with 8 GB free."""
    threads = []

    def time_machine(**given):
        threads.append(given["threads"])
        return SPEEDS

    monkeypatch.setattr(auto, "_time_machine", lambda: time_machine)
    monkeypatch.setattr(auto, "load_per_core", lambda: 0.125)
    monkeypatch.setattr(auto, "is_on_battery", lambda: False)
    monkeypatch.setattr(auto, "strain", lambda: "")
    monkeypatch.setattr(auto, "free_memory_mb", lambda: 8_000)
    return threads


def test_json_has_machine_timing_models_name_and_reason(timed, capsys):
    assert main(["models", "recommend", "--json"]) == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert captured.err == ""
    assert list(found) == ["machine", "timing", "models", "recommended", "reason"]
    assert list(found["machine"]) == [
        *("processor", "cores", "memory_mb", "threads", "version"),
        *("free_memory_mb", "on_battery", "load_per_core"),
    ]
    assert found["machine"]["free_memory_mb"] == 8_000
    assert found["timing"] == {"memory_gb_s": 25.0, "int8_gproducts_s": 250.0, "was_kept": False}
    names = [row["name"] for row in found["models"]]
    assert names == ["qwen2.5-coder-1.5b", "qwen2.5-coder-0.5b"]
    for row in found["models"]:
        assert list(row) == ["name", "p50_ms", "p95_ms", "memory_mb", "download_mb"]
        assert 0 < row["p50_ms"] < row["p95_ms"]
    assert found["recommended"] == "qwen2.5-coder-0.5b"
    assert "qwen2.5-coder-1.5b would take" in found["reason"]


def test_where_nothing_fits_json_names_none_and_the_reason_says_so(timed, capsys, monkeypatch):
    monkeypatch.setattr(auto, "free_memory_mb", lambda: 500)
    assert main(["models", "recommend", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["recommended"] is None
    assert "500 MB of memory are free" in found["reason"]
    assert main(["models", "recommend"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == found["reason"]


def test_a_person_reads_a_row_a_model_the_reason_and_how_the_model_comes(timed, capsys):
    assert main(["models", "recommend"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("25.0 GB/s of memory, 250e9 int8 products/s")
    assert lines[2].split()[0] == "qwen2.5-coder-1.5b"
    assert lines[3].split()[-1] == "missing"
    assert lines[4].startswith("recommended: qwen2.5-coder-0.5b; it answers half of the keys")
    assert lines[5] == "homespun models fetch qwen2.5-coder-0.5b"


def test_each_call_times_the_machine_with_the_threads_that_would_serve(timed, monkeypatch):
    monkeypatch.setenv("HOMESPUN_COMPLETION_THREADS", "1")
    main(["models", "recommend"])
    main(["models", "recommend"])
    main(["models", "recommend", "--threads", "0"])
    assert timed == [1, 1, 0]
    assert kept.timing_file().is_file()
