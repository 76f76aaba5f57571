"""Whose a file is: its own words, the nearest folder that says it; whatever lies there."""

from __future__ import annotations

import os

import pytest

from homespun.indexer.licences import metadata
from homespun.indexer.licences.whose import FileLicence, Licences, is_licence_text
from tests.indexer.licences.test_texts import PHRASES


def tree(root, files):
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return Licences(root)


ROOT = {"LICENSE": PHRASES["MIT"]}


@pytest.mark.parametrize(
    ("files", "path", "licence"),
    [
        ({}, "a.py", FileLicence("MIT", False)),
        ({}, "src/deep/a.py", FileLicence("MIT", False)),
        ({"lib/COPYING": PHRASES["GPL-3.0"]}, "lib/a.py", FileLicence("GPL-3.0", True)),
        ({"lib/COPYING": PHRASES["GPL-3.0"]}, "lib/in/it/a.py", FileLicence("GPL-3.0", True)),
        ({"lib/LICENCE.txt": PHRASES["MIT"]}, "lib/a.py", FileLicence("MIT", False)),
        ({"lib/LICENSE": "All rights reserved."}, "lib/a.py", FileLicence("unknown", True)),
        ({"lib/license.py": PHRASES["GPL-3.0"]}, "lib/a.py", FileLicence("MIT", False)),
        ({}, "third_party/zip/a.c", FileLicence("unknown", True)),
        ({}, "web_vendor/a.js", FileLicence("unknown", True)),
        ({}, "x/node_modules/a/b.js", FileLicence("unknown", True)),
        ({"vendor/LICENSE": PHRASES["ISC"]}, "vendor/a/b.go", FileLicence("ISC", True)),
        (
            {"vendor/a/LICENSE": PHRASES["ISC"]},
            "vendor/a/node_modules/b.js",
            FileLicence("unknown", True),
        ),
        ({"vendored.py": ""}, "vendored.py", FileLicence("MIT", False)),
    ],
)
def test_the_nearest_folder_that_says_it_counts(tmp_path, files, path, licence):
    assert tree(tmp_path, ROOT | files).of(path, "x = 1\n") == licence


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("pyproject.toml", '[project]\nlicense = "GPL-3.0-only"\n', "GPL-3.0-only"),
        ("pyproject.toml", '[project]\nlicense = {text = "ISC License"}\n', "ISC"),
        ("pyproject.toml", '[tool.poetry]\nlicense = "BSD-2-Clause"\n', "BSD-2-Clause"),
        (
            "pyproject.toml",
            '[project]\nclassifiers = ["License :: OSI Approved :: GNU General Public License v3 '
            '(GPLv3)"]\n',
            "GPL-3.0-only",
        ),
        ("package.json", '{"license": "AGPL-3.0-or-later"}', "AGPL-3.0-or-later"),
        ("package.json", '{"licenses": [{"type": "ISC"}]}', "ISC"),
        ("package.json", '{"license": "SEE LICENSE IN x"}', ""),
        ("package.json", '{"license": {"type": 3}}', ""),
        ("package.json", "[" * 5000, ""),
        ("Cargo.toml", '[package]\nlicense = "ISC/Apache-2.0"\n', "ISC OR Apache-2.0"),
        ("Cargo.toml", "[package]\nlicense.workspace = true\n", ""),
        ("pyproject.toml", "\xff[", ""),
    ],
)
def test_a_packages_metadata_says_it_where_no_text_does(tmp_path, name, text, said):
    found = tree(tmp_path, ROOT | {f"lib/{name}": text}).of("lib/src/a.py", "")
    assert found == (FileLicence(said, True) if said else FileLicence("MIT", False))


@pytest.mark.parametrize("data", [b"\xff", b"[", b"[" * 5000, b"3", b"{}"])
@pytest.mark.parametrize("name", metadata.READERS)
def test_broken_metadata_says_nothing_and_never_raises(name, data):
    assert metadata.stated(name, data) == ""


def test_the_files_own_words_go_before_its_folder(tmp_path):
    licences = tree(tmp_path, ROOT | {"vendor/LICENSE": PHRASES["ISC"]})
    head = "# SPDX-License-Identifier: GPL-2.0-only\n"
    assert licences.of("vendor/a.py", head) == FileLicence("GPL-2.0-only", True)
    assert licences.of("vendor/a.py", "# SPDX-License-Identifier: MIT\n").is_other is False


def test_two_texts_are_a_choice_where_their_names_say_so(tmp_path):
    texts = {"LICENSE-MIT": PHRASES["MIT"], "LICENSE-APACHE": PHRASES["Apache-2.0"]}
    assert tree(tmp_path / "a", texts).own == "Apache-2.0 OR MIT"
    both = {"LICENSE": PHRASES["MIT"], "LICENSE.zlib": PHRASES["ISC"]}
    assert tree(tmp_path / "b", both).own == "ISC AND MIT"
    gnu = {"COPYING": PHRASES["GPL-3.0"], "COPYING.LESSER": PHRASES["LGPL-3.0"]}
    assert tree(tmp_path / "c", gnu).own == "LGPL-3.0"


def test_without_a_licence_nothing_is_said(tmp_path):
    assert Licences(tmp_path).own == "unknown"
    assert Licences(tmp_path).of("a.py", "") == FileLicence("unknown", False)


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("LICENSE", True), ("copying.lesser", True), ("MIT-LICENSE.txt", True), ("UNLICENSE", True)]
    + [
        ("license.go", False),
        ("licensed.txt", False),
        ("LICENSE\x1b[2J", False),
        ("LICENSE\n", False),
    ],
)
def test_a_licence_text_is_known_by_its_name(name, is_one):
    assert is_licence_text(name) is is_one


def outside(root):
    target = root.parent / "stranger"
    target.write_text(PHRASES["GPL-3.0"])
    (root / "lib/LICENSE").symlink_to(target)


def pipe(root):
    os.mkfifo(root / "lib/LICENSE")


def huge(root):
    with (root / "lib/LICENSE").open("wb") as stream:
        stream.truncate(1_000_000_000)


def binary(root):
    (root / "lib/LICENSE").write_bytes(
        b"GNU GENERAL PUBLIC LICENSE Version 3\0" + bytes(range(256))
    )


def linked_folder(root):
    (root.parent / "there").mkdir()
    (root.parent / "there/LICENSE").write_text(PHRASES["GPL-3.0"])
    (root / "lib").rmdir()
    (root / "lib").symlink_to(root.parent / "there")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (outside, "unknown"),
        (pipe, "unknown"),
        (huge, "unknown"),
        (binary, "unknown"),
        (linked_folder, "MIT"),  # what it leads to is not looked at
    ],
)
def test_what_cannot_be_read_is_unknown_and_never_raises(tmp_path, make, said):
    root = tmp_path / "repo"
    licences = tree(root, ROOT)
    (root / "lib").mkdir()
    make(root)
    assert licences.of("lib/a.py", "").expression == said


def test_a_link_to_the_text_above_says_the_same_as_that_one(tmp_path):
    licences = tree(tmp_path, ROOT)
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/LICENSE").symlink_to("../LICENSE")
    assert licences.of("lib/a.py", "") == FileLicence("MIT", False)


@pytest.mark.parametrize(
    "path", ["../../etc/a.py", "/etc/a.py", "a\0b/c.py", "\x1b[2J/a.py", "x" * 5000 + "/a"]
)
def test_an_odd_path_is_read_nowhere_and_never_raises(tmp_path, path):
    root = tmp_path / "a/repo"
    licences = tree(root, ROOT)
    assert licences.of(path, "").expression == "MIT"


def test_a_folder_called_license_is_none(tmp_path):
    licences = tree(tmp_path, ROOT | {"lib/LICENSE/x.txt": "x"})
    assert licences.of("lib/a.py", "") == FileLicence("MIT", False)
