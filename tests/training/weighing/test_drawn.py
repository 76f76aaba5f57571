"""What looks drawn by chance, and what does not."""

from __future__ import annotations

import base64
import random
import string
import uuid

import pytest

from homespun.training.weighing.drawn import drawn
from homespun.training.weighing.literals import unguessable

DRAWN = {
    "a commit": "8ed25cd410aa",
    "a digest": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "a uuid": "550e8400-e29b-41d4-a716-446655440000",
    "base64": "dGhpcyBpcyBhIHRlc3Qgb2YgYmFzZTY0==",
    "letters and digits": "k3j9x2m7q8w1z5t0",
    "letters": "qwkzpxrtvbnmlkjhgf",
    "a token": "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "a number": "716921396712843",
    "a fraction": "0.9524135589599609",
    "a mail address": "jane.roe@corp.example",
    "a machine's address": "10.23.4.17",
    "a telephone": "+49 30 1234567",
    "bytes": r"\x8f\x1a\x00\xff",
    "a constant": "0x9E3779B97F4A7C15",
    "a fingerprint": "3a:8f:10:99:be:0c:41:77",
    "a secret that was masked": "************",
}
KNOWN = {
    "words": "retrieval_deadline_in_milliseconds",
    "a path": "path/to/some_file-name2/x86_64-linux-gnu",
    "a name with digits": "utf8_to_utf16le_v2",
    "another": "ISO8601DateTimeFormat",
    "a class": "Wav2Vec2ForSequenceClassification",
    "a mask of bits": "0xFFFFFFFF",
    "a limit": "4294967295",
    "a round number": "86400000",
    "a sequence": "123456789",
    "a date": "20240131",
    "a version": "1.2.3.4",
    "this machine": "127.0.0.1",
    "an alphabet": "abcdef0123456789",
    "a short number": "8080",
    "a word of hexadecimal letters": "deadbeef",
}


@pytest.mark.parametrize("text", DRAWN.values(), ids=DRAWN.keys())
def test_what_is_drawn_by_chance_is_found_whole(text):
    line = f'value = "{text}"  # of the house'
    found = [line[piece.start : piece.end].rstrip("=") for piece in drawn(line)]
    assert found == [text.rstrip("=")]


@pytest.mark.parametrize("text", KNOWN.values(), ids=KNOWN.keys())
def test_what_people_write_is_left_alone(text):
    assert list(drawn(f'value = "{text}"')) == []


def test_nine_in_ten_random_keys_are_found():
    rng = random.Random(3)
    shapes = {
        "hex": lambda: rng.randbytes(16).hex(),
        "uuid": lambda: str(uuid.UUID(int=rng.getrandbits(128))),
        "base64": lambda: base64.b64encode(rng.randbytes(24)).decode(),
        "lower": lambda: "".join(rng.choices(string.ascii_lowercase + string.digits, k=16)),
        "upper": lambda: "".join(rng.choices(string.ascii_uppercase + string.digits, k=20)),
        "mixed": lambda: "".join(rng.choices(string.ascii_letters + string.digits, k=32)),
    }
    for shape, draw in shapes.items():
        keys = [draw() for _ in range(200)]
        found = sum(bool(list(drawn(f'key = "{key}"'))) for key in keys)
        assert found >= 180, shape


LITERALS = [
    ("python", 'KEY = "k3j9x2m7q8w1z5t0"\n', True),
    ("python", "# of 8ed25cd410aa\nx = 1\n", True),
    ("python", "COUNT = 716921396712843\n", True),
    ("python", "def k3j9x2m7q8w1z5t0():\n    return 1\n", False),
    ("python", 'f"{k3j9x2m7q8w1z5t0()}"\n', False),
    ("typescript", "const key: string = `k3j9x2m7q8w1z5t0`;\n", True),
    ("typescript", "const k3j9x2m7q8w1z5t0 = 1;\n", False),
    ("go", 'package main\n\nvar key = "k3j9x2m7q8w1z5t0"\n', True),
    ("rust", "const N: u64 = 716921396712843;\n", True),
    ("java", 'class A { String key = "k3j9x2m7q8w1z5t0"; }\n', True),
    ("ruby", "key = :k3\nother = 'k3j9x2m7q8w1z5t0'\n", True),
    ("csharp", 'class A { string key = "k3j9x2m7q8w1z5t0"; }\n', True),
    ("bash", "KEY='k3j9x2m7q8w1z5t0'\n", True),
    ("php", "<?php $key = 'k3j9x2m7q8w1z5t0';\n", True),
    ("kotlin", 'val key = "k3j9x2m7q8w1z5t0"\n', True),
    ("swift", 'let key = "k3j9x2m7q8w1z5t0"\n', True),
    ("scala", 'val key = "k3j9x2m7q8w1z5t0"\n', True),
    ("lua", 'local key = "k3j9x2m7q8w1z5t0"\n', True),
    ("elixir", 'key = "k3j9x2m7q8w1z5t0"\n', True),
    ("haskell", 'key = "k3j9x2m7q8w1z5t0"\n', True),
    ("zig", 'const key = "k3j9x2m7q8w1z5t0";\n', True),
    ("c", 'const char *key = "k3j9x2m7q8w1z5t0";\n', True),
    ("cpp", 'auto key = "k3j9x2m7q8w1z5t0";\n', True),
    ("javascript", "const key = 'k3j9x2m7q8w1z5t0';\n", True),
    ("tsx", "const a = <p>k3j9x2m7q8w1z5t0</p>;\n", True),
    ("toml", "k3j9x2m7q8w1z5t0 = 1\n", True),  # no grammar: as it stands
]


@pytest.mark.parametrize(
    ("language", "text", "is_found"), LITERALS, ids=[f"{row[0]}: {row[1][:20]}" for row in LITERALS]
)
def test_a_name_is_no_literal_where_a_grammar_says_so(language, text, is_found):
    assert bool(unguessable(text, language)) is is_found


def test_offsets_are_characters_not_bytes():
    text = '# é 😋 漢字\nname = "ü"; key = "k3j9x2m7q8w1z5t0"\n'
    (piece,) = unguessable(text, "python")
    assert text[piece.start : piece.end] == "k3j9x2m7q8w1z5t0"


def test_each_of_many_pieces_is_asked_for_at_its_own_place():
    keys = ", ".join(['"ü k3j9x2m7q8w1z5t0"'] * 12)
    text = f"KEYS = [{keys}]\n\n\ndef k3j9x2m7q8w1z5t0():\n    return {keys}\n"
    assert len(unguessable(text, "python")) == 24


@pytest.mark.parametrize("row", ["a1" * 50_000, "0x" * 50_000, "1_" * 50_000, "+1 " * 30_000])
def test_a_hostile_line_comes_to_an_end(row):
    assert len(list(drawn(row))) <= 1
