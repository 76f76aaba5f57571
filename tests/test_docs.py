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
from homespun.models.adapters.upkeep.options import AdapterOptions
from homespun.models.observe.options import ObserveOptions
from homespun.models.remote.options import RemoteOptions
from homespun.models.remote.vectors.options import EncoderOptions
from homespun.models.rerank.options import RerankerOptions
from homespun.server.options import CompletionOptions, LicenceOptions, ServerOptions
from tests.layout.house import ROOMS, relative, sources
from tests.layout.test_arrows import LAYERS, layer_of

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
ARCHITECTURE = ROOT / "docs" / "architecture.md"
DOCS = [README, ROOT / "bench" / "README.md", ROOT / "CONTRIBUTING.md"]
DOCS += sorted((ROOT / "docs").rglob("*.md"))
SECTIONS = (
    ("completion", CompletionOptions),
    ("model.remote", RemoteOptions),
    ("index", IndexConfig),
    ("encoder", EncoderOptions),
    ("search", RerankerOptions),
    ("adapters", AdapterOptions),
    ("observe", ObserveOptions),
    ("licences", LicenceOptions),
    ("server", ServerOptions),
)

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
        "connection that leaves this machine; without it a fetch of a model that was asked for",
        "opens one, and `[model.remote]` where you set it ([remote.md](remote.md)), or an address",
        "in `index.encoder` or `search.reranker` ([encoders.md](encoders.md)), in",
        "`observe.otlp` ([observability.md](observability.md)), or a bucket in",
        "`index.siblings_root` ([siblings.md](siblings.md)).",
        "`HOMESPUN_TOKEN` is what a client of `homespun serve --tcp` names",
        "([editors.md](editors.md#other-editors)), or of `--openai` ([openai.md](openai.md)).",
        "`HOMESPUN_TEAM_KEY` is a team's secret that vouches for the adapter it shares",
        "([tuning.md](tuning.md#a-team-shares-one)).",
        "",
        "A workspace's files come with a clone: they change nothing that you have set, and set",
        "only what the column *workspace* allows. *yes* is any good value, *lowers* nothing above",
        "the default, *adds* entries beside your own. They name no path, address, program, model,",
        "adapter or thread count. Such a file is no link, and has at most 256 KB and keys of 16",
        "parts. No `.env` of a folder is read. `[model.remote]`, `[encoder]`, `[search]` and an",
        "address in `index.encoder` are yours alone: your own file, the environment and flags set",
        "them, not the editor, whose settings come with a clone as well; so are where packs of",
        "siblings lie, and which of them a workspace may name.",
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


@pytest.mark.parametrize("page", DOCS, ids=relative)
def test_every_file_that_a_page_names_exists(page):
    text = page.read_text(encoding="utf-8")
    rooms = "cli|indexer|models|server|training|tests|docs|bench|editor-client"
    named = set(
        re.findall(
            rf"(?<![\w/.-])(?:{rooms})/[\w./-]+\.(?:py|md|lua|el|png|sh|scm|jsonl?|ts|js)\b", text
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


@pytest.mark.parametrize("page", [README, ROOT / "docs" / "commands.md"], ids=relative)
def test_the_page_names_every_verb(page):
    text = page.read_text(encoding="utf-8")
    assert {verb.name for verb in VERBS if f"homespun {verb.name}" not in text} == set()


def test_the_readme_is_read_at_one_sitting():
    assert README.read_text(encoding="utf-8").count("\n") < 120


def test_the_readmes_figures_stand_in_the_page_of_measurements():
    rows = re.findall(r"^\|.*\|.*`$|^\|.*\|$", README.read_text(encoding="utf-8"), re.MULTILINE)
    figures = {figure for row in rows for figure in re.findall(r"[\d.,-]*\d{2,}", row)}
    measured = (ROOT / "bench" / "README.md").read_text(encoding="utf-8")
    assert len(figures) > 10
    assert {figure for figure in figures if figure not in measured} == set()


def test_every_verb_has_one_walk():
    walks = re.findall(r"^\*\*`homespun ([\w-]+)", ARCHITECTURE.read_text(encoding="utf-8"), re.M)
    assert sorted(walks) == sorted(verb.name for verb in VERBS)


def test_every_sub_package_has_one_row_and_its_files_are_there():
    found = dict.fromkeys(relative(path.parent) for path in sources())
    rows = re.findall(r"^\| `([\w/]+)/` \| (.*)$", ARCHITECTURE.read_text(encoding="utf-8"), re.M)
    assert sorted(folder for folder, _ in rows) == sorted(found)
    named = [f"{folder}/{file}" for folder, row in rows for file in re.findall(r"`(\w+\.py)`", row)]
    assert [path for path in named if not (ROOT / path).exists()] == []


def drawing():
    """The drawing of docs/architecture.md: room -> its sub-packages, from above."""
    lines = ARCHITECTURE.read_text(encoding="utf-8").split("```")[1].splitlines()
    rooms = {}
    for column in (slice(0, 33), slice(33, None)):
        room = None
        for line in (line[column] for line in lines):
            if "+-" in line:
                name = re.search(r"\+- (\w+) -", line)
                room = rooms.setdefault(name[1], []) if name else None
            elif room is not None:
                room += re.findall(r"[a-z_.]+", line)
    return rooms


@pytest.mark.parametrize("room", [room for room in ROOMS if room != "homespun"])
def test_the_drawing_shows_every_layer_in_its_place(room):
    folders = {relative(path.parent).replace("/", ".") for path in (ROOT / room).rglob("*.py")}
    drawn = drawing()[room]
    assert sorted(f"{room}.{place}" for place in drawn) == sorted(folders - {room})
    heights = [layer_of(room, place) for place in drawn]
    assert heights == sorted(heights, reverse=True)
    assert set(LAYERS) == set(drawing())


def test_docs_speak_of_no_machine():
    for page in DOCS:
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"/(?:work|root|tmp)/", text), page.name
