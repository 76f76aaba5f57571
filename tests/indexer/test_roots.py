"""Which folder is a file's workspace: nobody but the user says so."""

from __future__ import annotations

import os
import subprocess

import pytest

from homespun.indexer.roots import is_ours, workspace_of
from homespun.indexer.storage import manifest
from homespun.storage import workspace_folder


def git(root, *arguments):
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments]
    subprocess.run(command, cwd=root, check=True, capture_output=True)


def mark(folder):
    folder.mkdir(parents=True, exist_ok=True)
    manifest.save(workspace_folder(folder), manifest.Manifest())
    return folder


@pytest.fixture
def repository(tmp_path):
    root = tmp_path / "repository"
    (root / "part" / "deep").mkdir(parents=True)
    git(root, "init", "--quiet", ".")
    return root


def test_the_nearest_folder_that_was_indexed_is_the_workspace(repository):
    assert workspace_of(repository / "part" / "deep" / "a.py") == repository
    mark(repository / "part")
    assert workspace_of(repository / "part" / "deep" / "a.py") == repository / "part"


def test_outside_of_a_repository_the_files_own_folder_is_it(tmp_path):
    assert workspace_of(tmp_path / "a.py") == tmp_path
    (tmp_path / "deep").mkdir()
    mark(tmp_path)
    assert workspace_of(tmp_path / "deep" / "a.py") == tmp_path


def test_a_mark_that_the_repository_tracks_makes_no_workspace(repository):
    mark(repository / "part")
    git(repository, "add", "--force", "part/.homespun/manifest.json")
    assert not is_ours(repository / "part")
    assert workspace_of(repository / "part" / "deep" / "a.py") == repository


def test_a_mark_that_this_machine_has_not_sealed_makes_no_workspace(repository, monkeypatch):
    mark(repository / "part")
    monkeypatch.setenv("HOMESPUN_HOME", str(repository / "another machine"))
    assert not is_ours(repository / "part")
    assert workspace_of(repository / "part" / "deep" / "a.py") == repository


def test_a_mark_that_is_a_link_makes_no_workspace(repository, tmp_path):
    mark(tmp_path / "elsewhere")
    (repository / "part" / ".homespun").symlink_to(tmp_path / "elsewhere" / ".homespun")
    assert workspace_of(repository / "part" / "deep" / "a.py") == repository


def test_a_mark_that_is_a_file_makes_no_workspace(repository):
    (repository / "part" / ".homespun").write_text("")
    assert workspace_of(repository / "part" / "deep" / "a.py") == repository


def test_a_mark_of_another_user_makes_no_workspace(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    (tmp_path / "project").mkdir()
    os.chown(mark(tmp_path) / ".homespun", 65_534, 65_534)
    assert workspace_of(tmp_path / "project" / "a.py") == tmp_path / "project"


def test_where_git_does_not_say_whether_it_is_tracked_it_is_not_believed(repository):
    mark(repository / "part")
    (repository / ".git" / "index").write_bytes(b"broken")
    assert not is_ours(repository / "part")
