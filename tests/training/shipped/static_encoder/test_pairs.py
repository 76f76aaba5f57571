"""What is mined from a package: each kind of pair, what is cut out of it, what stays out."""

from __future__ import annotations

import pytest

from homespun.indexer.config import IndexConfig
from homespun.indexer.syntax.parse import parse_file
from homespun.training.shipped.static_encoder.pairs import KINDS, SourceFile, fingerprints, mine

STORE = '''"""Keep the receipts of every shop."""

import json


def load_receipts(path, encoding):
    """Read all receipts that a shop has written.

    Broken lines are left out of the answer.
    """
    with open(path, encoding=encoding) as stream:
        # every line that is no JSON was cut off by a crash
        rows = [json.loads(line) for line in stream if line.endswith("}")]
    totals = sorted(rows, key=lambda row: row["total"])
    return [row for row in totals if row["shop"] and row["total"] > 0]
'''
SHOP = """from store import load_receipts


def test_broken_receipts_vanish(tmp_path):
    folder = tmp_path / "receipts"
    folder.write_text("broken line here", encoding="utf-8")
    found = load_receipts(folder, "utf-8")
    assert found == [] and folder.exists() and not folder.is_dir()
"""
PROSE = "A shop that crashes loses its last line, so `load_receipts` leaves broken ones out."


def source(path, text):
    return SourceFile(parse_file(path, text.encode(), IndexConfig()), text.splitlines())


def files():
    return [source("shops/store.py", STORE), source("shops/test_shop.py", SHOP)]


def mined(kind, *, of=None, held=frozenset(), seeds=20):
    """All pairs of a kind over some seeds, as (left, right) lines of words."""
    found = set()
    for seed in range(seeds):
        result = mine(files() if of is None else of, [PROSE], held, seed)
        for number, left, right, _, _ in result.pairs:
            if KINDS[number] == kind:
                found.add((" ".join(result.texts[left]), " ".join(result.texts[right])))
    return found


@pytest.mark.parametrize(
    "docstring",
    [
        pytest.param('"""Read all receipts of a shop."""', id="one line"),
        pytest.param('"""Read all receipts of a shop,\n    from the oldest on."""', id="two lines"),
        pytest.param('"""\n    Read all receipts of a shop,\n    oldest first."""', id="below"),
        pytest.param('"""Read all receipts of a shop.\n    """', id="quotes apart"),
    ],
)
def test_documentation_ends_where_its_quotes_do(docstring):
    body = "    rows = parse_rows(path)\n    rows = sorted(rows, key=oldest)\n    return rows\n"
    text = f"def load_receipts_from_folder(path, encoding, oldest):\n    {docstring}\n{body}"
    pairs = mined("doc", of=[source("store.py", text)])
    assert pairs
    for left, right in pairs:
        assert "sorted" not in left.split()
        assert {"parse", "rows", "sorted"} <= set(right.split())


def test_documentation_meets_its_code_without_the_documentation():
    pairs = mined("doc")
    assert {left for left, _ in pairs} >= {"read all receipts that a shop has written"}
    assert all("written" not in right for _, right in pairs)
    assert all("json loads" in right for _, right in pairs)


def test_a_document_ends_with_the_words_of_its_path():
    assert all(right.endswith("store store shops") for _, right in mined("doc"))


def test_a_name_meets_its_code_without_the_line_that_names_it():
    (pair,) = {pair for pair in mined("name") if "receipts" in pair[0].split()[1:]} & {
        pair for pair in mined("name") if pair[0] == "loadreceipts load receipts"
    }
    assert "loadreceipts" not in pair[1] and "sorted rows" in pair[1]


def test_a_call_meets_the_definition_of_what_it_calls():
    pairs = mined("call")
    assert pairs
    assert all("folder" in left and "json loads line" in right for left, right in pairs)


def test_a_test_meets_what_it_calls():
    assert {left for left, _ in mined("test")} == {
        "testbrokenreceiptsvanish broken receipts vanish"
    }


def test_a_comment_meets_the_lines_below_it():
    ((left, right),) = mined("comment")
    assert left == "every line that is no json was cut off by a crash"
    assert right.startswith("rows json loads line for line in stream")


def test_a_file_is_met_by_its_path_and_first_words():
    pairs = mined("file")
    assert any(left.startswith("store store shops keep the receipts") for left, _ in pairs)


def test_prose_meets_the_definition_that_it_names_without_the_name():
    ((left, right),) = mined("docs")
    assert left.startswith("a shop that crashes loses its last line so leaves broken")
    assert "loadreceipts" in right


def test_the_same_seed_gives_the_same_pairs():
    assert mine(files(), [PROSE], frozenset(), 3) == mine(files(), [PROSE], frozenset(), 3)


def test_a_file_with_a_held_out_definition_stays_out_whatever_its_layout():
    copied = STORE.replace("    ", "\t").replace('"""Keep the receipts of every shop."""', "")
    held = frozenset(fingerprints(source("vendored.py", copied)))
    assert mined("doc", held=held) == mined("call", held=held) == mined("docs", held=held) == set()
