"""`homespun mcp` as an agent meets it: the SDK's client, a real server, a real repository."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from homespun.indexer.build import folder_of
from homespun.indexer.storage.write_lock import write_lock
from homespun.server.agents.places import MAX_ANSWER_CHARS
from tests.support.agent_client import connected
from tests.support.scratch import Scratch, write_files

pytest.importorskip("mcp", reason="the MCP SDK is not installed (pip install '.[agents]')")
pytestmark = pytest.mark.e2e

SECRET = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
SHOP = {
    "shop/basket.py": (
        '"""What a customer takes."""\n\n\n'
        "class Basket:\n"
        '    """Articles and their prices."""\n\n'
        "    def add(self, price):\n"
        "        if price < 0:\n"
        '            raise ValueError(f"price is {price}; give 0 or more")\n'
        "        self.prices.append(price)\n\n"
        "    def total(self):\n"
        "        return sum(self.prices)\n"
    ),
    "shop/parcel.py": (
        "class Parcel:\n"
        "    def load(self, price):\n"
        "        if price < 0:\n"
        '            raise ValueError(f"price is {price}; give 0 or more")\n'
        "        self.prices.append(price)\n"
    ),
    "shop/checkout.py": (
        "from shop.basket import Basket\n\n\n"
        "def pay(basket):\n"
        f'    token = "{SECRET}"\n'
        "    return Basket().total() + basket.total()\n"
    ),
    "view.ts": "export function renderBasket(basket: Basket) { return basket.total() }\n",
    "many.py": "".join(f"def do_it_{n}():\n    pass\n\n\n" for n in range(60)),
    "calls.py": "".join(f"do_it_1({n})\n" for n in range(199)) + f"do_it_1('{'x' * 300}')\n",
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    scratch = Scratch(tmp_path_factory.mktemp("agents") / "shop")
    write_files(scratch.folder, SHOP)
    return scratch.folder


@pytest.fixture(scope="module")
def agent(shop):
    with connected(shop) as client:
        yield client


def test_the_server_says_what_its_tools_are_for(agent):
    tools = agent.tools()
    assert set(tools) == {"search", "find_related", "definition", "usages", "conventions"}
    assert all(tool.description and tool.annotations.read_only_hint for tool in tools.values())
    assert all(f"`{name}`" in agent.instructions for name in tools)
    schema = tools["find_related"].input_schema
    assert schema["required"] == ["file", "line"]
    assert schema["properties"]["top_k"]["maximum"] == 50


def test_search_finds_places_with_their_lines(agent):
    text = agent.call("search", query="Basket", top_k=2, max_snippet_lines=1, language="python")
    headline, first, *_ = text.split("\n\n")
    assert headline == "2 places, the best first (language 'python')"
    place, snippet = first.splitlines()
    assert place == "shop/basket.py:1-13  Basket  class"
    assert snippet == '    """What a customer takes."""'


def test_search_without_snippets_is_a_list_of_places(agent):
    text = agent.call("search", query="Basket", max_snippet_lines=0, glob="shop/**")
    _, *places = [line for line in text.splitlines() if line]
    assert places and all(place.startswith("shop/") for place in places)


def test_related_code_is_that_of_another_file(agent):
    text = agent.call("find_related", file="shop/basket.py", line=8, top_k=1)
    assert text.startswith("1 place, the most alike first like shop/basket.py:7-10 (Basket.add)")
    assert "shop/parcel.py:" in text


def test_a_definition_has_its_lines_and_all_of_a_name_have_their_heads(agent):
    text = agent.call("definition", name="Basket.total")
    assert "shop/basket.py:12-13  Basket.total  method" in text
    assert "return sum(self.prices)" in text
    assert agent.call("definition", name="nowhere").startswith("no definition of 'nowhere'")


def test_usages_are_calls_and_imports(agent):
    text = agent.call("usages", name="Basket")
    assert "shop/checkout.py:1  import  from shop.basket import Basket" in text
    assert "shop/checkout.py:6  call  return Basket().total() + basket.total()" in text


def test_many_usages_are_bounded_and_counted(agent):
    text = agent.call("usages", name="do_it_1")
    assert len(text.splitlines()) == 64
    assert text.startswith("200 usages, 200 calls of 'do_it_1' in 1 files; the first 60 are shown")
    assert len(text) <= MAX_ANSWER_CHARS


def test_a_long_line_is_cut(agent):
    text = agent.call("search", query="do_it_1", glob="calls.py", max_snippet_lines=100, top_k=50)
    assert "xxxx" in text
    assert max(len(line) for line in text.splitlines()) < 210


def test_an_answer_that_would_be_too_long_says_what_is_left_out(tmp_path):
    (tmp_path / "long.py").write_text(
        "".join(f"def same_{n}():\n" + f"    value = other_value({n})\n" * 40 for n in range(60))
    )
    with connected(tmp_path) as agent:
        text = agent.call("search", query="same value", top_k=50, max_snippet_lines=100)
    assert len(text) <= MAX_ANSWER_CHARS
    assert "results are left out, the answer would be too long" in text


def test_conventions_are_asked_by_topic(agent):
    text = agent.call("conventions", topic="function names")
    assert "snake_case (100% of " in text
    assert "many.py:1  python/" in text
    is_error, said = agent.try_call("conventions", topic="astrology")
    assert is_error
    assert said.startswith("no convention is about 'astrology'; ask for one of: ")


def test_secrets_are_masked(agent):
    texts = [
        agent.call("search", query="pay token", max_snippet_lines=100),
        agent.call("definition", name="pay"),
        agent.call("find_related", file="shop/basket.py", line=12, top_k=50),
    ]
    assert any("token = " in text for text in texts)
    assert not any(SECRET[:12] in text for text in texts)


def test_what_was_just_saved_is_in_the_next_answer(agent, shop):
    write_files(shop, {"new_one.py": "def brand_new_thing():\n    return 1\n"})
    assert "new_one.py:1-2" in agent.call("definition", name="brand_new_thing")
    write_files(shop, {"new_one.py": None})
    assert agent.call("definition", name="brand_new_thing").startswith("no definition")


WRONG = [
    ("search", {}, "query is missing; give a string"),
    ("search", {"query": " \n"}, "query is empty; give a string"),
    ("search", {"query": 5}, "query is 5; give a string"),
    ("search", {"query": "x" * 5_000}, "query has 5,000 characters; give at most 4,000"),
    ("search", {"query": "x", "top_k": 0}, "top_k is 0; give a whole number from 1 to 50"),
    ("search", {"query": "x", "top_k": 10**30}, "give a whole number from 1 to 50"),
    ("search", {"query": "x", "top_k": True}, "top_k is True; give a whole number"),
    ("search", {"query": "x", "top_k": "5"}, "top_k is '5'; give a whole number"),
    ("search", {"query": "x", "max_snippet_lines": -1}, "max_snippet_lines is -1"),
    ("search", {"query": "x", "limit": 5}, "there is no argument 'limit'; there are glob"),
    ("search", {"query": ["x"]}, "query is a list; give a string"),
    ("definition", {"name": {"a": 1}}, "name is an object; give a string"),
    ("find_related", {"file": "shop/basket.py"}, "line is missing"),
    ("find_related", {"file": "shop/basket.py", "line": 99}, "line 99 is behind the end"),
    ("find_related", {"file": "shop/nowhere.py", "line": 1}, "is not in the index"),
    ("find_related", {"file": "../shop/shop/basket.py", "line": 1}, "is outside of the folder"),
    ("find_related", {"file": "/etc/passwd", "line": 1}, "is outside of the folder"),
    ("find_related", {"file": "shop/../../x.py", "line": 1}, "is outside of the folder"),
    ("find_related", {"file": "a\x00b", "line": 1}, "'a\\x00b' is not in the index"),
    ("rm", {}, "there is no tool 'rm'; there are search, find_related"),
]


@pytest.mark.parametrize(("name", "arguments", "said"), WRONG)
def test_a_wrong_argument_is_one_sentence_and_the_server_goes_on(agent, name, arguments, said):
    is_error, text = agent.try_call(name, **arguments)
    assert is_error
    assert said in text
    assert "\n" not in text
    assert "Traceback" not in text
    assert "shop/basket.py" in agent.call("definition", name="Basket")


def test_a_path_of_the_folder_may_be_absolute(agent, shop):
    text = agent.call("find_related", file=str(shop / "shop" / "basket.py"), line=8)
    assert "like shop/basket.py:7-10" in text


def test_while_another_process_writes_the_last_whole_state_answers(agent, shop):
    agent.call("definition", name="Basket")
    with write_lock(folder_of(shop), wait_seconds=5):
        text = agent.call("definition", name="Basket")
    assert "shop/basket.py:4-13" in text
    assert "another process is writing the index" in text


def test_a_hostile_folder_is_shown_as_escapes_and_not_left(tmp_path):
    outside = tmp_path / "outside.py"
    outside.write_text("def stolen_goods():\n    return 'loot'\n")
    root = tmp_path / "hostile"
    root.mkdir()
    (root / "link.py").symlink_to(outside)
    (root / "bas\x1b]0;owned\x07ket\u202e.py").write_text(
        'def goods():\n    return "\x1b[2J\u202e[red]one"\n'
    )
    with open(os.fsencode(root) + b"/caf\xe9.py", "wb") as stream:
        stream.write(b"def goods():\n    return 2\n")
    os.mkfifo(root / "pipe.py")
    with connected(root) as agent:
        texts = [
            agent.call("search", query="goods", max_snippet_lines=5),
            agent.call("definition", name="goods"),
            agent.call("usages", name="goods"),
            agent.call("definition", name="stolen_goods"),
        ]
        is_error, said = agent.try_call("find_related", file="link.py", line=1)
    assert "bas\\x1b]0;owned\\x07ket\\u202e.py:1-2" in texts[1]
    assert "\\x1b[2J" in texts[1]
    assert not {"\x1b", "\x07", "\u202e"} & set("".join([*texts, said]))
    assert texts[3].startswith("no definition")
    assert not any("loot" in text for text in texts)
    assert is_error
    assert "is not in the index: not there, ignored, a link" in said


def test_garbage_does_not_end_the_server_and_the_end_of_input_does(shop):
    opening = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "by hand", "version": "1"},
        },
    }
    sent = b'\xff\xfe\x00garbage\n[]\n{"jsonrpc": "2.0", "id": 7}\n' + json.dumps(opening).encode()
    command = [sys.executable, "-P", "-m", "homespun.cli", "mcp", str(shop)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdin.write(sent + b"\n")
    process.stdin.flush()
    answers = iter(process.stdout.readline, b"")
    answer = next(found for line in answers if (found := json.loads(line)).get("id") == 1)
    assert answer["result"]["serverInfo"]["name"] == "homespun"
    _, log = process.communicate(timeout=60)
    assert process.returncode == 0
    assert b"Traceback" not in log
