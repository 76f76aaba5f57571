"""The `homespun` command: argument parsing only. A verb's module is imported once it is chosen."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from homespun.cli.errors import UsageError
from homespun.cli.observing import observed
from homespun.cli.shown import shown
from homespun.cli.surroundings import leave_out_the_current_folder
from homespun.errors import HomespunError
from homespun.indexer.storage.rest_client import leave_out_the_rest_client


@dataclass(frozen=True, slots=True)
class Verb:
    """A line of the help page and the module that does the work."""

    name: str
    module: str  # has `add_arguments(parser)` and `run(args) -> int`
    summary: str


VERBS = (
    Verb("models", "homespun.cli.verbs.models", "list, fetch, verify and export weights"),
    Verb("index", "homespun.cli.verbs.index", "build or update a repository's index"),
    Verb("search", "homespun.cli.verbs.search", "search the index"),
    Verb(
        "related",
        "homespun.cli.verbs.agents.related",
        "find code that is like the code at a line",
    ),
    Verb(
        "complete",
        "homespun.cli.verbs.complete",
        "complete at a cursor, or many cursors from a file",
    ),
    Verb(
        "conventions", "homespun.cli.verbs.conventions", "show how this repository writes its code"
    ),
    Verb(
        "eval", "homespun.cli.verbs.eval.verb", "measure the search on queries with known answers"
    ),
    Verb("dataset", "homespun.cli.verbs.dataset", "make examples to learn from of a repository"),
    Verb(
        "train",
        "homespun.cli.verbs.train",
        "learn from this repository, and judge what was learned",
    ),
    Verb("advise", "homespun.cli.verbs.advise.verb", "say which lever this repository needs"),
    Verb(
        "adapters",
        "homespun.cli.verbs.adapters.verb",
        "show, promote, roll back and check adapters",
    ),
    Verb("fleet", "homespun.cli.verbs.fleet.verb", "index, train or search many repositories"),
    Verb("acceptance", "homespun.cli.verbs.acceptance", "show what became of the suggestions"),
    Verb("doctor", "homespun.cli.verbs.doctor", "say what is wrong here, and what mends it"),
    Verb("traces", "homespun.cli.verbs.traces.verb", "show what the last completions took"),
    Verb("serve", "homespun.cli.verbs.serve", "run the language server"),
    Verb("mcp", "homespun.cli.verbs.agents.mcp", "run the MCP server, tools for coding agents"),
    Verb(
        "install-agent",
        "homespun.cli.verbs.agents.install",
        "tell a coding agent of this repository's tools, or take that back",
    ),
)

_PROTOCOLS = ("serve", "mcp")  # stdout belongs to theirs


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; return the exit status: 0 done, 1 it failed, 2 wrong arguments."""
    if argv is None:  # this process is ours
        leave_out_the_current_folder()
        leave_out_the_rest_client()
    try:
        status = _run(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
    except BrokenPipeError:  # who reads had enough: `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at the end
        return 1
    return status


def _run(arguments: list[str]) -> int:
    if arguments[:1] == ["--version"]:
        return _print_version()
    verb = next((verb for verb in VERBS if arguments[:1] == [verb.name]), None)
    if verb is None:
        return _no_verb(arguments)
    with shown(stdout=verb.name not in _PROTOCOLS):
        return _run_verb(verb, arguments)


def _run_verb(verb: Verb, arguments: list[str]) -> int:
    module = importlib.import_module(verb.module)
    parser = argparse.ArgumentParser(prog=f"homespun {verb.name}", description=verb.summary)
    parser.add_argument("--debug", action="store_true", help="show the stack trace of a failure")
    module.add_arguments(parser)
    args = parser.parse_args(arguments[1:])
    try:
        with observed(verb.name):
            return int(module.run(args))
    except UsageError as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        print("homespun: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        raise
    except Exception as error:
        if args.debug:
            raise
        print(f"homespun: {_sentence(error)}", file=sys.stderr)
        return 1


def _no_verb(arguments: list[str]) -> int:
    if arguments[:1] in (["-h"], ["--help"]):
        print(_help())
        return 0
    if arguments:
        names = ", ".join(verb.name for verb in VERBS)
        print(f"homespun: unknown verb {arguments[0]!r}; choose one of: {names}", file=sys.stderr)
    else:
        print(_help(), file=sys.stderr)
    return 2


def _help() -> str:
    lines = ["usage: homespun VERB [arguments]   (homespun VERB --help tells more)", ""]
    lines += [f"  {verb.name:<15}{verb.summary}" for verb in VERBS]
    return "\n".join([*lines, "", "  --version  print the version"])


def _print_version() -> int:
    from importlib.metadata import version

    print(f"homespun {version('homespun')}")
    return 0


def _sentence(error: Exception) -> str:
    """One sentence for the user: our errors as they are, anything else with its type."""
    if isinstance(error, HomespunError):
        return str(error)
    if isinstance(error, OSError) and error.filename is not None:
        return _file_sentence(error)
    return f"{type(error).__name__}: {error} (run again with --debug for the stack trace)"


def _file_sentence(error: OSError) -> str:
    """Say which file or folder is in the way, and what to do about it."""
    path = os.fsdecode(error.filename)
    if isinstance(error, IsADirectoryError):
        return f"{path!r} is a folder where a file is wanted; move it away and run again"
    if isinstance(error, NotADirectoryError):
        return (
            f"{_file_above(path)!r} is a file where a folder is wanted; move it away and run again"
        )
    if isinstance(error, FileExistsError):
        return f"{path!r} is in the way of a folder of that name; move it away and run again"
    if isinstance(error, PermissionError):
        return f"{path!r} may not be used by this user; change its permissions and run again"
    return f"{path!r} cannot be used: {error.strerror}; look at that path and run again"


def _file_above(path: str) -> str:
    """Return which part of the path is the file that was taken for a folder."""
    above = os.path.dirname(path)
    while above and not os.path.lexists(above):
        above = os.path.dirname(above)
    return above or path
