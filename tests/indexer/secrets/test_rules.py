"""Planted secrets do not reach the index, and no rule takes more than linear time."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from bench.micro import secrets_recall
from homespun.indexer.secrets import tokens
from homespun.indexer.secrets.mask import mask

RULES = Path(tokens.__file__).with_name("rules.json")
HOSTILE_CHARS = 200_000
HOSTILE_SECONDS = 10.0  # half a second or so; what is not linear takes minutes
RULE_CHARS = 40_000
RULE_SECONDS = 0.9  # some 10 ms; the slowest that was not linear took 2 s


def test_hardly_a_planted_secret_reaches_the_index():
    planted = list(secrets_recall.plants(half="all", seed=0))
    reached = [plant for plant in planted if secrets_recall.reaches_index(plant)]
    assert len(planted) >= 380
    assert len(reached) <= 0.045 * len(planted), [plant.text for plant in reached]


def test_both_halves_hold_whole_kinds_and_all_of_them():
    halves = [list(secrets_recall.plants(half=half, seed=1)) for half in secrets_recall.HALVES]
    kinds = [{plant.kind for plant in half} for half in halves]
    assert not kinds[0] & kinds[1]
    assert len(kinds[0] | kinds[1]) >= 60
    assert min(len(half) for half in halves) >= 100


@pytest.mark.parametrize(
    ("language", "line", "secret"),
    [
        ("xml", "<password>Sommer#Regen72</password>", "Sommer#Regen72"),
        ("python", 'add("--password", help="x", default="a8F3k29sLq01Zx")', "a8F3k29sLq01Zx"),
        ("bash", "curl -u bot:a8F3k29sLq01Zx https://shop.org", "a8F3k29sLq01Zx"),
        ("bash", "mysqldump -u root -pa8F3k29sLq01Zx shop", "a8F3k29sLq01Zx"),
        ("bash", "machine shop.org login bot password a8F3k29sLq01Zx", "a8F3k29sLq01Zx"),
        ("csharp", 'var c = "Server=db;User Id=app;Password=Sommer_7;";', "Sommer_7"),
        ("python", 'url = "jdbc:mysql://db/shop?user=a&password=a8F3k29sLq01Zx"', "a8F3k29sLq01Zx"),
        ("json", '{"auths": {"r": {"auth": "Ym90OmE4RjNrMjlzTHEwMVp4"}}}', "Ym90OmE4RjNrMjlzTHEw"),
        ("yaml", "kind: Secret\ndata:\n  config: c29tZXRoaW5nIGhpZGRlbg==", "c29tZXRoaW5nIGhp"),
        ("python", 'key = "a8F3k29sLq01Zx" + "Kd72hGqLw09Pz"\nsecret = key', None),
        ("javascript", 'const apiKey = "a8F3k29sLq01" +\n  "Kd72hGqLw09Pz";', "Kd72hGqLw09Pz"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_a_secret_is_masked_where_it_stands(language, line, secret):
    masked = mask(line, language)
    assert [len(part) for part in masked.split("\n")] == [len(part) for part in line.split("\n")]
    assert secret is None or secret not in masked


@pytest.mark.parametrize(
    "line",
    [
        "postgres://user:pass@localhost/db and https://user:password@host",
        'join(pwd, "./data/pcg64-testset-1.csv")',
        'mask_token = "<|reserved_special_token_0|>"',
        '"SecretArn": "arn:aws:secretsmanager:us-west-2:123456789012:secret:shop-1a2b3c"',
        '"Name": "MyTestSecret",\n"VersionId": "a1b2c3d4-5678-90ab-cdef-4f5e6d7c8b9a"',
        'NAME_PATTERN = r"[A-Z0-9][A-Z0-9._-]*"',
        "password=make_password, key=lambda pair: pair[1]",
        'parser.add_argument("--token-file", default="tokens.txt")',
        'x = "part one of a sentence " + "and part two of 2"',
    ],
    ids=lambda line: line[:24],
)
def test_what_stands_where_secrets_stand_and_is_none_stays(line):
    assert mask(line, "python") == line


def test_the_rules_of_others_come_with_their_licence_and_commit():
    body = json.loads(RULES.read_text(encoding="utf-8"))
    assert body["licence"].startswith("MIT License")
    assert len(body["commit"]) == 40
    assert len(body["rules"]) > 150
    assert len({rule["id"] for rule in body["rules"]}) == len(body["rules"])


@pytest.mark.parametrize(
    "unit",
    [
        "token='a1",
        "&token=",
        'default="a1b2c3" ',
        "secret_key=a1b2;",
        "eyJa-",
        "a1 + 'b' ",
        "md-a-",
    ],
)
def test_a_hostile_line_takes_linear_time(unit):
    text = unit * (HOSTILE_CHARS // len(unit))
    began = time.process_time()
    mask(text, "yaml")
    assert time.process_time() - began < HOSTILE_SECONDS


@pytest.mark.parametrize("named", [False, True])
def test_each_rule_takes_linear_time_on_its_own_beginnings(named):
    slow = []
    for rule in tokens._rules(named=named):
        for keyword in rule.keywords:
            for filling in ("a-", "aA1", "=a1", "."):
                unit = keyword + filling
                text = unit * (RULE_CHARS // len(unit))
                began = time.process_time()
                list(rule.spans(text))
                if time.process_time() - began > RULE_SECONDS:
                    slow.append((rule.regex, unit))
    assert not slow
