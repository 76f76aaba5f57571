"""Files that answer a question less often than others: tests, examples, prose, headers.

Each rule has a factor (in `Weights`) for all scores in such a file, and words of a query that ask
for just such files: then it rests.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache

from homespun.indexer.languages import DATA, PROSE

_NOT_CODE = PROSE | DATA | {"html", "css", "make", "cmake", "dockerfile", "starlark"}


@dataclass(frozen=True, slots=True)
class _Penalty:
    name: str
    path: re.Pattern[str] | None  # found in a path
    languages: frozenset[str]  # or the file's language is one of these
    asked: frozenset[str]  # words of a query that want such files


def _penalty(name: str, path: str, asked: str, languages: frozenset[str] = frozenset()) -> _Penalty:
    return _Penalty(name, re.compile(path) if path else None, languages, frozenset(asked.split()))


_PENALTIES = (
    _penalty(
        "tests",
        # Folders, names in snake case, names in camel case (Java, Kotlin, Swift, C#, Scala, …).
        r"(?i:(^|/)(tests?|__tests__|__mocks__|specs?|testing|testdata|fixtures?|e2e|benches"
        r"|test-?suites?|(unit|integration|functional|android)[-_]?tests?)/"
        r"|(^|/)test_[^/]*$|[_-](tests?|spec|bench|benchmark)\.\w+$"
        r"|\.(test|spec|bench|cy|e2e)\.\w+$|(^|/)conftest\.py$)"
        r"|(^|/)[a-z][A-Za-z0-9]*Tests?/|(^|/)[A-Za-z0-9.]+\.(Unit)?Tests?/"
        r"|(^|/)\w*(Tests?|Spec|Specs|TestCase)\.(java|kts?|scala|swift|cs|php|groovy|hs|cc|cpp|m)$",
        "test tests testing tested spec specs fixture fixtures mock mocks mocking pytest unittest "
        "conftest",
    ),
    _penalty(
        "compat",
        r"(?i)(^|/)_?(compat|legacy|deprecated)(/|\.\w+$|_)",
        "compat compatibility legacy deprecated backward backwards",
    ),
    _penalty(
        "examples",
        r"(?i)(^|/)(examples?|docs?|docs_src|samples?|demos?|tutorials?|benchmarks?)/",
        "example examples doc docs documentation sample demo tutorial benchmark",
    ),
    _penalty(
        "changelog",
        r"(?i)(^|/)(changes|change-?log|history|news|release[-_]?notes)"
        r"(\.(md|rst|txt|markdown))?$|(^|/)(changelogs?|releases?)/[^/]*\.(md|rst|txt)$",
        "changelog changes changed history news release releases version",
    ),
    _penalty(
        "build",
        r"(^|/)(configure|ltmain\.sh|depcomp|install-sh|missing|compile|config\.(guess|sub))$"
        r"|\.m4$|(^|/)(build-aux|m4)/",
        "configure build autoconf automake",
    ),
    _penalty(
        "prose",
        "",
        "readme changelog documentation docs markdown html css json yaml toml xml cmake makefile "
        "dockerfile ci workflow stylesheet",
        languages=_NOT_CODE,
    ),
    _penalty("init", r"(^|/)__init__\.pyi?$", "init __init__ exports exported package"),
    _penalty("declarations", r"\.d\.[cm]?ts$", "declaration declarations typings dts"),
    _penalty("headers", r"\.(h|hh|hpp|hxx|hs-boot)$", "header headers declaration declarations"),
    _penalty(
        "interfaces",
        r"Interface\.\w+$|(^|/)I[A-Z][a-z]\w*\.cs$",
        "interface interfaces contract abstract",
    ),
)
OLDER = "older"  # files of v3/ where a v4/ beside it answers as well
_GENERATION = re.compile(r"^(.*?/|)v(\d{1,4})/")
_ASKED_OLDER = frozenset("old older previous migrate migration compat compatibility legacy".split())
NAMES = (*(rule.name for rule in _PENALTIES), OLDER)


def factors(
    path: str, language: str, asked: frozenset[str], weights: Mapping[str, float]
) -> list[tuple[str, float]]:
    """Return (rule, factor) for a file; `asked` are the query's words in lower case."""
    return [
        (rule.name, weights[rule.name])
        for rule in _matching(path, language)
        if weights[rule.name] != 1 and not asked & rule.asked
    ]


def older_generations(paths: Collection[str], asked: frozenset[str]) -> set[str]:
    """Return which files lie in a folder `v3/` where one of `v4/` beside it was found, too.

    `asked` are the query's words in lower case: one of the folders' names or of older code, and
    none is meant.
    """
    folders = {path: match for path in paths if (match := _GENERATION.match(path))}
    if asked & _ASKED_OLDER or any(f"v{match[2]}" in asked for match in folders.values()):
        return set()
    newest: dict[str, int] = {}
    for match in folders.values():
        newest[match[1]] = max(newest.get(match[1], 0), int(match[2]))
    return {path for path, match in folders.items() if int(match[2]) < newest[match[1]]}


@lru_cache(maxsize=131_072)
def _matching(path: str, language: str) -> tuple[_Penalty, ...]:
    return tuple(
        rule
        for rule in _PENALTIES
        if language in rule.languages or (rule.path is not None and rule.path.search(path))
    )
