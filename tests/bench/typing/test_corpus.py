from __future__ import annotations

import argparse
from typing import get_args

import pytest

from bench.typing.corpus import Use, add_use, corpus, say_which, source_files
from homespun.training.shipped.sources import is_held_out, sources


def test_no_package_has_trained_anything():
    packages = [*corpus(), *corpus("held"), *corpus("fresh")]
    names = frozenset(
        form.casefold()
        for package in packages
        for form in (package.package.name, package.package.name.lstrip("@"))
    )
    learned = [source.package.name for source in sources()]
    assert [name for name in learned if is_held_out(name, names)] == []


def test_each_set_has_six_languages_and_no_package_of_another():
    sets = [corpus(use) for use in get_args(Use)]
    assert all(len({package.language for package in each}) >= 6 for each in sets)
    packages = [package for each in sets for package in each]
    assert len({package.name for package in packages}) == len(packages)
    assert all(len(package.package.sha256) == 64 for package in packages)


def test_a_run_says_that_it_looks_at_held_packages():
    assert "HELD" in say_which(corpus("held"), "held")
    assert "FRESH" in say_which(corpus("fresh"), "fresh")
    assert say_which(corpus(), "work").startswith("packages: starlette")


def test_packages_to_work_with_unless_the_others_are_asked_for():
    parser = argparse.ArgumentParser()
    add_use(parser)
    said = ([], ["--held"], ["--fresh"])
    assert [parser.parse_args(arguments).use for arguments in said] == list(get_args(Use))


def test_a_name_that_is_no_package_ends_the_run_with_those_that_are():
    assert [each.package.name for each in corpus(names=["click"])] == ["click"]
    with pytest.raises(SystemExit, match="'clik' is no package of these; choose among .*click"):
        corpus(names=["click", "clik"])


def test_only_files_of_the_language_that_people_work_on_are_retyped(tmp_path):
    text = "x\n" * 90
    for path in ("a.go", "a_test.go", "testdata/b.go", "c.py", "short.go"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("x\n" if path == "short.go" else text)
    (tmp_path / "crlf.go").write_bytes(text.replace("\n", "\r\n").encode())
    assert set(source_files(tmp_path, "go")) == {"a.go"}
