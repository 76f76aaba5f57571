"""The one writer and the one bounded reader: no link is followed, nothing outside is touched."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import threading

import pytest

from homespun import storage
from homespun.errors import FolderRefused
from homespun.locks import lock_file
from homespun.storage import (
    check_without_links,
    check_workspace_folder,
    is_full_or_closed,
    make_private_folder,
    open_private,
    read_bounded,
    remove_whatever,
    workspace_folder,
    write_private,
)

posix = pytest.mark.skipif(os.name != "posix", reason="links and modes of POSIX")


def mode(path):
    return stat.S_IMODE(path.lstat().st_mode)


@posix
def test_a_workspace_folder_is_private_and_keeps_itself_out_of_git_and_backups(tmp_path):
    before = os.umask(0)
    try:
        folder = workspace_folder(tmp_path)
    finally:
        os.umask(before)
    assert mode(folder) == 0o700
    assert (folder / ".gitignore").read_text() == "*\n"
    assert (folder / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f0688")
    assert mode(folder / ".gitignore") == 0o600


@posix
def test_a_folder_that_others_can_read_is_closed(tmp_path):
    (tmp_path / ".homespun").mkdir(mode=0o755)
    assert mode(workspace_folder(tmp_path)) == 0o700


def test_an_ignore_file_that_says_something_else_is_replaced(tmp_path):
    (tmp_path / ".homespun").mkdir()
    (tmp_path / ".homespun" / ".gitignore").write_text("!*\n")
    assert (workspace_folder(tmp_path) / ".gitignore").read_text() == "*\n"


@posix
@pytest.mark.parametrize("target", ["elsewhere", "missing"])
def test_a_workspace_folder_that_is_a_link_is_refused_and_nothing_is_written(tmp_path, target):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / ".homespun").symlink_to(tmp_path / target)
    with pytest.raises(FolderRefused, match=r"\.homespun' is a link"):
        workspace_folder(tmp_path / "work")
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert not (tmp_path / "missing").exists()


def test_a_workspace_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / ".homespun").write_text("mine")
    with pytest.raises(FolderRefused, match="is no folder"):
        workspace_folder(tmp_path)


@posix
def test_a_dangling_ignore_file_makes_no_file_elsewhere(tmp_path):
    (tmp_path / ".homespun").mkdir()
    (tmp_path / ".homespun" / ".gitignore").symlink_to(tmp_path / "outside")
    folder = workspace_folder(tmp_path)
    assert not (tmp_path / "outside").exists()
    assert not (folder / ".gitignore").is_symlink()


@posix
@pytest.mark.parametrize("place", ["lock.json", "lance/chunks.lance/data/x"])
def test_a_link_at_any_depth_is_found_and_named(tmp_path, place):
    link = tmp_path / place
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(tmp_path)
    with pytest.raises(FolderRefused, match=f"holds a link .'{place}'"):
        check_without_links(tmp_path)


def test_a_folder_of_plain_files_holds_no_link(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c").write_text("")
    check_without_links(tmp_path)


@posix
def test_what_a_link_points_to_is_not_written_into(tmp_path):
    (tmp_path / "outside").write_text("theirs")
    (tmp_path / "ours").symlink_to(tmp_path / "outside")
    write_private(tmp_path / "ours", "new")
    assert (tmp_path / "outside").read_text() == "theirs"
    assert (tmp_path / "ours").read_text() == "new"
    assert not (tmp_path / "ours").is_symlink()
    assert mode(tmp_path / "ours") == 0o600


def test_a_write_that_fails_leaves_the_old_file_and_no_draft(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "inside").write_text("")
    with pytest.raises(OSError, match="full"):
        write_private(tmp_path / "full", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["full"]


def test_a_file_above_the_bound_is_not_read(tmp_path):
    (tmp_path / "big").write_bytes(b"x" * 11)
    assert read_bounded(tmp_path / "big", max_bytes=11) == b"x" * 11
    with pytest.raises(ValueError, match="larger than 10 bytes"):
        read_bounded(tmp_path / "big", max_bytes=10)


@posix
def test_a_link_is_read_only_where_that_is_asked_for(tmp_path):
    (tmp_path / "there").write_text("text")
    (tmp_path / "link").symlink_to(tmp_path / "there")
    with pytest.raises(OSError, match="link"):
        read_bounded(tmp_path / "link", max_bytes=10)
    assert read_bounded(tmp_path / "link", max_bytes=10, follow_links=True) == b"text"


@posix
def test_a_pipe_ends_a_read_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    found = []

    def read():
        with pytest.raises(OSError, match="no regular file"):
            read_bounded(tmp_path / "pipe", max_bytes=10)
        found.append(True)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(30)
    assert found == [True]


def test_a_folder_is_no_file_to_read(tmp_path):
    with pytest.raises(OSError, match="no regular file"):
        read_bounded(tmp_path, max_bytes=10)


def test_a_file_that_grows_is_its_owners_alone_and_begins_empty_unless_asked(tmp_path):
    for append, expected in ((True, b"one"), (True, b"oneone"), (False, b"one")):
        with open_private(tmp_path / "log", append=append) as stream:
            stream.write(b"one")
        assert (tmp_path / "log").read_bytes() == expected
    if os.name == "posix":
        assert mode(tmp_path / "log") == 0o600


@posix
@pytest.mark.parametrize("append", [True, False])
@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_what_another_name_means_is_not_written_into(tmp_path, link, append):
    (tmp_path / "outside").write_text("theirs")
    link(tmp_path / "outside", tmp_path / "ours")
    with pytest.raises(OSError, match="link|no regular file"):
        open_private(tmp_path / "ours", append=append)
    assert (tmp_path / "outside").read_text() == "theirs"


@posix
def test_a_folder_is_made_private_with_its_parents_and_one_that_is_there_stays(tmp_path):
    (tmp_path / "there").mkdir(mode=0o755)
    before = os.umask(0)
    try:
        make_private_folder(tmp_path / "there" / "a" / "b")
    finally:
        os.umask(before)
    assert mode(tmp_path / "there") == 0o755
    assert [mode(tmp_path / "there" / name) for name in ("a", "a/b")] == [0o700, 0o700]
    make_private_folder(tmp_path / "there")


@posix
def test_what_a_removed_link_points_to_stays(tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "kept").write_text("")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "inside").symlink_to(tmp_path / "outside")
    (tmp_path / "link").symlink_to(tmp_path / "outside")
    for name in ("link", "folder", "outside/none"):
        remove_whatever(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["outside"]
    assert (tmp_path / "outside" / "kept").exists()


@posix
def test_a_workspace_without_a_folder_of_ours_is_none_to_refuse(tmp_path):
    check_workspace_folder(tmp_path)
    (tmp_path / ".homespun").symlink_to(tmp_path / "missing")
    with pytest.raises(FolderRefused, match="is a link"):
        check_workspace_folder(tmp_path)


@posix
@pytest.mark.parametrize("kind", ["link", "folder", "pipe"])
def test_a_lock_is_a_file_of_its_own(tmp_path, kind):
    lock = tmp_path / "lock"
    if kind == "link":
        lock.symlink_to(tmp_path / "outside")
    elif kind == "folder":
        lock.mkdir()
    else:
        os.mkfifo(lock)
    with pytest.raises(OSError, match="no regular file"):
        lock_file(lock)
    assert not (tmp_path / "outside").exists()


@posix
def test_a_lock_is_closed_to_others(tmp_path):
    with lock_file(tmp_path / "lock").acquire(timeout=0):
        assert mode(tmp_path / "lock") == 0o600


@pytest.mark.parametrize("name", ["ENOSPC", "EDQUOT", "EACCES", "EPERM", "EROFS", "EFBIG"])
def test_a_full_disk_and_a_closed_one_are_told_from_other_trouble(name):
    number = getattr(errno, name, errno.ENOSPC)  # Windows knows no quota error
    assert is_full_or_closed(OSError(number, os.strerror(number)))
    assert not is_full_or_closed(OSError(errno.EINVAL, "it is no regular file"))


def test_a_copy_is_hashed_and_ends_at_its_bound(tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"0123456789")
    sha256 = storage.copy_bounded(source, target, max_bytes=10)
    assert sha256 == hashlib.sha256(b"0123456789").hexdigest()
    assert target.read_bytes() == b"0123456789"
    with pytest.raises(ValueError, match="larger than 9 bytes"):
        storage.copy_bounded(source, target, max_bytes=9)


def test_a_shared_folder_is_no_link(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="no plain folder"):
        storage.make_shared_folder(tmp_path / "link")
    storage.make_shared_folder(tmp_path / "new")
    storage.make_shared_folder(tmp_path / "new")
    assert (tmp_path / "new").is_dir()


def test_a_shared_draft_takes_its_place_whole_or_not_at_all(tmp_path):
    place = tmp_path / "current"
    place.write_text("old")
    with pytest.raises(KeyError), storage.shared_draft(place) as stream:
        stream.write(b"ha")
        raise KeyError
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]
    with storage.shared_draft(place) as stream:
        stream.write(b"new")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["new"]
