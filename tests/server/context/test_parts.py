"""What each part brings into the context: likely names, callees, usages, far parts, edits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from homespun.indexer.index import Index
from homespun.indexer.types import Symbol
from homespun.server.context.candidates import enclosing_call
from homespun.server.context.limits import BY_NAME, BY_NEED
from homespun.server.context.next_name import context_of
from homespun.server.context.retriever import ALL_PARTS, Retriever
from homespun.server.context.snippet_text import is_short
from homespun.server.prompt.cursor import Cursor
from homespun.server.prompt.render import Snippet
from homespun.server.types import Edited

METHODS = "".join(
    f"  step{letter}(count: number): void {{\n    this.total += count * {n};\n  }}\n\n"
    for n, letter in enumerate("ABCDEFGHIJKLMNOPQRST")
)
FILES = {
    "shop/errors.py": '''class OrderMissing(Exception):
    """There is no such order."""
''',
    "shop/tax.py": '''def tax_rate(country: str) -> float:
    """Return the rate of a country."""
    return 0.19


def rounded(amount: float) -> int:
    """Round to cents."""
    return int(amount)
''',
    "shop/invoice.py": """from shop.tax import rounded, tax_rate


def invoice(country: str, net: float) -> int:
    share = tax_rate(country.upper())
    return rounded(net * share)
""",
    "web/cart.ts": f"export class Cart {{\n  total = 0;\n\n{METHODS}}}\n",
    "web/price.ts": "export function priceOf(name: string): number {\n  return 1;\n}\n",
}


def gathered(
    index: Index,
    marked: str,
    *,
    path: str = "shop/new.py",
    language: str = "python",
    budget: int = 2048,
    parts=ALL_PARTS,
    recent=(),
) -> tuple[Snippet, ...]:
    before, _, after = marked.partition("|")
    return (
        Retriever(index, parts=parts)
        .gather(
            Cursor(before, after),
            path=path,
            language=language,
            budget_tokens=budget,
            deadline_ms=60_000,
            recent=recent,
        )
        .snippets
    )


def best(snippets: tuple[Snippet, ...]) -> str:
    return max(snippets, key=lambda snippet: snippet.score).text


IMPORTS = "from shop.errors import OrderMissing\nfrom shop.tax import rounded, tax_rate\n\n"


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("    raise ", "class OrderMissing(Exception):"),
        ("    except ", "class OrderMissing(Exception):"),
        ("    rate = ", "def tax_rate(country: str) -> float:"),
        ("    cents = round", "def rounded(amount: float) -> int:"),
    ],
)
def test_the_name_that_fits_the_place_comes_first(index, line, wanted):
    found = gathered(index, f"{IMPORTS}def f(country, cents):\n{line}|")
    assert best(found).startswith(wanted)


def test_no_name_comes_that_does_not_begin_as_the_word_at_the_cursor(index):
    assert gathered(index, f"{IMPORTS}def f(country):\n    text = coun|") == ()


def test_a_call_brings_its_head_and_how_it_is_called_elsewhere(index):
    found = gathered(index, f"{IMPORTS}def f(country):\n    return tax_rate(|")
    kinds = {snippet.kind: snippet for snippet in found}
    assert kinds["definition"].text.startswith("def tax_rate(country: str) -> float:")
    assert kinds["usage"].text == "    share = tax_rate(country.upper())\n"
    assert (kinds["usage"].path, kinds["usage"].start_line) == ("shop/invoice.py", 5)


def test_a_part_that_is_switched_off_brings_nothing(index):
    marked = f"{IMPORTS}def f(country):\n    return tax_rate(|"
    kept = [part for part in ALL_PARTS if part != "usages"]
    assert "usage" not in {snippet.kind for snippet in gathered(index, marked, parts=kept)}


def test_the_names_of_a_module_come_behind_its_dot(index):
    found = gathered(index, "from shop import tax\n\n\ndef f():\n    rate = tax.|")
    assert best(found).startswith("def tax_rate(")


def test_the_head_of_the_own_class_comes_when_it_is_far(index):
    filler = "\n".join(f"        number = {n}" for n in range(400))
    marked = (
        "class Shop:\n    def __init__(self):\n        self.opening_hours = 8\n\n"
        f"    def far(self):\n{filler}\n\n    def near(self):\n        return self.|\n"
    )
    (far,) = [s for s in gathered(index, marked, budget=200) if s.kind == "far"]
    assert "    self.opening_hours = 8\n" in far.text
    assert "def near" not in far.text
    assert all(s.kind != "far" for s in gathered(index, marked, budget=20_000))


def test_an_edit_of_the_same_things_in_another_document_comes_back(index):
    edit = Edited("shop/vat.py", 7, 9, "def vat(net_amount, vat_country):\n    return net_amount\n")
    marked = "def gross(net_amount, vat_country):\n    added = net_amount * |"
    (found,) = gathered(index, marked, recent=[edit])
    assert (found.kind, found.path, found.start_line, found.end_line) == (
        "recent",
        "shop/vat.py",
        7,
        9,
    )


def test_an_edit_of_other_things_does_not(index):
    edit = Edited("shop/log.py", 1, 1, "logger.setLevel('DEBUG')\n")
    assert gathered(index, "def gross(net_amount):\n    added = net|", recent=[edit]) == ()


def test_of_a_big_class_the_members_that_fit_are_shown(index):
    marked = 'import { Cart } from "./cart";\n\nconst cart = new Cart();\nconst stepR = cart.|'
    found = gathered(index, marked, path="web/new.ts", language="typescript")
    assert "stepR(count: number): void" in best(found)
    assert best(found).count("step") == 12


def test_imported_names_come_before_they_are_typed_in_any_language(index):
    marked = 'import { priceOf } from "./price";\n\nfunction f(name: string) {\n  const price = |'
    found = gathered(index, marked, path="web/new.ts", language="typescript")
    assert "function priceOf(name: string): number" in best(found)


@pytest.mark.parametrize(
    ("left", "context"),
    [
        ("    raise ", "raise"),
        ("    except (A, ", "except"),
        ("    if isinstance(x, ", "isinstance"),
        ("def f(x: ", "type"),
        ("def f(x: list[", "type"),
        ("def f() -> ", "returned type"),
        ("    x = ", "assign"),
        ("    f(a=", "keyword"),
        ("    f(a, ", "argument"),
        ("    return await ", "return"),
        ("    ", "statement"),
        ("@", "decorator"),
        ("    if not ", "condition"),
        ("    a + ", "other"),
    ],
)
def test_the_place_of_a_name(left, context):
    assert context_of(left) == context


@pytest.mark.parametrize(
    ("before", "callee"),
    [
        ("f(", "f"),
        ("x = a.b(c, ", "a.b"),
        ("f(g(1), ", "f"),
        ("f([1, ", ""),
        ("def f(a, ", ""),
        ("class A(", ""),
        ("f(1)", ""),
        ("f(\n    a,\n    ", "f"),
    ],
)
def test_the_call_around(before, callee):
    assert enclosing_call(before) == callee


@pytest.mark.parametrize(
    ("road", "kind", "lines"),
    [
        (BY_NEED, "class", 16),
        (BY_NAME, "class", 30),
        (BY_NEED, "function", 12),
        (BY_NAME, "function", 12),
    ],
)
def test_a_definition_is_shown_whole_up_to_the_lines_of_its_road(road, kind, lines):
    longest = Symbol("Cart", "Cart", kind, "cart.ts", "typescript", 1, lines, "class Cart", "")
    assert is_short(longest, road)
    assert not is_short(replace(longest, end_line=lines + 1), road)
