"""Definitions, imports and calls of Swift, Elixir, Haskell, Lua and Zig, exactly."""

from __future__ import annotations

from pathlib import Path

import pytest

from homespun.indexer.config import IndexConfig
from homespun.indexer.imports.statements import resolve_import
from homespun.indexer.syntax.parse import parse_file
from homespun.indexer.types import ParsedFile

FOLDER = Path(__file__).parents[2] / "repos" / "languages"

EXPECTED = {
    "Session.swift": [
        "class Session 6-34",
        "property Session.shared 9-9",
        "property Session.tasks 10-10",
        "property Session.isEmpty 11-11",
        "method Session.init 14-16",
        "method Session.request 21-26",
        "function Session.request.inner 24-24",
        "method Session.subscript 28-28",
        "enum Session.State 30-32",
        "constant Session.State.open 31-31",
        "constant Session.State.closed 31-31",
        "type Session.Handler 33-33",
        "method Session.Task.hash 38-38",
        "interface Adapter 41-45",
        "type Adapter.Out 42-42",
        "property Adapter.name 43-43",
        "method Adapter.adapt 44-44",
        "class Store 47-47",
        "method Store.clear 47-47",
        "struct Point 48-48",
        "property Point.x 48-48",
        "constant timeout 49-49",
        "variable retries 50-50",
        "function top 51-51",
    ],
    "cart.ex": [
        "module Shop.Cart 1-45",
        "constant Shop.Cart.timeout 10-10",
        "type Shop.Cart.t 11-11",
        "function Shop.Cart.run 12-12",
        "function Shop.Cart.add 19-25",
        "function Shop.Cart.size 28-28",
        "function Shop.Cart.size 31-32",
        "function Shop.Cart.put 34-34",
        "macro Shop.Cart.is_ok 36-38",
        "function Shop.Cart.len 40-40",
        "module Shop.Cart.Error 42-44",
        "interface Size 47-50",
        "method Size.size 49-49",
        "method Size.size 53-53",
        "test adds one item Twice 56-58",
    ],
    "Cart.hs": [
        "type Cart 11-15",
        "constant Empty 14-14",
        "type Wrap 17-17",
        "type Name 18-18",
        "class Shape 22-25",
        "method Shape.area 24-25",
        "method Shape.area 28-28",
        "function add 32-39",
        "function size 41-42",
        "function len 41-44",
        "function <+> 46-47",
        "function main 49-51",
    ],
    "pool.lua": [
        "constant M 2-2",
        "variable ok 6-6",
        "function M.take 11-13",
        "method M.size 15-15",
        "function helper 18-18",
        "function M.close 20-22",
        "variable M.options 24-24",
        "constant LIMIT 25-25",
        "variable defaults 26-31",
        "function defaults.on_attach 28-30",
    ],
    "args.zig": [
        "function Param 8-19",
        "function Param.get 14-17",
        "struct Name 22-29",
        "method Name.longest 26-28",
        "enum Kind 31-31",
        "enum Err 32-32",
        "struct U 33-33",
        "constant limit 34-34",
        "variable count 35-35",
        "function puts 36-36",
        "test reads a flag 38-40",
    ],
}

IMPORTS = {
    "Session.swift": [
        (1, "Foundation", "", "Foundation"),
        (2, "Shop.Basket", "", "Shop.Basket"),
    ],
    "cart.ex": [
        (5, "GenServer", "", "GenServer"),
        (6, "Shop.Item", "", "Item"),
        (6, "Shop.Money", "", "Money"),
        (7, "Shop.Deep.Thing", "", "T"),
        (8, "Ecto.Query", "*", "*"),
    ],
    "Cart.hs": [
        (5, "Data.Map.Strict", "", "M"),
        (6, "Data.List", "sortBy", "sortBy"),
        (6, "Data.List", "foldl'", "foldl'"),
        (7, "Data.Text", "*", "*"),
        (8, "Shop.Item", "", "I"),
        (8, "Shop.Item", "*", "*"),
    ],
    "pool.lua": [
        (3, "net.utils", "", "utils"),
        (4, "net.job", "new", "Job"),
        (5, "side", "", "side"),
        (6, "cjson", "", "json"),
    ],
    "args.zig": [
        (2, "std", "", "std"),
        (3, "std", "mem", "mem"),
        (4, "names.zig", "Names", "Names"),
        (5, "../shared.zig", "", "../shared.zig"),
    ],
}

CALLS = {
    "Session.swift": "Session:9 log:24 decoded:25 map:25 perform:25 tasks:28 combine:38 Store:51",
    "cart.ex": "is_map:20 info:21 put:22 length:28 count:32 add:57 assert:57",
    "Cart.hs": "items:28 scale:28 go:36 go:39 insert:39 length:42 big:43 f:44 putStrLn:51",
    "pool.lua": "pcall:6 pick:12 size:12 print:18 go:29",
    "args.zig": "trim:15 parse:16 other:27 expect:39",
}

SIGNATURES = {
    "Session.swift": {
        "Session": (
            "public final class Session<T>: NSObject, Sendable where T: Equatable",
            "Sends requests.",
        ),
        "Session.shared": (
            "public static let shared = Session()",
            "The one that everybody uses.",
        ),
        "Session.isEmpty": ("var isEmpty: Bool", ""),
        "Session.request": (
            "open func request<C: Convertible>(_ url: C, method: Method = .get) "
            "async throws -> Response",
            "Sends one request.",
        ),
        "Session.Task.hash": (
            "func hash(into hasher: inout Hasher)",
            "Hashes the number 😋 alone.",
        ),
        "Adapter.adapt": ("func adapt(_ request: Request) -> Out", ""),
    },
    "cart.ex": {
        "Shop.Cart": ("defmodule Shop.Cart", "What a customer buys."),
        "Shop.Cart.add": (
            "def add(%__MODULE__{} = cart, item) when is_map(item)",
            "Adds an item 😋.",
        ),
        "Shop.Cart.put": ("defp put(cart, item)", ""),
        "Shop.Cart.len": ("defdelegate len(list), to: Enum, as: :count", ""),
        "Shop.Cart.t": ("@type t :: %__MODULE__{items: list}", ""),
        "Size": ("defprotocol Size", ""),
    },
    "Cart.hs": {
        "Cart": (
            "data Cart a = Cart { cartId :: Int , items :: [a] } | Empty deriving (Show, Eq)",
            "A cart.",
        ),
        "Shape": ("class (Eq a) => Shape a", "What has"),
        "add": ("add :: Int -> Cart a -> Cart a", "Adds an item."),
        "len": ("size, len :: Cart a -> Int", ""),
        "<+>": ("(<+>) :: Int -> Int -> Int", ""),
    },
    "pool.lua": {
        "M.take": ("function M.take(name, count)", "Takes one."),
        "M.close": ("M.close = function(x)", ""),
        "helper": ("local function helper(a)", "Prints it 😋."),
        "defaults.on_attach": ("on_attach = function(client)", "When it is attached."),
    },
    "args.zig": {
        "Param": ("pub fn Param(comptime Id: type) type", "A parameter."),
        "Param.get": ("pub fn get(self: Self, text: []const u8) !?u32", "Reads its value."),
        "Name": ("pub const Name = struct", "What a parameter is called."),
        "U": ("pub const U = union(enum)", ""),
    },
}


def parsed(name: str) -> ParsedFile:
    found = parse_file(name, (FOLDER / name).read_bytes(), IndexConfig())
    assert isinstance(found, ParsedFile)
    return found


def parse_text(path: str, source: str) -> ParsedFile:
    found = parse_file(path, source.encode(), IndexConfig(chunk_chars=100))
    assert isinstance(found, ParsedFile)
    return found


@pytest.mark.parametrize("name", EXPECTED)
def test_the_definitions_of_a_file_are_found_with_kind_and_lines(name):
    rows = [f"{s.kind} {s.qualified} {s.start_line}-{s.end_line}" for s in parsed(name).symbols]
    assert rows == EXPECTED[name]
    assert not parsed(name).partial


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_definition_has_a_signature_on_one_line_and_its_first_line_of_documentation(name):
    found = {s.qualified: (s.signature, s.doc) for s in parsed(name).symbols}
    assert {key: found[key] for key in SIGNATURES[name]} == SIGNATURES[name]


@pytest.mark.parametrize("name", IMPORTS)
def test_the_imports_of_a_file_are_read(name):
    assert [(i.line, i.module, i.name, i.alias) for i in parsed(name).imports] == IMPORTS[name]


@pytest.mark.parametrize("name", CALLS)
def test_the_calls_of_a_file_are_found(name):
    assert " ".join(f"{call.name}:{call.line}" for call in parsed(name).calls) == CALLS[name]


def test_a_haskell_function_stays_in_one_chunk_with_its_signature_and_documentation():
    words = " ".join(["word"] * 12)
    functions = [
        f"-- | Number {n} of them.\nf{n} :: Int -> Text\nf{n} x = {words}\n" for n in "1234"
    ]
    chunks = parse_text("a.hs", "module A where\n\nimport B\n\n" + "\n".join(functions)).chunks
    starts = [line for chunk in chunks for line in chunk.text.split("\n")[:1]]
    assert [chunk.symbol for chunk in chunks][-3:] == ["f2", "f3", "f4"]
    assert starts[-3:] == [f"-- | Number {n} of them." for n in "234"]


def test_an_elixir_function_stays_in_one_chunk_with_its_attributes():
    words = " ".join(["word"] * 12)
    functions = [
        f'  @doc """\n  Number {n}.\n  """\n  @spec f{n}(t) :: t\n  def f{n}(x), do: "{words}"\n'
        for n in "1234"
    ]
    chunks = parse_text("a.ex", "defmodule A do\n" + "\n".join(functions) + "end\n").chunks
    assert [chunk.symbol for chunk in chunks][-3:] == ["A.f2", "A.f3", "A.f4"]
    assert [chunk.text.split("\n")[0] for chunk in chunks][-3:] == ['  @doc """'] * 3


def test_a_chunk_of_several_methods_is_called_as_what_they_extend():
    methods = "\n".join(f"    func f{n}() {{ print({n}) }}" for n in range(14))
    source = f"extension Shop.Cart {{\n{methods}\n}}\n\nlet x = {list(range(40))}\n"
    chunks = parse_text("a.swift", source).chunks
    assert [(chunk.symbol, chunk.kind) for chunk in chunks[:2]] == [("Shop.Cart", "class")] * 2


REPOSITORY = {
    *("lib/shop/cart.ex", "lib/shop/cart_item.ex", "lib/shop.ex", "test/support/data_case.ex"),
    *("lib/shop_web/controllers/page_controller.ex", "apps/pay/lib/pay/card.ex"),
    *("src/Data/Cart.hs", "app/Main.hs", "app/Options.hs", "src/Util.hs"),
    *("lua/net/job.lua", "lua/net/init.lua", "spec/helper.lua", "src/args/names.zig"),
    *("src/main.zig", "src/shared.zig", "src/util.zig", "Src/Acme.Core/Text/Reader.cs"),
    *("Src/Acme.Core/Text/Text.cs", "Src/Acme.Core/Text/Deep/Node.cs", "Src/App/Program.cs"),
    *("android/com/acme/net/Streams.kt", "android/com/acme/net/All.kt", "android/com/acme/App.kt"),
    *("go/go.mod", "go/mux.go", "go/log/level.go", "go/errors/errors.go", "go/mux_test.go"),
    *("js/package.json", "js/eslint.config.js", "js/server.js", "js/test/a.js", "react/index.ts"),
    *("scala/shop/cart/Cart.scala", "scala/shop/mutable/Buffers.scala", "app/Models/User.php"),
    *("src/Mail/Node/Block.php", "src/Mail/Mailer.php", "test/helper.rb", "test/unit/test_a.rb"),
}


@pytest.mark.parametrize(
    ("language", "importing", "module", "name", "expected"),
    [
        ("elixir", "lib/shop.ex", "Shop.CartItem", "", "lib/shop/cart_item.ex"),
        ("elixir", "lib/shop.ex", "Pay.Card", "", "apps/pay/lib/pay/card.ex"),
        ("elixir", "lib/shop/cart.ex", "Shop.Error", "", "lib/shop.ex"),
        ("elixir", "lib/shop/cart.ex", "DataCase", "*", "test/support/data_case.ex"),
        ("elixir", "lib/shop/cart.ex", "Enum", "", None),
        ("haskell", "app/Main.hs", "Data.Cart", "add", "src/Data/Cart.hs"),
        ("haskell", "app/Main.hs", "Options", "", "app/Options.hs"),
        ("haskell", "app/Main.hs", "Data.Map", "", None),
        ("lua", "lua/net/init.lua", "net.job", "", "lua/net/job.lua"),
        ("lua", "spec/a.lua", "net", "", "lua/net/init.lua"),
        ("lua", "spec/a.lua", "helper", "", "spec/helper.lua"),
        ("lua", "spec/a.lua", "cjson", "", None),
        ("zig", "src/args/args.zig", "names.zig", "Names", "src/args/names.zig"),
        ("zig", "src/args/names.zig", "../shared.zig", "", "src/shared.zig"),
        ("zig", "src/args/names.zig", "util", "", "src/util.zig"),
        ("zig", "src/args/names.zig", "std", "", None),
        ("csharp", "Src/App/Program.cs", "Acme.Core.Text", "", "Src/Acme.Core/Text/Text.cs"),
        (
            "csharp",
            "Src/App/Program.cs",
            "Acme.Core.Text.Deep",
            "",
            "Src/Acme.Core/Text/Deep/Node.cs",
        ),
        ("csharp", "Src/App/Program.cs", "System.Text", "", None),
        (
            "kotlin",
            "android/com/acme/App.kt",
            "com.acme.net",
            "open",
            "android/com/acme/net/All.kt",
        ),
        ("kotlin", "android/com/acme/App.kt", "com.other.net", "open", None),
        ("php", "src/Mail/Mailer.php", "Acme\\Mail", "Node", "src/Mail/Node/Block.php"),
        ("php", "src/Mail/Node/Block.php", "Acme\\Mail", "Mailer", "src/Mail/Mailer.php"),
        ("go", "go/mux_test.go", "github.com/acme/mux", "", "go/mux.go"),
        ("go", "go/mux.go", "github.com/acme/mux/v2/log", "", "go/log/level.go"),
        ("go", "go/mux.go", "github.com/other/errors", "", None),
        ("go", "go/mux.go", "go.uber.org/zap", "", None),
        ("javascript", "js/test/a.js", "..", "default", "js/server.js"),
        ("typescript", "web/app.ts", "react", "default", None),
        ("scala", "scala/shop/cart/Cart.scala", "mutable", "*", "scala/shop/mutable/Buffers.scala"),
        ("java", "scala/shop/cart/Cart.java", "mutable", "*", None),
        ("php", "src/Mail/Mailer.php", "InvalidArgumentException", "", None),
        ("php", "src/Mail/Mailer.php", "App\\Models", "User", "app/Models/User.php"),
        ("ruby", "test/unit/test_a.rb", "helper", "", "test/helper.rb"),
    ],
    ids=str,
)
def test_an_import_leads_to_the_file_it_means(language, importing, module, name, expected):
    assert resolve_import(module, importing, language, REPOSITORY, name=name) == expected


def test_the_first_haskell_definition_keeps_its_documentation():
    words = " ".join(["word"] * 24)
    source = f"module A where\n\nimport B\nimport C\n\n-- | First.\nf :: Int\nf = {words}\n"
    first, second = parse_text("a.hs", source).chunks
    assert (first.text.split("\n")[-2], second.text.split("\n")[0]) == ("import C", "-- | First.")
