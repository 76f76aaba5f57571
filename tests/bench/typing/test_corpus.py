from __future__ import annotations

import pytest

from bench.typing.corpus import corpus, say_which, source_files
from homespun.training.shipped.sources import is_held_out, sources


def test_no_package_has_trained_anything():
    packages = [*corpus(), *corpus(held=True)]
    names = frozenset(
        form.casefold()
        for package in packages
        for form in (package.package.name, package.package.name.lstrip("@"))
    )
    learned = [source.package.name for source in sources()]
    assert [name for name in learned if is_held_out(name, names)] == []


def test_both_sets_have_six_languages_and_no_package_in_common():
    worked_with, held = corpus(), corpus(held=True)
    assert len({package.language for package in worked_with}) >= 6
    assert len({package.language for package in held}) >= 6
    assert not {package.name for package in worked_with} & {package.name for package in held}
    assert all(len(package.package.sha256) == 64 for package in (*worked_with, *held))


def test_a_run_says_that_it_looks_at_held_packages():
    assert "HELD" in say_which(corpus(held=True), held=True)
    assert "HELD" not in say_which(corpus(), held=False)


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
