"""Only the user says where code goes; a key is in no sentence, whatever is wrong with it."""

from __future__ import annotations

from typing import get_args

import pytest

from homespun.indexer.secrets.mask import mask
from homespun.models.errors import RemoteRefused
from homespun.models.remote import fim_formats
from homespun.models.remote.kinds import KINDS
from homespun.models.remote.open import open_remote
from homespun.models.remote.options import SECTION, FormatName, KindName, RemoteOptions
from homespun.settings import resolve, user_file

KEY = "sk-planted-4fX9q2LmT7vRz1Kd8sNw"


def opened(**settings):
    said = []
    options = RemoteOptions(**{"route": "remote", **settings})
    open_remote(options, None, context_tokens=2048, mask=mask, say=said.append)
    return said


def test_nothing_is_sent_anywhere_by_default():
    assert RemoteOptions().route == "local"
    assert not RemoteOptions(url="http://127.0.0.1:8080").is_on


def test_the_choices_are_the_kinds_and_formats_that_there_are():
    assert set(get_args(KindName)) == {"auto", *KINDS}
    assert get_args(FormatName) == ("auto", *fim_formats.names())


@pytest.mark.parametrize("file", ["homespun.toml", "pyproject.toml"])
def test_a_workspace_sets_no_part_of_it(file, tmp_path):
    table = "model.remote" if file == "homespun.toml" else "tool.homespun.model.remote"
    (tmp_path / file).write_text(
        f'[{table}]\nroute = "remote"\nurl = "https://evil.example"\nkind = "openai"\n'
        'model = "m"\nfim = "qwen"\napi_key_env = "AWS_SECRET_ACCESS_KEY"\n'
        'headers = ["A: b"]\ntimeout_ms = 60000\ntokens_a_day = 1\n'
    )
    resolved = resolve(RemoteOptions, SECTION, workspace=tmp_path)
    assert resolved.value == RemoteOptions()
    assert len(resolved.faults) == 6  # five, and how many more
    assert "only the user may set it" in resolved.faults[0]
    user_file().write_text('[model.remote]\nroute = "remote"\nurl = "http://127.0.0.1:8080"\n')
    resolved = resolve(RemoteOptions, SECTION, workspace=tmp_path)
    assert resolved.value == RemoteOptions(route="remote", url="http://127.0.0.1:8080")


def test_the_user_sets_it_in_his_file_or_the_environment(monkeypatch):
    user_file().write_text(
        '[model.remote]\nurl = "http://127.0.0.1:8080"\nheaders = ["X-Team: a"]\n'
    )
    monkeypatch.setenv("HOMESPUN_MODEL_REMOTE_ROUTE", "remote")
    monkeypatch.setenv("HOMESPUN_MODEL_REMOTE_TIMEOUT_MS", "900")
    resolved = resolve(RemoteOptions, SECTION, workspace=None)
    assert resolved.faults == []
    assert resolved.value == RemoteOptions(
        route="remote", url="http://127.0.0.1:8080", headers=("X-Team: a",), timeout_ms=900
    )
    assert resolved.origins["route"] == "$HOMESPUN_MODEL_REMOTE_ROUTE"


def test_a_wrong_value_of_a_private_setting_is_not_shown(monkeypatch):
    user_file().write_text(
        f'[model.remote]\nheaders = "Authorization: {KEY}"\nurl = ["{KEY}"]\n'
        f'api_key_env = {{a = "{KEY}"}}\n'
    )
    resolved = resolve(RemoteOptions, SECTION, workspace=None)
    assert len(resolved.faults) == 3
    assert KEY not in str(resolved.faults)


WRONG = {
    "no address": ({}, "model.remote.url is empty"),
    "a key where its variable belongs": ({"api_key_env": KEY}, "holds no key"),
    "an empty variable": ({"api_key_env": "EMPTY"}, "holds no key"),
    "a key with a line end": ({"api_key_env": "TWO_LINES"}, "holds no key"),
    "a header without a name": ({"headers": (KEY,)}, "entry 1 of model.remote.headers"),
    "a header that smuggles another": ({"headers": (f"A: b\r\nX: {KEY}",)}, "entry 1"),
    "a host of its own": ({"headers": ("A: b", f"Host: {KEY}")}, "entry 2"),
}


@pytest.mark.parametrize(("settings", "sentence"), WRONG.values(), ids=WRONG)
def test_settings_that_do_not_work_are_refused_without_a_key(settings, sentence, monkeypatch):
    monkeypatch.setenv("EMPTY", "  ")
    monkeypatch.setenv("TWO_LINES", f"{KEY}\nmore")
    url = {} if not settings else {"url": "http://127.0.0.1:1"}
    with pytest.raises(RemoteRefused) as refused:
        opened(**url, **settings)
    assert sentence in str(refused.value)
    assert KEY not in str(refused.value)


def test_a_key_over_plain_http_is_warned_of_beyond_this_machine(monkeypatch):
    monkeypatch.setenv("MY_KEY", KEY)
    assert opened(url="http://127.0.0.1:8080", api_key_env="MY_KEY") == []
    assert opened(url="http://gpu-box:8000") == []
    (said,) = opened(url="http://gpu-box:8000", api_key_env="MY_KEY")
    assert "plain http" in said
    assert KEY not in said


def test_who_wants_no_connection_gets_none_beyond_this_machine(monkeypatch):
    monkeypatch.setenv("HOMESPUN_OFFLINE", "1")
    assert opened(url="http://127.0.0.1:8080") == []
    with pytest.raises(RemoteRefused, match="HOMESPUN_OFFLINE"):
        opened(url="http://gpu-box:8000")
