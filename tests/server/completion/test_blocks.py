from __future__ import annotations

import pytest

from homespun.server.completion.blocks import Block, due
from homespun.server.prompt.cursor import Cursor


def at(marked: str) -> Cursor:
    before, _, after = marked.partition("|")
    return Cursor(before, after)


@pytest.mark.parametrize(
    ("language", "marked", "columns"),
    [
        pytest.param("python", "def f(x):|", 0, id="behind the colon"),
        pytest.param("python", "def f(x):\n    |\n\ny = 1\n", 0, id="empty body"),
        pytest.param("python", "def f(x):\n|\n", 0, id="not indented yet"),
        pytest.param("python", 'def f(x):\n    """Doc."""\n    |\n', 0, id="below a docstring"),
        pytest.param(
            "python",
            'def f(\n    x,\n) -> int:\n    """Doc.\n\n    More.\n    """\n    |\n\nx = g()\n',
            0,
            id="head and docstring of several lines",
        ),
        pytest.param("python", "def f():\n    # first\n    |\n", 0, id="below a comment"),
        pytest.param(
            "python",
            "class A:\n    def f(self):\n        |\n\n    def g(self):\n        pass\n",
            4,
            id="method between methods",
        ),
        pytest.param("python", "if a:\n    b()\nelse:\n    |\n", 0, id="else"),
        pytest.param("javascript", "function f() {\n  |\n}\n", 0, id="javascript"),
        pytest.param("typescript", "const f = (x: number) => {\n  |\n};\n", 0, id="arrow function"),
        pytest.param("go", "package a\n\nfunc f() int {\n\t|\n}\n", 0, id="go"),
        pytest.param("rust", "fn f() -> i32 {\n    |\n}\n", 0, id="rust"),
        pytest.param("java", "class A {\n    int f() {\n        |\n    }\n}\n", 4, id="java"),
        pytest.param("c", "int f(void) {\n    |\n}\n", 0, id="c"),
        pytest.param("ruby", "def f(x)\n  |\nend\n", 0, id="ruby"),
        pytest.param("bash", "f() {\n  |\n}\n", 0, id="bash"),
        pytest.param("unknown", "f() {\n  |\n}\n", 0, id="no grammar"),
    ],
)
def test_a_block_is_due(language, marked, columns):
    assert due(at(marked), language) == Block(columns)


@pytest.mark.parametrize(
    ("language", "marked"),
    [
        pytest.param("python", "def f(x):\n    |\n    return 1\n", id="the body has a statement"),
        pytest.param("python", "x = 1\n|\n", id="below a statement"),
        pytest.param("python", "x = {\n    'a': |\n}", id="a value"),
        pytest.param("python", "d = {1:|", id="a key"),
        pytest.param("python", "def f(x|):\n", id="inside the head"),
        pytest.param("python", "    def f(x):\n    |\n", id="the user has left the block"),
        pytest.param("python", "# note:\n|\n", id="a comment"),
        pytest.param("javascript", "const x = {\n  |\n}\n", id="an object"),
        pytest.param("javascript", "function f() {\n  |\n  return 1\n}\n", id="javascript body"),
        pytest.param("text", "Dear all:|", id="prose"),
        pytest.param("markdown", "Dear all:\n|", id="markdown"),
    ],
)
def test_a_single_line_is_due(language, marked):
    assert due(at(marked), language) is None
