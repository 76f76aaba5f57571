from __future__ import annotations

import pytest

from bench.typing.code_lines import level_of, lines_of_code

GO = """package p

// f does it.
func f(a int) int {
	// why
	if a > 0 { /* so */
		return a
	}
	b := `long
	string`
	return b
}

var x = 1
"""
JAVASCRIPT = """const f = (a) => {
  const b = a
  /* one
   * two */
  return `x
  y`
}
const g = 1
"""
RUST = """fn f(a: u8) -> u8 {
    let b = a; // why
    b
}
"""
PYTHON = '''def f(a):
    """Say so."""
    # why
    b = """
    long"""
    return a
'''


@pytest.mark.parametrize(
    ("language", "text", "lines"),
    [
        ("go", GO, {5, 6, 7, 10}),
        ("javascript", JAVASCRIPT, {1}),
        ("rust", RUST, {1, 2}),
        ("python", PYTHON, {5}),
        ("markdown", "a\n", set()),
    ],
)
def test_only_lines_of_code_within_functions_are_retyped(language, text, lines):
    assert lines_of_code(text, language) == lines


@pytest.mark.parametrize(("text", "level"), [(GO, "\t"), (JAVASCRIPT, "  "), (RUST, "    ")])
def test_a_step_of_indentation_is_the_file_s(text, level):
    assert level_of(text) == level


def test_a_file_without_steps_has_the_usual_one():
    assert level_of("a\nb\n") == "    "
