"""Small repositories, and a table of them."""

from __future__ import annotations

import pytest

from homespun.indexer.embedding.static_encoder import StaticEncoder
from homespun.indexer.table.build import build
from homespun.indexer.table.listed import NamedRepository
from homespun.indexer.table.place import TablePlace

FILES = {
    "acme/auth": {
        "auth/token.py": 'class Token:\n    """What a session carries."""\n\n'
        "    def renew(self, clock):\n        return clock.now()\n",
        "auth/login.py": "def login(user, password):\n    return check_password(user, password)\n",
        "tests/test_login.py": "def test_login():\n    assert login('a', 'b')\n",
    },
    "acme/shop": {
        "shop/basket.py": "class Basket:\n    def add(self, price):\n        self.total += price\n",
        "shop/pay.py": "def pay(basket, card):\n    return card.charge(basket.total)\n",
    },
    "acme/docs": {"src/render.ts": "export function renderPage(page) {\n  return page.html\n}\n"},
}


@pytest.fixture(scope="session")
def encoder():
    return StaticEncoder.load()


@pytest.fixture
def repositories(tmp_path):
    """Their folders; returns the list of all."""
    listed = []
    for name, files in FILES.items():
        root = tmp_path / "repositories" / name.replace("/", "-")
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
        listed.append(NamedRepository(name, root))
    return listed


@pytest.fixture
def uri(tmp_path):
    return str(tmp_path / "table")


@pytest.fixture
def built(uri, repositories, encoder):
    """The address of a table of all of them."""
    build(TablePlace(uri, create=True), repositories, encoder)
    return uri
