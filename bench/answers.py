"""Every answer of homespun in one file: two trees are compared, and what changed is said.

    python -m bench.answers record BEFORE.json                    # of this checkout; an hour
    python -m bench.answers record AFTER.json --root ../checkout  # of another one
    python -m bench.answers compare BEFORE.json AFTER.json        # 1 where an answer differs

It asks through the command line and through the other programs of bench/, and imports nothing of
homespun, so it is the same on both sides of a move. `--parts help contract` takes some parts; one
that the file holds already is kept, so a record that was ended goes on, and two may write one file.
Times are left out, and what depends on a temporary folder is replaced. Logits are the same bits on
one machine only, so both records belong to one.
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.answers_parts import PARTS, NoAnswer, Tree

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("homespun", "cli", "indexer", "models", "server", "training")
_SHOWN_DIFFERENCES = 5
_SHOWN_CHARS = 160


def main() -> int:
    """Record or compare; return the exit status."""
    args = _arguments()
    try:
        if args.action == "compare":
            return compare(_read(args.before), _read(args.after), args.parts)
        return record(args.out, args.root, args.parts)
    except NoAnswer as failure:
        print(failure, file=sys.stderr)
        return 2


def record(out: Path, root: Path, parts: Sequence[str]) -> int:
    """Write the answers of a checkout, part after part; those that are there are kept."""
    about = _about(root)
    for name in _chosen(parts):
        if name in _body(out, about)["parts"]:
            print(f"{name}: kept", flush=True)
            continue
        began = time.monotonic()
        with Tree.opened(root) as tree:
            answers = dict(PARTS[name](tree))
        body = _body(out, about)
        body["parts"][name] = {
            item: {"sha256": hash_of(value), "value": value} for item, value in answers.items()
        }
        _write(out, body)
        print(f"{name}: {len(answers)} answers, {time.monotonic() - began:.0f} s", flush=True)
    print(f"{out}: recorded", flush=True)
    return 0


def compare(before: Mapping[str, Any], after: Mapping[str, Any], parts: Sequence[str]) -> int:
    """Print a line a part and the first differences; 1 where an answer differs or is missing."""
    print(f"{_named(before['about'])}\n{_named(after['about'])}")
    recorded = {**before["parts"], **after["parts"]}
    status = 0
    for name in _chosen(parts) if parts else recorded:
        sides = [body["parts"].get(name) for body in (before, after)]
        if None in sides:
            print(f"{name}: not in the {_ordinal(sides)} record")
            status = 1
        else:
            status |= _compared(name, *sides)
    return status


def _compared(name: str, left: Mapping[str, Any], right: Mapping[str, Any]) -> int:
    """Print how many answers of a part differ, and the first of them."""
    items = list(dict.fromkeys([*left, *right]))
    changed = [item for item in items if left.get(item) != right.get(item)]
    print(
        f"{name}: {len(changed)} of {len(items)} differ"
        if changed
        else f"{name}: same ({len(items)})"
    )
    for item in changed[:_SHOWN_DIFFERENCES]:
        sides = [answers.get(item) for answers in (left, right)]
        if None in sides:
            print(f"  {item}: not in the {_ordinal(sides)} record")
        else:
            print(f"  {item}: {difference(*(side['value'] for side in sides))}")
    return int(bool(changed))


def difference(left: Any, right: Any, at: str = "$") -> str:  # noqa: ANN401
    """Return the first place in which two JSON values differ, and how."""
    if isinstance(left, dict) and isinstance(right, dict):
        return _between_objects(left, right, at)
    if isinstance(left, list) and isinstance(right, list):
        for place, (one, other) in enumerate(zip(left, right, strict=False)):
            if one != other:
                return difference(one, other, f"{at}[{place}]")
        return f"{at}: {len(left)} entries, then {len(right)}"
    if isinstance(left, str) and isinstance(right, str) and "\n" in left + right:
        rows = difflib.unified_diff(left.split("\n"), right.split("\n"), lineterm="", n=0)
        changed = [row for row in rows if not row.startswith(("---", "+++", "@@"))]
        return f"{at}: " + " / ".join(_short(row) for row in changed[:2])
    return f"{at}: {_short(json.dumps(left))} -> {_short(json.dumps(right))}"


def _between_objects(left: Mapping[str, Any], right: Mapping[str, Any], at: str) -> str:
    for key in dict.fromkeys([*left, *right]):
        if key not in left or key not in right:
            return f"{at}.{key} is only in the {'first' if key in left else 'second'} record"
        if left[key] != right[key]:
            return difference(left[key], right[key], f"{at}.{key}")
    return f"{at}: another order of the keys"


def hash_of(value: Any) -> str:  # noqa: ANN401
    """Return the sha256 of a JSON value; the order of keys counts."""
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()


def _chosen(parts: Sequence[str]) -> list[str]:
    """Return the parts of these names, all for none; `complete` is all that begin with it."""
    for name in parts:
        if not any(_is_of(part, name) for part in PARTS):
            raise NoAnswer(f"there is no part {name!r}; there are {', '.join(PARTS)}")
    return [part for part in PARTS if not parts or any(_is_of(part, name) for name in parts)]


def _is_of(part: str, name: str) -> bool:
    return part == name or part.startswith(f"{name}-")


def _body(out: Path, about: Mapping[str, str]) -> dict[str, Any]:
    """Return what a record holds so far. Raises `NoAnswer` where it is one of another tree."""
    body = _read(out) if out.exists() else {"about": about, "parts": {}}
    for name in ("source", "machine", "python"):
        if body["about"][name] != about[name]:
            raise NoAnswer(
                f"{out} was begun with {name} {body['about'][name]}, this is {about[name]}; "
                "begin another record"
            )
    return body


def _about(root: Path) -> dict[str, str]:
    """Return which code answers, and where."""
    asked = ["git", "-C", str(root), "rev-parse", "--short=12", "HEAD"]
    commit = subprocess.run(asked, capture_output=True, text=True).stdout.strip()
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    source = _source(root)
    return {
        **{"commit": commit, "source": source, "machine": machine},
        "python": platform.python_version(),
    }


def _source(root: Path) -> str:
    """Return a hash of the files that are installed, as they lie there."""
    digest = hashlib.sha256()
    for room in ROOMS:
        for path in sorted((root / room).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"{path.relative_to(root)}\0".encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


def _named(about: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {text}" for name, text in about.items())


def _ordinal(sides: Sequence[object]) -> str:
    return "first" if sides[0] is None else "second"


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"


def _read(path: Path) -> dict[str, Any]:
    try:
        body: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise NoAnswer(f"{path} cannot be read as a record: {error}") from error
    return body


def _write(path: Path, body: Mapping[str, Any]) -> None:
    draft = path.with_name(f"{path.name}.tmp")
    draft.write_text(json.dumps(body, indent=1), encoding="utf-8")
    draft.replace(path)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    actions = parser.add_subparsers(dest="action", required=True)
    recording = actions.add_parser("record", help="write the answers of a checkout")
    recording.add_argument("out", type=Path, metavar="OUT.json")
    recording.add_argument("--root", type=Path, default=ROOT, help="the checkout that is asked")
    comparing = actions.add_parser("compare", help="say what differs between two records")
    comparing.add_argument("before", type=Path, metavar="BEFORE.json")
    comparing.add_argument("after", type=Path, metavar="AFTER.json")
    for action in (recording, comparing):
        action.add_argument(
            "--parts", nargs="+", default=[], metavar="PART", help=f"of {', '.join(PARTS)}"
        )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
