"""`homespun adapters`: the trained adapters of a workspace, and which of them serves."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from homespun.cli.output import say
from homespun.cli.verbs.adapters import prune, share

if TYPE_CHECKING:
    from homespun.models.adapters.registry import Registry


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _action(actions, "list", "show the adapters and their states")
    _with_id(_action(actions, "show", "show what shaped an adapter, and check its files"))
    _with_id(
        _action(actions, "trust", "say of an adapter from elsewhere that its files may be used")
    )
    promote = _action(actions, "promote", "merge, round to int8, compare, and let it serve")
    _with_id(promote)
    _with_model(promote)
    promote.add_argument(
        "--unproven", action="store_true", help="even if the gate has not let it through"
    )
    _with_model(_action(actions, "rollback", "go back to the champion before, else as shipped"))
    remove = _action(actions, "remove", "delete an adapter that does not serve")
    _with_id(remove)
    _with_model(remove)
    prune.add_arguments(
        _action(actions, "prune", "delete old adapters that nothing needs, and say how many bytes")
    )
    check = _action(actions, "check", "say whether the champion has gone stale on recent commits")
    _with_model(check)
    check.add_argument(
        "--items", type=int, default=80, metavar="N", help="holes to score (default: 80)"
    )
    share.add_publish(_action(actions, "publish", "offer an adapter to a team, by a folder"))
    share.add_pull(_action(actions, "pull", "take the adapter that a team's folder offers"))
    export = _action(actions, "export", "write an adapter as other programs load it")
    _with_id(export)
    export.add_argument("folder", metavar="DIR", help="where the files go")
    export.add_argument(
        "--format",
        choices=("peft", "gguf"),
        default="peft",
        help="peft and vLLM read peft's folder (default), llama.cpp a GGUF file",
    )
    _without_general(export)
    push = _action(actions, "push", "have a running vLLM load an adapter, where it fits")
    push.add_argument("url", metavar="URL", help="of the server, e.g. http://127.0.0.1:8000")
    push.add_argument(
        "--id",
        metavar="ID",
        help="an identifier, as `list` shows it (default: the one that serves)",
    )
    push.add_argument(
        "--folder", metavar="DIR", required=True, help="where peft's files go for the server"
    )
    push.add_argument(
        "--as", dest="seen_as", metavar="PATH", help="what the server calls DIR, if it is elsewhere"
    )
    push.add_argument("--name", metavar="NAME", help="its name there (default: the identifier)")
    push.add_argument(
        "--api-key-env", metavar="VARIABLE", help="the variable that holds the server's key"
    )
    push.add_argument(
        "--plain-http", action="store_true", help="let http leave this machine's network"
    )
    _without_general(push)


def run(args: argparse.Namespace) -> int:
    """Do what was asked; return the exit status."""
    from homespun.indexer.roots import workspace_of
    from homespun.models.adapters.registry import Registry

    workspace = Path(args.path) if args.path else workspace_of(Path.cwd() / "x")
    actions = {
        "list": _list,
        "show": _show,
        "trust": _trust,
        "promote": _promote,
        "rollback": _rollback,
        "remove": _remove,
        "prune": prune.run,
        "check": _check,
        "publish": share.run_publish,
        "pull": share.run_pull,
        "export": _export,
        "push": _push,
    }
    return actions[args.action](args, Registry(workspace))


def _action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser], name: str, summary: str
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=summary, description=summary)
    parser.add_argument(
        "--path",
        metavar="DIR",
        help="the workspace (default: the nearest folder with an index, else the repository)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON on stdout, nothing else")
    parser.add_argument(
        "--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS
    )
    return parser


def _with_id(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="an identifier, as `list` shows it")


def _with_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", metavar="NAME", help="model instead of the configured one")


def _without_general(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--without-general",
        action="store_true",
        help="leave the general adapter out: only for weights that have it merged in",
    )


def _list(args: argparse.Namespace, registry: Registry) -> int:
    adapters = registry.adapters()
    for sentence in registry.damaged():
        say(sentence)
    if args.json:
        print(json.dumps([adapter.to_json() for adapter in adapters], indent=1))
        return 0
    if not adapters:
        print("no adapter yet: the model serves as shipped; `homespun train` makes one")
    for adapter in adapters:
        state = adapter.state if adapter.is_known else f"{adapter.state}:"
        print(f"{adapter.id:<32}  {state:<9}  {adapter.headline}")
    return 0


def _trust(args: argparse.Namespace, registry: Registry) -> int:
    adapter = registry.trust(args.id)
    if args.json:
        print(json.dumps(adapter.to_json(), indent=1))
        return 0
    print(f"{adapter.id} is trusted, as long as its files stay as they are")
    print(f"  it serves once it is promoted: homespun adapters promote {adapter.id}")
    return 0


def _show(args: argparse.Namespace, registry: Registry) -> int:
    from homespun.trust import SEAL

    adapter = registry.get(args.id)
    registry.check(adapter, everything=True)
    if args.json:
        print(json.dumps(adapter.to_json(), indent=1))
        return 0
    print(f"{adapter.id}  {adapter.state}  {adapter.directory}")
    print(f"  {adapter.headline}")
    for name, value in sorted(adapter.manifest.items()):
        if name not in ("files", "gate", "id", SEAL):
            print(f"  {_plain(name)}: {_plain(value)}")
    print(f"  files: {', '.join(adapter.manifest['files'])} (all as its manifest says)")
    return 0


def _promote(args: argparse.Namespace, registry: Registry) -> int:
    from homespun.cli.progress import RichProgress
    from homespun.models.promote import promote
    from homespun.server.prompt.render import PROMPT_VERSION

    with RichProgress(quiet=args.json) as progress:
        done = promote(
            registry,
            args.id,
            model=_model(args, registry),
            prompt_version=PROMPT_VERSION,
            unproven=args.unproven,
            progress=progress,
        )
    if args.json:
        body = done.adapter.to_json() | {"parity": done.parity.to_json()}
        print(json.dumps(body, indent=1))
        return 0
    print(f"{done.adapter.id} serves now; running servers take it over within seconds")
    print(
        f"  int8 against float32: {done.parity.agreement:.1%} of {done.parity.rows} tokens agree, "
        f"loss {done.parity.served_nats:.4f} against {done.parity.float_nats:.4f} nats"
    )
    print("  undo: homespun adapters rollback")
    return 0


def _rollback(args: argparse.Namespace, registry: Registry) -> int:
    adapter = registry.rollback()
    _clear(args, registry)
    if args.json:
        print(json.dumps({"champion": adapter.id if adapter else None}))
    elif adapter is None:
        print("the model serves as shipped now; running servers take it over within seconds")
    else:
        print(f"{adapter.id} serves again; running servers take it over within seconds")
    return 0


def _remove(args: argparse.Namespace, registry: Registry) -> int:
    registry.remove(args.id)
    _clear(args, registry)
    if args.json:
        print(json.dumps({"removed": args.id}))
    else:
        print(f"{args.id} is removed")
    return 0


def _check(args: argparse.Namespace, registry: Registry) -> int:
    """Exit 1 when the champion has gone stale, so that a nightly job sees it."""
    from homespun.cli.champion import NO_CHAMPION, examined_champion
    from homespun.cli.numbers import check_least
    from homespun.cli.progress import RichProgress

    check_least("--items", args.items, 1)
    with RichProgress(quiet=args.json) as progress:
        found = examined_champion(
            registry, lambda: _model(args, registry), items=args.items, progress=progress
        )
    if found is None:
        print(json.dumps({"adapter": None, "sentence": NO_CHAMPION}) if args.json else NO_CHAMPION)
        return 0
    print(json.dumps(found.to_json()) if args.json else found.sentence)
    return 1 if found.outcome == "stale" else 0


def _export(args: argparse.Namespace, registry: Registry) -> int:
    from homespun.models.adapters.export.export import export

    with_general = not args.without_general
    done = export(registry, args.id, Path(args.folder), form=args.format, with_general=with_general)
    if args.json:
        print(json.dumps(done.to_json(), indent=1))
        return 0
    for file in done.files:
        print(file)
    print(f"  rank {done.rank}, for {done.weights}")
    return 0


def _push(args: argparse.Namespace, registry: Registry) -> int:
    from homespun.cli.errors import UsageError
    from homespun.models.adapters.export.export import export, fit_of
    from homespun.models.adapters.export.push import check_address, push
    from homespun.server.prompt.render import PROMPT_VERSION

    check_address(args.url, plain_http=args.plain_http)
    key = os.environ.get(args.api_key_env, "") if args.api_key_env else ""
    if args.api_key_env and not key:
        raise UsageError(f"--api-key-env {args.api_key_env!r} is empty; set that variable")
    champion = None if args.id else registry.champion()
    identifier = args.id or (champion.id if champion else "")
    if not identifier:
        raise UsageError("no adapter serves, so none is pushed; name one with --id")
    folder = Path(args.folder).absolute()
    with_general = not args.without_general
    done = export(registry, identifier, folder, form="peft", with_general=with_general)
    pushed = push(
        args.url,
        name=args.name or identifier,
        path=args.seen_as or str(folder),
        fit=fit_of(done),
        prompt_version=PROMPT_VERSION,
        key=key,
        plain_http=args.plain_http,
    )
    for what in pushed.unchecked:
        say(f"not compared: {what}")
    if args.json:
        print(json.dumps({"name": pushed.name, "model": pushed.model}))
    else:
        print(f"{pushed.name!r} is a model of that server now, on top of {pushed.model!r}")
    return 0


def _clear(args: argparse.Namespace, registry: Registry) -> None:
    """Delete served forms that nobody needs; without the model on this machine there are none."""
    from homespun.models.errors import ModelMissing
    from homespun.models.promote import clear_served

    try:
        clear_served(registry, _model(args, registry))
    except ModelMissing as error:
        say(f"no served form was looked for: {error}")


def _model(args: argparse.Namespace, registry: Registry) -> str:
    from homespun.server.completion.open import completion_settings

    return completion_settings(registry.workspace, flags={"model": args.model}, say=say).model


def _plain(value: object) -> str:
    """Return a value of a manifest as one line that may go to a terminal."""
    from homespun.showable import showable_line

    return showable_line(value) if isinstance(value, str) else json.dumps(value)
