"""Definitions, imports and calls of each language, exactly, from tests/repos/languages."""

from __future__ import annotations

from pathlib import Path

import pytest

from homespun.indexer.config import IndexConfig
from homespun.indexer.imports.statements import resolve_import
from homespun.indexer.languages import GRAMMARS
from homespun.indexer.syntax.parse import parse_file
from homespun.indexer.types import ParsedFile

FOLDER = Path(__file__).parents[2] / "repos" / "languages"

EXPECTED = {
    "Basket.cs": [
        "class Basket 11-31",
        "constant Basket.MaxLines 14-14",
        "method Basket.Basket 17-19",
        "property Basket.Count 22-22",
        "method Basket.AddAsync 24-28",
        "type Basket.Changed 30-30",
        "interface IBasket 33-37",
        "property IBasket.Count 35-35",
        "method IBasket.Clear 36-36",
        "class Money 39-39",
        "struct Point 41-41",
        "enum State 43-43",
        "constant State.Open 43-43",
        "constant State.Paid 43-43",
    ],
    "Feed.kt": [
        "constant PAGE 7-7",
        "constant defaultClock 8-8",
        "type Handler 9-9",
        "class Feed 14-29",
        "property Feed.items 16-16",
        "method Feed.load 19-22",
        "method Feed.count 24-24",
        "method Feed.create 27-27",
        "class Item 31-31",
        "interface Source 33-35",
        "method Source.load 34-34",
        "object Registry 37-39",
        "method Registry.register 38-38",
        "enum State 41-41",
        "constant State.OPEN 41-41",
        "constant State.DONE 41-41",
        "function String.shorten 44-44",
    ],
    "Mailer.php": [
        "constant RETRIES 14-14",
        "class Mailer 19-35",
        "constant Mailer.LIMIT 22-22",
        "property Mailer.queue 23-23",
        "method Mailer.__construct 25-28",
        "method Mailer.send 31-34",
        "interface Sends 37-40",
        "method Sends.send 39-39",
        "trait Retries 42-48",
        "method Retries.again 44-47",
        "enum Level 50-53",
        "constant Level.Low 52-52",
        "function mail_all 55-58",
    ],
    "Orders.java": [
        "class Orders 10-32",
        "constant Orders.PAGE_SIZE 13-13",
        "method Orders.Orders 16-19",
        "method Orders.find 22-25",
        "interface Orders.Listener 27-29",
        "method Orders.Listener.changed 28-28",
        "enum Orders.State 31-31",
        "constant Orders.State.OPEN 31-31",
        "constant Orders.State.PAID 31-31",
        "method Orders.State.done 31-31",
        "class Point 34-34",
        "interface Audited 36-36",
    ],
    "Stream.scala": [
        "trait Step 7-9",
        "method Step.run 8-8",
        "class Event 11-11",
        "class Paid 13-13",
        "object Stream 16-25",
        "constant Stream.Limit 17-17",
        "type Stream.Handler 18-18",
        "method Stream.apply 21-24",
        "class Stream 27-29",
        "method Stream.map 28-28",
    ],
    "cart.js": [
        "constant MAX_LINES 10-10",
        "function add 16-18",
        "function remove 20-20",
        "class Cart 22-36",
        "method Cart.empty 24-26",
        "method Cart.size 29-31",
        "method Cart.onChange 33-35",
        "function ids 38-40",
        "constant handlers 42-46",
        "method handlers.click 43-45",
    ],
    "client.go": [
        "constant DefaultTimeout 15-15",
        "constant StateOpen 19-19",
        "constant StateClosed 20-20",
        "variable ErrClosed 23-23",
        "variable errOdd 23-23",
        "type State 26-26",
        "interface Doer 29-31",
        "method Doer.Do 30-30",
        "struct Client 34-37",
        "type Option 40-40",
        "type alias 41-41",
        "function New 45-47",
        "method Client.Get 50-53",
        "function Map 55-57",
    ],
    "client.ts": [
        "interface Answer 6-9",
        "method Answer.retry 8-8",
        "type Handler 11-11",
        "enum Status 13-16",
        "constant Status.Ok 14-14",
        "constant Status.Missing 15-15",
        "class Client 18-29",
        "method Client.constructor 19-21",
        "method Client.get 23-26",
        "method Client.close 28-28",
        "function Wire.encode 32-34",
        "function retry 37-37",
        "function legacy 38-38",
    ],
    "deploy.sh": [
        "constant REGION 5-5",
        "constant STAGE 6-6",
        "function build_image 9-12",
        "function deploy 14-16",
    ],
    "invoice.rb": [
        "module Billing 4-34",
        "constant Billing.TAX_RATE 5-5",
        "class Billing.Invoice 9-33",
        "property Billing.Invoice.lines 11-11",
        "method Billing.Invoice.initialize 13-15",
        "method Billing.Invoice.parse 17-19",
        "method Billing.Invoice.total 22-22",
        "method Billing.Invoice.paid? 24-26",
        "method Billing.Invoice.build 29-31",
    ],
    "panel.tsx": [
        "type Props 4-4",
        "function Panel 6-13",
        "function Badge 15-15",
    ],
    "pool.cpp": [
        "class acme.net.Pool 8-20",
        "method acme.net.Pool.Pool 11-11",
        "method acme.net.Pool.~Pool 12-12",
        "method acme.net.Pool.take 13-13",
        "method acme.net.Pool.operator== 14-14",
        "struct acme.net.Pool.Slot 18-18",
        "enum acme.net.Mode 22-22",
        "constant acme.net.Mode.Fast 22-22",
        "constant acme.net.Mode.Safe 22-22",
        "type acme.net.Handle 24-24",
        "method acme.net.Pool.take 28-31",
        "method Pool.close 33-35",
        "constant kRatio 37-37",
        "function main 39-42",
    ],
    "ring.c": [
        "constant RING_SIZE 4-4",
        "macro MIN 5-5",
        "struct slot 8-10",
        "type ring_t 12-14",
        "struct ring 12-14",
        "type visit_fn 16-16",
        "enum mode 18-18",
        "constant mode.READ 18-18",
        "constant mode.WRITE 18-18",
        "constant limit 20-20",
        "function ring_count 22-22",
        "function ring_put 28-33",
        "function ring_name 35-35",
    ],
    "session.py": [
        "constant TIMEOUT_SECONDS 15-15",
        "variable logger 16-16",
        "variable Rows 17-17",
        "function sign 22-27",
        "class Session 30-54",
        "class Session.Options 39-40",
        "method Session.name 42-45",
        "method Session.request 47-54",
        "function Session.request.attempt 51-52",
        "constant EOL 58-58",
        "function newline 60-61",
    ],
    "store.rs": [
        "constant MAX_ROWS 10-10",
        "constant NAME 11-11",
        "type Result 13-13",
        "struct Table 18-24",
        "enum Order 26-29",
        "constant Order.Asc 27-27",
        "constant Order.Desc 28-28",
        "trait Source 31-37",
        "method Source.read 33-33",
        "method Source.close 34-36",
        "method Table.new 41-44",
        "method Table.read 48-50",
        "macro row 53-55",
        "function tests.reads 58-61",
        "function open 64-66",
    ],
}

SIGNATURES = {
    "session.py": {
        "sign": ('def sign(body: bytes, *, key: str = "") -> str', "How a request is signed."),
        "Session": ("class Session(Base, metaclass=Meta)", "One conversation with the service."),
        "Session.request": ("async def request(self, path: str, **options: int) -> Map", ""),
        "Session.name": ("def name(self) -> str", "The session's name."),
        "logger": ("logger = get_logger(__name__)", ""),
    },
    "cart.js": {
        "add": ("function add(cart, item = {})", "Adds an item."),
        "remove": ("const remove = async (cart, id)", ""),
        "Cart": ("class Cart extends Store", ""),
        "Cart.size": ("get size()", "Number of lines."),
        "MAX_LINES": ("const MAX_LINES = 50", "The largest number of lines in a cart."),
    },
    "client.ts": {
        "Answer": ("interface Answer<T> extends Base", "What a client answers."),
        "Client": ("abstract class Client<T> implements Disposable", ""),
        "Client.get": ("public async get<K extends keyof T>(key: K): Promise<T[K]>", ""),
        "Handler": ("type Handler = (request: Request) => Promise<Answer<string>>", ""),
        "retry": ("const retry: Handler = async (request)", ""),
    },
    "panel.tsx": {
        "Panel": ("function Panel({ title }: Props): JSX.Element", ""),
        "Badge": ("const Badge: React.FC<Props> = ({ title })", ""),
    },
    "client.go": {
        "StateOpen": ("StateOpen State = iota", "StateOpen accepts requests."),
        "Client": ("type Client struct", "Client is safe for concurrent use."),
        "Doer": ("type Doer interface", "Doer does requests."),
        "Client.Get": (
            "func (c *Client) Get(ctx context.Context, path string) (*http.Response, error)",
            "Get fetches one path.",
        ),
        "Map": ("func Map[T any, U any](in []T, f func(T) U) []U", ""),
    },
    "store.rs": {
        "Table": ("pub struct Table<K, V> where K: Eq", "A table."),
        "Source.read": ("fn read(&self, id: u64) -> Option<Row>", "Reads one row."),
        "Table.new": ("pub fn new() -> Self", "Makes an empty table."),
        "Result": ("pub type Result<T> = std::result::Result<T, StoreError>", ""),
        "open": ("pub async unsafe fn open(path: &Path) -> Result<Table<u64, Row>>", ""),
    },
    "Orders.java": {
        "Orders": (
            "public class Orders<T extends Order> extends Repository<T> implements Closeable",
            "Keeps the orders of a shop.",
        ),
        "Orders.find": (
            "public <R> Optional<R> find(String id, Function<T, R> map) throws IOException",
            "Finds one.",
        ),
        "Orders.PAGE_SIZE": ("public static final int PAGE_SIZE = 50", ""),
        "Orders.State.done": ("boolean done()", ""),
    },
    "ring.c": {
        "MIN": ("#define MIN(a, b)", ""),
        "slot": ("struct slot", "One slot."),
        "ring_put": ("static inline int ring_put(ring_t *ring, int value)", "Puts a value."),
        "ring_name": ("char *ring_name(void)", ""),
        "visit_fn": ("typedef int (*visit_fn)(struct slot *slot)", ""),
    },
    "pool.cpp": {
        "acme.net.Pool": (
            "template <typename T> class Pool : public Base<T>, private Lock",
            "Hands out connections.",
        ),
        "acme.net.Pool.Pool": ("explicit Pool(int size)", ""),
        "acme.net.Pool.operator==": ("bool operator==(const Pool& other) const", ""),
        "Pool.close": ("void Pool::close()", ""),
        "kRatio": ("constexpr double kRatio = 0.5", ""),
    },
    "Basket.cs": {
        "Basket": (
            "public sealed class Basket<T> : IBasket, IDisposable where T : Item",
            "What a customer buys.",
        ),
        "Basket.Basket": ("public Basket(Clock clock)", ""),
        "Basket.Count": ("public int Count", "Number of lines."),
        "Basket.AddAsync": ("public async Task<int> AddAsync(T item, int count = 1)", ""),
        "Money": ("public record Money(decimal Amount, string Currency)", ""),
    },
    "invoice.rb": {
        "Billing.Invoice": ("class Invoice < Document", "One bill."),
        "Billing.Invoice.initialize": ('def initialize(lines = [], currency: "EUR")', ""),
        "Billing.Invoice.total": ("def total", "The sum of all lines."),
    },
    "Mailer.php": {
        "Mailer": ("final class Mailer extends Base implements Sends", "Sends mail."),
        "Mailer.send": (
            "public static function send(string $to, ?Letter $letter = null): bool",
            "Sends one letter.",
        ),
        "Level": ("enum Level: string", ""),
        "RETRIES": ("const RETRIES = 3", ""),
    },
    "Feed.kt": {
        "Feed": (
            "class Feed<T : Item>(private val clock: Clock) : Source<T>, Closeable",
            "Reads the feed.",
        ),
        "Feed.load": (
            "override suspend fun load(page: Int, size: Int = PAGE): List<T>",
            "Loads one page.",
        ),
        "Feed.count": ("fun count()", ""),
        "String.shorten": ("fun String.shorten(limit: Int): String", "Shortens."),
        "PAGE": ("const val PAGE = 20", ""),
    },
    "Stream.scala": {
        "Event": (
            "sealed abstract class Event(val id: Long) extends Product with Serializable",
            "",
        ),
        "Stream.apply": (
            "def apply[A](items: A*)(implicit clock: Clock): Stream[A]",
            "Builds one.",
        ),
        "Stream.map": ("def map[B](f: A => B): Stream[B]", ""),
    },
    "deploy.sh": {
        "REGION": ('readonly REGION="eu-west-1"', ""),
        "build_image": ("build_image()", "Builds the image."),
        "deploy": ("function deploy", ""),
    },
}

IMPORTS = {
    "Basket.cs": [
        (1, "System", "", "System"),
        (2, "System.Collections.Generic", "", "System.Collections.Generic"),
        (3, "System.Math", "*", "*"),
        (4, "System.Text.Json.JsonSerializer", "", "Json"),
    ],
    "Feed.kt": [
        (3, "com.acme.core", "Clock", "Clock"),
        (4, "com.acme.core", "Log", "Logger"),
        (5, "kotlinx.coroutines", "*", "*"),
    ],
    "Mailer.php": [
        (7, "Acme\\Core", "Queue", "Queue"),
        (8, "Acme\\Core", "Clock", "Clock"),
        (8, "Acme\\Core", "Log", "Logger"),
        (9, "Acme\\Core", "helper", "helper"),
        (11, "./bootstrap.php", "", "./bootstrap.php"),
        (12, "config/mail.php", "", "config/mail.php"),
    ],
    "Orders.java": [
        (3, "java.util", "List", "List"),
        (4, "java.util.function", "*", "*"),
        (5, "com.acme.shop.Money", "of", "of"),
    ],
    "Stream.scala": [
        (3, "scala.collection", "mutable", "mutable"),
        (4, "com.acme.core", "Clock", "Clock"),
        (4, "com.acme.core", "Log", "Logger"),
        (4, "com.acme.core", "*", "*"),
    ],
    "cart.js": [
        (1, "react", "default", "React"),
        (1, "react", "useState", "useLocal"),
        (1, "react", "useMemo", "useMemo"),
        (2, "./api.js", "", "api"),
        (3, "./side-effect.css", "", "./side-effect.css"),
        (4, "node:path", "", "path"),
        (5, "path", "join", "join"),
        (5, "path", "resolve", "absolute"),
        (6, "./total", "total", "total"),
        (7, "./shapes", "*", "*"),
    ],
    "client.go": [
        (5, "context", "", "context"),
        (6, "net/http", "", "http"),
        (8, "github.com/acme/shop/internal/logging", "", "log"),
        (9, "github.com/lib/pq", "", "_"),
        (12, "fmt", "", "fmt"),
    ],
    "client.ts": [
        (1, "./options", "Options", "Options"),
        (2, "fs", "", "fs"),
        (3, "../config", "default", "config"),
        (3, "../config", "Level", "Level"),
        (3, "../config", "log", "log"),
    ],
    "deploy.sh": [
        (2, "./lib/common.sh", "", "./lib/common.sh"),
        (3, "$HERE/env.sh", "", "$HERE/env.sh"),
    ],
    "invoice.rb": [(1, "json", "", "json"), (2, "../lib/money", "", "../lib/money")],
    "panel.tsx": [(1, "@acme/ui", "Button", "Button"), (2, "./use-cart", "useCart", "useCart")],
    "pool.cpp": [(1, "vector", "", "vector"), (2, "pool.hpp", "", "pool.hpp")],
    "ring.c": [(1, "stdio.h", "", "stdio.h"), (2, "util/ring.h", "", "util/ring.h")],
    "session.py": [
        (5, "os", "", "os"),
        (6, "os.path", "", "osp"),
        (8, "collections.abc", "Iterator", "Iterator"),
        (9, "collections.abc", "Mapping", "Map"),
        (12, ".", "errors", "errors"),
        (13, "..core.retry", "*", "*"),
    ],
    "store.rs": [
        (2, "std::collections::hash_map", "Entry", "Entry"),
        (2, "std::collections", "HashMap", "Map"),
        (3, "crate::net", "*", "*"),
        (4, "super::errors", "StoreError", "StoreError"),
        (5, "self::rows", "Row", "Row"),
        (7, "self", "rows", "rows"),
    ],
}

CALLS = {
    "Basket.cs": "SaveAsync:26 Max:27",
    "Feed.kt": "system:8 mutableListOf:16 fetch:21 map:21 parse:21 Feed:27 take:44",
    "Mailer.php": "__construct:27 Job:33 push:33 queue:33 run:33 helper:46 array_map:57 "
    "array_sum:57",
    "Orders.java": "Mapper:24 fetch:24 map:24",
    "Stream.scala": "info:22 Stream:23 map:23 Stream:28 map:28",
    "cart.js": "filter:20 Cart:25 notify:34 nextId:39 track:44",
    "client.go": "Errorf:23 Info:51 Do:52 NewRequest:52",
    "client.ts": "logged:23 send:25 TextEncoder:33 encode:33 log:37",
    "deploy.sh": "docker:10 log_info:11 build_image:15 kubectl:15 deploy:18",
    "invoice.rb": "include:10 new:18 parse:18 sum:22 find:25 settled?:25",
    "panel.tsx": "useCart:7 Button:10 clear:10",
    "pool.cpp": "move:30 pop:30 drain:34 make_unique:40 run:41",
    "ring.c": "printf:31 put:32",
    "session.py": "get_logger:16 digest:27 dataclass:30 retry:47 sign:52 acquire:54 send:54",
    "store.rs": "drop:35 new:43 get:49 map:49 assert_eq:60 todo:65",
}


def parsed(name: str) -> ParsedFile:
    found = parse_file(name, (FOLDER / name).read_bytes(), IndexConfig())
    assert isinstance(found, ParsedFile)
    return found


def parse_text(path: str, source: str) -> ParsedFile:
    found = parse_file(path, source.encode(), IndexConfig())
    assert isinstance(found, ParsedFile)
    return found


@pytest.mark.parametrize("name", EXPECTED)
def test_the_definitions_of_a_file_are_found_with_kind_and_lines(name):
    rows = [f"{s.kind} {s.qualified} {s.start_line}-{s.end_line}" for s in parsed(name).symbols]
    assert rows == EXPECTED[name]


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


def test_every_language_with_a_grammar_has_a_file_here():
    assert {parsed(path.name).language for path in FOLDER.iterdir()} == set(GRAMMARS)
    assert not any(parsed(name).partial for name in EXPECTED)


def test_a_name_is_the_last_part_of_the_qualified_name():
    for name in EXPECTED:
        for symbol in parsed(name).symbols:
            assert symbol.qualified.split(".")[-1] == symbol.name
            assert symbol.path == name


def test_a_second_assignment_of_a_name_is_no_second_definition():
    found = parse_text("a.py", "x = 1\nx = 2\ndef f():\n    y = 3\n")
    assert [s.qualified for s in found.symbols] == ["x", "f"]


def test_what_stands_around_an_error_is_still_found():
    found = parse_text(
        "a.py", "def before():\n    pass\n\ndef broken(:\n\ndef after():\n    pass\n"
    )
    assert found.partial
    assert {"before", "after"} <= {s.name for s in found.symbols}


def test_the_value_of_a_long_constant_is_cut_in_its_signature():
    found = parse_text("a.py", "TABLE = [\n" + "    12345,\n" * 500 + "]\n")
    assert found.symbols[0].signature.startswith("TABLE = [12345, 12345,")
    assert len(found.symbols[0].signature) == 160


REPOSITORY = {
    *("src/shop/__init__.py", "src/shop/cart.py", "src/shop/core/__init__.py"),
    *("src/shop/core/retry.py", "tools/report.py", "tools/plot.py", "indexer/types.py"),
    *("web/src/app.tsx", "web/src/api.ts", "web/src/lib/index.ts", "packages/ui/src/index.tsx"),
    *("internal/logging/logging.go", "internal/logging/a.go", "cmd/main.go", "main.go"),
    *("net/src/lib.rs", "net/src/wire.rs", "net/src/wire/frame.rs", "my-util/src/lib.rs"),
    *("app/src/main/java/com/acme/Client.java", "app/src/main/kotlin/com/acme/Log.kt"),
    *("include/util/ring.h", "src/util/ring.c", "src/util/local.h"),
    *("lib/billing/money.rb", "lib/billing.rb", "lib/app/Core/Queue.php", "scripts/common.sh"),
}


@pytest.mark.parametrize(
    ("language", "importing", "module", "name", "expected"),
    [
        ("python", "src/shop/core/retry.py", "..cart", "add", "src/shop/cart.py"),
        ("python", "src/shop/cart.py", ".", "core", "src/shop/core/__init__.py"),
        ("python", "src/shop/cart.py", ".core", "retry", "src/shop/core/retry.py"),
        ("python", "src/shop/core/retry.py", ".", "", "src/shop/core/__init__.py"),
        ("python", "tests/test_x.py", "shop.core.retry", "again", "src/shop/core/retry.py"),
        ("python", "tests/test_x.py", "shop", "cart", "src/shop/cart.py"),
        ("python", "tools/report.py", "plot", "", "tools/plot.py"),
        ("python", "src/shop/cart.py", "plot", "", None),
        ("python", "cli/main.py", "homespun.indexer.types", "Chunk", "indexer/types.py"),
        ("python", "src/shop/cart.py", "json", "loads", None),
        ("python", "src/shop/cart.py", "....cart", "", None),
        ("typescript", "web/src/app.tsx", "./api", "", "web/src/api.ts"),
        ("typescript", "web/src/app.tsx", "./api.js", "", "web/src/api.ts"),
        ("javascript", "web/src/app.tsx", "./lib", "", "web/src/lib/index.ts"),
        ("tsx", "web/src/app.tsx", "@/api", "", "web/src/api.ts"),
        ("tsx", "web/src/app.tsx", "@acme/ui", "Button", "packages/ui/src/index.tsx"),
        ("tsx", "web/src/app.tsx", "react", "", None),
        (
            "go",
            "cmd/main.go",
            "github.com/a/shop/internal/logging",
            "",
            "internal/logging/logging.go",
        ),
        ("go", "cmd/main.go", "net/http", "", None),
        ("rust", "net/src/lib.rs", "crate::wire", "frame", "net/src/wire/frame.rs"),
        ("rust", "net/src/lib.rs", "self", "wire", "net/src/wire.rs"),
        ("rust", "net/src/wire/frame.rs", "super", "Frame", "net/src/wire.rs"),
        ("rust", "net/src/lib.rs", "my_util::text", "trim", "my-util/src/lib.rs"),
        ("rust", "net/src/lib.rs", "std::collections", "HashMap", None),
        ("java", "app/src/A.java", "com.acme", "Client", "app/src/main/java/com/acme/Client.java"),
        (
            "java",
            "app/src/A.java",
            "com.acme.Client",
            "of",
            "app/src/main/java/com/acme/Client.java",
        ),
        ("kotlin", "app/src/A.kt", "com.acme", "Log", "app/src/main/kotlin/com/acme/Log.kt"),
        ("scala", "app/src/A.scala", "scala.collection", "mutable", None),
        ("c", "src/util/ring.c", "util/ring.h", "", "include/util/ring.h"),
        ("cpp", "src/util/ring.c", "local.h", "", "src/util/local.h"),
        ("c", "src/util/ring.c", "stdio.h", "", None),
        ("ruby", "lib/billing.rb", "./billing/money", "", "lib/billing/money.rb"),
        ("ruby", "bin/run.rb", "billing/money", "", "lib/billing/money.rb"),
        ("php", "public/index.php", "Acme\\Core", "Queue", "lib/app/Core/Queue.php"),
        ("bash", "scripts/deploy.sh", "./common.sh", "", "scripts/common.sh"),
        ("bash", "deploy.sh", "$HERE/scripts/common.sh", "", "scripts/common.sh"),
        ("csharp", "A.cs", "System.Text", "", None),
        ("markdown", "a.md", "x", "", None),
    ],
    ids=str,
)
def test_an_import_leads_to_the_file_it_means(language, importing, module, name, expected):
    assert resolve_import(module, importing, language, REPOSITORY, name=name) == expected
