"""Chunks: whole lines, each non-blank line once, of the right size, along the syntax."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homespun.indexer.config import IndexConfig
from homespun.indexer.syntax.chunks import Sizes
from homespun.indexer.syntax.parse import parse_file
from homespun.indexer.types import Chunk, ParsedFile


def chunks_of(path: str, source: str, *, target: int = 1500) -> tuple[Chunk, ...]:
    parsed = parse_file(path, source.encode(), IndexConfig(chunk_chars=target))
    assert isinstance(parsed, ParsedFile)
    return parsed.chunks


@given(st.lists(st.text(st.sampled_from("ab \t\f\v\x1c\x85\u00a0\u3000ß"), max_size=6), max_size=6))
def test_sizes_count_what_is_no_white_space(lines: list[str]) -> None:
    sizes = Sizes(lines)
    for first in range(len(lines)):
        for last in range(first, len(lines)):
            text = "".join(lines[first : last + 1])
            assert sizes.of(first, last) == sum(not c.isspace() for c in text)


def size(chunk: Chunk) -> int:
    return len("".join(chunk.text.split()))


def spans(chunks: tuple[Chunk, ...]) -> list[tuple[int, int, str, str]]:
    return [(c.start_line, c.end_line, c.kind, c.header) for c in chunks]


def function(name: str, *, lines: int, indent: str = "") -> str:
    body = "".join(f"{indent}    value_{n} = compute({n:04})\n" for n in range(lines))
    return f"{indent}def {name}(self):\n{body}"


def assert_covers(source: str, chunks: tuple[Chunk, ...]) -> None:
    lines = source.split("\n")
    covered = [n for c in chunks for n in range(c.start_line, c.end_line + 1)]
    assert covered == sorted(set(covered))
    assert {n for n, line in enumerate(lines, 1) if line.strip()} <= set(covered)
    for chunk in chunks:
        text = "\n".join(lines[chunk.start_line - 1 : chunk.end_line])
        assert chunk.text in (text, text + "\n")
        assert lines[chunk.start_line - 1].strip()
        assert lines[chunk.end_line - 1].strip()


def test_small_neighbours_share_a_chunk_and_a_large_function_has_its_own():
    source = function("small", lines=3) + "\n\n" + function("large", lines=88) + "\n\n"
    source += function("one", lines=2) + "\n\n" + function("two", lines=2)
    assert spans(chunks_of("a.py", source)) == [
        (1, 4, "function", "a.py > small"),
        (7, 95, "function", "a.py > large"),
        (98, 105, "module", "a.py"),
    ]


def test_a_class_that_is_too_large_is_cut_between_its_methods():
    source = 'class Box(Base):\n    """Holds things."""\n\n    limit = 3\n\n'
    source += "\n".join(function(f"method_{n}", lines=40, indent="    ") for n in range(3))
    assert spans(chunks_of("a.py", source)) == [
        (1, 46, "method", "a.py > Box > method_0"),
        (48, 88, "method", "a.py > Box > method_1"),
        (90, 130, "method", "a.py > Box > method_2"),
    ]


def test_a_function_that_is_too_large_is_cut_between_its_statements():
    chunks = chunks_of("a.py", function("huge", lines=200))
    assert [c.header for c in chunks] == ["a.py > huge"] * len(chunks)
    assert all(750 <= size(chunk) <= 2000 for chunk in chunks[:-1])


def test_decorators_and_comments_stay_with_what_they_precede():
    source = function("before", lines=45) + "\n\n"
    source += "# About the next one.\n# Two lines.\n@cached\n@named(\n    1,\n)\n"
    source += function("after", lines=45)
    chunks = chunks_of("a.py", source)
    assert [(c.start_line, c.text.split("\n")[0]) for c in chunks] == [
        (1, "def before(self):"),
        (49, "# About the next one."),
    ]


@pytest.mark.parametrize(
    ("path", "above"),
    [
        ("a.rs", "/// Doc.\n#[inline]\n#[must_use]\n"),
        ("a.ts", "/**\n * Doc.\n */\n"),
        ("a.go", "// Doc.\n// More.\n"),
    ],
)
def test_documentation_above_goes_along_in_other_languages(path, above):
    word = {"a.rs": "fn", "a.ts": "function", "a.go": "func"}[path]
    body = "".join(f"    call_something_{n:03}(argument_{n:03});\n" for n in range(45))
    start = "package a\n" if path == "a.go" else ""
    one = f"{word} one() {{\n{body}}}\n\n"
    two = f"{above}{word} two() {{\n{body}}}\n"
    chunks = chunks_of(path, start + one + two)
    assert len(chunks) == 2
    assert chunks[1].text == two
    assert chunks[1].symbol == "two"


def test_a_closing_brace_never_stands_alone():
    methods = "".join(
        f"  method{m}() {{\n"
        + "".join(f"    this.call{n:04}(first, second);\n" for n in range(50))
        + "  }\n"
        for m in range(4)
    )
    chunks = chunks_of("a.ts", f"class Big {{\n{methods}}}\n")
    assert all(size(chunk) > 100 for chunk in chunks)
    assert chunks[-1].text.endswith("  }\n}\n")
    assert chunks[0].text.startswith("class Big {\n")


def test_a_table_without_definitions_is_cut_by_lines():
    source = "TABLE = [\n" + "".join(f"    ({n:05}, 'name {n:05}'),\n" for n in range(500)) + "]\n"
    chunks = chunks_of("a.py", source)
    assert_covers(source, chunks)
    assert all(size(chunk) <= 2000 for chunk in chunks)
    assert all(size(chunk) >= 750 for chunk in chunks[:-1])
    assert {chunk.kind for chunk in chunks} == {"module"}


def test_a_text_is_cut_at_headings_and_blank_lines():
    section = "## Part\n\n" + ("A sentence about the matter. " * 3 + "\n") * 12 + "\n"
    chunks = chunks_of("a.md", "# Title\n\n" + section * 3)
    assert [chunk.text.split("\n")[0] for chunk in chunks] == ["# Title", "## Part", "## Part"]


def test_a_line_that_is_too_long_is_a_chunk_of_its_own():
    source = "a = 1\nb = '" + "x" * 4_000 + "'\nc = 2\n" + "d = 3\n" * 100
    chunks = chunks_of("a.py", source)
    assert_covers(source, chunks)


def test_a_file_without_a_last_line_end_keeps_its_text():
    assert chunks_of("a.py", "a = 1\nb = 2")[0].text == "a = 1\nb = 2"
    assert chunks_of("a.txt", "a\n\n\n")[0].text == "a\n"


def test_a_long_file_is_cut_in_time_and_without_a_gap():
    source = "\n\n".join(function(f"function_{n}", lines=7) for n in range(2_000))
    chunks = chunks_of("a.py", source)
    assert source.count("\n") > 19_000
    assert_covers(source, chunks)
    assert max(size(chunk) for chunk in chunks) <= 2000


LINES = st.sampled_from(
    [
        *("", "   ", "\t", "# comment", "    # inner", "@decorator", "x = 1", "    y = call(2)"),
        *("def f(a, b):", "class A(B):", "    def m(self):", "        return 1", "if x:", "else:"),
        *("function g() {", "}", "{", "(", ")", "/* open", "*/", "// c", '"""doc', "'", "😋 = 1"),
        *(
            "template <typename T>",
            "#define X(a) \\",
            "#ifdef X",
            "#endif",
            "<?php",
            "<<EOF",
            "end",
        ),
        *("long_name_" * 9, "    return " + "value + " * 12 + "1", "\f", "a\u2028b", "\x0bx"),
    ]
)


@settings(max_examples=300, deadline=None)
@given(
    lines=st.lists(LINES, min_size=1, max_size=120),
    path=st.sampled_from(
        [
            f"a.{suffix}"
            for suffix in "py js ts tsx go rs java c cpp cs rb php kt scala sh md".split()
        ]
    ),
    target=st.sampled_from([100, 300, 1500]),
    newline=st.sampled_from(["\n", "\r\n"]),
    last=st.booleans(),
)
def test_every_line_that_is_not_blank_lies_in_exactly_one_chunk(lines, path, target, newline, last):
    source = "\n".join(lines) + ("\n" if last else "")
    config = IndexConfig(chunk_chars=target)
    parsed = parse_file(path, source.replace("\n", newline).encode(), config)
    if not isinstance(parsed, ParsedFile):
        assert not source.strip()
        return
    assert_covers(source, parsed.chunks)
    longest = max(len("".join(line.split())) for line in lines)
    assert all(size(chunk) <= max(round(target * 4 / 3), longest) for chunk in parsed.chunks)
