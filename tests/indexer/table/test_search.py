"""A table is searched by our rules; what lies there is believed no further than it is checked."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from homespun.indexer.config import IndexConfig
from homespun.indexer.errors import TableRefused
from homespun.indexer.index import Index
from homespun.indexer.search.query import Question
from homespun.indexer.table import candidates as asking
from homespun.indexer.table.believed import mirror_of
from homespun.indexer.table.build import build
from homespun.indexer.table.candidates import asked_names
from homespun.indexer.table.care import SWEEP_SECONDS
from homespun.indexer.table.place import TablePlace
from homespun.indexer.table.schema import CHUNKS, REPOS
from homespun.indexer.table.search import RepositoryTable
from tests.indexer.table.contents import rows_of

KEY = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"


@pytest.fixture
def planted(built):
    """Adds a row like the first one of acme/auth, with other values."""

    def plant(**values):
        chunks = TablePlace(built).table(CHUNKS)
        rows = chunks.search().where("path = 'auth/token.py'").to_arrow()
        row = rows.slice(0, 1).to_pylist()[0]
        path = {"path": "auth/planted.py", "ordinal": 77}
        chunks.add(pa.Table.from_pylist([row | path | values], schema=rows.schema))
        return built

    return plant


def found(uri, encoder, query, **more):
    return [(h.repository, h.hit.path) for h in RepositoryTable(uri, encoder).search(query, **more)]


def test_a_hit_says_its_repository_and_the_path_within_it(built, encoder):
    first = RepositoryTable(built, encoder).search("Token.renew")[0]
    assert (first.repository, first.hit.path, first.hit.start_line) == (
        "acme/auth",
        "auth/token.py",
        1,
    )
    body = first.to_json()
    assert list(body)[:3] == ["repository", "revision", "path"]
    assert body["text"].startswith("class Token:")


def test_our_rules_rank_what_lancedb_finds(built, repositories, encoder):
    """Of one repository order and scores are the index's own, where its name says nothing."""
    index = Index.open(repositories[0].path, IndexConfig(), create=True, encoder=encoder)
    index.update()
    index.embed()
    table = RepositoryTable(built, encoder, only=["acme/auth"])
    for query in ("login", "what renews the session", "check_password", "clock.now()"):
        wanted = [(hit.path, hit.start_line, round(hit.score, 3)) for hit in index.search(query)]
        hits = [found.hit for found in table.search(query)]
        assert [(hit.path, hit.start_line, round(hit.score, 3)) for hit in hits] == wanted
    tests = [found.hit for found in table.search("login") if found.hit.path.startswith("tests/")]
    assert all("tests" in hit.why for hit in tests)
    assert tests


def test_a_repository_called_docs_is_no_folder_of_documentation(built, encoder):
    hit = RepositoryTable(built, encoder).search("renderPage")[0]
    assert (hit.repository, hit.hit.path) == ("acme/docs", "src/render.ts")
    assert "examples" not in hit.hit.why


def test_repositories_whose_names_look_alike_stay_apart(built, encoder):
    rows = RepositoryTable(built, encoder).candidates("login")
    other = [row | {"repository": row["repository"].replace("/", ".")} for row in rows]
    places = mirror_of(rows + other).places
    assert len(places) == 2 * len({(row["repository"], row["path"]) for row in rows})


def test_only_the_repositories_that_are_asked_for_answer(built, encoder):
    table = RepositoryTable(built, encoder, only=["acme/shop"])
    assert {hit.repository for hit in table.search("login basket")} == {"acme/shop"}
    with pytest.raises(TableRefused, match="has no repository 'acme/none'; it has 3, such as"):
        RepositoryTable(built, encoder, only=["acme/none"])


def test_the_definition_of_an_asked_name_comes_however_often_it_is_named(
    built, encoder, monkeypatch
):
    assert asked_names(Question("mux.NewRouter")) == ["newrouter"]
    assert asked_names(Question("how is check_password called")) == ["check_password"]
    assert asked_names(Question("src/mux.go")) == []
    for side in ("OF_WORDS", "OF_VECTORS"):
        monkeypatch.setitem(asking.candidates.__kwdefaults__, side.lower(), 0)
    assert found(built, encoder, "renderPage") == [("acme/docs", "src/render.ts")]


def test_rows_of_dead_writers_take_no_place_from_those_that_count(built, encoder):
    chunks = TablePlace(built).table(CHUNKS)
    rows = chunks.search().where("repository = 'acme/shop'").to_arrow()
    place = rows.schema.get_field_index("build")
    for number in range(200):
        chunks.add(rows.set_column(place, "build", [[f"dead-{number}"] * len(rows)]))
    hits = found(built, encoder, "basket card", limit=20)
    assert ("acme/shop", "shop/pay.py") in hits
    assert len(hits) == len(set(hits))


def test_a_reader_sees_what_was_true_at_one_moment(built, repositories, encoder, monkeypatch):
    """Between its looks at the two tables a repository is built anew and the old rows are swept."""
    real, once = TablePlace.table, threading.Event()

    def table(self, name, **more):
        if name == CHUNKS and not more and not once.is_set():
            once.set()
            file = repositories[1].path / "shop/pay.py"
            file.write_text("def pay_later(card):\n    return card\n")
            later = time.time() + 2 * SWEEP_SECONDS
            place = TablePlace(built)
            build(place, repositories, encoder, optimizing=True, clock=lambda: later)
        return real(self, name, **more)

    monkeypatch.setattr(TablePlace, "table", table)
    reader = RepositoryTable(built, encoder)
    assert reader.search("pay_later card")[0].hit.path == "shop/pay.py"


# --- what others may have written


@pytest.mark.parametrize(
    "values",
    [
        {"path": "../../etc/passwd"},
        {"path": "/etc/passwd"},
        {"path": "a\\..\\b.py"},
        {"path": "C:/x.py"},
        {"path": "a//b.py"},
        {"path": None},
        {"text": None},
        {"text": "x" * 200_001},
        {"symbol": "y" * 5_000},
        {"start_line": 0},
        {"start_line": 9, "end_line": 3},
        {"ordinal": -1},
        {"repository": "acme/shop"},
        {"build": "another"},
        {"vector": None},
    ],
)
def test_a_row_that_makes_no_sense_is_no_hit(built, planted, encoder, values):
    before = found(built, encoder, "Token renew clock", limit=20)
    assert before[0] == ("acme/auth", "auth/token.py")
    assert found(planted(**values), encoder, "Token renew clock", limit=20) == before


def test_a_row_that_makes_sense_is_a_hit(planted, encoder):
    hits = found(planted(), encoder, "Token renew clock", limit=20)
    assert ("acme/auth", "auth/planted.py") in hits


@pytest.mark.parametrize(
    "defines",
    ["{", "7", "[" * 5_000, '[["a"]]', '[[1, 2, 3, "x"]]', '[["Token", "T", "class", true]]']
    + ['[["Token", "T", "class", 99999999999]]'],
)
def test_definitions_that_are_none_are_left_out(planted, encoder, defines):
    hits = RepositoryTable(planted(defines=defines), encoder).search("Token")
    assert hits[0].hit.path == "auth/token.py"


def test_vectors_without_bounds_count_nothing(planted, encoder):
    uri = planted(vector=[float("inf")] * 128 + [float("-inf")] * 128)
    scores = [hit.hit.score for hit in RepositoryTable(uri, encoder).search("Token renew")]
    assert np.isfinite(scores).all()


def test_a_secret_that_another_builder_left_is_masked_when_it_is_shown(planted, encoder):
    uri = planted(text=f'TOKEN = "{KEY}"\n', words="token planted secret")
    texts = [hit.hit.text for hit in RepositoryTable(uri, encoder).search("planted secret token")]
    assert any("TOKEN" in text for text in texts)
    assert not any(KEY in text for text in texts)


def test_a_place_that_is_no_table_says_so_in_one_sentence(tmp_path, encoder):
    with pytest.raises(TableRefused, match="there is no folder"):
        RepositoryTable(str(tmp_path / "nowhere"), encoder)
    (tmp_path / "empty").mkdir()
    with pytest.raises(TableRefused, match="there is no table of repositories at"):
        RepositoryTable(str(tmp_path / "empty"), encoder)
    with pytest.raises(TableRefused, match="HOMESPUN_OFFLINE"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("HOMESPUN_OFFLINE", "1")
            RepositoryTable("s3://bucket/table", encoder)


@pytest.mark.parametrize("name", [CHUNKS, REPOS])
def test_tables_with_other_columns_are_refused(tmp_path, built, encoder, name):
    place = TablePlace(built)
    other = pa.table({"repository": ["a"], "build": [1]})
    place._db.create_table(name, other, mode="overwrite")
    with pytest.raises(TableRefused, match="this version reads: .*column") as refused:
        RepositoryTable(built, encoder)
    assert "\n" not in str(refused.value)


def test_a_table_of_another_version_is_said_and_built_anew(built, repositories, encoder):
    repos = TablePlace(built).table(REPOS)
    repos.update(where="repository = 'acme/shop'", values={"format": "0.9", "content": "old"})
    table = RepositoryTable(built, encoder)
    assert table.stale == ["acme/shop"]
    assert "acme/shop" not in {hit.repository for hit in table.search("basket")}
    repos.update(values={"format": "0.9", "content": "old"})
    with pytest.raises(TableRefused, match="built by another version"):
        RepositoryTable(built, encoder)
    build(TablePlace(built), repositories, encoder)
    assert found(built, encoder, "Basket")[0] == ("acme/shop", "shop/basket.py")


def test_a_damaged_table_says_so_in_one_sentence(built, encoder):
    for file in Path(built).rglob("*.lance"):
        if file.is_file():
            file.write_bytes(b"\0" * 64)
    with pytest.raises(TableRefused, match="does not answer as it should") as refused:
        RepositoryTable(built, encoder).search("Token")
    assert "\n" not in str(refused.value)


def test_a_link_in_a_table_is_not_followed(tmp_path, built, encoder):
    (tmp_path / "table" / "chunks.lance" / "away").symlink_to(tmp_path)
    with pytest.raises(TableRefused, match="is a link, and nothing in a table is followed"):
        RepositoryTable(built, encoder)


def test_names_that_are_none_in_repos_are_no_repositories(built, encoder):
    repos = TablePlace(built).table(REPOS)
    row = repos.search().limit(1).to_arrow().to_pylist()[0]
    odd = [row | {"repository": name} for name in ("../x", "a\x1b[2J", "")]
    repos.add(pa.Table.from_pylist(odd, schema=repos.schema))
    assert set(rows_of(built)) == {"acme/auth", "acme/shop", "acme/docs"}
