"""Errors of the server room; each says what, which value, what to do.

ServerError
├── SocketRefused      a path that cannot be, or must not be, the server's Unix socket
├── TokenRefused       a token that is too short, or that others could read or have written
├── SourceUnreadable   a file to complete in that cannot be read, or is no text
├── ArgumentRefused    an argument of an agent's tool that cannot be used
└── NotReadyYet        an agent asks while the folder's index is being built
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


class ArgumentRefused(ServerError):
    """An argument of an agent's tool cannot be used."""


class NotReadyYet(ServerError):
    """The folder's index is still being built."""
