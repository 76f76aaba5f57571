"""`homespun related` as a user runs it."""

from __future__ import annotations

import json

import pytest

from homespun.cli.main import main
from tests.support.command import run_command

ADD = (
    "    def {name}(self, price):\n"
    "        if price < 0:\n"
    '            raise ValueError(f"price is {{price}}")\n'
    "        self.prices.append(price)\n"
)


@pytest.fixture
def repo(tmp_path, capsys, monkeypatch):
    root = tmp_path / "shop"
    (root / ".git").mkdir(parents=True)
    (root / "basket.py").write_text("class Basket:\n" + ADD.format(name="add"))
    (root / "parcel.py").write_text("class Parcel:\n" + ADD.format(name="load"))
    (root / "other.py").write_text("def colour():\n    return 'red'\n")
    assert main(["index", str(root), "--encoder", "none"]) == 0
    capsys.readouterr()
    monkeypatch.chdir(root)
    return root


def run(capsys, *arguments):
    return run_command(capsys, "related", *arguments)


def test_the_place_that_does_the_same_is_found(repo, capsys):
    status, out, err = run(capsys, "basket.py:3", "--top-k", "1", "--max-snippet-lines", "1")
    assert (status, err) == (0, "")
    headline, _, place, *_ = out.splitlines()
    assert headline == "1 place, the most alike first like basket.py:2-5 (Basket.add)"
    assert place.startswith("parcel.py:1-5  Parcel")


def test_json_has_the_places(repo, capsys):
    _, out, _ = run(capsys, repo / "basket.py:3", "--json", "--limit", "1")
    answer = json.loads(out)
    assert (answer["file"], answer["line"], answer["start_line"]) == ("basket.py", 3, 2)
    (place,) = answer["results"]
    assert (place["path"], place["start_line"], place["end_line"]) == ("parcel.py", 1, 5)
    assert place["snippet"].count("\n") == 2


def test_another_folder_is_named_by_path(repo, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    _, out, _ = run(capsys, "basket.py:3", "--path", "shop")
    assert "parcel.py:1-5" in out


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["basket.py"], 2, "'basket.py' is no FILE:LINE"),
        (["basket.py:x"], 2, "is no FILE:LINE"),
        (["basket.py:0"], 2, "is no FILE:LINE"),
        (["basket.py:99"], 1, "line 99 is behind the end of 'basket.py'; give 1 to 5"),
        (["nowhere.py:1"], 1, "'nowhere.py' is not in the index"),
        (["../x.py:1", "--path", "."], 1, "is outside of the folder"),
        (["basket.py:1", "--top-k", "0"], 2, "--top-k is 0"),
        (["basket.py:1", "--max-snippet-lines", "-1"], 2, "--max-snippet-lines is -1"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(repo, capsys, arguments, status, said):
    got, out, err = run(capsys, *arguments)
    assert (got, out) == (status, "")
    assert said in err
