"""Names of another repository's package at the cursor: what of its pack enters the prompt."""

from __future__ import annotations

import pytest

from homespun.indexer.config import IndexConfig
from homespun.indexer.index import Index
from homespun.indexer.packs.definition import FILE, PackRow
from homespun.indexer.packs.file import packed
from homespun.indexer.packs.pack import Pack
from homespun.indexer.packs.public import rows_of
from homespun.indexer.packs.siblings import Siblings
from homespun.server.context.retriever import Retriever
from homespun.server.prompt.cursor import Cursor
from tests.support.team import TeamRepository

REVISION = "1a2b3c" + "0" * 34
TOKEN = "acme/auth@1a2b3c:src/acme_auth/token.py"
ERRORS = '''"""What may go wrong."""


class AuthError(Exception):
    """The root."""


class ExpiredToken(AuthError):
    """It is too old."""


class WrongIssuer(AuthError):
    """Somebody else made it."""


class MalformedHeader(AuthError):
    """It is no header."""


def explain(error: AuthError, *, short: bool = False) -> str:
    """Say what went wrong."""
    return str(error)


MAX_AGE_SECONDS: int = 3600
'''
FILES = {
    "src/acme_auth/__init__.py": "from .token import TokenVerifier\nfrom .errors import *\n",
    "src/acme_auth/errors.py": ERRORS,
}


@pytest.fixture
def pack(tmp_path):
    from tests.support.team import FILES as TOKENS

    return pack_of(TeamRepository(tmp_path / "auth", TOKENS | FILES), "definitions")


def pack_of(repository, what):
    index = repository.index()
    rows = rows_of(index, tracked=set(index.paths()), what=what)
    return Pack.read("acme/auth", REVISION, packed(rows))


@pytest.fixture
def own(tmp_path):
    root = tmp_path / "app"
    root.mkdir()
    (root / "helpers.py").write_text("def helper():\n    return 1\n")
    index = Index.open(root, IndexConfig(encoder="none"), create=True)
    index.update()
    return index


def gathered(index, text, *packs, path="app.py"):
    index.siblings = Siblings(packs)
    before, _, after = text.partition("‸")
    cursor = Cursor(before, after)
    found = Retriever(index).gather(
        cursor, path=path, language="python", budget_tokens=1000, deadline_ms=60_000
    )
    return sorted(found.snippets, key=lambda snippet: -snippet.score)


def test_a_siblings_method_is_found_behind_a_dot_by_type_through_the_front_door(own, pack):
    text = "from acme_auth import TokenVerifier\n\nverifier = TokenVerifier('x')\nverifier.‸"
    best = gathered(own, text, pack)[0]
    assert (best.path, best.start_line) == (TOKEN, 8)
    assert "def verify_bearer(self, header: str)" in best.text
    assert "@property def is_strict(self) -> bool: ...\n" in best.text
    assert "issuer: str" in best.text
    assert "_unsigned" not in best.text
    assert gathered(own, text) == []


def test_what_a_siblings_method_returns_is_followed(own, pack):
    text = (
        "from acme_auth import TokenVerifier\n\n\ndef login(header: str, own: TokenVerifier):\n"
        "    claims = own.verify_bearer(header)\n    return claims.‸"
    )
    best = gathered(own, text, pack)[0]
    assert (best.path, best.text.splitlines()[0]) == (TOKEN, "class Claims:")
    assert "subject: str" in best.text and "scopes: list[str]" in best.text


def test_the_constructor_of_a_siblings_class_is_shown_where_it_is_called(own, pack):
    text = "from acme_auth.token import TokenVerifier\n\nverifier = TokenVerifier(‸"
    best = gathered(own, text, pack)[0]
    assert "def __init__(self, issuer: str, *, leeway_seconds: int = LEEWAY_SECONDS)" in best.text


def test_names_of_a_siblings_module_stand_together_by_file(own, pack):
    text = "import acme_auth\n\n\ndef f(error):\n    raise acme_auth.‸"
    found = gathered(own, text, pack)
    first, listed = found[0], next(s for s in found if s.text.count("\n") > 3)
    assert first.path.endswith(":src/acme_auth/errors.py")
    assert listed.path.endswith(":src/acme_auth/errors.py")
    shown = "".join(s.text for s in found)
    for name in ("AuthError", "ExpiredToken", "WrongIssuer", "MalformedHeader", "TokenVerifier"):
        assert f"class {name}" in shown
    assert "def explain(...): ..." in shown
    assert "MAX_AGE_SECONDS" in shown


def test_a_function_shows_its_head_and_doc_where_its_body_is_not_known(own, pack):
    text = "from acme_auth.errors import explain\n\nprint(explain(‸"
    best = next(s for s in gathered(own, text, pack) if "def explain" in s.text)
    assert best.text == (
        "def explain(error: AuthError, *, short: bool = False) -> str:\n"
        '    """Say what went wrong."""\n'
    )


def test_a_published_body_is_shown(own, tmp_path):
    pack = pack_of(
        TeamRepository(tmp_path / "auth", FILES | {"src/acme_auth/token.py": ""}), "chunks"
    )
    text = "from acme_auth.errors import explain\n\nprint(explain(‸"
    best = next(s for s in gathered(own, text, pack) if "def explain" in s.text)
    assert "    return str(error)" in best.text


def test_ones_own_file_of_the_same_name_comes_first(own, pack):
    (own.root / "acme_auth").mkdir()
    (own.root / "acme_auth" / "__init__.py").write_text("")
    (own.root / "acme_auth" / "token.py").write_text(
        "class TokenVerifier:\n    def own_method(self): ...\n"
    )
    own.update()
    text = "from acme_auth.token import TokenVerifier\n\nTokenVerifier().‸"
    best = gathered(own, text, pack)[0]
    assert best.path == "acme_auth/token.py"
    assert "own_method" in best.text


def test_a_file_of_ones_own_that_only_ends_alike_does_not_hide_a_sibling(own):
    """`starlette.middleware.cors` is not the `fastapi/middleware/cors.py` of one's own."""
    for folder in ("shop", "shop/web"):
        (own.root / folder).mkdir()
        (own.root / folder / "__init__.py").write_text("")
    (own.root / "shop" / "web" / "cors.py").write_text("class Cors:\n    def wrong(self): ...\n")
    own.update()
    path = "acme/web/cors.py"
    rows = [
        PackRow(path, FILE, "acme.web.cors", "acme.web.cors", 1, 1, "", ""),
        PackRow(path, "class", "Cors", "Cors", 2, 9, "class Cors", ""),
        PackRow(path, "method", "right", "Cors.right", 3, 3, "def right(self)", ""),
    ]
    pack = Pack.read("acme/web", REVISION, packed(rows))
    text = "from acme.web.cors import Cors\n\nCors().‸"
    assert [s.path for s in gathered(own, text)] == ["shop/web/cors.py"]  # a guess, without it
    best = gathered(own, text, pack)[0]
    assert best.path == f"acme/web@1a2b3c:{path}"
    assert "def right(self)" in best.text


def test_what_no_pack_offers_stays_unknown(own, pack):
    assert gathered(own, "from acme_other import Thing\n\nThing().‸", pack) == []
    assert gathered(own, "import json\n\njson.‸", pack) == []
    assert gathered(own, "from acme_auth.nowhere import Thing\n\nThing().‸", pack) == []


def test_one_sibling_leads_to_another(own, pack, tmp_path):
    files = {
        "gate.py": "from acme_auth import TokenVerifier\n\n\n"
        "class Gate:\n    verifier: TokenVerifier\n"
    }
    index = TeamRepository(tmp_path / "gate", files).index()
    rows = rows_of(index, tracked=set(index.paths()), what="definitions")
    gate = Pack.read("acme/gate", REVISION, packed(rows))
    best = gathered(own, "from gate import Gate\n\nGate().verifier.‸", gate, pack)[0]
    assert best.path == TOKEN
    assert "verify_bearer" in best.text


def test_a_circle_of_imports_in_a_pack_ends(own):
    rows = [
        PackRow("a.py", FILE, "a", "a", 1, 1, "", ""),
        PackRow("a.py", "import", "x", "x", 2, 2, "b", ""),
        PackRow("a.py", "import", "*", "*", 3, 3, ".", ""),
        PackRow("b.py", FILE, "b", "b", 1, 1, "", ""),
        PackRow("b.py", "import", "x", "x", 2, 2, "a", ""),
        PackRow("b.py", "import", "y", "y", 3, 3, "....far", ""),
    ]
    pack = Pack.read("evil/circle", REVISION, packed(rows))
    assert gathered(own, "import a\n\na.‸", pack) == []
    assert gathered(own, "from b import x, y\n\nx.‸", pack) == []


def test_a_far_line_of_a_hostile_pack_makes_no_large_file(own):
    rows = [
        PackRow("a.py", FILE, "a", "a", 1, 1, "", ""),
        PackRow("a.py", "class", "A", "A", 9_000_000, 10_000_000, "class A", ""),
        PackRow("a.py", "function", "f", "f", 2, 10_000_000, "def f(((", ""),
    ]
    pack = Pack.read("evil/far", REVISION, packed(rows))
    found = gathered(own, "import a\n\na.‸", pack)
    assert sum(len(s.text) for s in found) < 500


def test_other_languages_know_no_siblings(own, pack):
    own.siblings = Siblings([pack])
    found = Retriever(own).gather(
        Cursor("import acme_auth\n\nacme_auth.", ""),
        path="app.ts", language="typescript", budget_tokens=1000, deadline_ms=60_000,
    )  # fmt: skip
    assert found.snippets == ()
