"""From an address and where its key is to a client: what may be sent where is decided here."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from homespun.models.download.offline import is_offline
from homespun.models.errors import RemoteRefused
from homespun.models.remote.wire.address import address_of
from homespun.models.remote.wire.client import RemoteClient
from homespun.models.remote.wire.setting_names import SettingNames

_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x20-\x7e\x80-\xff]*)")
_KEY = re.compile(r"[\x21-\x7e]+")
_OURS = ("host", "content-length", "transfer-encoding", "content-type", "accept-encoding")
_SHORTEST_SECRET = 4  # of a header; a shorter value is none


def connect(
    url: str,
    *,
    api_key_env: str,
    headers: Sequence[str],
    names: SettingNames,
    say: Callable[[str], None],
) -> RemoteClient:
    """Return a client of the server at a URL; opens no connection yet.

    Raises `RemoteRefused` for settings that do not work, in words that hold no key.
    """
    address = address_of(url, names)
    if is_offline() and not address.is_on_this_machine:
        raise RemoteRefused(
            f"HOMESPUN_OFFLINE is set, so nothing goes to {address.shown}; unset it, or {names.off}"
        )
    sent = dict(_headers(api_key_env, headers, names, os.environ))
    if sent and address.scheme == "http" and not address.is_on_this_machine:
        say(
            f"{address.shown} is asked over plain http, so whoever sees the network sees the key; "
            f"https:// in {names.url} hides it"
        )
    return RemoteClient(address, sent, secrets=tuple(_secrets(sent)), names=names)


def _headers(
    api_key_env: str, headers: Sequence[str], names: SettingNames, environment: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Yield what goes with each request. Raises `RemoteRefused`; no value is in the sentence."""
    for number, header in enumerate(headers, start=1):
        match = _HEADER.fullmatch(header)
        if match is None or match[1].lower() in _OURS:
            raise RemoteRefused(
                f"entry {number} of {names.headers} is no header of yours to set; write each "
                "as 'Name: value'"
            )
        yield match[1], match[2]
    if api_key_env:
        key = environment.get(api_key_env, "").strip()
        if not _KEY.fullmatch(key):
            raise RemoteRefused(
                f"the environment variable that {names.api_key_env} names holds no key; "
                "export it where the editor or the shell is started, or empty the setting"
            )
        yield "Authorization", f"Bearer {key}"


def _secrets(headers: Mapping[str, str]) -> Iterator[str]:
    """Yield what of the headers must be in no sentence."""
    for value in headers.values():
        for part in (value, value.removeprefix("Bearer ")):
            if len(part) >= _SHORTEST_SECRET:
                yield part
