"""What the general adapter learns from, and what stays held out."""

from __future__ import annotations

import random

import pytest

from homespun.server.prompt.render import Snippet
from homespun.training.dataset.examples import Example
from homespun.training.shipped.general_adapter.examples import Mix, package_examples, snippets_for
from homespun.training.shipped.general_adapter.job import parted
from homespun.training.shipped.packages import Package
from homespun.training.shipped.sources import LicensedPackage

SOURCE = LicensedPackage(Package("pypi", "small", "1", "0" * 64), "MIT")
SHORT = """def total(prices, rate):
    result = 0
    for price in prices:
        result += price * rate
    return result
"""


def long_function(name):
    body = "\n".join(f"    step_{n} = rows[{n}] + {n}" for n in range(40))
    return f"def {name}(rows):\n{body}\n    return step_39\n"


@pytest.fixture
def package(tmp_path):
    for number in range(4):
        text = "\n\n".join(["LIMITS = [1, 2, 3]", long_function(f"longest_{number}"), SHORT])
        (tmp_path / f"part_{number}.py").write_text(text)
    return tmp_path


def drawn(folder, mix):
    rng = random.Random(1)
    return list(package_examples(SOURCE, folder, mix, rng, frozenset(), (), seed=0))


def test_what_is_drawn_is_a_hole_of_the_package_and_nothing_held_out(package):
    mix = Mix(per_package=5, with_context=0.0, without_path=0.0)
    found = drawn(package, mix)
    assert len(found) == 5
    for example in found:
        text = (package / example.path).read_text()
        assert text.startswith(example.prefix + example.middle)
        assert example.prefix + example.middle + example.suffix == text
    telling = {line.strip() for line in SHORT.splitlines()}
    rng = random.Random(1)
    assert not list(package_examples(SOURCE, package, mix, rng, frozenset(), telling, seed=0))


class Finds:
    """A retriever that finds the same for every cursor."""

    def __init__(self, *snippets):
        self.snippets = snippets

    def gather(self, cursor, **how):
        return self


def test_the_file_itself_is_no_context_where_it_shows_the_answer():
    wanted = Example("1", "r", "a.py", "python", "", "    result += price * rate", "", "line")
    answer = "for price in prices:\n    result += price * rate\n"
    telling = Snippet("a.py", 1, 2, answer, 1.0, "similar")
    harmless = Snippet("a.py", 7, 7, "LIMITS = [1, 2, 3]\n", 1.0, "similar")
    elsewhere = Snippet("b.py", 1, 2, answer, 1.0, "similar")
    found = snippets_for(Finds(telling, harmless, elsewhere), wanted)
    assert found == (harmless, elsewhere)


def test_context_is_retrieved_for_the_share_that_is_asked_for(package):
    mix = Mix(per_package=6, with_context=1.0, without_path=0.0)
    assert any(example.snippets for example in drawn(package, mix))
    assert not any(example.snippets for example in drawn(package, Mix(with_context=0.0)))


def test_whole_packages_are_held_out_and_stay_so_with_more_examples():
    rows = [
        Example(f"{n}-{m}", "", "", "python", "", "x", "", "line", source=f"pypi/p{n}")
        for n in range(40)
        for m in range(3)
    ]
    learned, held = parted(rows, 5)
    assert len({row.source for row in held}) == 3
    assert not {row.source for row in held} & {row.source for row in learned}
    assert {row.source for row in parted(rows, 5)[1]} == {row.source for row in held}
