"""Ranking as a reader sees it: which chunk comes first, and why."""

from __future__ import annotations

import shutil
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

import homespun.indexer
from homespun.indexer.config import IndexConfig
from homespun.indexer.embedding.encoders import open_encoder
from homespun.indexer.embedding.static_encoder import NAME as STATIC
from homespun.indexer.index import Index
from homespun.indexer.memory import snapshot
from homespun.indexer.memory.vectors import Vectors
from homespun.indexer.search import penalties
from homespun.indexer.search import retrieve as search_module
from homespun.indexer.search.query import Question
from homespun.indexer.search.retrieve import search, similar, wanted_documents
from homespun.indexer.search.weights import WEIGHTS, Weights
from homespun.indexer.storage.rows import Rows, text_hash
from homespun.indexer.types import Chunk, Import, Region, Symbol
from homespun.indexer.words import bm25
from homespun.indexer.words.bm25 import Owners, Term
from homespun.indexer.words.tokens import path_words, split_identifiers


def token_block(texts):
    terms = {}
    lists = [[terms.setdefault(word, len(terms)) for word in text.split()] for text in texts]
    return bm25.TokenBlock(
        terms=list(terms),
        ids=np.array([i for ids in lists for i in ids], dtype=np.int32),
        offsets=np.cumsum([0, *map(len, lists)], dtype=np.int64),
    )


def chunk(path, text, *, symbol="", kind="function", start=1, end=9, language="python"):
    return Chunk(path, language, start, end, symbol, kind, f"# {path}", text)


def rows_of(chunks, symbols=()):
    texts = [" ".join([*split_identifiers(c.text), *path_words(c.path)]) for c in chunks]
    imports = {c.path: (Import("os", "", "os", 1),) for c in chunks}
    return Rows(
        list(chunks), [text_hash(c) for c in chunks], token_block(texts), list(symbols), imports
    )


def definition(name, path, line, kind="function"):
    return Symbol(name.rsplit(".", 1)[-1], name, kind, path, "python", line, line + 5, name, "")


CHUNKS = [
    chunk(
        "app/http.py", "class Session: ...\n def request(self): send the request", symbol="Session"
    ),
    chunk(
        "app/http.py", "def close(self): the session ends", symbol="Session.close", start=10, end=19
    ),
    chunk("app/pool.py", "session = Session()\nsession.request(session, Session)"),
    chunk(
        "tests/test_http.py",
        "def test_session(): Session().request() Session request",
        symbol="test",
    ),
    chunk("web/session.ts", "export class Basket { session }", language="typescript", kind="class"),
    chunk("app/__init__.py", "from app.http import Session", kind="module"),
]
SYMBOLS = [
    definition("Session", "app/http.py", 1, "class"),
    definition("Session.request", "app/http.py", 2, "method"),
    definition("Session.close", "app/http.py", 10, "method"),
    definition("test_session", "tests/test_http.py", 1),
]


@pytest.fixture(scope="module")
def index():
    return snapshot.load(rows_of(CHUNKS, SYMBOLS))


def ask(index, query, *, limit=10, vector=None, mode="hybrid", **filters):
    wanted = wanted_documents(index, **filters)
    return search(index, query, vector, wanted, limit=limit, mode=mode)


def places(hits):
    return [(hit.path, hit.start_line) for hit in hits]


# --- BM25


def reference_bm25(texts, query):
    """The formula, written out word by word."""
    documents = [text.split() for text in texts]
    mean = sum(map(len, documents)) / len(documents)
    scores = []
    for words in documents:
        score = 0.0
        for term in query:
            df = sum(term in other for other in documents)
            tf = words.count(term)
            idf = np.log(1 + (len(documents) - df + 0.5) / (df + 0.5))
            score += idf * tf * 2.5 / (tf + 1.5 * (0.25 + 0.75 * len(words) / mean))
        scores.append(score)
    return scores


TEXTS = ["a b a c", "b b b", "c d e f g h", "a", "x y z a b"]


def all_alive(segment):
    return np.ones(segment.size, dtype=np.bool_)


def scored(parts, query):
    """Score a mapping of words to weights."""
    terms = [Term({word: 1.0}, weight) for word, weight in query.items()]
    return bm25.score(parts, terms, bm25.find(parts, terms))


def test_scores_are_those_of_the_formula():
    segment = bm25.build(token_block(TEXTS))
    scores, _ = scored([(segment, all_alive(segment))], {"a": 1.0, "b": 1.0, "nope": 1.0})
    np.testing.assert_allclose(scores, reference_bm25(TEXTS, ["a", "b"]), rtol=1e-5)


def test_segments_with_dead_documents_score_like_one_fresh_segment():
    first, second = bm25.build(token_block(TEXTS)), bm25.build(token_block(["b c", "a a z"]))
    alive = np.array([True, False, True, True, False])
    fresh = bm25.build(token_block(["a b a c", "c d e f g h", "a", "b c", "a a z"]))
    query = {"a": 1.0, "b": 2.0, "z": 1.0}
    parts = [(first, alive), (second, all_alive(second))]
    scores, most = scored(parts, query)
    expected, expected_most = scored([(fresh, all_alive(fresh))], query)
    np.testing.assert_allclose(scores[[0, 2, 3, 5, 6]], expected, rtol=1e-5)
    assert scores[[1, 4]].tolist() == [0, 0]
    assert most == pytest.approx(expected_most)
    joined = bm25.join(parts)
    np.testing.assert_allclose(scored([(joined, all_alive(joined))], query)[0], expected, rtol=1e-5)


def test_no_document_and_no_word_score_nothing():
    segment = bm25.build(token_block([]))
    assert scored([(segment, all_alive(segment))], {"a": 1.0})[0].tolist() == []
    assert scored([], {"a": 1.0})[0].tolist() == []
    segment = bm25.build(token_block(["", ""]))
    assert scored([(segment, all_alive(segment))], {"a": 1.0})[0].tolist() == [0, 0]


# --- kinds of queries


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("Session", "symbol"),
        ("Session.request", "symbol"),
        ("std::vector", "symbol"),
        ("run()", "symbol"),
        ("Pool#take!", "symbol"),
        ("empty?", "symbol"),
        ("Store.swift", "path"),
        ("src/app/http.py", "path"),
        ("http.py", "path"),
        ("app/http", "path"),
        ("how are requests sent", "prose"),
        ("where is the HTTPSession closed", "prose"),
        ("how paths are mounted with use() and next()", "prose"),
        ("what does `x = y` mean for the parser", "prose"),
        ("for name in names: print(name)", "code"),
        ("return self.pool.take(timeout)", "code"),
        ("if a and b:\n    use(a)", "code"),
        ("def close(self):", "code"),
        ("x = y[1]", "code"),
    ],
)
def test_a_query_is_taken_for_what_it_is(query, kind):
    assert Question(query).kind == kind


# --- ranking


def test_the_definition_comes_before_heavier_users_of_the_name(index):
    hits = ask(index, "Session")
    assert places(hits)[0] == ("app/http.py", 1)
    assert hits[0].why["definition"] > 0
    assert "definition" not in hits[1].why


def test_a_definition_is_found_even_where_the_words_are_not_in_the_pool(index):
    hits = ask(index, "Session.close")
    assert places(hits)[0] == ("app/http.py", 10)


@pytest.mark.parametrize("query", ["pool.Take", "acme.pool.Take", "pool::Take"])
def test_a_package_before_a_name_says_which_definition_is_meant(query):
    chunks = [
        chunk("bank/take.go", "func Take() Take Take"),
        chunk("net/pool/pool.go", "func Take()"),
    ]
    two = snapshot.load(
        rows_of(
            chunks,
            [definition("Take", "bank/take.go", 1), definition("Take", "net/pool/pool.go", 1)],
        )
    )
    hits = ask(two, query)
    assert places(hits)[0] == ("net/pool/pool.go", 1)
    assert [hit.why["definition"] for hit in hits] == pytest.approx(
        [WEIGHTS.definition, WEIGHTS.mentioned * WEIGHTS.same_stem]
    )


def test_a_name_inside_prose_raises_its_definition(index):
    chunks = [
        chunk("a.py", "the cache_store is where things are kept kept kept"),
        chunk("b.py", "def cache_store(): return 1", symbol="cache_store"),
    ]
    two = snapshot.load(rows_of(chunks, [definition("cache_store", "b.py", 1)]))
    hits = ask(two, "where is the cache_store kept")
    assert places(hits)[0] == ("b.py", 1)
    assert hits[0].why["definition"] > 0


def test_shares_add_up_to_the_score(index):
    for query in ("Session", "how does a session end", "app/http.py", "session.request("):
        for hit in ask(index, query):
            assert sum(hit.why.values()) == pytest.approx(hit.score)


def test_tests_come_last_unless_they_are_asked_for(index):
    tests = next(h for h in ask(index, "session request send") if h.path.startswith("tests/"))
    assert tests.score == pytest.approx(0.3 * (tests.score - tests.why["tests"]))
    hits = ask(index, "test of the session request")
    assert hits[0].path == "tests/test_http.py"
    assert "tests" not in hits[0].why


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("pkg/tests/helper.py", "tests"),
        ("pkg/test_x.py", "tests"),
        ("pkg/x_test.go", "tests"),
        ("web/x.spec.ts", "tests"),
        ("web/__tests__/x.js", "tests"),
        ("src/test/java/a/X.java", "tests"),
        ("src/jvmTest/kotlin/X.kt", "tests"),
        ("src/PoolTest.kt", "tests"),
        ("Acme.Pool.Tests/Taking.cs", "tests"),
        ("Tests/Taking.swift", "tests"),
        ("spec/pool.rb", "tests"),
        ("benches/pool.rs", "tests"),
        ("db/pool_bench.cc", "tests"),
        ("docs/x.py", "examples"),
        ("pkg/_compat.py", "compat"),
        ("pkg/__init__.py", "init"),
        ("types/x.d.ts", "declarations"),
        ("include/pool.h", "headers"),
        ("src/PoolInterface.php", "interfaces"),
        ("src/IPool.cs", "interfaces"),
        ("build-aux/depcomp", "build"),
        ("configure", "build"),
        ("pkg/history.py", None),
        ("pkg/contest.py", None),
        ("pkg/latest/x.py", None),
        ("pkg/compatible.py", None),
        ("src/Attest.java", None),
        ("src/Interest.kt", None),
        ("src/Item.cs", None),
        ("src/protests/x.go", None),
        ("src/configure.py", None),
    ],
)
def test_files_of_a_penalised_kind_are_lowered(path, rule):
    one = snapshot.load(rows_of([chunk(path, "banana")]))
    assert set(penalties.NAMES) & ask(one, "banana split")[0].why.keys() == (
        {rule} if rule else set()
    )


@pytest.mark.parametrize("query", ["peel_banana", "where does peel_banana begin"])
def test_the_only_definition_of_an_asked_name_is_not_lowered(query):
    chunks = [
        chunk("pkg/test_fruit.py", "def peel_banana(): return peel_banana"),
        chunk("pkg/fruit.py", "peel_banana() begin"),
    ]
    only = snapshot.load(rows_of(chunks, [definition("peel_banana", "pkg/test_fruit.py", 1)]))
    hits = ask(only, query)
    assert places(hits)[0][0] == "pkg/test_fruit.py"
    assert "tests" not in hits[0].why
    symbols = [definition("peel_banana", path, 1) for path in ("pkg/test_fruit.py", "pkg/fruit.py")]
    both = {hit.path: hit.why for hit in ask(snapshot.load(rows_of(chunks, symbols)), query)}
    assert "tests" in both["pkg/test_fruit.py"] and "tests" not in both["pkg/fruit.py"]


@pytest.mark.parametrize(
    ("query", "lowered"),
    [
        ("banana split", {"src/v3/a.py", "src/v9/a.py"}),
        ("banana split of v3", set()),
        ("the legacy banana split", set()),
    ],
)
def test_an_older_generation_comes_after_a_newer_one_beside_it(query, lowered):
    paths = ["src/v3/a.py", "src/v9/a.py", "src/v10/a.py", "lib/v2/a.py", "src/v/a.py", "v4.py"]
    one = snapshot.load(rows_of([chunk(path, "banana split") for path in paths]))
    hits = ask(one, query)
    assert {hit.path for hit in hits if "older" in hit.why} == lowered
    assert len(hits) == len(paths)
    if lowered:
        assert {hit.path for hit in hits[-2:]} == lowered


@pytest.mark.parametrize("folders", list(permutations(("v3/x/", "v9/", "v10/"))))
def test_the_newest_generation_is_the_highest_number_in_any_order(folders):
    paths = [f"{folder}a.py" for folder in folders]
    assert penalties.older_generations(paths, frozenset()) == {"v3/x/a.py", "v9/a.py"}


def test_prose_and_data_come_after_code_unless_they_are_asked_for():
    chunks = [
        chunk("README.md", "banana split split", language="markdown", kind="text"),
        chunk("fruit.py", "banana split"),
    ]
    one = snapshot.load(rows_of(chunks))
    assert places(ask(one, "how a banana is split"))[0][0] == "fruit.py"
    assert places(ask(one, "banana in the readme"))[0][0] == "README.md"


def test_a_path_query_lowers_nothing():
    one = snapshot.load(rows_of([chunk("pkg/x_test.go", "pass"), chunk("x.py", "pass")]))
    assert "tests" not in ask(one, "pkg/x_test.go")[0].why
    assert "tests" in ask(one, "x pass")[0].why or "tests" in ask(one, "x pass")[1].why


def test_further_chunks_of_a_file_count_half_of_the_one_before():
    texts = ["kiwi " * n for n in (9, 8, 7)]
    chunks = [chunk("a.py", text, start=n * 10 + 1, end=n * 10 + 9) for n, text in enumerate(texts)]
    hits = ask(snapshot.load(rows_of([*chunks, chunk("b.py", "kiwi plum pear")])), "kiwi")
    assert hits[1].path == "b.py"
    repeats = [
        hit.why.get("repeat", 0.0) / (hit.score - hit.why.get("repeat", 0.0)) for hit in hits
    ]
    assert repeats == pytest.approx([0, 0, -0.5, -0.75])


def test_a_path_query_brings_the_file(index):
    assert {hit.path for hit in ask(index, "app/http.py", limit=2)} == {"app/http.py"}
    assert ask(index, "session.ts", limit=1)[0].path == "web/session.ts"


def test_words_of_the_path_raise_a_file(index):
    hits = ask(index, "pool of sessions")
    assert hits[0].path == "app/pool.py"
    assert hits[0].why["path"] > 0


def test_endings_of_words_do_not_matter_in_prose():
    one = snapshot.load(rows_of([chunk("a.py", "def register(route): ..."), chunk("b.py", "pass")]))
    assert places(ask(one, "how are routes registered")) == [("a.py", 1)]
    assert places(ask(one, "registers")) == [("a.py", 1)]


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("loading the configuration", "pkg/cfg.py"),
        ("pagination of lists", "web/Paginate.hs"),
        ("parsing of arguments", "pkg/args.py"),
    ],
)
def test_a_file_is_found_by_another_form_of_its_name_alone(query, path):
    one = snapshot.load(rows_of([chunk(path, "pass"), chunk("other.py", "x = 1")]))
    assert places(ask(one, query)) == [(path, 1)]


def test_a_file_named_like_the_subject_is_found_under_many_that_talk_of_it():
    talk = [chunk(f"p{n}/a.py", "cache cache cache") for n in range(90)]
    named = chunk("app/cache.py", " ".join(f"word{n}" for n in range(900)))
    hits = ask(snapshot.load(rows_of([*talk, named])), "how does the cache work")
    assert hits[0].path == "app/cache.py"


def test_filler_words_of_a_question_find_nothing():
    chunks = [chunk("a.py", "how is the it that what"), chunk("b.py", "session")]
    one = snapshot.load(rows_of(chunks))
    assert places(ask(one, "how is it that what the session does")) == [("b.py", 1)]
    assert places(ask(one, "how is it that")) == [("a.py", 1)]


def test_an_abbreviation_in_code_is_found_by_the_word():
    one = snapshot.load(rows_of([chunk("a.py", "def f(ctx): ..."), chunk("b.py", "pass")]))
    assert places(ask(one, "handling of a context")) == [("a.py", 1)]


def test_words_spread_over_a_file_count_for_all_its_chunks():
    chunks = [
        chunk("a.py", "apple", start=1, end=9),
        chunk("a.py", "cherry", start=10, end=19),
        chunk("b.py", "apple apple"),
        chunk("c.py", "melon"),
    ]
    hits = ask(snapshot.load(rows_of(chunks)), "apple and cherry")
    whole = {(hit.path, hit.start_line): hit.why.get("file") for hit in hits}
    assert whole["a.py", 1] == whole["a.py", 10] == pytest.approx(WEIGHTS.whole_file)
    assert 0 < whole["b.py", 1] < WEIGHTS.whole_file


def test_neighbouring_words_of_prose_raise_the_name_that_they_make():
    chunks = [chunk("a.py", "pool connection connection pool"), chunk("b.py", "x = 1")]
    one = snapshot.load(rows_of(chunks, [definition("ConnectionPool", "b.py", 1, "class")]))
    by_path = {hit.path: hit.why for hit in ask(one, "sizes of connection pools")}
    assert by_path["b.py"]["definition"] == pytest.approx(WEIGHTS.compound)


def test_a_rule_that_weighs_nothing_has_no_share(index):
    nothing = Weights(
        whole_file=0,
        path=0,
        coherence=0,
        definition=0,
        repeat=1,
        penalties=dict.fromkeys(penalties.NAMES, 1.0),
    )
    wanted = wanted_documents(index)
    hits = search(index, "Session", None, wanted, limit=9, mode="lexical", weights=nothing)
    assert {part for hit in hits for part in hit.why} == {"lexical"}


def test_without_a_match_there_is_no_hit(index):
    assert ask(index, "zzzz") == []
    assert ask(snapshot.empty(), "session") == []


# --- the limit


@pytest.fixture(scope="module")
def own_sources(tmp_path_factory):
    """An index of the indexer's own sources, with vectors."""
    root = tmp_path_factory.mktemp("sources")
    for room in homespun.indexer.__path__:
        for path in Path(room).rglob("*.py"):
            copy = root / path.relative_to(room)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
    index = Index.open(root, IndexConfig(), create=True, encoder=open_encoder(STATIC))
    index.update()
    index.embed()
    assert index.info().chunks > 200
    return index


QUESTIONS = [
    "where are vectors computed in the background",
    "which files are left out of the index",
    "how is the score of a word counted",
    "manifest",
    "Index.search",
    "store.py",
    "return [row for row in rows if row]",
]


@pytest.mark.parametrize("mode", ["hybrid", "lexical", "dense"])
@pytest.mark.parametrize("query", QUESTIONS)
def test_a_smaller_limit_gives_the_beginning_of_a_larger_one(own_sources, query, mode):
    hits = own_sources.search(query, limit=200, mode=mode)
    for limit in (1, 10, 50, 120):
        assert own_sources.search(query, limit=limit, mode=mode) == hits[:limit]
    scores = [round(hit.score, 9) for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert len({(hit.path, hit.start_line) for hit in hits}) == len(hits)
    assert all(sum(hit.why.values()) == pytest.approx(hit.score) for hit in hits)


def test_as_many_hits_are_found_as_are_wanted(own_sources):
    chunks = own_sources.info().chunks
    assert len(own_sources.search("how is a file read", limit=200)) == 200
    assert len(own_sources.search("how is a file read", limit=10 * chunks)) > 0.9 * chunks


# --- filters come before the limit


@pytest.mark.parametrize(
    ("filters", "paths"),
    [
        ({"language": "typescript"}, {"web/session.ts"}),
        ({"kind": "module"}, {"app/__init__.py"}),
        ({"glob": "web/**"}, {"web/session.ts"}),
        ({"glob": "*.ts"}, {"web/session.ts"}),
        ({"glob": "tests/"}, {"tests/test_http.py"}),
        ({"glob": "app/p*.py"}, {"app/pool.py"}),
        ({"glob": "**/{pool,session}.*"}, {"app/pool.py", "web/session.ts"}),
        ({"glob": "app/[!h_]*.py"}, {"app/pool.py"}),
        ({"glob": "*/*/*.py"}, set()),
        ({"glob": "[z-a].py"}, set()),
        ({"language": "cobol"}, set()),
        (
            {
                "exclude": [Region("app/http.py", 5, 12), Region("app/pool.py", 9, 9)],
                "glob": "app/*",
            },
            {"app/__init__.py"},
        ),
        ({"exclude": [Region("app/pool.py", 10, 99)], "glob": "app/p*"}, {"app/pool.py"}),
    ],
)
def test_filters_apply_before_the_limit(index, filters, paths):
    assert {hit.path for hit in ask(index, "session", limit=2, **filters)} == paths


@pytest.mark.parametrize(
    ("symbol", "found"),
    [
        ("Session", [("app/http.py", 1)]),
        ("Session.close", [("app/http.py", 10)]),
        ("close", [("app/http.py", 10)]),
        ("test_session", [("tests/test_http.py", 1)]),
        ("Basket.close", []),
    ],
)
def test_only_definitions_of_a_name(index, symbol, found):
    assert places(ask(index, "session", symbol=symbol)) == found


def test_a_definition_that_a_filter_excludes_stays_out(index):
    hits = ask(index, "Session", exclude=[Region("app/http.py", 1, 1)])
    assert ("app/http.py", 1) not in places(hits)


# --- vectors


def with_vectors(index, near):
    """Give each chunk a unit vector: axis 0 for the chunk number `near`, another for the rest."""
    keys = [key for shard in index.shards for key in shard.text_hashes]
    vectors = np.zeros((len(keys), 4), dtype=np.float32)
    vectors[:, 1] = 1
    vectors[near] = [1, 0, 0, 0]
    return snapshot.with_vectors(index, keys, Vectors.of(vectors))


AXIS_0 = np.array([1, 0, 0, 0], dtype=np.float32)


def test_rounded_vectors_are_as_near_to_a_query_as_they_were():
    chance = np.random.default_rng(1)
    matrix = chance.standard_normal((1500, 256)).astype(np.float32)
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    matrix[700] = 0  # a text without a known word
    vectors = Vectors.joined([Vectors.of(matrix[:900]), Vectors.of(matrix[900:])])
    np.testing.assert_allclose(vectors.nearness(matrix[3]), matrix @ matrix[3], atol=2e-5)
    assert vectors.nearness(matrix[3])[700] == 0
    kept = vectors.taken([3, 700])
    np.testing.assert_array_equal(kept.nearness(matrix[3]), vectors.nearness(matrix[3])[[3, 700]])
    assert 2 * (vectors.rows.nbytes + vectors.scales.nbytes) < 1.02 * matrix.nbytes


def test_dense_search_finds_what_shares_no_word(index):
    hits = ask(with_vectors(index, 4), "zzzz", vector=AXIS_0, mode="dense")
    nearest = max(hits, key=lambda hit: hit.why["dense"])
    assert nearest.path == "web/session.ts"
    assert nearest.why["dense"] == pytest.approx(WEIGHTS.dense_for_names)


def test_hybrid_search_has_a_share_of_both(index):
    hits = ask(with_vectors(index, 2), "request by a session", vector=AXIS_0)
    dense = {hit.path: hit.why["dense"] for hit in hits if "dense" in hit.why}
    assert dense == {"app/pool.py": pytest.approx(WEIGHTS.dense)}
    assert max(hit.why["lexical"] for hit in hits) == pytest.approx(WEIGHTS.text)


def test_lexical_search_takes_no_notice_of_vectors(index):
    plain = ask(index, "session", mode="lexical")
    assert ask(with_vectors(index, 4), "session", vector=AXIS_0, mode="lexical") == plain


def test_chunks_without_a_vector_are_no_dense_candidates(index):
    keys = [index.shards[0].text_hashes[2]]
    some = snapshot.with_vectors(index, keys, Vectors.of(AXIS_0[None, :]))
    hits = ask(some, "zzzz", vector=AXIS_0, mode="dense")
    assert [hit.path for hit in hits] == ["app/pool.py"]


# --- code to code


def test_similar_code_scores_between_nothing_and_one(index):
    wanted = wanted_documents(index)
    hits = similar(index, "export class Wishlist { session }", wanted, limit=3)
    assert places(hits)[0] == ("web/session.ts", 1)
    assert 0 < hits[-1].score <= hits[0].score < 1
    assert similar(index, "zzzz", wanted, limit=3) == []
    assert similar(snapshot.empty(), "a", wanted_documents(snapshot.empty()), limit=3) == []


# --- the snapshot


def test_an_updated_mirror_answers_as_a_fresh_one():
    new = chunk("app/pool.py", "def session_pool(): session request", symbol="session_pool")
    added = chunk("app/extra.py", "session of a kind")
    updated = snapshot.updated(
        snapshot.load(rows_of(CHUNKS, SYMBOLS)),
        rows_of([added, new], [definition("session_pool", "app/pool.py", 1)]),
        gone=["app/pool.py", "tests/test_http.py", "app/extra.py"],
    )
    kept = [c for c in CHUNKS if c.path not in ("app/pool.py", "tests/test_http.py")]
    symbols = [s for s in SYMBOLS if not s.path.startswith("tests/")]
    symbols.append(definition("session_pool", "app/pool.py", 1))
    fresh = snapshot.load(rows_of([*kept, added, new], symbols))
    assert updated.by_name == fresh.by_name
    assert updated.symbols == fresh.symbols
    assert updated.imports == fresh.imports
    for query in ("Session", "session_pool", "session request", "test_session"):
        one, other = ask(updated, query), ask(fresh, query)
        assert places(one) == places(other)
        assert [h.score for h in one] == pytest.approx([h.score for h in other])


def test_small_shards_are_joined_and_nothing_is_lost():
    current = with_vectors(snapshot.load(rows_of(CHUNKS)), 0)
    sizes = set()
    for n in range(60):
        current = snapshot.updated(current, rows_of([chunk(f"n{n}.py", f"melon{n}")]), gone=[])
        sizes.add(len(current.shards))
    assert sizes == {1, 2}
    assert sum(len(shard.chunks) for shard in current.shards) == len(CHUNKS) + 60
    for n in range(60):
        assert places(ask(current, f"melon{n}", limit=1)) == [(f"n{n}.py", 1)]
    assert ask(current, "zzzz", vector=AXIS_0, mode="dense", limit=1)[0].path == "app/http.py"
    assert len(snapshot.missing_vectors(current)) == 60


def test_what_is_mostly_dead_is_dropped():
    current = snapshot.load(rows_of(CHUNKS, SYMBOLS))
    gone = [c.path for c in CHUNKS if not c.path.startswith("web/")]
    current = snapshot.updated(current, rows_of([]), gone=gone)
    assert [c.path for c in current.shards[0].chunks] == ["web/session.ts"]
    assert current.by_name == {}
    assert current.documents == {"web/session.ts": (0,)}
    assert snapshot.updated(current, rows_of([]), gone=["web/session.ts"]).size == 0


def test_an_older_snapshot_is_not_touched_by_an_update(index):
    before = ask(index, "session")
    snapshot.updated(index, rows_of([chunk("app/pool.py", "nothing")]), gone=["app/pool.py"])
    with_vectors(index, 3)
    assert ask(index, "session") == before


def test_definitions_prefer_the_exact_case(index):
    assert [s.qualified for s in index.definitions("Session")] == ["Session"]
    assert [s.qualified for s in index.definitions("session")] == ["Session"]
    assert [s.qualified for s in index.definitions("Session.request")] == ["Session.request"]
    assert [s.qualified for s in index.definitions("app.Session.request")] == []
    assert index.definitions("") == []


def test_the_best_of_many_scores_are_those_of_a_full_sort():
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 50, 5000).astype(np.float32)  # many ties
    scores[:40] = -np.inf
    order = np.lexsort((np.arange(len(scores)), -scores))
    for count in (1, 7, 156, 157, 300, 6000):
        best = [int(n) for n in order[:count] if scores[n] > 0]
        assert search_module._top(scores, count) == best


def test_forms_of_a_word_add_up_and_whole_files_score_as_documents():
    texts = ["a a b", "c", "a d", "e e e e"]
    segment = bm25.build(token_block(texts))
    parts = [(segment, np.array([True, True, True, False]))]
    owners = [
        Owners(
            np.array([0, 0, 1, 2], np.int32),
            np.array([4, 2, 4], np.float32),
            np.array([True, True, False]),
        )
    ]
    terms = [Term({"a": 1.0, "b": 0.5})]
    found = bm25.find(parts, terms)
    assert [(d.tolist(), c.tolist()) for d, c in found[0]] == [([0, 2], [2.5, 1.0])]
    whole = bm25.build(token_block(["a a z c", "a d"]))
    whole.counts[whole.starts[whole.vocabulary["a"]]] = 2.5
    expected, _ = scored([(whole, all_alive(whole))], {"a": 1.0})
    np.testing.assert_allclose(bm25.score_files(owners, terms, found)[0][:2], expected, rtol=1e-5)


def test_words_near_the_line_in_focus_weigh_more():
    chunks = [chunk("a.py", "alpha beta gamma"), chunk("b.py", "delta epsilon zeta")]
    two = snapshot.load(rows_of(chunks))
    text = "alpha beta\n\n\n\n\n\n\n\n\ndelta epsilon"
    wanted = wanted_documents(two)
    assert places(similar(two, text, wanted, limit=2, focus=0)) == [("a.py", 1), ("b.py", 1)]
    assert places(similar(two, text, wanted, limit=2, focus=9)) == [("b.py", 1), ("a.py", 1)]
    even = similar(two, text, wanted, limit=2)
    assert even[0].score == pytest.approx(even[1].score)
