"""The public object: what the command line and the server rely on."""

from __future__ import annotations

import re
import threading

import pytest

from homespun.indexer.config import IndexConfig
from homespun.indexer.embedding import update
from homespun.indexer.errors import IndexDamaged, IndexLocked, IndexMissing, NotADirectory
from homespun.indexer.index import Index
from homespun.indexer.storage.write_lock import write_lock
from homespun.indexer.types import Import, Region
from homespun.models.fakes import FakeEncoder
from homespun.progress import NoProgress
from tests.support.vectors_read import note_vectors_read

CONFIG = IndexConfig()


def put(root, path, text):
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8")


@pytest.fixture
def repo(tmp_path):
    put(
        tmp_path,
        "shop/basket.py",
        'from shop.money import Price\n\n\nclass Basket:\n    """What a customer wants."""\n\n'
        "    def add(self, price: Price) -> None:\n        self.prices.append(price)\n",
    )
    put(tmp_path, "shop/money.py", "class Price:\n    cents: int\n\n\ndef parse_price(text): ...\n")
    put(tmp_path, "shop/__init__.py", "")
    put(tmp_path, "web/view.ts", "export function renderBasket(basket: Basket) {}\n")
    return tmp_path


@pytest.fixture
def index(repo):
    index = Index.open(repo, CONFIG, create=True)
    index.update()
    return index


def test_a_folder_without_an_index_says_how_to_make_one(tmp_path):
    with pytest.raises(IndexMissing, match=f"run `homespun index {tmp_path}` first"):
        Index.open(tmp_path, CONFIG)


def test_what_is_no_folder_is_named(tmp_path):
    put(tmp_path, "file", "")
    for path in (tmp_path / "file", tmp_path / "nothing"):
        with pytest.raises(NotADirectory, match=repr(str(path))):
            Index.open(path, CONFIG, create=True)


def test_an_index_that_was_only_begun_can_be_opened_and_is_empty(repo):
    Index.open(repo, CONFIG, create=True)
    index = Index.open(repo, CONFIG)
    assert (index.info().files, index.search("Basket")) == (0, [])


def test_symbols_imports_and_their_files_are_known(index):
    assert [s.qualified for s in index.definitions("add")] == ["Basket.add"]
    assert [s.qualified for s in index.symbols_in("shop/basket.py")] == ["Basket", "Basket.add"]
    assert index.imports("shop/basket.py") == [Import("shop.money", "Price", "Price", 1)]
    price = index.imports("shop/basket.py")[0]
    assert index.resolve_import("shop/basket.py", price) == "shop/money.py"
    assert index.resolve_import("shop/basket.py", Import("json", "", "json", 1)) is None
    assert index.symbols_in("not/there.py") == index.imports("not/there.py") == []


def test_an_import_is_resolved_anew_when_a_file_comes_or_goes(repo, index):
    wanted = Import("shop.tax", "rate", "rate", 1)
    assert index.resolve_import("shop/basket.py", wanted) is None
    put(repo, "shop/tax.py", "def rate(): ...\n")
    index.update()
    assert index.resolve_import("shop/basket.py", wanted) == "shop/tax.py"
    (repo / "shop/tax.py").unlink()
    index.update(paths=["shop/tax.py"])
    assert index.resolve_import("shop/basket.py", wanted) is None


def test_calls_are_known_by_file_and_by_name(repo, index):
    put(repo, "shop/till.py", "def pay(basket):\n    basket.add(parse_price('1'))\n\n\npay(1)\n")
    index.update(paths=["shop/till.py"])
    names = [(call.name, call.line) for call in index.calls_in("shop/till.py")]
    assert names == [("add", 2), ("parse_price", 2), ("pay", 5)]
    assert index.calls_of("parse_price") == [("shop/till.py", 2)]
    assert index.calls_of("append") == [("shop/basket.py", 8)]
    assert Index.open(repo, CONFIG).calls_of("pay") == [("shop/till.py", 5)]
    assert index.calls_of("nothing") == index.calls_in("not/there.py") == []
    put(repo, "shop/till.py", "x = 1\n")
    index.update(paths=["shop/till.py"])
    assert index.calls_of("pay") == []


def test_names_of_a_generated_file_are_known_and_its_text_is_not_found(repo, index):
    stub = "class Receipt(Message):\n    def total(self) -> int: ...\n"
    put(repo, "shop/receipt_pb2.pyi", stub)
    put(repo, "shop/pay.py", "from shop.receipt_pb2 import Receipt\n")
    index.update()
    for reader in (index, Index.open(repo, CONFIG)):
        (receipt,) = reader.definitions("Receipt")
        assert (receipt.path, receipt.start_line) == ("shop/receipt_pb2.pyi", 1)
        (imported,) = reader.imports("shop/pay.py")
        assert reader.resolve_import("shop/pay.py", imported) == "shop/receipt_pb2.pyi"
        assert [hit.path for hit in reader.search("Receipt")] == ["shop/pay.py"]
    put(repo, "shop/receipt_pb2.pyi", stub.replace("Receipt", "Bill"))
    index.update()
    assert index.definitions("Receipt") == []
    assert [symbol.name for symbol in index.definitions("Bill")] == ["Bill"]
    (repo / "shop/receipt_pb2.pyi").unlink()
    index.update()
    assert index.definitions("Bill") == []


def test_info_counts(index):
    info = index.info()
    assert (info.files, info.symbols) == (3, 5)
    assert info.languages == {"python": 2, "typescript": 1}
    assert (info.encoder, info.vectors) == ("", 0)
    assert info.disk_bytes > 0
    assert info.to_json()["root"] == str(index.root)


def test_search_and_similar_respect_filters_and_limits(index):
    assert {hit.path for hit in index.search("Basket")} == {"shop/basket.py", "web/view.ts"}
    assert [hit.path for hit in index.search("Basket", language="typescript")] == ["web/view.ts"]
    assert index.search("Basket", limit=0) == index.search("  ") == []
    window = "def add(self, price):\n    self.prices.append("
    assert index.similar(window, limit=1)[0].path == "shop/basket.py"
    exclude = [Region("shop/basket.py", 1, 99)]
    assert all(h.path != "shop/basket.py" for h in index.similar(window, limit=5, exclude=exclude))
    assert index.similar(window, limit=5, language="cobol") == index.similar("", limit=5) == []


def test_a_change_is_seen_by_this_and_by_another_reader(repo, index):
    reader = Index.open(repo, CONFIG)
    assert reader.refresh() is False
    put(repo, "shop/basket.py", "class Trolley:\n    pass\n")
    index.update(paths=["shop/basket.py"])
    assert index.search("Trolley", limit=1)[0].symbol == "Trolley"
    assert reader.definitions("Trolley") == []
    assert reader.refresh() is True
    assert [s.path for s in reader.definitions("Trolley")] == ["shop/basket.py"]
    assert reader.definitions("Basket") == []
    assert reader.refresh() is False


def test_a_reader_follows_a_rebuild_with_other_chunks(repo, index):
    reader = Index.open(repo, CONFIG)
    other = Index.open(repo, IndexConfig(chunk_chars=40), create=True)
    other.update()
    reader.refresh()
    assert reader.search("price") == other.search("price")


def test_many_updates_rank_as_a_fresh_index_does(repo, index):
    for n in range(8):
        put(repo, "shop/money.py", f"class Price:\n    cents: int = {n}\n\n\ndef tax(): ...\n")
        put(repo, f"shop/extra{n}.py", f"def extra_{n}(price): return price\n")
        index.update(paths=["shop/money.py", f"shop/extra{n}.py"])
    fresh = Index.open(repo, CONFIG)
    for query in ("Price", "extra of a price", "tax", "shop/money.py"):
        assert index.search(query) == fresh.search(query)


# --- two writers, many readers


def test_a_second_writer_says_who_holds_the_lock(repo, index):
    impatient = Index.open(repo, IndexConfig(lock_wait_seconds=0))
    with write_lock(repo / ".homespun", wait_seconds=0):
        with pytest.raises(IndexLocked, match="is being written by process"):
            impatient.update()
    assert impatient.update().unchanged == 3


def test_readers_always_see_whole_files_while_a_writer_works(repo, index):
    failures = []
    done = threading.Event()

    def read():
        try:
            reader = Index.open(repo, CONFIG)
            while not done.is_set():
                reader.refresh()
                names = [s.name for s in reader.symbols_in("shop/money.py")]
                assert len(set(names)) == 1 and len(names) == 40, names
                assert {hit.path for hit in reader.search("Basket", limit=3)} >= {"web/view.ts"}
        except Exception as error:
            failures.append(error)

    def version(n):
        return "".join(f"class Name{n}:\n    line = {i}\n\n\n" for i in range(40))

    put(repo, "shop/money.py", version(0))
    index.update()
    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for n in range(1, 15):
        put(repo, "shop/money.py", version(n))
        index.update(paths=["shop/money.py"])
    done.set()
    for thread in threads:
        thread.join()
    assert failures == []


# --- damage


def damage_manifest(folder):
    (folder / "manifest.json").write_text('{"format": 1, "files"', encoding="utf-8")


def damage_version(folder):
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(re.sub('"format":[0-9]+', '"format":0', text))


def damage_entries(folder):
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text.replace('"files":{', '"files":{"x":[1,2],"y":3,'))


def store_of(folder):
    (found,) = folder.glob("lance.*")
    return found


def damage_rows(folder):
    for path in store_of(folder).rglob("*.lance"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:-50])


def damage_tables(folder):
    for path in store_of(folder).rglob("*.manifest"):
        path.write_bytes(b"nonsense")


def lose_tables(folder):
    for path in sorted(store_of(folder).rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


def file_in_the_way(folder):
    lose_tables(folder)
    store = store_of(folder)
    store.rmdir()
    store.write_text("not a folder")


@pytest.mark.parametrize(
    "damage",
    [
        damage_manifest,
        damage_version,
        damage_entries,
        damage_rows,
        damage_tables,
        lose_tables,
        file_in_the_way,
    ],
)
def test_a_damaged_index_is_named_to_readers_and_rebuilt_by_the_writer(repo, index, damage):
    before = index.search("Basket")
    damage(repo / ".homespun")
    with pytest.raises(IndexDamaged, match=f"homespun index {repo}"):
        Index.open(repo, CONFIG)
    writer = Index.open(repo, CONFIG, create=True)
    report = writer.update()
    assert (
        "the index was rebuilt: " in report.notes[0] or "was repaired (3 files" in report.notes[0]
    )
    assert (report.files, report.added) == (3, 3)
    assert writer.search("Basket") == before
    assert Index.open(repo, CONFIG).search("Basket") == before


def test_a_reader_keeps_answering_while_the_index_on_disk_is_damaged(repo, index):
    before = index.search("Basket")
    damage_manifest(repo / ".homespun")
    with pytest.raises(IndexDamaged):
        index.refresh()
    assert index.search("Basket") == before


def test_rebuild_starts_from_nothing(repo, index):
    assert index.rebuild().added == 3
    assert Index.open(repo, CONFIG).info().files == 3


# --- vectors


def test_vectors_are_computed_once_for_each_text(repo, index):
    encoder = FakeEncoder()
    assert index.embed() == 0  # no encoder
    index.use_encoder(encoder)
    chunks = index.info().chunks
    assert index.embed() == chunks
    assert index.info().vectors == chunks
    assert index.embed() == 0
    (repo / "shop/money.py").rename(repo / "shop/cash.py")
    put(repo, "shop/extra.py", "def something_else(): ...\n")
    index.update()
    assert index.embed() == 1
    assert sum(map(len, encoder.calls)) == chunks + 1
    assert index.info().vectors == index.info().chunks == chunks + 1


def test_coming_back_to_an_old_text_costs_nothing(repo, index):
    index.use_encoder(FakeEncoder())
    index.embed()
    old = (repo / "shop/money.py").read_text()
    put(repo, "shop/money.py", "nothing = 1\n")
    index.update()
    assert index.embed() == 1
    put(repo, "shop/money.py", old)
    index.update()
    assert index.info().vectors == index.info().chunks
    assert index.embed() == 0


@pytest.fixture
def read(monkeypatch):
    """The keys of all vectors that the real store is read for."""
    return note_vectors_read(monkeypatch)


def test_a_vector_that_is_in_memory_is_not_read_again(repo, index, read):
    index.use_encoder(FakeEncoder())
    index.embed()
    old = (repo / "shop/money.py").read_text()
    put(repo, "shop/money.py", old + "\n\n" + "# " * 700 + "\ndef rounded(price): ...\n")
    index.update()
    index.embed()
    (repo / "web/view.ts").rename(repo / "web/page.ts")
    put(repo, "shop/copy.py", (repo / "shop/basket.py").read_text())
    index.update()
    assert index.embed() == 0
    assert index.info().vectors == index.info().chunks
    assert read == []
    put(repo, "shop/money.py", old)
    index.update()
    assert index.info().vectors == index.info().chunks
    assert len(read) == len(set(read)) == 1  # it had gone from memory
    assert len(index.search("Price", mode="dense")) == index.info().chunks


def test_what_completions_ask_is_the_same_with_vectors_and_without(repo, index):
    def asked():
        hits = index.similar("basket.add(price)", limit=9)
        return hits, index.definitions("Price"), index.symbols_in("shop/basket.py")

    plain = asked()
    index.use_encoder(FakeEncoder())
    index.embed()
    assert asked() == plain


def test_the_encoder_of_a_search_is_not_the_one_that_takes_its_time(index):
    class Slow(FakeEncoder):
        pass

    quick, slow = FakeEncoder(), Slow()
    index.use_encoder(quick)
    assert index.embed(pace=lambda encoder: slow) == index.info().chunks
    index.search("a price")
    assert quick.calls == [("a price",)]
    assert sum(map(len, slow.calls)) == index.info().chunks


def test_dense_search_uses_the_vectors_and_other_readers_find_them(repo, index):
    index.use_encoder(FakeEncoder())
    index.embed()
    assert index.why_not_dense() == ""
    hits = index.search("class Price cents int def parse_price text", mode="dense")
    assert max(hits, key=lambda hit: hit.why["dense"]).path == "shop/money.py"
    assert all("lexical" not in hit.why for hit in hits)
    other = Index.open(repo, CONFIG, encoder=FakeEncoder())
    assert other.search("a price", mode="hybrid") == index.search("a price", mode="hybrid")
    assert other.encoder_stamp is not None and other.encoder_stamp.name == "fake"


def test_a_reader_follows_vectors_that_another_process_adds(repo, index):
    reader = Index.open(repo, CONFIG, encoder=FakeEncoder())
    assert "no vectors yet" in reader.why_not_dense()
    index.use_encoder(FakeEncoder())
    index.embed()
    assert reader.refresh() is True
    assert reader.why_not_dense() == ""


def test_without_vectors_dense_search_goes_by_words_and_says_why(index):
    assert "no encoder is loaded" in index.why_not_dense()
    assert index.search("Basket", mode="dense") == index.search("Basket", mode="lexical")
    index.use_encoder(FakeEncoder())
    assert "no vectors yet" in index.why_not_dense()
    assert index.search("Basket", mode="dense") == index.search("Basket", mode="lexical")


def test_vectors_of_another_encoder_do_not_mix(index):
    index.use_encoder(FakeEncoder(name="one", dimensions=8))
    index.embed()
    index.use_encoder(FakeEncoder(name="two", dimensions=16))
    assert index.why_not_dense() != ""
    assert index.search("Basket", mode="dense") == index.search("Basket", mode="lexical")
    assert index.embed() == index.info().chunks
    assert index.why_not_dense() == ""
    index.use_encoder(FakeEncoder(name="one", dimensions=8))
    assert index.embed() == 0  # still in the store
    assert index.info().encoder == "one"
    assert index.why_not_dense() == ""


def test_a_reader_drops_its_vectors_when_another_encoder_has_taken_over(repo, index):
    reader = Index.open(repo, CONFIG, encoder=FakeEncoder(name="one"))
    index.use_encoder(FakeEncoder(name="one"))
    index.embed()
    reader.refresh()
    index.use_encoder(FakeEncoder(name="two"))
    index.embed()
    assert reader.refresh() is True
    assert reader.info().vectors == 0
    assert "has vectors of 'two', not of 'one'" in reader.why_not_dense()
    assert reader.search("Basket", mode="dense") == reader.search("Basket", mode="lexical")


def test_a_cancelled_embedding_goes_on_where_it_was(repo, index, monkeypatch):
    monkeypatch.setattr(update, "_BATCH_CHUNKS", 1)
    index.use_encoder(FakeEncoder())
    asked = iter([False, True])
    assert index.embed(cancelled=lambda: next(asked)) == 1
    assert Index.open(repo, CONFIG, encoder=FakeEncoder()).info().vectors == 1
    assert index.embed() == index.info().chunks - 1


def test_other_chunk_sizes_keep_the_vectors_of_texts_that_stay_the_same(repo, index):
    index.use_encoder(FakeEncoder())
    index.embed()
    other = Index.open(repo, IndexConfig(chunk_chars=1400), create=True, encoder=FakeEncoder())
    assert "the settings have changed" in other.update().notes[0]
    assert other.info().vectors == other.info().chunks
    assert other.embed() == 0


class Recorder(NoProgress):
    def __init__(self):
        self.said = []

    def start(self, stage, total, unit):
        self.said.append([stage, total, unit, 0])

    def advance(self, n):
        self.said[-1][3] += n


def test_progress_is_told_by_stage(repo):
    recorder = Recorder()
    index = Index.open(repo, CONFIG, create=True, encoder=FakeEncoder())
    index.update(progress=recorder)
    index.embed(progress=recorder)
    chunks = index.info().chunks
    assert recorder.said == [["indexing", 3, "files", 3], ["embedding", chunks, "chunks", chunks]]


def test_without_settings_it_is_built_and_brought_up_to_date_by_those_of_the_folder(repo):
    put(repo, "homespun.toml", '[index]\nexclude = ["web"]\n')
    index = Index.open(repo, encoder=FakeEncoder())
    assert index.paths() and "web/view.ts" not in index.paths()
    assert index.info().vectors == index.info().chunks
    put(repo, "shop/late.py", "def late(): ...\n")
    assert Index.open(str(repo), encoder=FakeEncoder()).definitions("late")
    put(repo, "shop/later.py", "def later(): ...\n")
    assert Index.open(repo, CONFIG).definitions("later") == []  # with settings as it stands


def test_without_settings_what_is_wrong_is_logged_and_words_alone_decide(repo, monkeypatch, caplog):
    monkeypatch.setenv("HOMESPUN_INDEX_ENCODER", "all-minilm-l6-v2")  # not on this machine
    put(repo, "homespun.toml", "[index]\nchunk_chars = -1\n")
    index = Index.open(repo)
    assert index.search("basket")
    fault, missing = (record.message for record in caplog.records if "git" not in record.message)
    assert "'index.chunk_chars'" in fault
    assert "no vectors were computed" in missing and "homespun models fetch" in missing
