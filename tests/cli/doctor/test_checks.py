"""Single checks on real things: wheels, servers that run, editors' folders, places."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from homespun import paths
from homespun.cli.agents.kinds import KINDS
from homespun.cli.agents.plan import to_install
from homespun.cli.doctor.checks.agents import check_agents
from homespun.cli.doctor.checks.editors import check_editors, installed_clients
from homespun.cli.doctor.checks.finding import Patient
from homespun.cli.doctor.checks.index import check_index
from homespun.cli.doctor.checks.installation import check_installation
from homespun.cli.doctor.checks.places import check_places
from homespun.cli.doctor.checks.settings import SECTIONS
from homespun.cli.doctor.checks.sockets import check_sockets, running_servers
from homespun.indexer.config import IndexConfig
from homespun.indexer.index import Index
from homespun.models.recommend.machine import int8_instructions
from homespun.server.transport.client_token import token_of_file
from tests import test_docs
from tests.indexer.licences.test_texts import PHRASES

CLIENTS = Path(__file__).parents[3] / "editor-client"
OURS = metadata.version("homespun")


def sentences(finding):
    return [problem.sentence for problem in finding.problems]


def test_all_sections_of_settings_are_shown():
    assert tuple(SECTIONS.items()) == test_docs.SECTIONS


# --- wheels


def installed(folder, name, version):
    """Put a wheel's description where Python looks first."""
    made = folder / f"{name}-{version}.dist-info"
    made.mkdir()
    (made / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def test_the_wheels_here_are_those_that_homespun_asks_for(tmp_path):
    found = check_installation(Patient(tmp_path))
    assert sentences(found) == []
    assert found.facts["wheels"]["onnxruntime"] == metadata.version("onnxruntime")
    assert "torch" not in found.facts["wheels"]


def test_a_wheel_of_another_version_is_broken(tmp_path, monkeypatch):
    installed(tmp_path, "pygls", "1.0.0")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = check_installation(Patient(tmp_path / "shop"))
    assert sentences(found) == ["pygls 1.0.0 is installed, and homespun wants <3,>=2"]
    assert found.grade == "broken"
    assert found.problems[0].mend.endswith("pip install --force-reinstall homespun")


def test_a_python_path_into_the_folder_is_a_note(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "src"))
    found = check_installation(Patient(tmp_path))
    assert found.grade == "note"
    assert found.problems[0].mend == "unset PYTHONPATH"


# --- the machine


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("flags\t\t: fpu avx2 avx512_vnni\n", ("avx512_vnni", "avx2")),
        ("Features\t: fp asimd asimddp i8mm\n", ("i8mm", "asimddp")),
        ("", ()),
    ],
)
def test_int8_instructions_are_read_the_widest_first(tmp_path, text, names):
    (tmp_path / "cpuinfo").write_text(text)
    assert int8_instructions(tmp_path / "cpuinfo") == names


# --- places


def test_a_token_that_others_can_read_is_broken(tmp_path):
    _, path = token_of_file()
    assert check_places(Patient(tmp_path)).grade != "broken"
    path.chmod(0o644)
    found = check_places(Patient(tmp_path))
    assert [problem.mend for problem in found.problems if problem.is_broken] == [f"rm {path}"]


def test_a_file_where_the_home_should_be_is_broken(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HOMESPUN_HOME", str(tmp_path / "file"))
    assert paths.home() == tmp_path / "file"
    found = check_places(Patient(tmp_path))
    assert found.grade == "broken"
    assert "is a file where homespun wants a folder" in found.problems[0].sentence


# --- editors


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A user with all three clients, as docs/editors.md says."""
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "NVIM_APPNAME"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    extension = home / ".vscode" / "extensions" / "homespun.homespun-0.0.9"
    extension.mkdir(parents=True)
    text = (CLIENTS / "package.json").read_text().replace(f'"{OURS}"', '"0.0.9"', 1)
    (extension / "package.json").write_text(text)
    (home / ".config" / "nvim").mkdir(parents=True)
    shutil.copytree(CLIENTS / "nvim" / "lua", home / ".config" / "nvim" / "lua")
    (home / ".emacs.d" / "lisp").mkdir(parents=True)
    shutil.copy(CLIENTS / "emacs" / "homespun.el", home / ".emacs.d" / "lisp")
    monkeypatch.setenv("HOME", str(home))
    return home


def test_clients_are_found_with_their_versions(home):
    found = [(client.editor, client.version) for client in installed_clients(home)]
    assert found == [("VS Code", "0.0.9"), ("Neovim", ""), ("Emacs", OURS)]


def test_an_older_client_and_a_program_that_is_not_on_the_path_are_notes(
    home, tmp_path, monkeypatch
):
    shop = tmp_path / "shop"
    (shop / "bin").mkdir(parents=True)
    (shop / "bin" / "homespun").write_text("#!/bin/sh\n")  # the folder's own counts for nothing
    (shop / "bin" / "homespun").chmod(0o755)
    monkeypatch.setenv("PATH", str(shop / "bin"))
    found = check_editors(Patient(shop))
    assert found.facts["program_on_path"] is None
    first, second = sentences(found)
    assert f"VS Code is of version 0.0.9, and homespun here is {OURS}" in first
    assert "Neovim and Emacs look for homespun on the PATH" in second
    assert found.grade == "note"


def test_a_half_removed_extension_is_named_without_a_version(home):
    (home / ".vscode" / "extensions" / "homespun.homespun-0.0.9" / "package.json").unlink()
    assert next(installed_clients(home)).version == ""


# --- agents


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A folder, an empty home, and homespun on the PATH."""
    for folder in ("home", "shop", "bin"):
        (tmp_path / folder).mkdir()
    (tmp_path / "bin" / "homespun").write_text("#!/bin/sh\n")
    (tmp_path / "bin" / "homespun").chmod(0o755)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path / "shop"


def test_agents_that_know_homespun_are_named(shop):
    assert check_agents(Patient(shop)).line == "no agent knows homespun here"
    for name in ("codex", "copilot"):
        kind = next(kind for kind in KINDS if kind.name == name)
        for change in to_install(kind, shop, "homespun").changes:
            change.apply()
    (shop / ".mcp.json").write_text('{"mcpServers": {"other": {}}}')
    (shop / "opencode.json").write_text("{ // with a comment\n}")
    found = check_agents(Patient(shop))
    assert found.line == "Codex, GitHub Copilot CLI"
    assert found.facts["agents"] == ["codex", "copilot"]
    assert (found.grade, sentences(found)) == ("ok", [])


def test_what_an_agent_would_start_in_vain_is_a_note(shop, monkeypatch):
    monkeypatch.setenv("PATH", str(shop))  # the folder's own counts for nothing
    monkeypatch.setitem(sys.modules, "mcp", None)
    assert sentences(check_agents(Patient(shop))) == []
    for change in to_install(KINDS[0], shop, "homespun").changes:
        change.apply()
    found = check_agents(Patient(shop))
    assert found.grade == "note"
    first, second = sentences(found)
    assert first.startswith("Claude Code starts `homespun mcp`, and the MCP SDK")
    assert "outside of the folder there is none on the PATH" in second
    assert found.problems[1].mend.startswith("homespun install-agent claude --command")


# --- servers that run


@pytest.mark.skipif(not Path("/proc/self/net").is_dir(), reason="only Linux tells it")
def test_a_server_that_listens_is_found_with_its_port(tmp_path):
    command = [sys.executable, "-P", "-m", "homespun.cli", "serve", "--tcp", "127.0.0.1:0"]
    environment = os.environ | {"HOMESPUN_TOKEN": "x" * 40}
    with subprocess.Popen(
        command, env=environment, cwd=tmp_path, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            port = next(line for line in server.stderr if "listening" in line).split()[-1]
            (found,) = [each for each in running_servers() if each.pid == server.pid]
            finding = check_sockets(Patient(tmp_path))
        finally:
            server.kill()
    assert (found.how, found.addresses) == ("tcp", (f"127.0.0.1:{port}",))
    assert not found.is_open
    assert found.addresses[0] in finding.line


@pytest.mark.skipif(not Path("/proc/self/net").is_dir(), reason="only Linux tells it")
def test_a_program_that_only_speaks_of_it_is_no_server(tmp_path):
    command = [sys.executable, "-c", "input()", "homespun", "index", "serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as other:
        found = [each.pid for each in running_servers()]
        other.kill()
    assert other.pid not in found


# --- the index


def test_the_files_under_other_licences_are_counted_in_the_line_of_the_index(tmp_path):
    def checked():
        index = Index.open(tmp_path, IndexConfig(encoder="none"), create=True)
        index.update()
        return check_index(Patient(tmp_path))

    (tmp_path / "own.py").write_text("value = 1\n")
    assert checked().line.endswith("; licence unknown, no file under another")
    (tmp_path / "LICENSE").write_text(PHRASES["MIT"])
    (tmp_path / "one.py").write_text("# SPDX-License-Identifier: ISC\nvalue = 1\n")
    found = checked()
    assert found.line.endswith("; licence MIT, 1 file under others (1 ISC)")
    assert (found.facts["licence"], found.facts["other_licences"]) == ("MIT", {"ISC": 1})
