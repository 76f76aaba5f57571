"""`homespun search` as a user runs it."""

from __future__ import annotations

import json

import pytest

from homespun.cli.main import main
from tests.support.command import run_command


@pytest.fixture
def repo(tmp_path, capsys):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/basket.py").write_text(
        'class Basket:\n    size = 1\n    unit = "piece"\n    def add(self, price): ...\n'
    )
    (tmp_path / "view.ts").write_text("export function renderBasket() {}\n")
    assert main(["index", str(tmp_path), "--encoder", "none"]) == 0
    capsys.readouterr()
    return tmp_path


def run(capsys, *arguments):
    return run_command(capsys, "search", *arguments)


def test_hits_come_with_path_lines_and_symbol(repo, capsys):
    status, out, _ = run(capsys, "Basket", "--path", repo, "--mode", "lexical")
    assert status == 0
    first, preview, *_ = out.splitlines()
    assert first.startswith("shop/basket.py:1-4  Basket  class  7.0000")
    assert preview == "    class Basket:"


def test_as_many_hits_and_lines_are_shown_as_are_wanted(repo, capsys):
    words = ("Basket", "--path", repo, "--mode", "lexical", "--top-k", "1")
    _, out, _ = run(capsys, *words, "--max-snippet-lines", "2")
    assert len(out.splitlines()) == 3
    _, out, _ = run(capsys, *words, "--max-snippet-lines", "0", "--json")
    assert [hit["text"] for hit in json.loads(out)["hits"]] == [""]
    _, out, _ = run(capsys, *words, "--json")
    assert json.loads(out)["hits"][0]["text"].count("\n") == 4


def test_explain_shows_the_shares(repo, capsys):
    out = run(capsys, "Basket", "--path", repo, "--mode", "lexical", "--explain")[1]
    assert "definition +3.9000, lexical +1.0000, " in out.splitlines()[1]


def test_json_has_the_fields_of_the_contract(repo, capsys):
    status, out, err = run(capsys, "Basket", "--path", repo, "--json", "--mode", "lexical")
    answer = json.loads(out)
    assert (status, err) == (0, "")
    assert set(answer) == {"query", "hits", "ms"}
    hit = answer["hits"][0]
    assert list(hit) == ("path start_line end_line symbol kind language score why text".split())
    assert hit["path"] == "shop/basket.py"
    assert (hit["start_line"], hit["end_line"], hit["language"]) == (1, 4, "python")
    assert hit["score"] == pytest.approx(sum(hit["why"].values()), abs=1e-5)


def test_a_file_of_queries_gives_one_answer_a_line(repo, capsys, tmp_path):
    queries = [{"query": "Basket", "category": "symbol"}, {"query": "nothing like it zzz"}]
    (tmp_path / "q.json").write_text(json.dumps(queries))
    _, out, _ = run(capsys, "--queries", tmp_path / "q.json", "--path", repo, "--json")
    answers = [json.loads(line) for line in out.splitlines()]
    assert [answer["query"] for answer in answers] == ["Basket", "nothing like it zzz"]
    assert [len(answer["hits"]) for answer in answers] == [2, 0]
    assert all(answer["ms"] >= 0 for answer in answers)


@pytest.mark.parametrize(
    ("filters", "paths"),
    [
        (["--language", "typescript"], ["view.ts"]),
        (["--glob", "shop/**"], ["shop/basket.py"]),
        (["--kind", "class"], ["shop/basket.py"]),
        (["--symbol", "Basket"], ["shop/basket.py"]),
        (["--symbol", "Wishlist"], []),
        (["--limit", "1"], ["shop/basket.py"]),
        (["--language", "cobol"], []),
    ],
)
def test_filters_are_passed_on(repo, capsys, filters, paths):
    _, out, _ = run(capsys, "Basket", "--path", repo, "--json", "--mode", "lexical", *filters)
    assert [hit["path"] for hit in json.loads(out)["hits"]] == paths


def test_without_vectors_words_decide_and_it_is_said(repo, capsys):
    status, out, err = run(capsys, "Basket", "--path", repo, "--mode", "dense", "--json")
    assert status == 0
    assert json.loads(out)["hits"][0]["path"] == "shop/basket.py"
    assert "no vectors yet, so search goes by words alone" in err


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ([""], 2, "the query is empty"),
        ([" \n"], 2, "the query is empty"),
        ([], 2, "give a query or --queries FILE"),
        (["x", "--queries", "q.json"], 2, "give a query or --queries FILE"),
        (["x", "--limit", "0"], 2, "--limit is 0; give 1 or more"),
        (["x", "--max-snippet-lines", "-1"], 2, "--max-snippet-lines is -1; give 0 or more"),
        (["x", "--limit", "many"], 2, "invalid int value: 'many'"),
        (["x", "--mode", "psychic"], 2, "invalid choice: 'psychic'"),
        (["--queries", "nowhere.json"], 2, "nowhere.json' cannot be read as JSON"),
        (["--queries", "object.json"], 2, "object.json' holds no list"),
        (["--queries", "number.json"], 2, "entry 2 of 'number.json' is 5"),
        (["--queries", "empty.json"], 2, "entry 1 of 'empty.json' is empty"),
        (["x", "--path", "nowhere"], 1, "nowhere' is no directory"),
        (["x", "--path", "shop"], 1, "no index in"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(repo, capsys, monkeypatch, arguments, status, said):
    monkeypatch.chdir(repo)
    (repo / "object.json").write_text('{"query": "x"}')
    (repo / "number.json").write_text('[{"query": "x"}, 5]')
    (repo / "empty.json").write_text('[{"query": ""}]')
    got, out, err = run(capsys, *arguments)
    assert (got, out) == (status, "")
    assert said in err


def test_escape_sequences_of_names_and_text_do_not_reach_the_terminal(tmp_path, capsys):
    name = "bas\x1b]0;owned\x07ket\u202e.py"
    (tmp_path / name).write_text('def basket():\n    return "\x1b[2J\u202e[red]one"\n')
    assert main(["index", str(tmp_path), "--encoder", "none"]) == 0
    status, out, err = run(capsys, "basket", "--path", tmp_path)
    assert status == 0
    assert "\\x1b]0;owned\\x07ket\\u202e.py:1-2" in out
    assert "\\x1b[2J\\u202e[red]one" in out
    assert not {"\x1b", "\x07", "\u202e"} & set(out + err)
