"""What an expression of a Python document is, over the files of a repository."""

from __future__ import annotations

import pytest

from homespun.indexer.index import Index
from homespun.server.analysis.name_resolution import Files
from homespun.server.analysis.python.inference import PythonTypes
from homespun.server.analysis.source_lines import SourceLines
from homespun.server.context.definitions import imports_of

FILES = {
    "shop/__init__.py": "from .client import Client as Client\nfrom .orders import *\n",
    "shop/base.py": '''"""Bases."""


class Base:
    """A base."""

    retries: int = 3

    async def __aenter__(self) -> Self:
        return self

    def session(self) -> "Session":
        ...


class Session:
    """A session.

    name: not a field, but a line of the docstring
    """

    owner: "Owner | None"

    def send(self, text: str) -> bytes: ...


class Owner:
    full_name: str
''',
    "shop/orders.py": """from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from shop.base import Owner, Session


class Order:
    owner: Owner
    lines: list[Line]
    by_name: dict[str, Line]

    @property
    def first(self) -> Line:
        return self.lines[0]

    @classmethod
    def load(cls, path: str) -> Self:
        return cls()


class Line:
    price: int


@contextmanager
def opened(path: str) -> Iterator[Order]:
    yield Order()


def find(number: int) -> Order | None: ...


async def fetch(
    number: int,
    *,
    timeout: float = 1.0,
) -> tuple[Order, Line]: ...


CURRENT = Session()
Alias = Order | Line
""",
    "shop/client.py": """from typing import TYPE_CHECKING

from shop.base import Base

if TYPE_CHECKING:
    from shop.orders import Order


class Client(Base):
    def __init__(self, order: "Order", session=None):
        self.order = order
        self._session = session or self.session()
        self.cache: dict[str, Order] = {}
""",
}


def classes(index: Index, before: str, *, path: str = "shop/new.py") -> list[str]:
    files = Files(
        index,
        SourceLines(index.root),
        path=path,
        language="python",
        text=before,
        imports=imports_of(path, before),
    )
    receiver = PythonTypes(files, before).receiver(before)
    if receiver is None:
        return []
    return [receiver.module] if receiver.module else [s.qualified for s in receiver.classes]


@pytest.mark.parametrize(
    ("before", "found"),
    [
        ("from shop import Client\n\ndef f(c: Client):\n    c.", ["Client", "Base"]),
        ("from shop import Client\n\ndef f(c: 'Client | None' = None):\n    c.",
         ["Client", "Base"]),
        ("from shop import Client\n\ndef f(c: Client):\n    c.order.", ["Order"]),
        ("from shop import Client\n\ndef f(c: Client):\n    c.order.lines[0].", ["Line"]),
        ("from shop import Client\n\ndef f(c: Client):\n    c.order.first.", ["Line"]),
        ("from shop import Client\n\ndef f(c: Client):\n    c.cache['a'].owner.", ["Owner"]),
        ("from shop import Client\n\ndef f(c: Client):\n    c._session.owner.", ["Owner"]),
        ("from shop import Client\n\ndef f(c: Client):\n    c.session().send(1).", []),
        ("from shop import find\n\ndef f():\n    order = find(1)\n    order.", ["Order"]),
        ("from shop import fetch\n\nasync def f():\n    (await fetch(\n        1,\n    ))[1].",
         ["Line"]),
        ("from shop import Order\n\norder = Order.load('a')\norder.", ["Order"]),
        ("from shop import Order\n\ndef f(orders: list[Order]):\n    for o in orders:\n        o.",
         ["Order"]),
        ("from shop import Order\n\ndef f(order: Order):\n"
         "    for line in order.by_name.values():\n        line.", ["Line"]),
        ("from shop import opened\n\ndef f():\n    with opened('a') as order:\n        order.",
         ["Order"]),
        ("from shop import Client\n\nasync def f(o):\n"
         "    async with Client(o) as client:\n        client.", ["Client", "Base"]),
        ("from shop.orders import CURRENT\n\nCURRENT.", ["Session"]),
        ("from shop.orders import Alias\n\ndef f(x: Alias):\n    x.", ["Order", "Line"]),
        ("from shop import Order, Client\n\ndef f(x: Order | Client):\n"
         "    if isinstance(x, Client):\n        x.", ["Client", "Order", "Base"]),
        ("from shop.base import Base\n\nclass Mine(Base):\n    def f(self):\n        self.",
         ["Mine", "Base"]),
        ("from shop.base import Base\n\nclass Mine(Base):\n    def f(self):\n"
         "        super().", ["Base"]),
        ("from shop.base import Session\n\nclass Mine:\n    def __init__(self, s: Session):\n"
         "        self.s = s\n\n    def f(self):\n        self.s.", ["Session"]),
        ("def f():\n    from shop.base import Session\n\n    s = Session()\n    s.", ["Session"]),
        ("import shop.orders as o\n\no.", ["shop/orders.py"]),
        ("from . import orders\n\norders.", ["shop/orders.py"]),
        ("import os\n\nos.path.", []),
        ("def f(x):\n    x.", []),
        ("x = 1.", []),
    ],
)  # fmt: skip
def test_what_stands_before_the_dot(index, before, found):
    assert classes(index, before) == found


def test_a_class_below_in_the_document_is_known_as_it_stands_there(index):
    before = "class A:\n    b: B\n\n    def f(self):\n        self.b."
    files = Files(
        index,
        SourceLines(index.root),
        path="shop/new.py",
        language="python",
        text=before + "\n\n\nclass B:\n    count = 1\n",
        imports=(),
    )
    types = PythonTypes(files, before)
    receiver = types.receiver(before)
    assert receiver is not None
    assert [s.qualified for s in receiver.classes] == ["B"]
    assert list(types.read(receiver.classes[0]).members) == ["count"]


def test_an_assignment_to_itself_ends(index):
    assert classes(index, "def f():\n    x = x\n    x.") == []


def test_classes_derived_from_each_other_end(index):
    assert classes(index, "class A(B): ...\n\n\nclass B(A): ...\n\n\nA().") == ["A", "B"]
