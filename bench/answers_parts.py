"""The parts of `answers.py`: what a checkout is asked, and what of its answer counts."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import platformdirs

from bench import shop

# Packages, and what their code's files end with.
COMPLETED = (("starlette", ".py"), ("rxjs", ".ts"), ("gorilla-mux", ".go"))
MINED = ("starlette", "rxjs")  # for conventions: a package of Python, one of TypeScript
CURSORS = 100  # in each package
SEARCHES = ("hybrid", "lexical")
# Where the programs of bench/ are, and how each wants to be run, the newest place first.
RETRIEVAL = (
    ("-m", "bench.retrieval.run"),
    ("bench/retrieval/run.py",),
    ("bench/eval_retrieval.py",),
)
CONTEXT = (("-m", "bench.context.run"), ("bench/context/run.py",))
_RETRIEVE_DEADLINE_MS = 10_000  # the most that may be set; a busy machine must cut nothing
_FIXED = {
    "HOMESPUN_COMPLETION_RETRIEVE_DEADLINE_MS": str(_RETRIEVE_DEADLINE_MS),
    "HOMESPUN_COMPLETION_THREADS": "1",  # on a busy machine two wait for each other
    "PYTHONHASHSEED": "0",
    "COLUMNS": "100",
    "NO_COLOR": "1",
    "LC_ALL": "C.UTF-8",
}
_TIME_KEY = re.compile(r"(^|_)(ms|seconds|minutes)$")
_PRINTED_TIME = re.compile(r"^  ms: .*$|\b\d[\d.,]*(?= ?(?:ms|s|seconds|minutes)\b)", re.MULTILINE)
# tree-sitter gives captures in no order, so which line of a file is a rule's example is chance.
_EXAMPLE = {"path", "line", "text"}
_EXAMPLE_LINE = re.compile(r"(?<=[\w.]):\d+(?=\))")
_TABLE_WIDTH = re.compile(r" +$|(?<=─)─+", re.MULTILINE)  # which follows the lines' digits
_MEAN_TIMES = re.compile(r"(\d\.\d{3})\s+[\d.,]+\s+[\d.,]+\s*$")  # the last two columns: p50, p95
_SIDELINES = re.compile(r"(^|/)(tests?|spec|docs?|examples?)/|(_test|doc)\.go$|conftest|setup\.py")
_NO_CODE = ("#", "//", "/*", "*", '"', "'", "import ", "from ", "package ")
_MIN_LINE_CHARS = 14  # of a line in which a cursor may stand

Answers = Iterator[tuple[str, Any]]


class NoAnswer(Exception):
    """What a record needs cannot be had, or a command ended otherwise than it may."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A checkout that is asked, and the folder in which it may write."""

    root: Path
    scratch: Path
    user_home: Path  # models and packages are taken from there
    settings: Mapping[str, str] = field(default_factory=dict)  # more of the environment

    @classmethod
    @contextlib.contextmanager
    def opened(cls, root: Path) -> Iterator[Tree]:
        """Give the verbs a home of their own, with the user's models in it, until the end."""
        given = os.environ.get("HOMESPUN_HOME") or platformdirs.user_cache_dir("homespun")
        with tempfile.TemporaryDirectory(prefix="homespun-answers-") as folder:
            tree = cls(root.resolve(), Path(folder).resolve(), Path(given).resolve())
            tree.home.mkdir()
            (tree.home / "models").symlink_to(tree.user_home / "models")
            yield tree

    @property
    def home(self) -> Path:
        """Return where the verbs keep their state."""
        return self.scratch / "home"

    @property
    def python(self) -> str:
        """Return the checkout's interpreter."""
        return str(self.root / ".venv" / "bin" / "python")

    def environment(self, home: Path) -> dict[str, str]:
        """Return the environment of a command, without settings of the user's."""
        kept = {name: text for name, text in os.environ.items() if not name.startswith("HOMESPUN_")}
        own = {"HOMESPUN_HOME": str(home), "XDG_CONFIG_HOME": str(self.scratch / "config")}
        return {**kept, **_FIXED, **own, **self.settings}

    def homespun(
        self, *arguments: str, cwd: Path | None = None, may_fail: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run the command. Raises `NoAnswer` where it fails and may not, or is killed."""
        command = ("-P", "-m", "homespun.cli", *arguments)
        done = self._run(command, cwd or self.scratch, self.home)
        if done.returncode < 0 or (done.returncode and not may_fail):
            raise _failure(command, done)
        return done

    def bench(self, candidates: Sequence[tuple[str, ...]], *arguments: str) -> str:
        """Run a program of bench/ where this checkout has it; return both outputs, stdout first.

        It keeps packages in the user's home. Raises `NoAnswer` where it fails.
        """
        for command in candidates:
            if not self._run((*command, "--help"), self.root, self.user_home).returncode:
                break
        else:
            raise NoAnswer(f"{self.root} has no program that can be run as one of {candidates}")
        done = self._run((*command, *arguments), self.root, self.user_home)
        if done.returncode not in (0, 1) or "Traceback" in done.stderr:  # 1: a gate is closed
            raise _failure(command, done)
        return f"{done.stdout}\n{done.stderr}"

    def _run(
        self, command: Sequence[str], cwd: Path, home: Path
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.python, *command],
            cwd=cwd,
            env=self.environment(home),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
        )

    def corpora(self) -> dict[str, Any]:
        """Return the entries of the query sets by name, each with the path of its queries."""
        found = {}
        for listed in sorted((self.root / "bench").rglob("corpora.json")):
            for entry in json.loads(listed.read_text(encoding="utf-8")):
                found[entry["name"]] = entry | {"queries": str(listed.parent / entry["queries"])}
        return found

    def package(self, name: str) -> Path:
        """Return a copy of a corpus; where its package lacks, the bench program fetches it."""
        entry = self.corpora()[name]
        package = entry["package"]
        folder = f"{package['name'].lstrip('@').replace('/', '-')}-{package['version']}"
        source = self.user_home / "packages" / package["registry"] / folder
        if not source.is_dir():
            self.bench(RETRIEVAL, "--only", name, "--split", "all", "--modes", "lexical")
        target = self.scratch / "packages" / name
        ignored = shutil.ignore_patterns(".homespun", ".git", "__pycache__")
        shutil.copytree(source / entry["root"], target, ignore=ignored)
        return target

    def settled(self, value: Any, *, is_time: bool = False) -> Any:  # noqa: ANN401
        """Return a JSON value without this run's times, folders and what is left to chance."""
        if isinstance(value, dict):
            if value.keys() == _EXAMPLE:
                return {"path": value["path"]}
            return {
                self.settled(key): self.settled(
                    each, is_time=is_time or bool(_TIME_KEY.search(key))
                )
                for key, each in value.items()
            }
        if isinstance(value, list):
            return [self.settled(each, is_time=is_time) for each in value]
        if isinstance(value, str):
            for name in ("scratch", "root", "user_home"):
                value = value.replace(str(getattr(self, name)), f"<{name}>")
            return value
        return "<time>" if is_time and isinstance(value, int | float) else value


def help_pages(tree: Tree) -> Answers:
    """Yield the help page of the command, of every verb and of every action of a verb."""
    waiting: list[tuple[str, ...]] = [()]
    while waiting:
        verb = waiting.pop(0)
        page = tree.homespun(*verb, "--help").stdout
        yield " ".join(("homespun", *verb)), page
        indent = 4 if verb else 2  # argparse indents the actions of a verb, below their heading
        names = re.findall(rf"^ {{{indent}}}([a-z][a-z-]*)(?: |$)", page, re.MULTILINE)
        waiting += [(*verb, name) for name in names if len(verb) < 2]


def contract(tree: Tree) -> Answers:
    """Yield what the verbs answer as JSON in a small repository, and the shape of it."""
    tree, folder, model = _in_the_shop(tree)
    for name, arguments in shop.json_commands(folder, model, tree.home):
        done = tree.homespun(*arguments, "--json", cwd=folder, may_fail=True)
        yield name, _answer(tree, done, has_value=name not in shop.ONLY_SHAPE)
    answer = shop.initialized(tree.python, folder, tree.environment(tree.home))
    yield "serve: initialize", {"shape": shape(answer), "value": tree.settled(answer)}


def _in_the_shop(tree: Tree) -> tuple[Tree, Path, Path]:
    tree = replace(tree, settings=shop.SETTINGS)
    model = tree.scratch / "tiny"
    # -P: beside the program is a folder `typing`, which is not what its imports mean.
    command = ("-P", str(Path(shop.__file__).resolve()), str(model))
    made = tree._run(command, tree.scratch, tree.home)
    if made.returncode:
        raise _failure(command, made)
    return tree, shop.make_shop(tree.scratch / "shop"), model


def _answer(tree: Tree, done: subprocess.CompletedProcess[str], *, has_value: bool) -> Any:  # noqa: ANN401
    """Return status, shape and value of what a verb printed: one JSON text, or one a line."""
    try:
        rows = [json.loads(done.stdout)]
    except ValueError:
        rows = [json.loads(line) for line in done.stdout.splitlines()]
    body: dict[str, Any] = {"status": done.returncode, "shape": [shape(row) for row in rows]}
    if has_value:
        body["value"] = [tree.settled(row) for row in rows]
    if done.returncode:
        body["said"] = tree.settled(done.stderr)
    return body


def shape(value: Any) -> Any:  # noqa: ANN401
    """Return the types of a JSON value; a list is the set of its entries' shapes."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    if isinstance(value, list):
        shapes = {json.dumps(shape(each)): shape(each) for each in value}
        return [shapes[text] for text in sorted(shapes)]
    return type(value).__name__


def printed(tree: Tree) -> Answers:
    """Yield what verbs print for people in the same repository, times left out."""
    tree, folder, model = _in_the_shop(tree)
    for name, arguments in shop.printed_commands(folder, model, tree.home):
        done = tree.homespun(*arguments, cwd=folder, may_fail=True)
        said = [row for row in done.stderr.splitlines() if row.startswith("homespun")]  # no bars
        text = tree.settled("\n".join([f"status {done.returncode}", done.stdout, *said]))
        yield name, _TABLE_WIDTH.sub("", _EXAMPLE_LINE.sub("", _PRINTED_TIME.sub("<time>", text)))


def datasets(tree: Tree) -> Answers:
    """Yield the files of the small repository's dataset: whole, and up to a day."""
    folder = shop.make_shop(tree.scratch / "shop")
    for name, arguments in (("whole", ()), ("earlier", ("--until", "2025-02-05", "--seed", "3"))):
        out = tree.scratch / name
        tree.homespun("dataset", str(folder), "--out", str(out), *arguments)
        for path in sorted(out.iterdir()):
            if path.name != "seal.json":  # keyed by the machine and the place
                yield f"{name}/{path.name}", path.read_bytes().decode()


def conventions(tree: Tree) -> Answers:
    """Yield every rule of two packages, and the table of them."""
    for name in MINED:
        folder = str(tree.package(name))
        found = json.loads(tree.homespun("conventions", "--json", folder).stdout)
        yield name, tree.settled(found)
        table = tree.homespun("conventions", "--all", folder).stdout
        yield f"{name}: table", _TABLE_WIDTH.sub("", _EXAMPLE_LINE.sub("", table))


def searches(tree: Tree) -> Answers:
    """Yield the ten hits of every query of every corpus, with vectors and by words alone."""
    for name, corpus in tree.corpora().items():
        folder = str(tree.package(name))
        tree.homespun("index", folder)
        for mode in SEARCHES:
            asked = ("search", "--json", "--mode", mode, "--path", folder)
            said = tree.homespun(*asked, "--queries", corpus["queries"]).stdout
            yield (
                f"{name}: {mode}",
                [_hits(tree.settled(json.loads(row))) for row in said.splitlines()],
            )


def _hits(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer with a hash in place of each hit's text."""
    hits = [
        hit | {"text": hashlib.sha256(hit["text"].encode()).hexdigest()[:12]}
        for hit in answer["hits"]
    ]
    return answer | {"hits": hits}


def retrieval(tree: Tree) -> Answers:
    """Yield what `make eval` says of all corpora, a mode at a time: NDCG, recall, every query."""
    said = tree.bench(RETRIEVAL, "--split", "all", "--below", "2")
    for page in re.split(r"^(?=search, )", said, flags=re.MULTILINE)[1:]:
        rows = [_MEAN_TIMES.sub(r"\1", row).strip() for row in page.splitlines()]
        kept = [row for row in rows if row and not re.match(r"\d+ corpora in", row)]
        yield kept[0].split(",")[1].strip(), kept


def context(tree: Tree) -> Answers:
    """Yield what the prompt holds at every cursor of `make bench-context`, by package."""
    said = tree.bench(CONTEXT, "--parts", "recall", "--label", "answers")
    report = Path(re.findall(r"^rows: (.+)$", said, re.MULTILINE)[-1])
    rows = json.loads(report.read_text(encoding="utf-8"))["rows"]
    report.unlink()
    for name in dict.fromkeys(row[0] for row in rows):
        yield name, [[*row[:-2], row[-1]] for row in rows if row[0] == name]  # without the time
    yield "gate", re.findall(r"^context-recall .+$", said, re.MULTILINE)


def completions(tree: Tree, name: str, suffix: str) -> Answers:
    """Yield the completions of one package's cursors, each from the cache of the one before."""
    folder = tree.package(name)
    tree.homespun("index", str(folder))
    rows = cursors(folder, suffix, seed=f"19 {name}")
    batch = tree.scratch / "batch.jsonl"
    batch.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    done = tree.homespun("complete", "--json", "--batch", str(batch), "--workspace", str(folder))
    for row, line in zip(rows, done.stdout.splitlines(), strict=True):
        answer = json.loads(line)
        if answer["timings_ms"].get("retrieve", 0) >= 0.9 * _RETRIEVE_DEADLINE_MS:
            raise NoAnswer(f"retrieval at {row['id']} was cut by its deadline; wait for less load")
        yield row["id"], tree.settled(answer)


def cursors(root: Path, suffix: str, *, seed: str, count: int = CURSORS) -> list[dict[str, Any]]:
    """Return rows of a batch, the same for a seed; each cursor stands at the end of its line.

    Half of them stand behind a line as it is. Of the others' lines the rest is cut off.
    """
    rng = random.Random(seed)
    texts = {
        path.relative_to(root).as_posix(): path.read_text(encoding="utf-8").split("\n")
        for path in sorted(root.rglob(f"*{suffix}"))
    }
    places = [
        (path, number)
        for path, lines in texts.items()
        for number in ([] if _SIDELINES.search(path) else _code_lines(lines))
    ]
    rows: list[dict[str, Any]] = []
    for path, number in sorted(rng.sample(places, count)):
        lines, line = texts[path], texts[path][number]
        row: dict[str, Any] = {"id": f"{path}:{number + 1}", "path": path}
        if len(rows) % 2:
            cut = rng.choice(
                [m.start() for m in re.finditer(r"\b", line) if line[: m.start()].strip()]
            )
            row["prefix"] = "\n".join([*lines[:number], line[:cut]])
            row["suffix"] = "\n".join(["", *lines[number + 1 :]])
        else:
            row |= {"line": number + 1, "column": len(line) + 1}
        rows.append(row)
    return rows


def _code_lines(lines: Sequence[str]) -> Iterator[int]:
    """Yield the numbers, from 0, of lines that are long enough and in no comment."""
    is_inside = False
    for number, line in enumerate(map(str.strip, lines)):
        was_inside = is_inside
        is_inside ^= bool(line.count('"""') % 2) or line.count("/*") != line.count("*/")
        if not (was_inside or line.startswith(_NO_CODE)) and len(line) >= _MIN_LINE_CHARS:
            yield number


def _failure(command: Sequence[str], done: subprocess.CompletedProcess[str]) -> NoAnswer:
    return NoAnswer(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")


# What costs little first.
PARTS: dict[str, Callable[[Tree], Answers]] = {
    "help": help_pages,
    "dataset": datasets,
    "conventions": conventions,
    "contract": contract,
    "printed": printed,
    "retrieval": retrieval,
    "search": searches,
    "context": context,
    **{
        f"complete-{name}": partial(completions, name=name, suffix=suffix)
        for name, suffix in COMPLETED
    },
}
