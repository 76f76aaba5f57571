"""Who may ask over HTTP: who names the token, at an address that no web page can stand behind.

Any program of the machine, and any page in a browser, can send a request to a port. A page comes
with `Origin`, or with a `Host` of its own where it has its name point here (DNS rebinding): both
are refused whatever else they bring, and no reply allows another origin to read it.
"""

from __future__ import annotations

import ipaddress

from homespun.server.openai.http import HttpRequest
from homespun.server.openai.replies import Reply, refusal
from homespun.server.transport.client_token import is_token


class Guard:
    """Looks at the head of a request."""

    def __init__(self, token: str, host: str) -> None:
        """`host` is the name or address that the server was told to listen on."""
        self._token = token
        self._names = {"localhost", host.lower()}

    def refusal(self, request: HttpRequest) -> Reply | None:
        """Return why a request is not answered, None where it is."""
        if not self._is_ours(request.headers.get("host", "")):
            return refusal(421, "the header Host names another server; ask this one by its address")
        if "origin" in request.headers:
            return refusal(403, "a web page may not ask this server", code="origin_refused")
        scheme, _, named = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not is_token(named.strip(), self._token):
            return refusal(
                401,
                "the token is missing or wrong; send the header `Authorization: Bearer TOKEN` "
                "with the one that `homespun serve --openai` names at its start",
                code="invalid_api_key",
            )
        return None

    def _is_ours(self, host: str) -> bool:
        """Tell whether `Host` is an address as such, which no page can choose, or our own name."""
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        name = name.strip("[]").lower()
        if name in self._names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True
