"""package.json of the VS Code extension: its settings are those of the server's classes.

`HOMESPUN_UPDATE_DOCS=1 pytest tests/editor_client` writes that part of it anew.
"""

from __future__ import annotations

import dataclasses
import json
import os
import tomllib
import typing
from pathlib import Path

import pytest

from homespun.indexer.config import IndexConfig
from homespun.indexer.settings import camel_case
from homespun.server.options import CompletionOptions, ServerOptions

ROOT = Path(__file__).resolve().parents[2]
CLIENT = ROOT / "editor-client"
SECTIONS = (("completion", CompletionOptions), ("index", IndexConfig), ("server", ServerOptions))
SETTINGS = [
    pytest.param(section, options, field, id=f"{section}.{field.name}")
    for section, options in SECTIONS
    for field in dataclasses.fields(options)
]
_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}


def package():
    return json.loads((CLIENT / "package.json").read_text(encoding="utf-8"))


def category(section, options):
    """The settings of a section as VS Code wants them declared."""
    hints = typing.get_type_hints(options)
    return {
        "title": section.capitalize(),
        "properties": {
            f"homespun.{section}.{camel_case(field.name)}": {
                **schema(hints[field.name], field.metadata),
                "default": list(field.default) if field.default == () else field.default,
                "scope": "window",
                "order": order,
                "description": sentence(field.metadata["help"]),
            }
            for order, field in enumerate(dataclasses.fields(options), start=1)
        },
    }


def schema(hint, metadata):
    if hint not in _TYPES:
        assert hint == tuple[str, ...], f"a setting of type {hint} has no schema yet"
        return {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
    body = {"type": _TYPES[hint]}
    if hint in (int, float):
        body["minimum"] = metadata.get("min", 0)
        body |= {"maximum": metadata["max"]} if "max" in metadata else {}
    return body | ({"enum": list(metadata["choices"])} if "choices" in metadata else {})


def sentence(help_text):
    return help_text[0].upper() + help_text[1:] + "."


def test_the_settings_are_what_the_classes_say():
    found = package()
    own, *_ = found["contributes"]["configuration"]
    expected = [own, *(category(section, options) for section, options in SECTIONS)]
    if os.environ.get("HOMESPUN_UPDATE_DOCS"):
        found["contributes"]["configuration"] = expected
        text = json.dumps(found, indent=2, ensure_ascii=False) + "\n"
        (CLIENT / "package.json").write_text(text, encoding="utf-8")
    assert package()["contributes"]["configuration"] == expected


@pytest.mark.parametrize(("section", "options", "field"), SETTINGS)
def test_a_default_of_the_editor_is_the_default_of_the_server(section, options, field):
    found = {
        name: declared
        for each in package()["contributes"]["configuration"]
        for name, declared in each["properties"].items()
    }
    declared = found[f"homespun.{section}.{camel_case(field.name)}"]
    default = declared["default"]
    assert (tuple(default) if isinstance(default, list) else default) == field.default
    assert type(default) is (list if field.default == () else type(field.default))


def test_the_extension_has_the_version_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    own, *_ = package()["contributes"]["configuration"]
    lock = json.loads((CLIENT / "package-lock.json").read_text(encoding="utf-8"))
    assert package()["version"] == lock["version"] == project["version"]
    installed = own["properties"]["homespun.installFrom"]["default"]
    assert installed == f"homespun=={project['version']}"


def test_no_command_of_the_palette_is_one_of_the_server():
    """vscode-languageclient registers the server's; the same name twice stops the client."""
    from homespun.server.commands import COMMANDS

    declared = {command["command"] for command in package()["contributes"]["commands"]}
    assert declared & set(COMMANDS) == set()


def test_versions_of_packages_are_exact():
    given = package()["devDependencies"]
    assert {name: version for name, version in given.items() if not version[0].isdigit()} == {}
