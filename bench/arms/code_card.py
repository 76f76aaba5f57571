"""A style card in code: a made-up line in the house's form for each habit, instead of words.

No line is of any repository, so that nothing of one can be in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bench.arms.style_card import CARD_SCORE, MAX_LINES, TITLE, HouseHabit
from homespun.server.prompt.render import Snippet

_LINES: Mapping[str, Mapping[str, str]] = {
    "python/optional": {
        "bar": "limit: int | None = None",
        "optional": "limit: Optional[int] = None",
    },
    "python/union": {"bar": "key: int | str", "union": "key: Union[int, str]"},
    "python/generic-collections": {
        "builtin": "counts: dict[str, list[int]]",
        "typing": "counts: Dict[str, List[int]]",
    },
    "python/abstract-collections": {
        "collections.abc": "from collections.abc import Callable, Iterable, Mapping",
        "typing": "from typing import Callable, Iterable, Mapping",
    },
    "python/parameter-types": {
        "all": "def count(self, name: str, limit: int) -> int:",
        "none": "def count(self, name, limit):",
    },
    "python/return-types": {
        "annotated": "def close(self) -> None:",
        "missing": "def close(self):",
    },
    "python/test-return-types": {
        "annotated": "def test_it_closes() -> None:",
        "missing": "def test_it_closes():",
    },
    "python/test-structure": {
        "function": "def test_it_closes(",
        "class": "class TestCount:",
        "unittest": "class TestCount(unittest.TestCase):",
    },
    "python/own-imports": {"relative": "from .counts import Count"},
    "python/string-formatting": {
        "fstring": 'f"{name} has {count}"',
        "percent": '"%s has %s" % (name, count)',
        "format": '"{} has {}".format(name, count)',
    },
    "python/raise-empty": {"class": "raise CountError", "call": "raise CountError()"},
    "python/raise-from": {
        "from": "raise CountError(name) from error",
        "none": "raise CountError(name) from None",
    },
    "python/error-message-case": {
        "upper": 'raise ValueError("Count must be positive")',
        "lower": 'raise ValueError("count must be positive")',
    },
    "python/error-message-stop": {
        "stop": 'raise ValueError("The count must be positive.")',
        "no-stop": 'raise ValueError("The count must be positive")',
    },
    "python/message-place": {"variable": "msg = f'no {name}'; raise KeyError(msg)"},
    "python/docstring-start": {
        "same": '"""Count the names.',
        "next": '"""\nCount the names.',
    },
    "python/docstring-stop": {
        "stop": '"""Count the names."""',
        "no-stop": '"""Count the names"""',
    },
    "python/docstring-mood": {
        "imperative": '"""Return the count."""',
        "indicative": '"""Returns the count."""',
    },
    "python/comment-case": {"upper": "# Names are unique", "lower": "# names are unique"},
    "python/records": {"dataclass": "@dataclass", "attrs": "@attrs.define"},
    "python/dataclass-options": {
        "frozen-slots": "@dataclass(frozen=True, slots=True)",
        "frozen": "@dataclass(frozen=True)",
        "slots": "@dataclass(slots=True)",
    },
    "python/paths": {"pathlib": "path = Path(folder) / name", "os": "os.path.join(folder, name)"},
    "python/temporary-folders": {"tmp_path": "def test_it_writes(tmp_path", "tmpdir": "tmpdir"},
    "python/expected-errors": {"pytest": "with pytest.raises(CountError):"},
    "python/fixture-brackets": {"bare": "@pytest.fixture", "brackets": "@pytest.fixture()"},
    "python/logging-arguments": {
        "lazy": 'logger.info("%s has %s", name, count)',
        "fstring": 'logger.info(f"{name} has {count}")',
    },
    "python/boolean-parameters": {"keyword": "def count(names: list[str], *, strict: bool)"},
    "python/lists-from-loops": {"comprehension": "names = [one.name for one in counts]"},
    "python/emptiness": {"truth": "if not names:", "length": "if len(names) == 0:"},
}


def code_card(habits: Iterable[HouseHabit], forms: Mapping[str, str]) -> Snippet | None:
    """Return a card of habits, the most telling first; `forms` has the house's form of each rule.

    None where no form of them is one that a line can show.
    """
    shown = [_LINES[one.rule][form] for one in habits if (form := _shown(one.rule, forms))]
    lines = "\n".join(dict.fromkeys(shown)).split("\n")[: MAX_LINES - 1]
    if not shown:
        return None
    return Snippet(
        TITLE, 1, len(lines), "".join(f"{line}\n" for line in lines), CARD_SCORE, "style"
    )


def _shown(rule: str, forms: Mapping[str, str]) -> str:
    form = forms.get(rule, "")
    return form if form in _LINES.get(rule, {}) else ""
