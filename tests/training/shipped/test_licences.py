"""Only packages that say that they are permissive may be learned from."""

from __future__ import annotations

import json

import pytest

from homespun.training.shipped.licences import licence_of
from homespun.training.sources.licence_heads import has_copyleft_head

MIT = "Permission is hereby granted, free of charge, to any person obtaining a copy of this"
APACHE = "Apache License\n        Version 2.0, January 2004\n"
GPL = "GNU GENERAL PUBLIC LICENSE\nVersion 3, 29 June 2007"


def package(tmp_path, **files):
    for name, text in files.items():
        path = tmp_path / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return licence_of(tmp_path)


@pytest.mark.parametrize(
    ("head", "licence"),
    [
        ("License-Expression: MIT", "MIT"),
        ("License-Expression: Apache-2.0 OR GPL-3.0-only", "Apache-2.0"),
        ("License-Expression: BSD-3-Clause AND MIT", "BSD-3-Clause AND MIT"),
        ("License-Expression: BSD-3-Clause AND GPL-2.0-only", ""),
        ("License-Expression: MPL-2.0", ""),
        ("Classifier: License :: OSI Approved :: MIT License", "MIT"),
        ("License: Apache License, Version 2.0", "Apache-2.0"),
        ("License: UNKNOWN", ""),
        ("License: Custom", ""),
        (
            "Classifier: License :: OSI Approved :: MIT License\n"
            "Classifier: License :: OSI Approved :: GNU General Public License v3 (GPLv3)",
            "",
        ),
    ],
)
def test_what_a_python_package_declares_decides(tmp_path, head, licence):
    (tmp_path / "PKG-INFO").write_text(f"Metadata-Version: 2.1\n{head}\n\nLicense: MIT")
    verdict = licence_of(tmp_path)
    assert verdict.licence == licence
    assert bool(verdict.reason) == (not licence)


@pytest.mark.parametrize(
    ("stated", "licence"),
    [
        ("ISC", "ISC"),
        ("(MIT OR GPL-2.0)", "MIT"),
        ({"type": "MIT"}, "MIT"),
        (["GPL-2.0", "BSD-2-Clause"], "BSD-2-Clause"),
        ("SEE LICENSE IN LICENSE", ""),
    ],
)
def test_what_a_package_json_declares_decides(tmp_path, stated, licence):
    (tmp_path / "package.json").write_text(json.dumps({"license": stated}))
    (tmp_path / "LICENSE").write_text(MIT)
    assert licence_of(tmp_path).licence == licence


def test_cargo_gem_cabal_and_pom_are_read(tmp_path):
    for name, text, licence in (
        ("Cargo.toml", 'license = "MIT/Apache-2.0"\n', "MIT"),
        ("a.gemspec", "Gem::Specification.new { |s| s.license = 'MIT' }", "MIT"),
        ("a.cabal", "name: a\nlicense: BSD3\n", "BSD-3-Clause"),
        ("pom.xml", "<license>\n <name>Apache-2.0</name>", "Apache-2.0"),
    ):
        folder = tmp_path / name
        folder.mkdir()
        (folder / name).write_text(text)
        assert licence_of(folder).licence == licence


def test_without_a_declaration_the_texts_decide(tmp_path):
    assert package(tmp_path, LICENSE=MIT, LICENSE_APACHE=APACHE).licence == "MIT AND Apache-2.0"


def test_a_text_in_the_folder_for_licences_counts(tmp_path):
    assert package(tmp_path, license__LICENSE_txt=APACHE).licence == "Apache-2.0"


def test_copyleft_texts_are_refused_by_the_name_of_the_file(tmp_path):
    verdict = package(tmp_path, COPYING=GPL, LICENSE=MIT)
    assert (verdict.licence, verdict.reason) == ("", "COPYING is or names a copyleft licence")


def test_a_package_that_says_nothing_is_refused(tmp_path):
    assert package(tmp_path, README="hello").reason == "no licence that is known here is stated"


def test_a_file_may_stand_under_a_licence_of_its_own():
    assert has_copyleft_head("/* This is free software under the GNU General\n Public License */")
    assert not has_copyleft_head("# Licensed under the MIT licence\n")
