"""Forms of definitions beyond the plain ones of a language: kind and qualified name, exactly."""

from __future__ import annotations

import pytest

from homespun.indexer.config import IndexConfig
from homespun.indexer.syntax.doc_lines import of_comments
from homespun.indexer.syntax.parse import parse_file
from homespun.indexer.syntax.preprocess import blanked
from homespun.indexer.types import ParsedFile


def parse_text(path: str, source: str) -> ParsedFile:
    found = parse_file(path, source.encode(), IndexConfig())
    assert isinstance(found, ParsedFile)
    return found


@pytest.mark.parametrize(
    ("path", "source", "expected"),
    [
        pytest.param(
            "a.js",
            "function Pool() {}\nPool.prototype.take = function () {}\n"
            "app.use = function use(fn) {}\nexports.sign = (body) => body\n"
            "module.exports.check = function () {}\n",
            "function Pool, method Pool.take, function app.use, function sign, function check",
            id="members that are assigned",
        ),
        pytest.param(
            "a.js",
            "module.exports = { open: function () {}, close: () => 1, size }\n"
            "Pool.prototype = { take() {}, give: function () {} }\n"
            "export default { setup: () => {} }\n"
            "call({ success: function () {} })\n",
            "method open, method close, method take, method give, method setup",
            id="objects of functions",
        ),
        pytest.param(
            "a.ts",
            "const Pool = class { take() {} }\nenum Level { Low, High = 2 }\n",
            "class Pool, method Pool.take, enum Level, constant Level.Low, constant Level.High",
            id="class as a value, members of an enumeration",
        ),
        pytest.param(
            "a.cpp",
            "TEST_F(PoolTest, Closes) { int local = 1; }\nTEST(Pool, Takes) {}\n"
            "class LIB_API Pool : public Base {\n public:\n  virtual ~Pool();\n"
            "  int Take(int n) const LOCKS_EXCLUDED(mu_) { return n; }\n"
            "  int total GUARDED_BY(mu_);\n};\n",
            "test PoolTest.Closes, test Pool.Takes, class Pool, method Pool.~Pool, "
            "method Pool.Take",
            id="macros of tests, of classes and of locks",
        ),
        pytest.param(
            "a.c",
            "LIB_PUBLIC(char *) lib_print(int a);\nLIB_EXTERN int lib_open(void);\n"
            "#define LIB_EXTERN extern\nenum mode { READ, WRITE = 2 };\n",
            "function lib_print, function lib_open, constant LIB_EXTERN, enum mode, "
            "constant mode.READ, constant mode.WRITE",
            id="macros before declarations",
        ),
        pytest.param(
            "a.rb",
            "class A\n  attr_accessor :name, :size\n  alias_method :b, :a\n  alias c d\n"
            "  define_method(:dyn) { 1 }\n  scope :active, -> { 1 }\n"
            "  class << self\n    def build; end\n  end\n  private def hidden; end\nend\n",
            "class A, property A.name, property A.size, method A.b, method A.c, method A.dyn, "
            "method A.active, method A.build, method A.hidden",
            id="what methods define",
        ),
        pytest.param(
            "a.py",
            "class Color(Enum):\n    RED = 1\n    DARK_RED: int = 2\n    label = 'x'\n"
            "    def name(self):\n        LOCAL = 1\n",
            "class Color, constant Color.RED, constant Color.DARK_RED, method Color.name",
            id="constants of a class",
        ),
        pytest.param(
            "a.kt",
            "class A {\n  val size: Int\n    get() = 3\n  private var y = 2\n"
            "  constructor() : this(1)\n}\nval String.half: Int get() = 1\n"
            "fun interface Step { fun run() }\n",
            "class A, property A.size, property A.y, method A.constructor, "
            "property String.half, interface Step, method Step.run",
            id="properties, constructors, functional interfaces",
        ),
        pytest.param(
            "a.scala",
            "package object util { def f = 1 }\nenum Color { case Red; case Blue(x: Int) }\n"
            "class A { val y = 1; def m = { val local = 1; local } }\n",
            "object util, method util.f, enum Color, constant Color.Red, constant Color.Blue, "
            "class A, property A.y, method A.m",
            id="package objects, cases, values",
        ),
        pytest.param(
            "a.cs",
            "class C {\n  public static readonly int Max = 1;\n  private readonly int _x;\n"
            "  public event Handler Changed;\n  public int this[int i] => i;\n}\n",
            "class C, constant C.Max, property C.Changed, property C.this",
            id="static values, events, indexers",
        ),
        pytest.param(
            "a.php",
            "<?php\ndefine('MAX_SIZE', 5);\nclass A { protected static ?int $count = 0; }\n"
            "enum Suit { case Hearts; }\n",
            "constant MAX_SIZE, class A, property A.count, enum Suit, constant Suit.Hearts",
            id="defined constants, properties, cases",
        ),
    ],
)
def test_a_form_of_definition_is_found(path, source, expected):
    found = parse_text(path, source)
    assert ", ".join(f"{s.kind} {s.qualified}" for s in found.symbols) == expected


def test_a_declaration_keeps_the_documentation_above_the_macro_before_it():
    source = "/** Opens it. */\nLIB_EXPORT_SYMBOL\nint lib_open(const char *path);\n"
    (symbol,) = parse_text("a.h", source).symbols
    assert (symbol.start_line, symbol.end_line, symbol.doc) == (2, 3, "Opens it.")
    assert symbol.signature == "LIB_EXPORT_SYMBOL int lib_open(const char *path)"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (b"class LIB_API Pool {", b"class         Pool {"),
        (b"struct FOO bar = {1};", b"struct FOO bar = {1};"),
        (b"#define LIB_API class LIB_API X {\n", b"#define LIB_API class LIB_API X {\n"),
        (b'f("class LIB_API Pool {");', b'f("class LIB_API Pool {");'),
        (b"LIB_BEGIN_NAMESPACE\nint x;", b"                   \nint x;"),
        (b"LIB_EXPORT\nint x;", b"extern    \nint x;"),
        (b"enum e {\nLAST_ONE\n};", b"enum e {\nLAST_ONE\n};"),
        (b"LIB_FN void* open(int a)\n", b"       void* open(int a)\n"),
        (b"LIB_TYPE open(int a)\n", b"LIB_TYPE open(int a)\n"),
        (b"int f() const LIB_OVERRIDE;\n", b"int f() const             ;\n"),
        (b"int total GUARDED_BY(mu);\n", b"int total               ;\n"),
        (b"LIB_PUBLIC(char *) f(int);\n", b"           char *  f(int);\n"),
        (b"x = call(LIB_API, a);\n", b"x = call(LIB_API, a);\n"),
    ],
)
def test_macros_are_blanked_in_place(source, expected):
    assert blanked("cpp", source) == expected
    assert blanked("java", source) == source


@pytest.mark.parametrize(
    "source",
    [
        "interface Store<in out TState extends object,\n  out TKey> { get(key: TKey): TState }\n",
        'export type * from "./store"\nexport class Store {}\n',
        "const has = [key in Target, 1]\nclass Store {}\n",
    ],
)
def test_young_forms_of_typescript_are_no_syntax_errors(source):
    found = parse_text("a.ts", source)
    assert not found.partial
    assert "Store" in {symbol.name for symbol in found.symbols}


@pytest.mark.parametrize(
    ("comments", "expected"),
    [
        (["/**", " * @param x one", " * Opens it.", " */"], "Opens it."),
        (["# frozen_string_literal: true", "# A cart."], "A cart."),
        (["-- | A cart."], "A cart."),
        (["{-| A cart.\n-}"], "A cart."),
        (["--[[ A cart.\n]]"], "A cart."),
        (["--- A cart.", "-- @param x one"], "A cart."),
        (["/// <summary>", "/// A cart.", "/// </summary>"], "A cart."),
        (['@doc """\n  A cart.\n  """'], "A cart."),
        (['@doc "A cart."'], "A cart."),
        (["@doc false"], ""),
        (['@doc since: "1.0"'], ""),
        (["//! Of the file.", "// A cart."], "A cart."),
        (["/** @psalm-param int $x */"], ""),
    ],
)
def test_the_first_telling_line_of_comments_is_the_documentation(comments, expected):
    assert of_comments(comments) == expected
