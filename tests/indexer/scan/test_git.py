"""Nothing of a repository runs by being listed, indexed, served or read: each is really hostile."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from homespun.indexer.config import IndexConfig
from homespun.indexer.errors import GitFailed
from homespun.indexer.scan import git, walk
from homespun.indexer.scan.git import Git
from homespun.training.errors import HistoryUnreadable
from homespun.training.history.repository import Repository
from tests.support import rpc
from tests.support.hostile import git_repositories as hostile

CONFIG = IndexConfig(encoder="none")
LOCKS = {
    "no transport": {"GIT_ALLOW_PROTOCOL", "GIT_PROTOCOL_FROM_USER"},
    "no lazy fetch": {"GIT_NO_LAZY_FETCH"},
    "no program": {"PATH", "GIT_EXEC_PATH"},
}
FETCHING = ("upload pack", "ssh command", "external transport", "foreign helper", "git proxy")


@pytest.fixture
def canary(tmp_path):
    return tmp_path / "canary"


@pytest.fixture(params=list(hostile.ALL))
def opened(request, tmp_path, canary):
    """A hostile repository, as a victim opens it, and none of it has run yet."""
    folder = hostile.ALL[request.param](tmp_path / "repository", canary)
    assert not canary.exists()
    return folder


@pytest.mark.parametrize("name", list(hostile.ALL))
def test_every_one_of_these_repositories_runs_its_program_with_a_plain_git(name, tmp_path, canary):
    hostile.runs_with_plain_git(name, hostile.ALL[name](tmp_path / "repository", canary))
    assert canary.exists()


def test_listing_the_files_runs_nothing(opened, canary):
    found = [file.path for file in walk.walk(opened, CONFIG).files]
    assert not canary.exists()
    assert any(path.endswith("app.py") for path in found)


def test_reading_the_history_runs_nothing(opened, canary):
    try:
        with Repository.open(opened) as repository:
            repository.files(repository.head)
            repository.commits()
            repository.windows()
            repository.file_at(repository.head, "library/deep.py")
            repository.resolve("2020-01-01")
    except HistoryUnreadable:
        pass  # what is missing is not fetched
    assert not canary.exists()


@pytest.mark.parametrize("build", [hostile.build_all, hostile.build_embedded_bare])
def test_the_index_command_runs_nothing(build, tmp_path, canary):
    folder = build(tmp_path / "repository", canary)
    command = [sys.executable, "-P", "-m", "homespun.cli", "index", "."]
    environment = {**os.environ, "HOMESPUN_INDEX_ENCODER": "none"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not canary.exists()


@pytest.mark.parametrize("build", [hostile.build_all, hostile.build_embedded_bare])
def test_the_server_runs_nothing(build, tmp_path, canary):
    folder = build(tmp_path / "repository", canary)
    command = [sys.executable, "-P", "-m", "homespun.cli", "serve", "--stdio"]
    environment = {"HOMESPUN_INDEX_ENCODER": "none", "HOMESPUN_OFFLINE": "1"}
    client = rpc.Client(command, env=environment)
    try:
        client.initialize(rootUri=folder.as_uri())
        client.open((folder / "app.py").as_uri(), hostile.SOURCE)
        client.wait_until(lambda: client.status()["folders"][0]["state"] == "ready")
        assert not canary.exists()
        client.stop()
    finally:
        client.kill()


@pytest.mark.parametrize("kept", list(LOCKS))
@pytest.mark.parametrize("name", FETCHING)
def test_each_lock_against_fetching_holds_alone(name, kept, tmp_path, canary, monkeypatch):
    folder = hostile.LISTED[name](tmp_path / "repository", canary)
    if kept == "no lazy fetch" and not knows_no_lazy_fetch(folder):
        pytest.skip("this git does not know it")
    usual = git._environment()
    opened = {key for lock, keys in LOCKS.items() if lock != kept for key in keys}
    usual.update({key: os.environ[key] for key in opened if key in os.environ})
    left = {key: value for key, value in usual.items() if key not in opened or key in os.environ}
    monkeypatch.setattr(git, "_environment", lambda: left)
    monkeypatch.setattr(git, "_SETTINGS", ("core.fsmonitor=false",))
    walk.walk(folder, CONFIG)
    assert not canary.exists()


def test_without_the_locks_the_edge_fetches_too(tmp_path, canary, monkeypatch):
    folder = hostile.build_upload_pack(tmp_path / "repository", canary)
    monkeypatch.setattr(git, "_environment", lambda: dict(os.environ))
    monkeypatch.setattr(git, "_SETTINGS", ("core.fsmonitor=false",))
    walk.walk(folder, CONFIG)
    assert canary.exists()


def knows_no_lazy_fetch(folder):
    done = subprocess.run(
        ["git", "ls-files"],
        cwd=folder,
        env={**os.environ, "GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none"},
        capture_output=True,
        check=False,
    )
    return b"lazy fetching disabled" in done.stderr


# --- the program


@pytest.mark.parametrize("how", ["absolute", "relative", "empty", "link", "below"])
def test_git_is_never_a_program_of_the_folder(how, tmp_path, canary, monkeypatch):
    root = hostile.plain_repository(tmp_path / "repository")
    (root / "bin").mkdir()
    hostile.program(root / "bin", canary, "git")
    hostile.program(root, canary, "git")
    link = tmp_path / "bin"
    link.symlink_to(root / "bin")
    entry = {"absolute": str(root / "bin"), "relative": "bin", "empty": "", "link": str(link)}
    place = root / "library" if how == "below" else root
    monkeypatch.chdir(root)
    before = os.environ["PATH"]
    monkeypatch.setenv("PATH", os.pathsep.join([entry.get(how, str(root / "bin")), before]))
    assert walk.walk(place, CONFIG).files
    assert Repository.open(place).commits()
    assert not canary.exists()


def test_a_folder_without_any_other_git_is_walked(tmp_path, canary, monkeypatch):
    root = hostile.plain_repository(tmp_path / "repository")
    hostile.program(root / "library", canary, "git")
    monkeypatch.setenv("PATH", str(root / "library"))
    scan = walk.walk(root, CONFIG)
    assert [file.path for file in scan.files] == ["app.py", "library/deep.py", "library/git"]
    assert "git gave no list of files" in scan.notes[0]
    assert not canary.exists()


# --- what a repository may say, and what not


@pytest.fixture
def user_ignores(tmp_path, monkeypatch):
    """The user's own list of ignored names, as git's settings of the user name it."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "mine").write_text("*.scratch.py\n")
    (home / ".gitconfig").write_text("[core]\n\texcludesFile = ~/mine\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return home


def test_the_list_of_ignored_names_is_the_users_whatever_the_repository_names(
    user_ignores, tmp_path
):
    root = hostile.plain_repository(tmp_path / "repository")
    (root / "a.scratch.py").write_text("x = 1\n")
    (root / "new.py").write_text("x = 1\n")
    wanted = ["app.py", "library/deep.py", "new.py"]
    assert [file.path for file in walk.walk(root, CONFIG).files] == wanted
    (tmp_path / "theirs").write_text("new.py\n")
    hostile.settings(root, core__excludesFile=str(tmp_path / "theirs"))
    assert [file.path for file in walk.walk(root, CONFIG).files] == wanted
    (user_ignores / ".gitconfig").unlink()
    (user_ignores / ".config" / "git").mkdir(parents=True)
    (user_ignores / ".config" / "git" / "ignore").write_text("*.scratch.py\n")
    assert [file.path for file in walk.walk(root, CONFIG).files] == wanted


def test_the_users_attributes_are_not_replaced_either(user_ignores, tmp_path):
    root = hostile.plain_repository(tmp_path / "repository")
    (tmp_path / "theirs").write_text("*.py binary\n")
    hostile.settings(root, core__attributesFile=str(tmp_path / "theirs"))
    assert Repository.open(root).commits()[0].added == {
        "app.py": [(1, 2)],
        "library/deep.py": [(1, 2)],
    }


def test_a_work_tree_elsewhere_gives_no_name_outside_the_folder(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "private.py").write_text("x = 1\n")
    root = hostile.plain_repository(tmp_path / "repository")
    hostile.settings(root, core__worktree=str(outside))
    assert [file.path for file in walk.walk(root, CONFIG).files] == ["app.py", "library/deep.py"]


def test_a_link_to_another_repositorys_data_gives_no_text_of_it(tmp_path):
    other = hostile.plain_repository(tmp_path / "other")
    (other / "private.py").write_text("x = 1\n")
    hostile.git(other, "add", "--all")
    root = tmp_path / "root"
    root.mkdir()
    (root / "own.py").write_text("y = 1\n")
    (root / ".git").write_text(f"gitdir: {other / '.git'}\n")
    assert [file.path for file in walk.walk(root, CONFIG).files] == ["own.py"]


def test_a_bare_repository_is_read_where_nothing_carries_it(tmp_path, canary):
    plain = hostile.plain_repository(tmp_path / "plain")
    hostile.git(tmp_path, "clone", "--quiet", "--bare", str(plain), "bare")
    assert len(Repository.open(tmp_path / "bare").commits()) == 1
    embedded = hostile.build_embedded_bare(tmp_path / "repository", canary)
    for folder in (embedded, embedded / "refs"):
        with pytest.raises(GitFailed, match="bare repository that somebody else owns or"):
            Git(folder)


def test_a_clone_brings_the_embedded_repository_along(tmp_path, canary):
    made = hostile.build_embedded_bare(tmp_path / "repository", canary)
    hostile.git(tmp_path, "clone", "--quiet", str(made.parent), "clone")
    embedded = tmp_path / "clone" / "embedded"
    assert (embedded / "HEAD").is_file()
    walk.walk(embedded, CONFIG)
    walk.walk(embedded.parent, CONFIG)
    assert not canary.exists()


def test_a_repository_of_another_user_is_walked(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    root = hostile.plain_repository(tmp_path / "repository")
    for path in (root, *root.rglob("*")):
        os.chown(path, 65_534, 65_534)
    scan = walk.walk(root, CONFIG)
    assert "git gave no list of files" in scan.notes[0]
    assert [file.path for file in scan.files] == ["app.py", "library/deep.py"]
    bare = tmp_path / "bare"
    shutil.copytree(root / ".git", bare)
    os.chown(bare, 65_534, 65_534)
    with pytest.raises(GitFailed, match="somebody else owns"):
        Git(bare)


def test_variables_of_a_hook_point_nowhere(tmp_path, monkeypatch):
    root = hostile.plain_repository(tmp_path / "repository")
    other = hostile.plain_repository(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    monkeypatch.setenv("GIT_SSH_COMMAND", "false")
    assert not {key for key in git._environment() if "SSH" in key or key == "GIT_DIR"}
    assert len(walk.walk(root, CONFIG).files) == 2
