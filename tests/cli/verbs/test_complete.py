from __future__ import annotations

import json
from pathlib import Path

import pytest

from homespun.cli.errors import Unavailable, UsageError
from homespun.cli.main import main
from homespun.cli.verbs.complete import offset_of, parse_position, request_of
from homespun.indexer.config import IndexConfig
from homespun.indexer.index import Index
from homespun.models.errors import AdapterDamaged
from homespun.models.fakes import FakeGenerator
from tests.support.command import run_command

CLIENT = 'def connect(address):\n    """Return a client."""\n    return address\n'
APP = "from client import connect\n\nclient = connect()\n"


@pytest.fixture
def generator(monkeypatch) -> FakeGenerator:
    fake = FakeGenerator("'shop')", context_tokens=8192)
    monkeypatch.setattr("homespun.models.load.load_generator", lambda *args, **options: fake)
    return fake


@pytest.fixture
def repository(tmp_path, monkeypatch) -> Path:
    root = tmp_path / "shop"
    root.mkdir()
    (root / "client.py").write_text(CLIENT, encoding="utf-8")
    (root / "app.py").write_text(APP, encoding="utf-8")
    Index.open(root, IndexConfig(encoder="none"), create=True).update()
    monkeypatch.chdir(tmp_path)
    return root


def test_lines_under_another_licence_are_printed_or_denied(repository, generator, capsys):
    lines = "".join(f"    value_{n} = compute({n})\n" for n in range(3))
    head = "# SPDX-License-Identifier: GPL-3.0-only\n"
    (repository / "theirs.py").write_text(f"{head}def all_of_it():\n{lines}", encoding="utf-8")
    (repository / "app.py").write_text("def all_of_it():\n    \n", encoding="utf-8")
    Index.open(repository, IndexConfig(encoder="none"), create=True).update()
    generator._script = lines[4:] + "\n\nx = 1\n"
    asked = ["complete", str(repository / "app.py:2:5")]
    assert main(asked) == 0
    assert "  the same as theirs.py:3-5, under GPL-3.0-only\n" in capsys.readouterr().out
    (repository / "homespun.toml").write_text('[licences]\ndeny = ["other"]\n')
    assert main([*asked, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["finish"] == "filtered:licence"


def test_json_of_one_completion(repository, generator, capsys):
    assert main(["complete", str(repository / "app.py:3:18"), "--json"]) == 0
    out, err = capsys.readouterr()
    answer = json.loads(out)
    assert list(answer) == [
        *("text", "sources", "model", "adapter", "route", "finish", "logprob", "probability"),
        *("timings_ms", "tokens"),
    ]
    assert answer["text"] == "'shop'"
    assert answer["sources"] == [
        {"path": "client.py", "start_line": 1, "end_line": 3, "score": 3.2}
    ]
    assert err == ""
    prompt = generator.tokenizer.render(generator.prompts[0])
    assert prompt.startswith("<|fim_prefix|># client.py\n# def connect(address):\n")


def test_the_line_is_shown_with_the_completion_marked(repository, generator, capsys):
    assert main(["complete", str(repository / "app.py:3:18")]) == 0
    out = capsys.readouterr().out
    assert "client = connect(«'shop'»)\n" in out
    assert "from client.py:1-3  3.20" in out
    assert "ms: context" in out


def test_a_silent_answer_says_why_in_the_words_of_the_editor(repository, generator, capsys):
    assert main(["complete", str(repository / "app.py:99:1")]) == 0
    out = capsys.readouterr().out
    assert "app.py:99:1 filtered:cursor-out-of-range\n" in out
    assert "  Nothing: the text has no such line or column; the cursor must stand inside" in out


def test_without_retrieval_nothing_is_named(repository, generator, capsys):
    assert main(["complete", str(repository / "app.py:3:18"), "--no-retrieval", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sources"] == []


def test_a_missing_index_is_said_and_is_no_failure(tmp_path, generator, capsys):
    (tmp_path / "app.py").write_text(APP, encoding="utf-8")
    assert main(["complete", str(tmp_path / "app.py:3:18"), "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["text"] == "'shop'"
    assert f"homespun index {tmp_path}" in err


def test_a_file_outside_of_the_workspace_has_no_path(repository, generator, tmp_path, capsys):
    outside = tmp_path / "other.py"
    outside.write_text(APP, encoding="utf-8")
    command = ["complete", f"{outside}:3:18", "--workspace", str(repository), "--json"]
    assert main(command) == 0
    prompt = generator.tokenizer.render(generator.prompts[0])
    assert prompt.startswith("<|fim_prefix|>from client import connect\n")


def test_a_cursor_that_does_not_exist_is_an_answer(repository, generator, capsys):
    assert main(["complete", str(repository / "app.py:99:1"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["finish"] == "filtered:cursor-out-of-range"


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        ([], 2, "give FILE:LINE:COLUMN or --batch FILE"),
        (["app.py:1:1", "--batch", "x"], 2, "one of the two"),
        (["app.py"], 2, "is no FILE:LINE:COLUMN"),
        (["app.py:1:0"], 2, "the column in 'app.py:1:0' is '0'"),
        (["app.py:x:1"], 2, "the line in 'app.py:x:1' is 'x'"),
        (["--batch", "rows.jsonl"], 2, "add --json"),
        (["gone.py:1:1"], 1, "'gone.py' cannot be read"),
        (["--batch", "gone.jsonl", "--json"], 1, "'gone.jsonl' cannot be read"),
        (["shop/app.py:1:1", "--workspace", "gone"], 1, "the workspace 'gone' is no folder"),
    ],
)
def test_what_goes_wrong_is_one_sentence(
    repository, generator, capsys, arguments, status, sentence
):
    result, _, err = run_command(capsys, "complete", *arguments)
    assert result == status
    assert sentence in err


@pytest.fixture
def damaged(monkeypatch):
    """Loads no adapter, only the model as shipped; notes what it was asked for."""
    asked = []

    def load(name, *, adapter, workspace, **options):
        asked.append((adapter, workspace))
        if adapter != "none":
            raise AdapterDamaged("the adapter's weights are damaged")
        return FakeGenerator("'shop')", context_tokens=8192)

    monkeypatch.setattr("homespun.models.load.load_generator", load)
    return asked


def test_a_champion_that_is_refused_leaves_the_model_as_shipped(repository, damaged, capsys):
    assert main(["complete", "shop/app.py:3:18", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["adapter"] == "none"
    assert err == (
        "homespun: the adapter's weights are damaged; completing with the model as shipped\n"
    )
    workspace = repository.absolute()
    assert damaged == [("champion", workspace), ("none", workspace)]


def test_an_adapter_asked_for_by_name_that_is_refused_is_a_failure(repository, damaged, capsys):
    assert main(["complete", "shop/app.py:3:18", "--adapter", "abc", "--json"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "homespun: the adapter's weights are damaged\n"


def test_a_batch_answers_in_order_and_goes_on_after_broken_rows(repository, generator, capsys):
    rows = [
        '{"id": "a", "path": "app.py", "line": 3, "column": 18}',
        "not json",
        '{"id": "c", "path": "gone.py", "line": 1, "column": 1}',
        '{"id": "d", "path": "app.py", "line": "3", "column": 1}',
        "[1]",
        "",
        '{"id": 7, "prefix": "value = connect(", "suffix": ")\\n"}',
        '{"id": "far", "path": "app.py", "line": 3, "column": 500}',
    ]
    (repository / "rows.jsonl").write_text("\n".join(rows), encoding="utf-8")
    command = ["complete", "--batch", str(repository / "rows.jsonl")]
    assert main([*command, "--workspace", str(repository), "--json"]) == 1
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [answer["id"] for answer in answers] == ["a", None, "c", "d", None, 7, "far"]
    assert [answer.get("text") for answer in answers] == [
        *("'shop'", None, None, None, None, "'shop'", "")
    ]
    assert "row 2" in answers[1]["error"]
    assert "gone.py" in answers[2]["error"]
    assert "'line' is '3'" in answers[3]["error"]
    assert answers[6]["finish"] == "filtered:cursor-out-of-range"


def test_a_batch_without_broken_rows_is_no_failure(repository, generator, capsys):
    (repository / "rows.jsonl").write_text('{"id": 1, "prefix": "value = "}\n', encoding="utf-8")
    command = ["complete", "--batch", str(repository / "rows.jsonl"), "--json"]
    assert main([*command, "--workspace", str(repository)]) == 0


@pytest.mark.parametrize(
    ("text", "file", "line", "column"),
    [
        ("a.py:3:1", "a.py", 3, 1),
        (r"C:\code\a.py:3:1", r"C:\code\a.py", 3, 1),
        ("odd:name.py:12:9", "odd:name.py", 12, 9),
    ],
)
def test_a_place_is_read_from_the_right(text, file, line, column):
    place = parse_position(text)
    assert (str(place.file), place.line, place.column) == (file, line, column)


@pytest.mark.parametrize("text", ["", ":1:1", "a.py:1", "a.py:-1:1", "a.py:1:²", "a.py::1"])
def test_what_is_no_place(text):
    with pytest.raises(UsageError):
        parse_position(text)


@pytest.mark.parametrize(
    ("line", "column", "offset"),
    [(1, 1, 0), (1, 3, 2), (2, 2, 4), (3, 1, 6), (1, 4, -1), (4, 1, -1), (0, 1, -1)],
)
def test_columns_count_characters(line, column, offset):
    assert offset_of("é😋\nab\n", line, column) == offset


@pytest.mark.parametrize(
    "row",
    [{}, {"prefix": 1}, {"prefix": "a", "suffix": 2}, {"path": "a.py", "line": True, "column": 1}],
)
def test_a_row_that_asks_for_nothing(row, tmp_path):
    (tmp_path / "a.py").write_text("x = 1\n", encoding="utf-8")
    with pytest.raises(Unavailable):
        request_of(row, tmp_path)
