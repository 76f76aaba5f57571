"""What may be an address, and what of one is ever shown."""

from __future__ import annotations

import pytest

from homespun.models.errors import RemoteRefused
from homespun.models.remote.wire.address import address_of

GOOD = {
    "http://127.0.0.1:8080": ("http://127.0.0.1:8080", "", True),
    "http://localhost:1234/v1": ("http://localhost:1234", "", True),
    "http://[::1]:8080/": ("http://[::1]:8080", "", True),
    "http://[::ffff:127.0.0.1]:80": ("http://[::ffff:127.0.0.1]", "", True),
    "http://192.168.1.5:8000/v1/": ("http://192.168.1.5:8000", "", False),
    "http://100.100.1.2:8000": ("http://100.100.1.2:8000", "", False),
    "http://gpu-box:8000/llm/v1": ("http://gpu-box:8000", "/llm", False),
    "http://gpu.lan": ("http://gpu.lan", "", False),
    "https://api.deepseek.com/beta": ("https://api.deepseek.com", "", False),
    "https://models.example.com/team": ("https://models.example.com", "/team", False),
}


@pytest.mark.parametrize(("url", "expected"), GOOD.items(), ids=GOOD)
def test_an_address_is_taken_and_named_without_its_path(url, expected):
    address = address_of(url)
    assert (address.shown, address.path, address.is_on_this_machine) == expected


BAD = {
    "no scheme": "127.0.0.1:8080",
    "a file": "file:///etc/passwd",
    "no host": "http://",
    "no port": "http://host:port",
    "a port too high": "http://127.0.0.1:99999",
    "a password": "https://me:hunter2hunter2@models.example.com",
    "a user": "https://hunter2hunter2@models.example.com",
    "a query": "https://models.example.com/?key=hunter2hunter2",
    "a public name over http": "http://models.example.com",
    "a public address over http": "http://8.8.8.8",
    "a public address in IPv6's words": "http://[::ffff:8.8.8.8]:80",
    "a name that looks like a private address": "http://127.0.0.1.example.com",
    "every address": "http://0.0.0.0:8080",
}


@pytest.mark.parametrize("url", BAD.values(), ids=BAD)
def test_what_is_no_address_is_refused_without_its_secrets(url):
    with pytest.raises(RemoteRefused, match="model.remote.url") as refused:
        address_of(url)
    assert "hunter2" not in str(refused.value)
