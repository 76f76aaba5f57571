"""What is public, and what a reader believes of a pack."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from homespun.indexer.errors import PackRefused
from homespun.indexer.packs import definition, file
from homespun.indexer.packs.definition import ATTRIBUTE, FIELD, FILE, IMPORT, PackRow
from homespun.indexer.packs.modules import module_of
from homespun.indexer.packs.names import check_repo, chosen, scheme_of
from homespun.indexer.packs.pack import Pack
from homespun.indexer.packs.public import rows_of
from tests.support.team import FILES, TeamRepository

REVISION = "1a2b3c" + "0" * 34
KEY = "sk-proj-" + "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY"
GOOD = PackRow("a.py", FILE, "a", "a", 1, 1, "", "")
FUNCTION = PackRow("a.py", "function", "f", "f", 2, 3, "def f(x: int) -> str", "Say it.")


def rows(repository, what="definitions"):
    index = repository.index()
    return list(rows_of(index, tracked=set(index.paths()), what=what))


def named(found):
    return {(row.kind, row.qualified) for row in found}


def read(*found):
    return Pack.read("acme/auth", REVISION, file.packed(found))


def test_public_definitions_fields_and_imports_are_rows_and_nothing_else(auth):
    found = [row for row in rows(auth) if row.path == "src/acme_auth/token.py"]
    assert named(found) == {
        (FILE, "acme_auth.token"),
        ("constant", "LEEWAY_SECONDS"),
        ("class", "TokenVerifier"),
        (FIELD, "TokenVerifier.issuer"),
        (ATTRIBUTE, "TokenVerifier.leeway"),
        ("method", "TokenVerifier.__init__"),
        ("method", "TokenVerifier.verify_bearer"),
        ("method", "TokenVerifier.is_strict"),
        ("class", "Claims"),
        (FIELD, "Claims.subject"),
        (FIELD, "Claims.scopes"),
    }
    door = [row for row in rows(auth) if row.path.endswith("__init__.py")]
    assert [(r.kind, r.name, r.signature) for r in door] == [
        (FILE, "acme_auth", ""),
        (IMPORT, "TokenVerifier", "acme_auth.token"),
    ]
    leads = {row.name: row.lead for row in found if row.lead}
    assert leads == {"is_strict": "property", "Claims": "dataclass"}
    assert not any(row.body for row in found)
    assert not any("test" in row.path for row in rows(auth))


def test_bodies_are_published_only_where_that_is_asked_for(auth):
    bodies = {row.name: row.body for row in rows(auth, "chunks") if row.body}
    assert "return Claims()" in bodies["verify_bearer"]
    assert "return header" not in "".join(text for text in bodies.values() if "class" not in text)


def test_what_git_does_not_track_is_not_published(auth):
    index = auth.index()
    assert not list(rows_of(index, tracked={"README.md"}, what="definitions"))


def test_secrets_are_masked_before_a_row_exists_and_again_when_it_is_read(tmp_path):
    text = FILES["src/acme_auth/token.py"] + f'\nAPI_TOKEN = "{KEY}"\n'
    text += f'\n\nclass Vault:\n    api_key: str = "{KEY}"\n'
    published = file.packed(
        rows(TeamRepository(tmp_path / "r", FILES | {"src/acme_auth/v.py": text}))
    )
    assert KEY[12:] not in str(pq.read_table(pa.BufferReader(published)).to_pydict())
    evil = replace(FUNCTION, signature=f'def f(token="{KEY}")', doc=f"api_key = '{KEY}'")
    found = read(GOOD, evil).find("a.py", "f")
    assert KEY[12:] not in found.signature + found.doc
    assert "def f(token=" in found.signature


def test_equal_rows_give_equal_bytes_and_all_come_back(auth):
    found = rows(auth)
    assert file.packed(found) == file.packed(found)
    pack = read(*found)
    assert [row for path in sorted({r.path for r in found}) for row in pack.rows_in(path)] == found
    assert pack.modules == {"acme_auth"}
    assert pack.file_of("acme_auth") == "src/acme_auth/__init__.py"
    assert pack.file_of("acme_auth", "token") == "src/acme_auth/token.py"
    assert pack.find("src/acme_auth/token.py", "Claims").doc == "What a token says."
    assert pack.find("src/acme_auth/token.py", "verify_bearer") is None  # of a class
    assert [row.qualified for row in pack.named("verify_bearer")] == ["TokenVerifier.verify_bearer"]


def test_control_tokens_and_escape_sequences_are_broken_up():
    evil = replace(
        FUNCTION, signature="def f(a='<|fim_middle|>')", doc="\x1b[31mred\u202eder <|x|>"
    )
    found = read(GOOD, evil).find("a.py", "f")
    assert found.signature == "def f(a='< |fim_middle| >')"
    assert found.doc == "\\x1b[31mred\\u202eder < |x| >"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (replace(FUNCTION, path="../outside.py"), "'../outside.py' in it is no path"),
        (replace(FUNCTION, path="/etc/passwd"), "is no path"),
        (replace(FUNCTION, path="a/./b.py"), "is no path"),
        (replace(FUNCTION, path="a\\b.py"), "is no path"),
        (replace(FUNCTION, path="c:a.py"), "is no path"),
        (replace(FUNCTION, path="a\nb.py"), "is no path"),
        (replace(FUNCTION, kind="virus"), "'virus' in it is no kind"),
        (replace(FUNCTION, name="f()\nimport os"), "is no name"),
        (replace(FUNCTION, name="a.b"), "'a.b' in it is no name"),
        (replace(FUNCTION, lead="atexit.register"), "is no lead"),
        (replace(FUNCTION, doc="one\ntwo"), "several lines"),
        (replace(FUNCTION, doc="x" * 501), "a doc in it has more than 500 characters"),
        (replace(FUNCTION, start_line=0), "no line of a file"),
        (replace(FUNCTION, end_line=2**31 - 1), "no line of a file"),
        (replace(GOOD, name="os"), "'os' in it is no module that others import"),
        (replace(GOOD, name="a-b"), "is no name"),
        (replace(GOOD, name="..evil"), "is no module that others import"),
    ],
)
def test_a_poisoned_row_has_the_whole_pack_refused(row, said):
    with pytest.raises(PackRefused, match="the pack of 'acme/auth' is no pack that can") as refused:
        read(GOOD, row)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def table(**columns):
    good = {name: [getattr(FUNCTION, name)] for name in (*file.TEXTS, *file.NUMBERS)}
    return pa.table(good | columns, schema=columns.pop("schema", file.SCHEMA))


def written(found, **more):
    sink = pa.BufferOutputStream()
    pq.write_table(found, sink, **more)
    return sink.getvalue().to_pybytes()


def refusal(data):
    with pytest.raises(PackRefused) as refused:
        file.unpacked_columns(data, what="it")
    return str(refused.value)


def test_what_is_no_pack_at_all_is_refused():
    assert "Parquet" in refusal(b"hello")
    assert "Parquet" in refusal(b"PAR1" + b"\xff" * 64 + b"PAR1")
    good = file.packed([GOOD, FUNCTION])
    for cut in (len(good) // 3, len(good) - 5):
        assert refusal(good[:cut])
    assert "its columns are others" in refusal(written(pa.table({"path": ["a.py"]})))
    assert "its columns are others" in refusal(written(table().drop_columns(["doc"])))
    numbers = table().set_column(7, "body", pa.array([1]))
    assert "its columns are others" in refusal(written(numbers))


def test_every_damaged_byte_is_refused_or_changes_nothing_that_was_promised():
    good = file.packed([GOOD, FUNCTION])
    for place in range(0, len(good), 7):
        bad = good[:place] + bytes([good[place] ^ 0xFF]) + good[place + 1 :]
        try:
            columns = file.unpacked_columns(bad, what="it")
        except PackRefused:
            continue
        assert all(file.is_path(path) for path in columns["path"][0])


def test_few_bytes_do_not_become_many(monkeypatch):
    signature = "x" * 500
    many = [replace(FUNCTION, signature=signature)] * 20_000
    data = file.packed([GOOD, *many])
    assert len(data) < 20_000
    monkeypatch.setattr(file, "MAX_PACK_TEXT", 5_000_000)
    assert "MB of text" in refusal(data)
    monkeypatch.setattr(file, "MAX_ROWS", 10_000)
    assert "more than 10,000 rows" in refusal(data)
    monkeypatch.setattr(file, "MAX_PACK_BYTES", 100)
    assert "larger than" in refusal(data)
    with pytest.raises(PackRefused, match="a pack holds 10,000"):
        file.packed(many)
    assert definition.MAX_ROWS == 400_000


def test_a_module_is_called_as_others_import_it():
    paths = {
        "src/acme/auth/token.py",  # below src all folders count
        "pkg/__init__.py",
        "pkg/sub/__init__.py",
        "pkg/sub/deep.py",
        "services/billing/billing/__init__.py",
        "services/billing/billing/money.py",
        "six.py",
    }
    assert {path: module_of(path, paths) for path in sorted(paths)} == {
        "src/acme/auth/token.py": "acme.auth.token",
        "pkg/__init__.py": "pkg",
        "pkg/sub/__init__.py": "pkg.sub",
        "pkg/sub/deep.py": "pkg.sub.deep",
        "services/billing/billing/__init__.py": "billing",
        "services/billing/billing/money.py": "billing.money",
        "six.py": "six",
    }
    aside = ("setup.py", "tests/a.py", "docs/conf.py", "src/os.py", "src/a-b.py", "README.md")
    assert [module_of(path, set(aside)) for path in aside] == [""] * 6


@pytest.mark.parametrize("name", ["", "a//b", "../a", "a/..", "/a", "a b", "a\nb", "a/b/c/d/e/f"])
def test_a_name_that_is_no_repository_is_refused(name):
    with pytest.raises(PackRefused, match="no name of a repository"):
        check_repo(name)


def test_an_address_holds_no_credentials_and_is_of_a_known_kind():
    assert [scheme_of(root) for root in ("/a", "file:///a", "s3://b/c", "az://c")] == [
        *("file", "file", "s3", "az"),
    ]
    for wrong in ("http://a/b", "s3://", "file://host/a", "s3://key:secret@bucket"):
        with pytest.raises(PackRefused) as refused:
            scheme_of(wrong)
        assert "secret" not in str(refused.value)


def test_only_what_is_offered_may_be_named():
    taken, refused = chosen(["acme/auth", "acme/auth", "evil/x", "../x"], ["acme/*"])
    assert taken == ["acme/auth"]
    assert "'evil/x' is ignored: the user's setting" in refused[0]
    assert "'../x' is ignored: it is no name" in refused[1]
