"""Errors of the server room that end it before it serves; each says what, which value, what to do.

ServerError
├── SocketRefused    a path that cannot be, or must not be, the server's Unix socket
└── TokenRefused     a token that is too short, or that others could read or have written
"""

from homespun.errors import HomespunError


class ServerError(HomespunError):
    """Base of everything this room raises on purpose."""


class SocketRefused(ServerError):
    """The path cannot be the server's socket, or must not be."""


class TokenRefused(ServerError):
    """The token is too short, or others could read or have written it."""
