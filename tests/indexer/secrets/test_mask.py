"""Secrets leave the text, everything else stays; lines and columns do not move."""

from __future__ import annotations

import base64
import logging
import random
import string

import pytest

from homespun.indexer.config import IndexConfig
from homespun.indexer.index import Index
from homespun.indexer.secrets.mask import mask, masked_share
from homespun.indexer.syntax.parse import parse_file
from homespun.indexer.types import ParsedFile, Skipped
from homespun.models.fakes import FakeEncoder

PROSE = ["Keys are kept by the owner of the service and never by anybody else."] * 40
ALPHABET = string.ascii_letters + string.digits + "-_"
BODY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"

# The parts are joined here so that no scanner takes this file for a leak.
TOKENS = {
    "aws": "AKIA" + "IOSFODNN7EXAMPLQ",
    "github": "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a",
    "github-fine": "github_pat_" + "11ABCDEFG0abcdefghijkl_mnopqrstuvwx",
    "gitlab": "glpat-" + "x7Yz9_AbCdEfGhIjKlMn",
    "slack": "xoxb-" + "263594206564-FGqddMF8t08v8N7Oq4i57vs1",
    "openai": "sk-proj-" + "Ab3dEf6hIj9lMn2pQr5tUv8xYz1bC4eF",
    "stripe": "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc",
    "google": "AIza" + "SyDaGmWKa4JsXZ-HjGw7ISLn_3namBGewQe",
    "hugging-face": "hf_" + "AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh",
    "gitlab-runner": "GR1348941" + "x7Yz9_AbCdEfGhIjKlMn",
    "discord": "MTk4NjIyNDgzNDcxOTI1MjQ4." + "Cl2FMQ." + "ZnCjm1XVW7vRze4b7Cq4se7kKWs",
    "mailchimp": "0123e" + "f01a2b3c4d5e6f708192a3b4c5d" + "-us17",
    "square": "sq0csp-" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1V",
    "twilio": "SK" + "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
    "npm": "npm_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8",
    "pypi": "pypi-" + "AgEIcHlwaS5vcmcCJDU3ZTQ1YjYyLTc1NGEtNDIxNS1hZjEyLTk4ZTM",
    "jwt": "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0." + "dozjgNryP4J3jVmNHl0w5N",
}


@pytest.mark.parametrize("token", TOKENS.values(), ids=TOKENS.keys())
def test_a_known_token_is_masked_wherever_it_stands(token):
    text = f"first\nurl = fetch('https://x/{token}')  # keep\nlast {token}\n"
    hidden = "*" * len(token)
    assert mask(text) == f"first\nurl = fetch('https://x/{hidden}')  # keep\nlast {hidden}\n"


def test_the_body_of_a_private_key_is_masked_and_its_lines_stay():
    begin, end = "-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----"
    text = f'KEY = """{begin}\n{BODY}\nshort==\n{end}"""\nx'
    masked = mask(text)
    stars = "*" * len(BODY)
    assert masked == f'KEY = """{begin}\n{stars}\n*******\n{end}"""\nx'


def test_an_encrypted_key_with_headers_and_a_key_that_was_cut_off_are_masked():
    encrypted = (
        "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n"
        f"{BODY}\n-----END EC PRIVATE KEY-----\n"
    )
    assert BODY not in mask(encrypted)
    cut_off = f'pem = ("-----BEGIN PRIVATE KEY-----\\n"\n  "{BODY}"\n)\nreturn pem\n'
    assert BODY not in mask(cut_off)
    assert mask(cut_off).endswith("\nreturn pem\n")


@pytest.mark.parametrize(
    ("line", "masked"),
    [
        ('password = "hunter2!Xq"', 'password = "**********"'),
        ("DB_PASSWORD='9fK2mQx7Lw'", "DB_PASSWORD='**********'"),
        ('{"apiKey": "a8F3k29sLq01Zx"}', '{"apiKey": "**************"}'),
        ('api_key: str = "a8F3k29sLq01Zx"', 'api_key: str = "**************"'),
        ("const authToken = `a8F3k29sLq01Zx`;", "const authToken = `**************`;"),
        ("'client_secret' => 'a8F3k29sLq01Zx',", "'client_secret' => '**************',"),
        ('config["secret_key"] = b"a8F3k29sLq01Zx"', 'config["secret_key"] = b"**************"'),
        (
            'os.setdefault("API_KEY", "a8F3k29sLq01Zx")',
            'os.setdefault("API_KEY", "**************")',
        ),
        ('password = "Correct!Horse"', 'password = "*************"'),
        ('passphrase: "tr0ub4dor&3x"', 'passphrase: "************"'),
        ('db_pass = "Sommer#Regen"', 'db_pass = "************"'),
        ('auth_key = "qLxRvTnWbKzHdPmSgJ"', 'auth_key = "******************"'),
        (
            '"Authorization": "Bearer q7Xr2LmZ0aVt9Kp3Ws5YbN"',
            '"Authorization": "Bearer **********************"',
        ),
        ("dsn = 'postgres://app:s3cr3tpw@db/shop'", "dsn = 'postgres://app:********@db/shop'"),
    ],
    ids=lambda value: value[:24],
)
def test_an_assigned_secret_is_masked_and_its_line_keeps_its_length(line, masked):
    assert mask(line, "python") == masked
    assert len(line) == len(masked)


def test_settings_files_need_no_quotes():
    text = "region: eu-west-1\ndb_password: 9fK2mQx7Lw\nexport API_TOKEN=a8F3k29sLq01Zx\n"
    expected = "region: eu-west-1\ndb_password: **********\nexport API_TOKEN=**************\n"
    assert mask(text, "yaml") == expected
    assert mask(text, "python") == text


@pytest.mark.parametrize(
    "line",
    [
        'password = "password"',
        'password_hint = "Enter the password!"',
        'token = "</NotAPassword>"',
        'names = ["PyErr_SetExcFromWindowsErrWithFilename", "PyNumber_InPlaceFloorDivide2"]',
        'alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"',
        'path = "src/main/java/org/Example2/HttpClientFactoryImpl"',
        'etag = "W/0a1b2c3d4e5f60718293a4b5c6d7e8f9"',
        'PASSWORD_FIELD = "password_confirmation"',
        'token = "your_token_here_123"',
        'token = f"{prefix}{user_id}12ab"',
        'password = os.environ["DB_PASSWORD_1"]',
        "password = settings.password1.value",
        'tokenizer = "gpt2-xl-1558m-bpe"',
        'secret_path = "/run/secrets/db1"',
        'request_id = "6f1c2c1e-8f5f-4d39-9a52-0f3f2f6f7a11"',
        'sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"',
        '"integrity": "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwv"',
        'img = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4"',
        ".sk-button-primary-large-with-icon { color: red }",
        'BEGIN = "-----BEGIN PRIVATE KEY-----"; END = "-----END PRIVATE KEY-----"',
        "see https://user:$PASSWORD@example.org and https://example.org:8080/a@b",
    ],
    ids=lambda line: line[:28],
)
def test_what_only_looks_like_a_secret_stays(line):
    assert mask(line, "python") == line


def test_random_keys_in_quotes_are_masked_whatever_they_are_called():
    dice = random.Random(5)
    keys = ["".join(dice.choices(ALPHABET, k=40)) for _ in range(500)]
    masked = sum(mask(f'x = f("{key}")') == f'x = f("{"*" * 40}")' for key in keys)
    assert masked >= 475


def test_random_keys_with_a_secrets_name_are_masked_also_where_they_are_short():
    dice = random.Random(6)
    keys = ["".join(dice.choices(ALPHABET, k=20)) for _ in range(500)]
    masked = sum(mask(f'api_key = "{key}"') == f'api_key = "{"*" * 20}"' for key in keys)
    assert masked >= 485


def test_digests_and_identities_in_quotes_stay():
    dice = random.Random(7)
    for _ in range(200):
        digest = dice.randbytes(32)
        for text in (digest.hex(), f"{digest.hex()[:8]}-{digest.hex()[8:12]}-4fff-8fff-0123"):
            assert mask(f'x = "{text}"', "python") == f'x = "{text}"'
        padded = base64.b64encode(digest).decode()
        assert mask(f'x = "sha256-{padded}"', "python") == f'x = "sha256-{padded}"'


def test_a_long_line_of_letters_takes_linear_time():
    text = "token" * 100_000 + "=" + "a.b-" * 100_000
    assert mask(text, "yaml") == text


def test_a_secret_never_enters_chunks_or_symbols_and_positions_stay():
    token = TOKENS["github"]
    source = f'TOKEN = "{token}"\n\n\ndef send(auth="{token}"):\n    """Sends {token}."""\n'
    parsed = parse_file("app.py", source.encode(), IndexConfig())
    assert isinstance(parsed, ParsedFile)
    assert token not in repr(parsed)
    assert [(s.name, s.start_line, s.end_line) for s in parsed.symbols] == [
        ("TOKEN", 1, 1),
        ("send", 4, 5),
    ]
    assert "".join(chunk.text for chunk in parsed.chunks) == source.replace(token, "*" * len(token))


def test_a_secret_is_found_nowhere_in_index_search_disk_and_log(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    secrets = [*TOKENS.values(), "Correct!Horse", "9fK2mQx7Lw"]
    lines = [f'TOKEN_{n} = "{token}"' for n, token in enumerate(TOKENS.values())]
    lines += ['PASSWORD = "Correct!Horse"', 'login(user, password="9fK2mQx7Lw")']
    (tmp_path / "app.py").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "notes.md").write_text("\n\n".join([*PROSE, *lines]), encoding="utf-8")
    (tmp_path / "broken.py").write_text("def f(:\n" + "\n".join(lines), encoding="utf-8")
    encoder = FakeEncoder()
    index = Index.open(tmp_path, IndexConfig(), create=True, encoder=encoder)
    report = index.update()
    index.embed()
    hits = [hit for path in index.paths() for hit in index.search(path, limit=50)]
    seen = repr((report, hits, encoder.calls, caplog.text, index._current.state))
    stored = b"".join(
        path.read_bytes() for path in (tmp_path / ".homespun").rglob("*") if path.is_file()
    )
    assert report.files == 3
    for secret in secrets:
        assert secret not in seen
        assert secret.encode() not in stored


def test_a_file_that_is_mostly_a_secret_is_skipped():
    key = f"-----BEGIN PRIVATE KEY-----\n{BODY}\n{BODY}\n-----END PRIVATE KEY-----\n"
    assert parse_file("deploy/readme.txt", key.encode(), IndexConfig()) == Skipped("secret")
    assert parse_file(".env", b"A=1\n", IndexConfig()) == Skipped("secret")
    assert masked_share(key, mask(key)) > 0.5
    assert masked_share("plain", mask("plain")) == 0.0
