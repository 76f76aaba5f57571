r"""Paths as Windows and macOS have them: drives, shares, `\\?\`, upper and lower case.

Simulated: pygls takes Windows's side of its switch, folders are `PureWindowsPath`s, and a disk that
does not tell upper from lower case is one in which `os.path.samefile` does not.
"""

from __future__ import annotations

import os
from pathlib import PureWindowsPath

import pygls.uris
import pytest

from homespun.server.lsp.workspaces import Root, path_of


class WindowsFolder(PureWindowsPath):
    """A path of Windows on a disk without links."""

    def resolve(self):
        return self


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///c%3A/Users/me/shop/a.py", r"c:\Users\me\shop\a.py"),
        ("file:///C:/Users/me/shop/a.py", r"c:\Users\me\shop\a.py"),
        ("file:///c%3A/Users/J%C3%BCrgen/a%20b.py", "c:\\Users\\Jürgen\\a b.py"),
        ("file://server/share/a.py", r"\\server\share\a.py"),
        ("file://%3F/C%3A/long/a.py", r"C:\long\a.py"),
        ("file://%3F/UNC/server/share/a.py", r"\\server\share\a.py"),
        ("untitled:Untitled-1", None),
    ],
)
def test_uris_of_windows_are_paths(monkeypatch, uri, path):
    monkeypatch.setattr(pygls.uris, "IS_WIN", True)
    found = path_of(uri)
    assert (str(found) if found else None) == path


@pytest.mark.parametrize(
    ("root", "path", "relative"),
    [
        (r"c:\work\shop", r"C:\work\shop\src\a.py", "src/a.py"),
        (r"C:\Work\Shop", r"c:\work\shop\src\A.py", "src/A.py"),
        (r"\\server\share\shop", r"\\SERVER\share\shop\a.py", "a.py"),
        (r"c:\work\shop", r"c:\work\shopping\a.py", None),
        (r"c:\work\shop", r"d:\work\shop\a.py", None),
    ],
)
def test_a_file_is_found_in_its_folder_on_windows(root, path, relative):
    assert Root(WindowsFolder(root)).relative(WindowsFolder(path)) == relative


@pytest.fixture
def one_case(monkeypatch):
    """A disk that does not tell upper from lower case."""

    def same(one, other):
        return str(one).casefold() == str(other).casefold()

    monkeypatch.setattr(os.path, "samefile", same)


def test_a_folder_in_other_letters_is_the_same_where_the_disk_says_so(tmp_path, one_case):
    root = tmp_path / "Shop"
    (root / "src").mkdir(parents=True)
    assert Root(root).relative(tmp_path / "shop" / "src" / "a.py") == "src/a.py"
    assert Root(root).relative(tmp_path / "shops" / "src" / "a.py") is None


def test_a_folder_in_other_letters_is_another_one_on_this_disk(tmp_path):
    for name in ("Shop", "shop"):
        (tmp_path / name).mkdir()
    assert Root(tmp_path / "Shop").relative(tmp_path / "shop" / "a.py") is None
    assert Root(tmp_path / "Shop").relative(tmp_path / "SHOP" / "a.py") is None


def test_the_disk_is_asked_for_a_folder_of_the_same_letters_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(os.path, "samefile", lambda one, other: True)
    assert Root(tmp_path / "Shop").relative(tmp_path / "Chop" / "a.py") is None
    assert Root(tmp_path / "Shop").relative(tmp_path / "sHOP" / "a.py") == "a.py"
