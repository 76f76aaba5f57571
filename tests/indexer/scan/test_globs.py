import subprocess
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homespun.indexer.scan.globs import (
    MAX_PATTERN_CHARS,
    MAX_PATTERNS,
    IgnoreRules,
    path_pattern,
)

# What a matcher that tries again takes hours for must end within this on a slow machine.
GENEROUS_SECONDS = 5.0

PARTS = st.sampled_from(
    "a b / * ** ? [ab] [!a] [a-b] [^b] []a] [[:alpha:]] [a [b-] \\a \\ \\/ ! . - /** **/".split()
    + [" ", "#"]
)
LINES = st.lists(st.lists(PARTS, min_size=1, max_size=8).map("".join), min_size=1, max_size=4)
NAMES = st.text("aab.-", min_size=1, max_size=4).filter(lambda name: name not in (".", ".."))
PATHS = st.lists(st.lists(NAMES, min_size=1, max_size=5).map("/".join), min_size=20, max_size=20)


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ignored")
    subprocess.run(["git", "init", "-q", folder], check=True)
    return folder


@given(lines=LINES, paths=PATHS)
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_ignore_rules_leave_out_what_git_leaves_out(repository, lines, paths):
    (repository / ".gitignore").write_text("\n".join(lines) + "\n")
    asked = subprocess.run(
        ["git", "check-ignore", "--no-index", "-z", "--stdin"],
        cwd=repository,
        input="\0".join(paths).encode(),
        capture_output=True,
        check=False,
    )
    by_git = set(asked.stdout.decode().split("\0")) - {""}
    rules = IgnoreRules(lines)
    assert {path for path in paths if rules.decide(path) is False} == by_git


@pytest.mark.parametrize(
    ("lines", "path", "decision"),
    [
        (["*.log"], "deep/down/a.log", False),
        (["*.log", "!keep.log"], "keep.log", True),
        (["!keep.log", "*.log"], "keep.log", False),
        (["build/"], "build/a.py", False),
        (["build/"], "build", None),  # a file of this name
        (["build/"], "build/", False),
        (["/build"], "src/build/a.py", None),
        (["build/", "!build/keep.py"], "build/keep.py", False),  # as git has it
        (["!vendor/ours.py"], "vendor/ours.py", True),
        (["a/**/b"], "a/b", False),
        (["a/**/b"], "a/x/y/b", False),
        (["a/*/b"], "a/x/y/b", None),
        (["a/**"], "a/x/y", False),
        (["**/a"], "x/y/a", False),
        (["*.py[co]"], "a.pyc", False),
        (["[z-a]"], "y", None),
        (["é?.py"], "éü.py", False),
        (["\ufeffa.py"], "a.py", False),
        (["a.py\r"], "a.py", False),
        (["a.py   "], "a.py", False),
        (["# a.py", ""], "a.py", None),
        (["\\#a"], "#a", False),
        ([], "a.py", None),
    ],
)
def test_the_last_matching_line_decides(lines, path, decision):
    assert IgnoreRules(lines).decide(path) is decision


def test_lines_that_can_match_nothing_are_named():
    rules = IgnoreRules(["[a", "!", "/", "b\\", "a.py", "# [a"])
    assert rules.faults == ["[a", "!", "/", "b\\"]
    assert rules.decide("a.py") is False


def test_more_or_longer_patterns_than_the_caps_are_counted_and_have_no_effect():
    lines = [f"name{number}*" for number in range(MAX_PATTERNS)]
    rules = IgnoreRules(["x" * (MAX_PATTERN_CHARS + 1), *lines, "late.py"])
    assert rules.left_out == 3
    assert rules.decide("late.py") is None
    assert rules.decide(f"name{MAX_PATTERNS - 2}.py") is False


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*a" * 25, "a" * 200 + "b"),
        ("*a" * 250, "a" * 4_000 + "b"),
        ("**/a" * 100 + "/b", "a/" * 2_000 + "c"),
        ("x/" + "**/a*/" * 80 + "b", "x/" + "aa/" * 1_300 + "c"),
        ("*[ab]?" * 80, "ab" * 2_000 + "/"),
        ("**" + "*a?" * 160, "a" * 4_000 + "/b"),
        ("{a,b}*" * 80, "ab" * 2_000),
    ],
    ids=["issue", "name", "folders", "both", "sets", "stars", "choices"],
)
def test_no_pattern_tries_again_what_has_failed(pattern, path):
    began = time.process_time()
    IgnoreRules([pattern]).decide(path)
    IgnoreRules([pattern]).decide(path.replace("a/", "b/"))
    path_pattern(pattern).match(path)
    assert time.process_time() - began < GENEROUS_SECONDS


@given(st.text("ab/*?[]{},!^-\\.:&~|", max_size=30), st.text("ab/-", max_size=30))
def test_any_text_is_a_pattern_or_a_fault(pattern, path):
    path_pattern(pattern).match(path)
    IgnoreRules([pattern]).decide(path)


@pytest.mark.parametrize(
    ("glob", "path", "fits"),
    [
        ("src/*.py", "src/a.py", True),
        ("src/*.py", "src/deep/a.py", False),
        ("src/**.py", "src/deep/a.py", True),
        ("src/**/a.py", "src/a.py", True),
        ("{src,lib}/*.{py,ts}", "lib/a.ts", True),
        ("{src,lib}/*.{py,ts}", "lib/a.js", False),
        ("a[", "a[", True),
        ("[!ab].py", "c.py", True),
        ("[!ab].py", "/.py", False),
        ("x" * (MAX_PATTERN_CHARS + 1), "x" * (MAX_PATTERN_CHARS + 1), False),
    ],
)
def test_a_path_pattern_fits_the_whole_of_a_path(glob, path, fits):
    assert (path_pattern(glob).match(path) is not None) is fits
