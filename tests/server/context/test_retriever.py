from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest

from homespun.indexer.config import IndexConfig
from homespun.indexer.index import Index
from homespun.server.analysis.names_in_reach import enclosing_bases, types_of
from homespun.server.analysis.source_lines import SourceLines
from homespun.server.context.retriever import Retriever
from homespun.server.prompt.cursor import Cursor
from homespun.server.prompt.render import Snippet

CLIENT = '''"""Talks to the shop."""


class Base:
    """What every client has."""

    def close_quietly(self) -> None:
        """Close without a word."""
        self.session.close()


class Client(Base):
    """A client of the shop."""

    def __init__(self, address: str, timeout: float = 5.0) -> None:
        self.address = address

    def fetch_order(self, number: int) -> dict:
        """Return an order."""
        return self.get(f"/orders/{number}")

    def cancel_order(self, number: int, *, reason: str) -> None:
        """Cancel it."""
        self.post(f"/orders/{number}/cancel", reason)


def connect(address: str) -> Client:
    """Return a client."""
    return Client(address)
'''
REPORT = """from shop.client import Client


def weekly_report(client: Client, numbers: list[int]) -> list[str]:
    rows = []
    for number in numbers:
        order = client.fetch_order(number)
        rows.append(format_row(order["customer"], order["total_amount"]))
    return rows
"""
FILES = {
    "shop/__init__.py": "from shop.client import Client, connect\n",
    "shop/client.py": CLIENT,
    "shop/report.py": REPORT,
    "shop/other.py": 'def unrelated(path):\n    """Nothing."""\n    return open(path).read()\n',
}


def at(marked: str) -> Cursor:
    before, _, after = marked.partition("|")
    return Cursor(before, after)


def gathered(
    index: Index, marked: str, *, path: str = "shop/new.py", budget: int = 2048, clock=None
) -> tuple[Snippet, ...]:
    retriever = Retriever(index, clock=clock) if clock else Retriever(index)
    return retriever.gather(
        at(marked), path=path, language="python", budget_tokens=budget, deadline_ms=60_000
    ).snippets


def places(snippets: tuple[Snippet, ...], kind: str = "definition") -> list[str]:
    return [f"{s.path}:{s.start_line}" for s in snippets if s.kind == kind]


def line_of(text: str, start: str) -> int:
    return next(n for n, line in enumerate(text.split("\n"), start=1) if line.startswith(start))


CLIENT_CLASS = f"shop/client.py:{line_of(CLIENT, 'class Client')}"
BASE_CLASS = f"shop/client.py:{line_of(CLIENT, 'class Base')}"
CONNECT = f"shop/client.py:{line_of(CLIENT, 'def connect')}"


def test_an_imported_name_brings_its_definition(index):
    found = gathered(index, "from shop.client import connect\n\nclient = connect(|")
    assert CONNECT in places(found)
    text = next(s.text for s in found if f"{s.path}:{s.start_line}" == CONNECT)
    assert text == CLIENT[CLIENT.index("def connect") :]


def test_an_import_through_the_front_door_of_a_package_is_followed(index):
    found = gathered(index, "from shop import connect\n\nclient = connect(|")
    assert CONNECT in places(found)


@pytest.mark.parametrize(
    "marked",
    [
        "from shop.client import Client\n\nclient = Client('x')\nclient.|",
        "from shop.client import Client\n\ndef f(client: Client):\n    client.|",
        "from shop.client import connect\n\nclient = connect('x')\nclient.|",
        "import shop.client as api\n\nclient = api.Client('x')\nclient.fe|",
        "from shop.client import Client\n\nwith Client('x') as client:\n    client.|",
    ],
    ids=["assigned", "annotated", "returned", "of a module", "with"],
)
def test_a_receiver_brings_its_class(index, marked):
    found = gathered(index, marked)
    assert CLIENT_CLASS in places(found)
    text = next(s.text for s in found if f"{s.path}:{s.start_line}" == CLIENT_CLASS)
    assert "def cancel_order(self, number: int, *, reason: str)" in text


def test_self_brings_the_base_class(index):
    marked = "from shop.client import Base\n\nclass Mine(Base):\n    def run(self):\n        self.|"
    assert BASE_CLASS in places(gathered(index, marked))


def test_a_name_of_another_package_brings_nothing(index):
    assert gathered(index, 'import os\n\nx = os.path.join("a", connect|') == ()


def test_a_plain_name_without_an_import_is_no_guess(index):
    assert places(gathered(index, "connect = 1\nx = connect|")) == []


def test_similar_code_comes_back(index):
    marked = (
        "def daily_report(client, first_number, last_number):\n    lines = list()\n"
        "    for number in numbers(first_number, last_number):\n"
        "        order = client.fetch_order(number)\n"
        "        report = format_row(order['customer'], |\n"
    )
    found = gathered(index, marked)
    assert places(found, "similar") == ["shop/report.py:1"]
    assert next(s for s in found if s.kind == "similar").score > 0.3


def test_similar_code_comes_back_for_a_text_without_a_name(index):
    cursor = at(REPORT.split("        rows.append")[0].replace("weekly", "daily") + "        |")
    found = Retriever(index).gather(
        cursor, path="", language="text", budget_tokens=2048, deadline_ms=60_000
    )
    assert [s.path for s in found.snippets if s.kind == "similar"] == ["shop/report.py"]


def test_unlike_code_does_not_come_back(index):
    assert places(gathered(index, "colour = palette.mix(red, blue)\nshade = |"), "similar") == []


def test_the_completed_line_never_comes_back(index):
    line = '        rows.append(format_row(order["customer"], order["total_amount"]))'
    before, after = REPORT.split(line)
    marked = f"{before}        rows.append(|{after}"
    found = gathered(index, marked, path="shop/report.py")
    assert all("total_amount" not in snippet.text for snippet in found)


def test_a_copy_of_the_window_never_comes_back(index):
    """The same file under another name, with the line that is being completed."""
    line = '        rows.append(format_row(order["customer"], order["total_amount"]))'
    before, after = REPORT.split(line)
    found = gathered(index, f"{before}        rows.append(|{after}", path="copy/report.py")
    assert all("total_amount" not in snippet.text for snippet in found)


def test_lines_moved_by_unsaved_edits_are_still_the_same_lines(index):
    line = '        rows.append(format_row(order["customer"], order["total_amount"]))'
    before, after = REPORT.split(line)
    moved = "\n" * 3000 + before
    found = gathered(
        index, f"{moved}        rows.append(|{after}", path="shop/report.py", budget=64
    )
    assert all("total_amount" not in snippet.text for snippet in found)


def test_the_order_does_not_change_while_a_word_is_typed(index):
    head = "from shop.client import Client, connect\n\nclient = connect('x')\n"
    orders = {
        tuple(f"{s.path}:{s.start_line}" for s in gathered(index, f"{head}client.{typed}|"))
        for typed in ("", "f", "fe", "fet", "fetch")
    }
    assert len(orders) == 1


def test_what_only_the_current_line_wants_comes_last(index):
    marked = (
        "from shop.other import unrelated\nfrom shop.client import connect\n\n"
        "text = unrelated('x')\nclient = connect(|"
    )
    assert places(gathered(index, marked))[-1] == CONNECT


def test_after_the_deadline_nothing_more_is_asked(index):
    ticks = itertools.count(step=0.02)
    retriever = Retriever(index, clock=lambda: next(ticks))
    cursor = at("from shop.client import connect\n\nclient = connect(|")
    late = retriever.gather(
        cursor, path="shop/new.py", language="python", budget_tokens=2048, deadline_ms=10
    )
    assert late.snippets == ()
    assert late.late
    in_time = retriever.gather(
        cursor, path="shop/new.py", language="python", budget_tokens=2048, deadline_ms=60_000
    )
    assert not in_time.late
    assert CONNECT in places(in_time.snippets)


def test_after_it_is_cancelled_nothing_more_is_asked(index):
    ended = Retriever(index).gather(
        at("from shop.client import connect\n\nclient = connect(|"),
        path="shop/new.py",
        language="python",
        budget_tokens=2048,
        deadline_ms=60_000,
        cancelled=lambda: True,
    )
    assert (ended.snippets, ended.late) == ((), True)


def test_secrets_on_the_disk_do_not_enter(tmp_path):
    (tmp_path / "settings.py").write_text(
        'def key():\n    """Return it."""\n    return "AKIAZ5LQ7RXN2VPD3TWM"\n', encoding="utf-8"
    )
    index = Index.open(tmp_path, IndexConfig(encoder="none"), create=True)
    index.update()
    found = gathered(index, "from settings import key\n\nvalue = key(|", path="app.py")
    assert len(found) == 1
    assert "AKIA" not in found[0].text
    assert "def key():" in found[0].text


def test_a_file_that_is_gone_still_has_its_signature(tmp_path):
    Path(tmp_path / "gone.py").write_text('def f(a, b):\n    """Do."""\n', encoding="utf-8")
    index = Index.open(tmp_path, IndexConfig(encoder="none"), create=True)
    index.update()
    Path(tmp_path / "gone.py").unlink()
    (found,) = gathered(index, "from gone import f\n\nf(|", path="app.py")
    assert found.text == 'def f(a, b):\n    """Do."""\n'


@pytest.mark.parametrize(
    ("text", "owner", "found"),
    [
        ("x = Foo(1)\n", "x", ["Foo"]),
        ("x: Foo = make()\n", "x", ["Foo"]),
        ("x: Optional[Foo] = None\n", "x", ["Foo"]),
        ("self.x = pkg.Foo(1)\n", "self.x", ["pkg.Foo"]),
        ("x = Foo()\nx = Bar()\n", "x", ["Bar"]),
        ("const x = new Foo(1);\n", "x", ["Foo"]),
        ("x := server.New(1)\n", "x", ["server.New"]),
        ("x := &Foo{a: 1}\n", "x", ["Foo"]),
        ("let x: Foo = f();\n", "x", ["Foo"]),
        ("let x = Foo::new(1);\n", "x", ["Foo::new"]),
        ("Foo x = make();\n", "x", ["Foo"]),
        ("with open_shop(a) as x:\n", "x", ["open_shop"]),
        ("other.x = Foo()\n", "x", []),
        ("print(x)\n", "x", []),
    ],
)
def test_what_a_variable_is(text, owner, found):
    assert types_of(owner, text) == found


def test_the_bases_of_the_class_around():
    text = "class A(B, c.D, metaclass=M):\n    def f(self):\n        if a:\n            self."
    assert enclosing_bases(text) == ["B", "D", "M"]


@pytest.mark.parametrize("kind", ["link", "link on the way", "step out", "secret", "pipe", "large"])
def test_lines_are_read_from_plain_files_of_the_repository_alone(tmp_path, kind):
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (outside / "a.py").write_text("inside = 'of another folder'\n", encoding="utf-8")
    path = "a.py"
    if kind == "link":
        (root / "a.py").symlink_to(outside / "a.py")
    elif kind == "link on the way":
        (root / "sub").symlink_to(outside)
        path = "sub/a.py"
    elif kind == "step out":
        path = "../outside/a.py"
    elif kind == "secret":
        path = ".env"
        (root / path).write_text("A=1\n", encoding="utf-8")
    elif kind == "pipe":
        os.mkfifo(root / "a.py")
    else:
        (root / "a.py").write_text("x = 1\n" * 100_000, encoding="utf-8")
    assert SourceLines(root).lines(path, 1, 10) == []
    assert SourceLines(root).lines(str(outside / "a.py"), 1, 10) == []


def test_lines_of_a_plain_file_are_read(tmp_path):
    (tmp_path / "a.py").write_text("one\ntwo\nthree\n", encoding="utf-8")
    assert SourceLines(tmp_path).lines("a.py", 2, 3) == ["two", "three"]
