"""Docs are executed: what they name exists, what they list is what the code says.

`HOMESPUN_UPDATE_DOCS=1 pytest tests/test_docs.py` writes docs/settings.md anew.
"""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path

import pytest

from homespun.cli.main import VERBS
from homespun.indexer.config import IndexConfig
from homespun.server.options import CompletionOptions, ServerOptions

ROOT = Path(__file__).resolve().parents[1]
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SECTIONS = (("completion", CompletionOptions), ("index", IndexConfig), ("server", ServerOptions))

_WORKSPACE = {False: "", True: "yes", "lowers": "lowers", "adds": "adds"}


def settings_page():
    """docs/settings.md as the settings classes say it."""
    lines = [
        "# Settings",
        "",
        "Later wins: defaults, the workspace's `homespun.toml` (or `[tool.homespun]` in",
        "`pyproject.toml`), the user's `homespun.toml`, `HOMESPUN_<SECTION>_<NAME>` variables, the",
        "editor (in camelCase), flags. A wrong value falls back to the layer below and says so.",
        "`HOMESPUN_HOME` moves all state outside repositories. `HOMESPUN_OFFLINE=1` forbids every",
        "connection; without it only a fetch of a model that was asked for opens one.",
        "`HOMESPUN_TOKEN` is what a client of `homespun serve --tcp` names",
        "([editors.md](editors.md#other-editors)).",
        "",
        "A workspace's files come with a clone: they change nothing that you have set, and set",
        "only what the column *workspace* allows. *yes* is any good value, *lowers* nothing above",
        "the default, *adds* entries beside your own. They name no path, address, program, model,",
        "adapter or thread count. Such a file is no link, and has at most 256 KB and keys of 16",
        "parts. No `.env` of a folder is read.",
        "",
    ]
    for section, options in SECTIONS:
        lines += [
            f"## [{section}]",
            "",
            "| name | default | workspace | what |",
            "|---|---|---|---|",
        ]
        for field in dataclasses.fields(options):
            default = f"{field.default!r}".replace("'", '"')
            workspace = _WORKSPACE[field.metadata.get("workspace", False)]
            lines.append(
                f"| `{field.name}` | `{default}` | {workspace} | {field.metadata['help']} |"
            )
        lines.append("")
    return "\n".join(lines)


def test_the_settings_page_is_what_the_classes_say():
    path = ROOT / "docs" / "settings.md"
    if os.environ.get("HOMESPUN_UPDATE_DOCS"):
        path.write_text(settings_page(), encoding="utf-8")
    assert path.read_text(encoding="utf-8") == settings_page()


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_every_file_that_a_page_names_exists(page):
    text = page.read_text(encoding="utf-8")
    rooms = "cli|indexer|models|server|training|tests|docs|bench|editor-client"
    named = set(
        re.findall(
            rf"(?<![\w/.-])(?:{rooms})/[\w./-]+\.(?:py|md|lua|el|png|sh|scm|json|ts|js)", text
        )
    )
    linked = {
        link.split("#")[0]
        for link in re.findall(r"\]\(([^)]+)\)", text)
        if link.split("#")[0] and "://" not in link
    }
    missing = {name for name in named if not (ROOT / name).exists()}
    missing |= {link for link in linked if not (page.parent / link).exists()}
    assert missing == set()


def test_the_readme_names_every_verb():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert {verb.name for verb in VERBS if f"homespun {verb.name}" not in text} == set()


def test_docs_speak_of_no_machine():
    for page in DOCS:
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"/(?:work|root|tmp)/", text), page.name
