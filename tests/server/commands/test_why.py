"""What a person is told of a suggestion: its author, its sources with a line each, its doubts."""

from __future__ import annotations

import pytest

from homespun.server.commands.previews import preview
from homespun.server.commands.why import sentence, why
from homespun.server.types import Completion, SourceLocation

KEY = "AKIA" + "QWERTYUIOPASDFGH"


@pytest.fixture
def root(tmp_path):
    (tmp_path / "my pkg").mkdir()
    (tmp_path / "my pkg" / "a.py").write_text(
        f"import os\n\n# A comment.\n@cached\ndef key():\n    return '{KEY}'\n", encoding="utf-8"
    )
    return tmp_path


def suggestion(**fields):
    known = {
        "text": "connect()",
        "finish": "newline",
        "model": "tiny",
        "sources": (
            SourceLocation("my pkg/a.py", 3, 6, 0.5),
            SourceLocation("gone.py", 1, 2, 0.25),
        ),
        "logprob": -0.6,
        "timings_ms": {"total": 41.7},
        "tokens": {"generated": 3},
        "id": "an id",
    }
    return Completion(**(known | fields))


def test_a_suggestion_is_told_with_its_sources_and_its_numbers(root):
    assert why(suggestion(), root) == {
        "shown": True,
        "sentence": "Written by tiny as shipped, with 2 other places of the repository in its "
        "prompt (my pkg/a.py:3-6, gone.py:1-2), mean log-probability -0.20, in 42 ms.",
        "reason": "newline",
        "details": {
            "id": "an id",
            "text": "connect()",
            "sources": [
                {
                    **{"path": "my pkg/a.py", "start_line": 3, "end_line": 6, "score": 0.5},
                    "uri": root.as_uri() + "/my%20pkg/a.py",
                    "preview": "def key():",
                },
                {
                    **{"path": "gone.py", "start_line": 1, "end_line": 2, "score": 0.25},
                    "uri": root.as_uri() + "/gone.py",
                    "preview": "",
                },
            ],
            "model": "tiny",
            "adapter": "none",
            "route": "local",
            "finish": "newline",
            "logprob": -0.6,
            "probability": None,
            "timings_ms": {"total": 41.7},
            "tokens": {"generated": 3},
            "mean_logprob": -0.2,
            "recalled": False,
            "facts": {},
        },
    }


def test_why_a_server_was_asked_or_not_is_half_of_a_sentence():
    told = suggestion(sources=(), route="remote", facts={"route_why": "your server was asked: x"})
    assert sentence(told) == (
        "Written by tiny as shipped, from this document alone, mean log-probability -0.20, your "
        "server was asked: x, in 42 ms."
    )


def test_a_silence_is_told_with_its_facts():
    silent = suggestion(
        text="", finish="filtered:text-on-the-right", facts={"chars": 9, "allowed": 8}, sources=()
    )
    told = why(silent, None)
    assert (told["shown"], told["reason"]) == (False, "text-on-the-right")
    assert told["sentence"] == (
        "Nothing: 9 characters stand right of the cursor; the setting "
        "completion.maxLineSuffixChars allows 8."
    )
    assert told["details"]["facts"] == {"chars": 9, "allowed": 8}
    assert told["details"]["finish"] == "filtered:text-on-the-right"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"sources": (), "adapter": "shop-1"},
            "Written by tiny with the adapter shop-1, from this document alone, "
            "mean log-probability -0.20, in 42 ms.",
        ),
        (
            {"sources": (SourceLocation("a.py", 1, 2, 1.0),), "adapter": "base"},
            "Written by tiny without its general adapter, with 1 other place of the repository "
            "in its prompt (a.py:1-2), mean log-probability -0.20, in 42 ms.",
        ),
        (
            {
                "sources": tuple(SourceLocation("a.py", n, n, 1.0) for n in range(1, 5)),
                "tokens": {"generated": 0, "recalled": 1},
            },
            "Written by tiny as shipped, with 4 other places of the repository in its prompt "
            "(a.py:1-1, a.py:2-2 and 2 more), remembered from a moment ago, without the model.",
        ),
    ],
    ids=["an adapter", "one place", "remembered"],
)
def test_the_sentence_names_who_wrote_it_and_from_what(fields, said):
    assert sentence(suggestion(**fields)) == said


def test_a_folder_that_is_closed_leaves_the_path(root):
    [first, _] = why(suggestion(), None)["details"]["sources"]
    assert (first["path"], first["uri"], first["preview"]) == ("my pkg/a.py", None, "")


def test_no_preview_shows_a_secret(root):
    told = why(suggestion(sources=(SourceLocation("my pkg/a.py", 6, 6, 1.0),)), root)
    [source] = told["details"]["sources"]
    assert source["preview"] == f"return '{'*' * len(KEY)}'"


@pytest.mark.parametrize(
    ("lines", "shown"),
    [
        (["", "#!/bin/sh", "{", "  run now  "], "run now"),
        (["@cached", "// note", "/* more", " * and", " */", "int main() {"], "int main() {"),
        (["#include <a.h>", "*place = value;"], "*place = value;"),
        (["import os", "from a import b"], "import os"),
        (["importance = 1"], "importance = 1"),
        (["}", ""], ""),
        ([], ""),
        (["x" * 101], "x" * 99 + "…"),
        (["x" * 100], "x" * 100),
    ],
)
def test_the_line_that_tells_what_a_place_is_about(lines, shown):
    assert preview(lines) == shown
