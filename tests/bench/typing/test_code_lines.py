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
    return "a"
'''
JAVA = """class A {
    int a = 1;
    A() {
        this.a = 2;
    }
    int f() {
        return 3;
    }
}
"""
CPP = """template <class T>
T f(T a) {
    return a;
}
"""
BLANKS = "def f():\n    a = 1\n\n    b = 2  \n    \n    return a\n"


@pytest.mark.parametrize(
    ("language", "text", "lines"),
    [
        ("go", GO, {5, 6, 7, 10}),
        ("javascript", JAVASCRIPT, {1}),
        ("rust", RUST, {1, 2}),
        ("python", PYTHON, {5}),
        ("python", "f = lambda a: (\n    a\n)\n", {0, 1, 2}),
        ("python", BLANKS, {1, 5}),  # neither blank lines nor such as end with blanks
        ("java", JAVA, {3, 6}),
        ("rust", "static F: fn(u8) -> u8 = |a| {\n    a + 1\n};\n", {1}),
        ("cpp", CPP, {2}),
        ("markdown", "a\n", set()),
    ],
)
def test_only_lines_of_code_within_functions_are_retyped(language, text, lines):
    assert lines_of_code(text, language) == lines


@pytest.mark.parametrize(("text", "level"), [(GO, "\t"), (JAVASCRIPT, "  "), (RUST, "    ")])
def test_a_step_of_indentation_is_the_file_s(text, level):
    assert level_of(text) == level


@pytest.mark.parametrize(
    "text",
    [
        "a\n  b\n    c\n       d\n    e\n       f\n    g\n       h\n    i\n",  # lines go back
        "a\n  b\n    c\n\n    d\n\n    e\n\n    f\n",  # blank lines are none
    ],
)
def test_what_is_no_step_further_in_is_not_counted(text):
    assert level_of(text) == "  "


def test_a_file_without_steps_has_the_usual_one():
    assert level_of("a\nb\n") == "    "
