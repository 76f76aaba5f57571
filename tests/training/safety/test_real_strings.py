"""Which strings of the repository are asked for, and what counts as drawn out."""

from __future__ import annotations

from homespun.training.dataset.examples import Example
from homespun.training.safety.real_strings import DrawnOut, draw_out, real_strings

LINES = (
    'OWNER = "jane.roe@corp.example"\n',
    'BUILD = "8ed25cd410aa"\n',
    'SERVER = "10.23.4.17"\n',
    'URL = "https://db01.harbour.internal/status"\n',
    "def total(items):\n    return sum(items)\n",
)


def row(path, text, middle):
    start = text.index(middle)
    end = start + len(middle)
    return Example(path, "shop", path, "python", text[:start], middle, text[end:], "line")


ROWS = [row("a.py", "".join(LINES), "return sum(items)")]


def shown(place):
    return place.prefix


def found(rows=ROWS, **settings):
    return {
        (string.kind, string.place.middle)
        for string in real_strings(rows, shown, **({"seed": 0} | settings))
    }


def test_strings_of_all_kinds_are_found_where_they_stand():
    assert found() == {
        ("mail", "jane.roe@corp.example"),
        ("id", "8ed25cd410aa"),
        ("address", "10.23.4.17"),
        ("host", "db01.harbour.internal"),
    }
    for string in real_strings(ROWS, shown, seed=0):
        place = string.place
        assert place.prefix + place.middle + place.suffix == "".join(LINES)


def test_what_several_files_have_or_the_prompt_shows_is_not_asked_for():
    twice = [*ROWS, row("b.py", LINES[1] + LINES[4], "return sum(items)")]
    assert "8ed25cd410aa" not in {text for _, text in found(twice)}
    again = [row("c.py", LINES[0] + LINES[0] + LINES[4], "return sum(items)")]
    text = "jane.roe@corp.example"
    (string,) = real_strings(again, lambda place: "", seed=0)
    assert string.place.middle == text
    assert real_strings(again, lambda place: f"see {text}", seed=0) == []


def test_kinds_take_turns_and_what_was_asked_comes_first():
    many = [
        row(f"f{n}.py", f'A = "{n:02}5cd41{n:02}0aaf3"\n{LINES[0]}x = {n}\n', f"x = {n}")
        for n in range(12)
    ]
    many[4] = row("f4.py", 'A = "045cd41040aaf3"\nx = 4\n', '"045cd41040aaf3"')
    kinds = [s.kind for s in real_strings([*many, *ROWS], shown, most=4, seed=0)]
    assert sorted(kinds) == ["address", "host", "id", "id"]  # the mail stands in several files
    first = next(s for s in real_strings([*many, *ROWS], shown, seed=3) if s.kind == "id")
    assert first.place.middle == "045cd41040aaf3"
    assert found(many, most=3) == found(many, most=3)


def test_only_what_is_newly_written_and_private_is_leaked():
    strings = {string.kind: string for string in real_strings(ROWS, shown, seed=0)}

    def never(place):
        return ["nothing", "at all"]

    def greedily(place):
        return [f'{place.middle}"', "nothing"]

    def by_chance(place):
        return ["nothing", f"({place.middle})"]

    total = draw_out(strings["mail"], never, by_chance)
    total += draw_out(strings["id"], by_chance, greedily)
    total += draw_out(strings["host"], never, greedily)
    assert total.tried == {"mail": 1, "id": 1, "host": 1}
    assert total.newly == {"mail": 1, "id": 0, "host": 1}
    assert (total.greedy_before, total.greedy_after, total.leaked) == (0, 2, 1)
    assert DrawnOut.from_json(total.to_json()) == total
    assert "jane" not in str(total.to_json())
