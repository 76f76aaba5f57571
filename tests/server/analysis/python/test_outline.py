"""What a class has and a function takes, read from lines that need not parse."""

from __future__ import annotations

from homespun.server.analysis.python.outline import (
    logical_line,
    read_class,
    read_function,
    split_top,
)

CLASS = '''@dataclass
class Order(Base, Generic[T], metaclass=Meta):
    """An order.

    count: no field
    """

    name: str
    total: int = field(
        default=0,  # cents
    )
    KIND = "order"

    @property
    @cached
    def first(self) -> Line:
        return 1

    async def send(
        self,
        text: str = "a, b",
        *parts: bytes,
        how: dict[str, int] | None = None,
    ) -> None:
        self.sent: bool = True
        self.how = how
        if self.sent == self.how:
            return
        text = """
    not_a_field = 1
"""

    class Inner:
        deep = 1


after = 1
'''


def members() -> dict[str, str]:
    read = read_class(CLASS.split("\n"), 0)
    assert read is not None
    return {name: f"{m.kind} {m.type or '-'}" for name, m in read.members.items()}


def test_members_and_their_types():
    assert members() == {
        "name": "field str",
        "total": "field int",
        "KIND": "field -",
        "first": "property -",
        "send": "method -",
        "sent": "attribute bool",
        "how": "attribute dict[str, int] | None",
        "Inner": "class -",
    }


def test_bases_and_the_end_of_a_class():
    lines = CLASS.split("\n")
    read = read_class(lines, 0)
    assert read is not None
    assert read.bases == ("Base", "Generic[T]")
    assert lines[read.end_row] == "        deep = 1"


def test_a_head_over_several_lines():
    lines = CLASS.split("\n")
    row = next(n for n, line in enumerate(lines) if "async def" in line)
    function = read_function(lines, row)
    assert function is not None
    assert function.params == {
        "self": "",
        "text": "str",
        "parts": "bytes",
        "how": "dict[str, int] | None",
    }
    assert function.returns == "None"
    assert function.head == (
        'async def send(self, text: str = "a, b", *parts: bytes, '
        "how: dict[str, int] | None = None) -> None"
    )


def test_a_line_that_is_not_closed_yet_stays_short():
    lines = ["x = f(a,", "      b", *["more"] * 100]
    assert logical_line(lines, 0) == ("x = f(a, b more", 1)


def test_text_without_a_class_gives_none():
    assert read_class(["x = 1"], 0) is None
    assert read_class([], 0) is None


def test_commas_in_brackets_and_strings_do_not_split():
    assert split_top('a[1, 2], "b, c", d') == ["a[1, 2]", ' "b, c"', " d"]
