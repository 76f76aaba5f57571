"""`homespun serve`: the language server, or with --openai completions over HTTP.

Stdout belongs to the protocol, the log goes to stderr.
"""

from __future__ import annotations

import argparse
import ipaddress
import logging
import os
import sys
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

from homespun.cli.ending import end_process
from homespun.cli.errors import UsageError
from homespun.cli.observing import observed
from homespun.cli.output import say

if TYPE_CHECKING:
    from homespun.indexer.index import Index
    from homespun.server.app import HomespunServer
    from homespun.server.completion.completer import Completer
    from homespun.server.transport.listen import Visitor

    Entrance = Callable[[], Coroutine[Any, Any, Visitor]]

LEVELS = ("debug", "info", "warning", "error")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    transport = parser.add_mutually_exclusive_group()
    transport.add_argument("--stdio", action="store_true", help="talk over stdin/stdout (default)")
    transport.add_argument(
        "--socket",
        type=Path,
        metavar="PATH",
        help="wait for one client of this user on a Unix socket",
    )
    transport.add_argument(
        "--tcp",
        metavar="HOST:PORT",
        help="wait on a port for one client that names the token (HOMESPUN_TOKEN, or a file)",
    )
    transport.add_argument(
        "--openai",
        metavar="HOST:PORT",
        help="answer /v1/completions and llama.cpp's /infill over HTTP for FOLDER, to clients "
        "that name the token",
    )
    parser.add_argument(
        "folder", nargs="?", metavar="FOLDER", help="of --openai: the repository (default: .)"
    )
    parser.add_argument(
        "--allow-remote",
        action="store_true",
        help="let --tcp or --openai listen on an address that other machines reach; nothing is "
        "encrypted",
    )
    parser.add_argument("--model", metavar="NAME", help="model instead of the configured one")
    parser.add_argument("--adapter", metavar="ID", help="adapter instead of the configured one")
    parser.add_argument("--no-retrieval", action="store_true", help="complete without the index")
    parser.add_argument("--log-level", choices=LEVELS, default="warning", help="log to stderr")


def run(args: argparse.Namespace) -> int:
    """Serve until the client leaves."""
    if args.openai:
        return _serve_openai(args)
    if args.folder:
        raise UsageError(f"FOLDER {args.folder!r} goes with --openai; an editor names its own")
    entrance = _entrance(args)
    configure_logging(args.log_level)
    from homespun.server.setup import create_server

    flags = {
        "model": args.model,
        "adapter": args.adapter,
        "retrieval": False if args.no_retrieval else None,
    }
    serve(create_server(flags=flags), entrance)


def configure_logging(level: str) -> None:
    """Log to stderr. pygls logs whole messages, source code in them: it is kept silent."""
    logging.basicConfig(
        stream=sys.stderr,
        level=level.upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    logging.getLogger("pygls").setLevel(logging.CRITICAL)
    for name in ("asyncio", "httpcore", "httpx"):  # whole addresses, and headers of answers
        logging.getLogger(name).setLevel(logging.WARNING)


def serve(server: HomespunServer, entrance: Entrance | None = None) -> NoReturn:
    """Serve over stdio, or whom the entrance lets in where there is one, and end the process."""
    if entrance is None:
        stdin, stdout = _take_standard_streams()
        status = server.run_stdio(stdin, stdout)
    else:
        status = server.run_listening(entrance)
    server.wait_for_threads()
    end_process(status)


def _take_standard_streams() -> tuple[BinaryIO, BinaryIO]:
    """Return the protocol's streams; whoever prints or reads from now on does so elsewhere."""
    sys.stdout.flush()
    stdin = os.fdopen(os.dup(0), "rb", buffering=0)
    stdout = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return stdin, stdout


def _serve_openai(args: argparse.Namespace) -> NoReturn:
    """Answer over HTTP until the process is told to end."""
    host, port = _address("--openai", args.openai, allow_remote=args.allow_remote)
    token = _token()
    configure_logging(args.log_level)
    from homespun.server.completion.completer import Completer
    from homespun.server.openai import serve as openai

    folder = Path(args.folder or ".")

    def open_completer(index: Index | None) -> Completer:
        return Completer.open(
            folder,
            model=args.model,
            adapter=args.adapter,
            retrieval=False if args.no_retrieval else None,
            index=index,
            say=say,
        )

    with observed("serve --openai"):
        openai.serve(
            folder,
            openai.ListenAddress(host, port, token),
            open_completer=open_completer,
            retrieval=not args.no_retrieval,
            say=say,
        )
    end_process(0)


def _entrance(args: argparse.Namespace) -> Entrance | None:
    """Return how a client comes in; None where it has come already, over stdio."""
    if not (args.tcp or args.socket):
        return None
    from homespun.server.transport.listen import visitor_over_socket, visitor_over_tcp

    if args.socket:
        return partial(visitor_over_socket, args.socket, listening=_say_path)
    host, port = _address("--tcp", args.tcp, allow_remote=args.allow_remote)
    return partial(visitor_over_tcp, host, port, token=_token(), listening=_say_port)


def _token() -> str:
    from homespun.server.transport.client_token import token_of_environment, token_of_file

    token = token_of_environment()
    if token is None:
        token, path = token_of_file()
        say(f"the token is in {str(path)!r}")
    return token


def _say_port(port: int) -> None:
    say(f"listening on port {port}")


def _say_path(path: Path) -> None:
    say(f"listening on {str(path)!r}")


def _address(flag: str, text: str, *, allow_remote: bool) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    host = host.strip("[]")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise UsageError(f"{flag} {text!r} is no HOST:PORT; write e.g. 127.0.0.1:7777")
    if not allow_remote and not _is_loopback(host):
        raise UsageError(
            f"{flag} {text!r} is reachable from other machines, and nothing is encrypted; "
            "use 127.0.0.1, or add --allow-remote"
        )
    return host, int(port)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name
        return host == "localhost"
