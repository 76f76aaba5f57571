"""Errors of the server room; each says what, which value, what to do.

ServerError
├── SocketRefused      a path that cannot be, or must not be, the server's Unix socket
├── TokenRefused       a token that is too short, or that others could read or have written
└── SourceUnreadable   a file to complete in that cannot be read, or is no text
"""

from homespun.errors import HomespunError


class ServerError(HomespunError):
    """Base of everything this room raises on purpose."""


class SocketRefused(ServerError):
    """The path cannot be the server's socket, or must not be."""


class TokenRefused(ServerError):
    """The token is too short, or others could read or have written it."""


class SourceUnreadable(ServerError):
    """The file to complete in cannot be read, or is no text."""
