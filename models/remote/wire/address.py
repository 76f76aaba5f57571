"""The address of a server: what may be one, and how sentences name it.

Source text goes there, so plain http is for this machine and private networks only, key or no key.
That is told by the address itself and never by a name server, whose answer may change: an IP
address of a private range, a name without a dot, or one of the endings that no public name has.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from homespun.models.errors import RemoteRefused
from homespun.models.remote.wire.setting_names import COMPLETES, SettingNames

_PRIVATE_ENDINGS = (".local", ".localhost", ".internal", ".lan", ".home.arpa")
_PORTS = {"http": 80, "https": 443}
# What carrier-grade NAT and private overlay networks number their machines with (RFC 6598).
_SHARED = ipaddress.ip_network("100.64.0.0/10")
_KINDS_OWN = ("/v1", "/beta", "/api")  # people copy an address as another program wants it
_LOCAL = "local"
_PRIVATE = "private"
_PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is; holds no user name and no password."""

    scheme: str  # "http" or "https"
    host: str  # lower case, IPv6 without brackets
    port: int
    path: str  # before the paths of the server's kind, which begin with "/v1" or the like

    @property
    def base(self) -> str:
        """Return the address up to the path."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def shown(self) -> str:
        """Return how sentences name it: no path, for some services put a key there."""
        is_usual = self.port == _PORTS[self.scheme]
        return self.base.removesuffix(f":{self.port}") if is_usual else self.base

    @property
    def is_on_this_machine(self) -> bool:
        """Say whether nothing leaves the machine."""
        return _place(self.host) == _LOCAL

    @property
    def is_public(self) -> bool:
        """Say whether it is neither this machine nor in a private network."""
        return _place(self.host) == _PUBLIC


def address_of(url: str, names: SettingNames = COMPLETES) -> Address:
    """Take a URL apart. Raises `RemoteRefused`; what is refused is shown without its secrets."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise _refused(names, "is no URL") from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise _refused(names, "is no address with http:// or https:// and a host")
    if parts.username is not None or parts.password is not None:
        raise _refused(names, f"holds a user name or password; put them into {names.headers}")
    if parts.query or parts.fragment:
        raise _refused(names, "has a part behind `?` or `#`; give the address alone")
    address = Address(parts.scheme, parts.hostname, port or _PORTS[parts.scheme], _path(parts))
    if address.scheme == "http" and address.is_public:
        raise RemoteRefused(
            f"{names.url} is {address.shown!r}: code would cross the internet in the clear; "
            "use https://, or a tunnel that ends on this machine"
        )
    return address


def _path(parts: SplitResult) -> str:
    path = parts.path.rstrip("/")
    for ending in _KINDS_OWN:
        path = path.removesuffix(ending)
    return path


def _refused(names: SettingNames, why: str) -> RemoteRefused:
    return RemoteRefused(
        f"{names.url} {why}; give one such as http://127.0.0.1:8080 in the user's settings"
    )


def _place(host: str) -> str:
    try:
        ip = ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        return _place_of_name(host)
    ip = getattr(ip, "ipv4_mapped", None) or ip
    if ip.is_loopback:
        return _LOCAL
    is_shared = ip.version == 4 and ip in _SHARED
    is_private = (ip.is_private or ip.is_link_local or is_shared) and not ip.is_unspecified
    return _PRIVATE if is_private else _PUBLIC


def _place_of_name(host: str) -> str:
    if host == "localhost" or host.endswith(".localhost"):
        return _LOCAL
    is_private = "." not in host.rstrip(".") or host.rstrip(".").endswith(_PRIVATE_ENDINGS)
    return _PRIVATE if is_private else _PUBLIC
