import time

import pytest

from homespun.indexer.secrets.pem import key_bodies

HEAD = "-----BEGIN RSA PRIVATE KEY-----\n"
TAIL = "-----END RSA PRIVATE KEY-----\n"
LINE = "MIIEpAIBAAKCAQEA7bq2vVJmxVq0mT3pY9uXw1s2\n"


def found(text):
    return [text[start:end].strip() for start, end in key_bodies(text)]


@pytest.mark.parametrize(
    ("text", "bodies"),
    [
        (HEAD + LINE + TAIL, [LINE[:-1]]),
        (HEAD + "\n" + TAIL, []),
        (HEAD + LINE + LINE, [LINE + LINE[:-1]]),
        (HEAD + "DEK-Info: AES\n\n" + LINE + TAIL + "rest", ["DEK-Info: AES\n\n" + LINE[:-1]]),
        (HEAD + "a parser's constant", []),
        (HEAD + LINE + TAIL + "x = 1\n" + HEAD + LINE + TAIL, [LINE[:-1], LINE[:-1]]),
        (HEAD + HEAD + LINE + TAIL, [HEAD + LINE[:-1]]),
        (HEAD + LINE + "-----END EC PRIVATE KEY-----", [LINE[:-1]]),
        ("-----BEGIN PGP PRIVATE KEY BLOCK-----\n" + LINE, [LINE[:-1]]),
        (f'"{HEAD[:-1]}\\n" + "{LINE[:-1]}\\n"', [f'\\n" + "{LINE[:-1]}']),
        (HEAD + "x " * 10_001 + LINE + TAIL, []),  # further than any key is long
        ("-----BEGIN PUBLIC KEY-----\n" + LINE, []),
    ],
)
def test_the_material_of_keys_is_found(text, bodies):
    assert found(text) == bodies


@pytest.mark.parametrize(
    "text",
    [
        HEAD * 60_000,
        "".join(f"-----BEGIN {number} PRIVATE KEY-----\n" for number in range(60_000)),
        HEAD * 30_000 + TAIL * 30_000,
        (HEAD + LINE[:-10]) * 25_000,
        HEAD + ("+" * 31 + "-") * 60_000,
        "-----BEGIN " * 180_000,
        HEAD + " " * 2_000_000,
    ],
    ids=["heads", "labels", "heads-and-tails", "bodies", "almost", "begins", "blank"],
)
def test_two_megabytes_of_heads_take_no_time(text):
    began = time.monotonic()
    found(text)
    assert time.monotonic() - began < 5  # 60,000 heads took 14 s
