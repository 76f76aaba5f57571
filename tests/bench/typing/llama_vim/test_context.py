"""The text around the cursor, as llama.vim cuts it."""

from __future__ import annotations

from bench.typing.llama_vim.context import local_context


def test_the_context_is_cut_by_lines_and_the_typed_line_is_the_prompt():
    lines = [f"line {n}" for n in range(1000)]
    local = local_context(lines, 4, 500)
    assert local.prefix.split("\n")[0] == "line 244"
    assert local.prefix.endswith("line 499\n")
    assert (local.middle, local.suffix.split("\n")[0]) == ("line", " 500")
    assert local.suffix.endswith("line 564\n")


def test_a_line_of_blanks_is_written_from_its_beginning():
    local = local_context(["def f():", "    ", "x"], 4, 1)
    assert (local.middle, local.suffix, local.indent) == ("", "\nx\n", 0)


def test_the_speculative_context_is_that_behind_the_suggestion():
    local = local_context(["a", "b = ", "z"], 4, 1, ["1", "c = 2", "d"])
    assert local.prefix == "a\nb = 1\nc = 2\n"
    assert (local.middle, local.suffix) == ("d", "\nz\n")
    assert local_context(["a", "b = ", "z"], 4, 1, ["1"]).middle == "b = 1"
