"""package.json of the VS Code extension: its settings are those of the server's classes.

`HOMESPUN_UPDATE_DOCS=1 pytest tests/editor_client` writes that part of it anew.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import tomllib
import typing
from pathlib import Path

import pytest

from homespun.indexer.config import IndexConfig
from homespun.server.options import CompletionOptions, LicenceOptions, ServerOptions
from homespun.settings import camel_case

ROOT = Path(__file__).resolve().parents[2]
CLIENT = ROOT / "editor-client"
SECTIONS = (
    ("completion", CompletionOptions),
    ("index", IndexConfig),
    ("licences", LicenceOptions),
    ("server", ServerOptions),
)


def fields_of(options):
    """The settings that an editor may set: what it never may is not offered there."""
    fields = dataclasses.fields(options)
    return [field for field in fields if field.metadata.get("yours") is not bool]


SETTINGS = [
    pytest.param(section, options, field, id=f"{section}.{field.name}")
    for section, options in SECTIONS
    for field in fields_of(options)
]
# What a workspace may set too: it comes with a clone, so nothing here names a program, a path, an
# address, a model or an adapter, takes memory, processors or time, or writes anything down.
OF_WORKSPACES = {
    "completion": {
        "enabled",
        "max_tokens",
        "max_block_tokens",
        "max_lines",
        "multiline",
        "retrieval",
        "disabled_languages",
        "disabled_globs",
        "eagerness",
        "min_logprob",
        "max_line_suffix_chars",
    },
    "index": {"exclude", "siblings"},
    "licences": {"deny"},
    "server": set(),
}
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
                "scope": "window" if field.name in OF_WORKSPACES[section] else "machine",
                "order": order,
                "description": sentence(field.metadata["help"]),
            }
            for order, field in enumerate(fields_of(options), start=1)
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
    lock = json.loads((CLIENT / "package-lock.json").read_text(encoding="utf-8"))
    assert package()["version"] == lock["version"] == project["version"]


def test_a_workspace_cannot_set_what_is_started_or_logged():
    own, *_ = package()["contributes"]["configuration"]
    scopes = {name: declared["scope"] for name, declared in own["properties"].items()}
    assert scopes == {"homespun.serverCommand": "machine", "homespun.trace.server": "machine"}


def test_every_setting_of_a_workspace_is_a_setting():
    known = {section: {field.name for field in dataclasses.fields(of)} for section, of in SECTIONS}
    assert all(OF_WORKSPACES[section] <= known[section] for section in known)
    assert OF_WORKSPACES.keys() == known.keys()


def test_nothing_is_started_where_the_workspace_is_not_trusted_or_not_on_the_disk():
    """`limited` would start it, and without `main` in a browser there is nothing to start."""
    capabilities = package()["capabilities"]
    assert capabilities["untrustedWorkspaces"]["supported"] is False
    assert capabilities["virtualWorkspaces"]["supported"] is False
    assert "browser" not in package()


def test_the_package_holds_the_server_and_asks_no_index_for_it():
    """The name homespun on a package index is nobody's, so it must never be asked for."""
    sources = [*CLIENT.glob("src/**/*.ts"), *CLIENT.glob("scripts/*.mjs"), CLIENT / "package.json"]
    asked = [
        file.name for file in sources if re.search(r"homespun(==|>=|~=)", file.read_text("utf-8"))
    ]
    assert asked == []
    assert "dist" in package()["files"]


def test_no_command_of_the_palette_is_one_of_the_server():
    """vscode-languageclient registers the server's; the same name twice stops the client."""
    from homespun.server.commands.registry import COMMANDS

    declared = {command["command"] for command in package()["contributes"]["commands"]}
    assert declared & set(COMMANDS) == set()


def test_versions_of_packages_are_exact():
    given = package()["devDependencies"]
    assert {name: version for name, version in given.items() if not version[0].isdigit()} == {}
