"""`homespun install-agent` as a user runs it: in, in again, and out without a trace."""

from __future__ import annotations

import json
import os
import stat
import tomllib

import pytest

from homespun.cli.agents.kinds import KINDS
from tests.support.command import run_command

NAMES = [kind.name for kind in KINDS]
JSON_BEFORE = '{\n   "mine": {"a": [1,2]},\n   "theme": "é"\n}'
TOML_BEFORE = '# mine\nmodel = "x"\n\n[mcp_servers.other]\ncommand = "other"'


@pytest.fixture
def home(tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    return home


@pytest.fixture
def project(tmp_path, home, monkeypatch):
    project = tmp_path / "shop"
    project.mkdir()
    monkeypatch.chdir(project)
    return project


@pytest.fixture
def run(capsys, project):
    return lambda *words: run_command(capsys, "install-agent", *words)


def config_of(name, project, home):
    kind = next(kind for kind in KINDS if kind.name == name)
    return (home if kind.is_of_home else project) / kind.config


def files_of(name):
    return 3 if name == "claude" else 2  # with that of its sub-agent


def everything(*folders):
    return {
        path: path.read_bytes() if path.is_file() else None
        for folder in folders
        for path in folder.rglob("*")
    }


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_project_is_told_and_left_empty(name, run, project, home):
    status, out, _ = run(name, "--yes")
    assert status == 0
    assert "+++ " in out
    installed = everything(project, home)
    assert len([data for data in installed.values() if data is not None]) == files_of(name)
    assert run(name)[:2] == (0, out.splitlines()[-1].split(":")[0] + ": nothing to change\n")
    assert everything(project, home) == installed
    assert run(name, "--remove", "--yes")[0] == 0
    assert everything(project, home) == {}


@pytest.mark.parametrize("name", NAMES)
def test_what_is_in_the_files_keeps_its_bytes_and_its_mode(name, run, project, home):
    config = config_of(name, project, home)
    config.parent.mkdir(exist_ok=True)
    config.write_text(TOML_BEFORE if config.suffix == ".toml" else JSON_BEFORE)
    config.chmod(0o640)
    for guide in ("AGENTS.md", "CLAUDE.md"):
        (project / guide).write_bytes(b"# Ours\r\n\r\nno line end")
    before = everything(project, home)
    assert run(name, "--yes")[0] == 0
    assert stat.S_IMODE(config.stat().st_mode) == 0o640
    changed = [path for path, data in everything(project, home).items() if data != before.get(path)]
    assert len([path for path in changed if path.is_file()]) == files_of(name)
    text = config.read_text()
    whole = tomllib.loads(text) if config.suffix == ".toml" else json.loads(text)
    kind = next(kind for kind in KINDS if kind.name == name)
    entry = whole[kind.section]["homespun"]
    command = entry["command"]
    started = command if isinstance(command, list) else [command, *entry["args"]]
    assert started == ["homespun", "mcp"]
    assert run(name, "--remove", "--yes")[0] == 0
    assert everything(project, home) == before
    assert stat.S_IMODE(config.stat().st_mode) == 0o640


def test_the_command_can_be_named_and_named_anew(run, project):
    run("cursor", "--yes")
    run("cursor", "--yes", "--command", "/opt/bin/homespun")
    entry = json.loads((project / ".cursor/mcp.json").read_text())["mcpServers"]["homespun"]
    assert entry["command"] == "/opt/bin/homespun"
    run("cursor", "--remove", "--yes")
    assert list(project.iterdir()) == []


def test_instructions_stay_while_another_agent_reads_them(run, project, home):
    run("cursor", "--yes")
    run("codex", "--yes")
    _, _, err = run("cursor", "--remove", "--yes")
    assert "AGENTS.md keeps its block: Codex reads it, too" in err
    assert "homespun: begin" in (project / "AGENTS.md").read_text()
    run("codex", "--remove", "--yes")
    assert everything(project, home) == {}


def test_a_sub_agent_is_written_as_the_program_reads_it_and_written_anew(run, project):
    run("claude", "--yes")
    file = project / ".claude/agents/homespun-search.md"
    whole = file.read_text()
    _, head, body = whole.split("---\n", 2)
    assert head.startswith("name: homespun-search\ndescription: Finds where")
    assert "\ntools: Bash, Read\n" in head
    assert "homespun search " in body
    file.write_text(whole.replace("Finds where", "Said where"))
    assert run("claude", "--yes")[0] == 0
    assert file.read_text() == whole


def test_a_sub_agent_of_the_user_s_own_stays(run, project):
    file = project / ".claude/agents/homespun-search.md"
    file.parent.mkdir(parents=True)
    file.write_text("mine\n")
    status, _, err = run("claude", "--yes")
    assert status == 1
    assert "homespun-search.md' was left as it is: it is not homespun's" in err
    assert not (project / ".mcp.json").exists()
    assert run("claude", "--remove", "--yes")[0] == 0
    assert file.read_text() == "mine\n"


def test_nothing_is_written_unasked(run, project, home):
    status, out, err = run("claude")
    assert (status, everything(project, home)) == (2, {})
    assert '+    "homespun": {' in out
    assert "there is no terminal to ask on; add --yes" in err


@pytest.mark.parametrize(("answer", "status"), [("y\n", 0), ("n\n", 1), ("\n", 1), ("", 1)])
def test_the_answer_counts(answer, status, run, project, monkeypatch):
    controller, terminal = os.openpty()
    with open(terminal, closefd=True) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        os.write(controller, answer.encode() or b"\x04")
        assert run("claude")[0] == status
    os.close(controller)
    assert (project / ".mcp.json").exists() == (status == 0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'{\n  // mine\n  "a": 1\n}', "it is no plain JSON"),
        (b'{"mcpServers": 5}', "its 'mcpServers' is no object"),
        (b"\xff\xfe", "it is no UTF-8"),
        (b" " * 1_000_001, "it is larger than 1 MB"),
    ],
)
def test_a_file_that_could_lose_something_is_left(text, said, run, project):
    (project / ".mcp.json").write_bytes(text)
    status, out, err = run("claude", "--yes")
    assert (status, out) == (1, "")
    assert said in err
    assert (project / ".mcp.json").read_bytes() == text
    assert not (project / "CLAUDE.md").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = [", "it is no TOML"),
        ('[mcp_servers.homespun]\ncommand = "x"\n', "mcp_servers.homespun of its own"),
        ('mcp_servers = {a = {command = "x"}}\n', "it is no TOML|does not change safely"),
        ("# homespun: begin\n", "are no pair"),
    ],
)
def test_toml_that_could_lose_something_is_left(text, said, run, project):
    (project / ".codex").mkdir()
    (project / ".codex/config.toml").write_text(text)
    status, _, err = run("codex", "--yes")
    assert status == 1
    assert any(part in err for part in said.split("|"))
    assert (project / ".codex/config.toml").read_text() == text


@pytest.mark.parametrize("path", [".cursor", ".cursor/mcp.json", "AGENTS.md"])
def test_no_link_is_followed(path, run, project, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mcp.json").write_text("{}")
    link = project / path
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(outside if path == ".cursor" else outside / "mcp.json")
    status, out, err = run("cursor", "--yes")
    assert (status, out) == (1, "")
    assert "is a link, and links are not followed" in err
    assert everything(outside) == {outside / "mcp.json": b"{}"}


def test_a_pipe_blocks_nothing(run, project):
    os.mkfifo(project / "CLAUDE.md")
    status, _, err = run("claude", "--yes")
    assert status == 1
    assert "it is no regular file" in err
    assert not (project / ".mcp.json").exists()


def test_escape_sequences_of_a_file_do_not_reach_the_terminal(run, project):
    (project / "CLAUDE.md").write_text("\x1b]0;owned\x07\u202e\n")
    _, out, _ = run("claude", "--yes")
    assert "\\x1b]0;owned\\x07\\u202e" in out
    assert not {"\x1b", "\x07", "\u202e"} & set(out)


def test_a_file_that_changed_after_the_diff_is_left(project):
    from homespun.cli.agents import plan
    from homespun.cli.errors import ChangeRefused

    change, *_ = plan.to_install(KINDS[0], project, "homespun").changes
    (project / ".mcp.json").write_text("{}")
    with pytest.raises(ChangeRefused, match="has changed meanwhile"):
        change.apply()
    assert (project / ".mcp.json").read_text() == "{}"
