from __future__ import annotations

import pytest

from homespun.server.analysis.enclosing import calls_without_end, written_functions
from homespun.server.prompt.cursor import Cursor

# The cursor is `¦`; each stands in the body of a function `peek`.
INSIDE = [
    (
        "python",
        "class A:\n    def peek(self, position):\n        return ¦\n\n    def b(self): pass\n",
    ),
    ("python", "def peek(\n    a,\n    b=f(),\n):\n    if a:\n        return ¦\n"),
    ("go", "func (p *Parser) peek(position int) byte {\n\treturn ¦\n}\n"),
    ("go", "func peek(position int) byte {\n\tif x {\n\t\treturn ¦\n\t}\n}\n"),
    ("typescript", "  peek(\n    position: number,\n  ): string {\n    ¦\n  }\n"),
    ("typescript", "  private peek(position: number): string {\n    return ¦\n  }\n"),
    ("typescript", "export const peek = (position: number) => {\n  return ¦\n}\n"),
    (
        "typescript",
        "export async function peek<T>(\n  position: number,\n): Promise<T> {\n  return ¦\n}\n",
    ),
    ("javascript", "const o = {\n  peek: function (position) {\n    return ¦\n  },\n}\n"),
    ("javascript", "const o = {\n  peek: function peek (position) {\n    return ¦\n  },\n}\n"),
    ("javascript", "exports.peek = function (position) {\n  return ¦\n}\n"),
    ("javascript", "Lexer.prototype.peek = function peek (position) {\n  return ¦\n}\n"),
    ("rust", "    pub fn peek<'a>(&self, position: usize) -> Option<u8> {\n        ¦\n    }\n"),
    ("rust", "pub(crate) async fn peek(\n    a: u8,\n) -> u8\nwhere\n    T: X,\n{\n    ¦\n}\n"),
    (
        "java",
        "  public static <T> String peek(int position) throws IOException {\n    return ¦\n  }\n",
    ),
    ("java", "  @Override\n  public String peek(int position)\n  {\n    return ¦\n  }\n"),
    ("c", "static int\npeek (struct lexer *l, int position)\n{\n  return ¦\n}\n"),
    ("c", "int *peek(int a,\n\t\tint b)\n{\n\treturn ¦\n}\n"),
    ("cpp", "char Lexer::peek(int position) const {\n  return ¦\n}\n"),
    ("cpp", "template <class T> std::vector<int> peek(T a) noexcept {\n  return ¦\n}\n"),
    ("csharp", "    public async Task<int> Peek(int position)\n    {\n        return ¦\n    }\n"),
    ("csharp", "    int Peek(int a) =>\n        ¦\n"),
    ("php", "    public function peek(int $position): string\n    {\n        return ¦\n    }\n"),
    ("ruby", "  def peek(position)\n    ¦\n  end\n"),
    ("ruby", "  def self.peek(position)\n    ¦\n  end\n"),
    ("ruby", "  def peek?\n    ¦\n  end\n"),
    ("kotlin", "    override fun peek(position: Int): Char {\n        return ¦\n    }\n"),
    ("kotlin", "    fun Lexer.peek(position: Int): Char =\n        ¦\n"),
    ("swift", "    func peek(_ position: Int) -> Character? {\n        return ¦\n    }\n"),
    ("scala", "  def peek(position: Int): Char = {\n    ¦\n  }\n"),
    ("scala", "  def peek: Char =\n    ¦\n"),
    ("lua", "local function peek(position)\n  return ¦\nend\n"),
    ("lua", "function M.peek(position)\n  return ¦\nend\n"),
    ("lua", "function M:peek(position)\n  return ¦\nend\n"),
    ("lua", "M.peek = function(position)\n  return ¦\nend\n"),
    ("haskell", "peek :: Int -> Char\npeek position =\n  ¦\n"),
    ("elixir", "  def peek(position) do\n    ¦\n  end\n"),
    ("elixir", "  defp peek(position) when is_integer(position) do\n    ¦\n  end\n"),
    ("bash", "peek() {\n  ¦\n}\n"),
    ("bash", "function peek {\n  ¦\n}\n"),
    ("zig", "pub fn peek(self: *Self, position: usize) u8 {\n    return ¦\n}\n"),
    ("tsx", "const Peek: FC<Props> = ({ a }) => {\n  return ¦\n}\n"),
]
# Here something else is called so, with a block behind it, or the function has ended.
BESIDE = [
    ("python", "def f():\n    if peek(x):\n        ¦\n"),
    ("python", "def f():\n    with peek(x) as y:\n        ¦\n"),
    ("python", "def f():\n    x = peek(\n        ¦\n"),
    ("python", "def f():\n    peek(lambda: {\n        ¦\n"),
    ("javascript", "function f() {\n  if (peek(x)) {\n    ¦\n"),
    ("javascript", "function f() {\n  peek(x, () => {\n    ¦\n"),
    ("javascript", "function f() {\n  const a = peek(x, function () {\n    ¦\n"),
    ("javascript", "function f() {\n  return peek({\n    ¦"),
    ("javascript", "function f() {\n  lexer.peek(x, (y) => {\n    ¦"),
    ("ruby", "def f\n  peek(x) do |y|\n    ¦\n"),
    ("ruby", "def f\n  peek.each do |y|\n    ¦\n"),
    ("go", "func f() {\n\tfor peek(x) {\n\t\t¦\n"),
    ("go", "func f() {\n\tx := peek(func() {\n\t\t¦\n"),
    ("go", "func f() {\n\tswitch peek(x) {\n\tcase 1:\n\t\t¦\n"),
    ("rust", "fn f() {\n    match peek(x) {\n        ¦\n"),
    ("rust", "fn f() {\n    peek(|x| {\n        ¦\n"),
    ("kotlin", "fun f() {\n    peek(x) {\n        ¦\n"),
    ("java", "void f() {\n    peek(x -> {\n        ¦\n"),
    ("java", "void f() {\n    while (peek(x) > 0) {\n        ¦\n"),
    ("c", "int f(void)\n{\n\tif (peek(x)) {\n\t\t¦\n"),
    ("c", "int f(void)\n{\n\tpeek(a,\n\t     ¦\n"),
    ("elixir", "def f do\n  peek(x)\n  |> map(fn y ->\n    ¦\n"),
    ("python", "def skip(peek):\n    return ¦\n"),
    ("haskell", "f x =\n  peek x\n    ¦\n"),
    ("python", "def peek(a):\n    return 1\n\n\n¦\n"),
    ("python", "def peek(a):\n    return 1\n\n\nx = ¦\n"),
]
NAMES = {"peek", "Peek", "peek?"}


def at(marked):
    before, _, after = marked.partition("¦")
    return Cursor(before, after)


@pytest.mark.parametrize(("language", "text"), INSIDE)
def test_a_function_is_found_from_within_its_body(language, text):
    (found,) = written_functions(at(text), NAMES, language=language)
    assert found.name in NAMES
    assert not found.calls_itself(language)


@pytest.mark.parametrize(("language", "text"), BESIDE)
def test_what_is_only_called_above_or_has_ended_is_not_being_written(language, text):
    assert written_functions(at(text), NAMES, language=language) == []


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("python", "def peek(a):\n    if a:\n        return peek(a - 1)\n    return ¦\n"),
        ("python", "def peek(self):\n    return ¦\n    self.peek()\n"),
        ("javascript", "function peek(a) {\n  return ¦\n  this.peek(a - 1)\n}\n"),
        ("go", "func peek(a int) int {\n\treturn ¦\n\tpeek(a - 1)\n}\n"),
        ("ruby", "def peek(a)\n  peek a - 1\n  ¦\nend\n"),
        ("haskell", "peek a =\n  peek a + ¦\n"),
        ("scala", "def peek(a: Int): Int = peek a +\n  ¦\n"),
        ("rust", "fn peek<T>(a: T) {\n    peek::<T>(a);\n    ¦\n}\n"),
    ],
)
def test_a_function_that_calls_itself_elsewhere_is_recursive(language, text):
    (found,) = written_functions(at(text), NAMES, language=language)
    assert found.calls_itself(language)


@pytest.mark.parametrize(
    "body",
    [
        "    # peek(a) again\n    return ¦\n",
        '    """See peek(a)."""\n    return ¦\n',
        "    return other.peek(a) + ¦\n",
        "    return super().peek(a) + ¦\n",
        "    return ¦\n\n\ndef other():\n    return peek(1)\n",
        "    return peek¦\n",
        "    return peek¦(a)\n",
        "    other = peek\n    return ¦\n",
    ],
)
def test_a_comment_another_s_method_and_the_word_at_the_cursor_are_no_recursion(body):
    (found,) = written_functions(at("def peek(a):\n" + body), NAMES, language="python")
    assert not found.calls_itself("python")


def test_of_nested_functions_the_inner_one_comes_first_with_its_line():
    text = "x = 1\ndef skip(a):\n    b = 1\n    def peek(c):\n        return ¦\n    return b\n"
    found = written_functions(at(text), {"skip", "peek"}, language="python")
    assert [(f.name, f.line) for f in found] == [("peek", 4), ("skip", 2)]


def test_a_line_is_counted_from_the_first_one_of_a_long_file():
    text = "x = 1\n" * 3_100 + "def peek(a):\n    return ¦\n"
    (found,) = written_functions(at(text), {"peek"}, language="python")
    assert found.line == 3_101


@pytest.mark.parametrize(
    ("language", "head", "call"),
    [
        ("python", "def peek(place):\n    return ¦\n", "peek(place)"),
        ("python", "    def peek(self, place):\n        return ¦\n", "self.peek(place)"),
        ("python", "def peek(place: int, last: str = 'a'):\n    return ¦\n", "peek(place, last)"),
        ("python", "def peek(place, *, last=1):\n    return ¦\n", "peek(place, last=last)"),
        ("python", "def peek(*places):\n    return ¦\n", "peek(*places)"),
        ("python", "def peek(\n    place,\n    last=1,\n):\n    return ¦\n", "peek(place, last)"),
        (
            "php",
            "    public function peek($place)\n    {\n        return ¦\n",
            "$this->peek($place)",
        ),
    ],
)
def test_a_call_with_what_was_given_does_not_end(language, head, call):
    assert calls_without_end(at(head), call, language=language)


@pytest.mark.parametrize(
    ("head", "call"),
    [
        ("def peek(place):\n    return ¦\n", "peek(place - 1)"),
        ("def peek(place):\n    return ¦\n", "other.peek(place)"),
        ("def peek():\n    return ¦\n", "peek()"),
        ("def peek(place):\n    if place:\n        peek(1)\n    return ¦\n", "peek(place)"),
        ("def peek(place):\n    return 1\n\n\nx = ¦\n", "peek(place)"),
    ],
)
def test_a_call_with_less_of_another_s_or_of_what_is_recursive_may_end(head, call):
    assert not calls_without_end(at(head), call, language="python")
