"""Which files are found, and the reason for each one that is not."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from homespun.indexer.config import IndexConfig
from homespun.indexer.errors import NotADirectory
from homespun.indexer.scan import skip, walk
from homespun.indexer.types import Skipped

CONFIG = IndexConfig()


def write(root: Path, path: str, content: str | bytes = "x = 1\n") -> Path:
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content.encode() if isinstance(content, str) else content)
    return target


def git(root: Path, *arguments: str) -> None:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments]
    subprocess.run(command, cwd=root, check=True, capture_output=True)


def paths(root: Path, config: IndexConfig = CONFIG) -> list[str]:
    return [found.path for found in walk.walk(root, config).files]


@pytest.fixture(params=["git", "walked"])
def tree(request, tmp_path):
    """The same folder, once as a git repository and once without git."""
    root = tmp_path / "repository"
    root.mkdir()
    if request.param == "git":
        git(root, "init", "-q")
    return root


def test_ignored_files_are_left_out_at_every_level(tree):
    write(tree, ".gitignore", "*.log\n/build/\n!keep.log\n")
    write(tree, "app.py")
    write(tree, "trace.log", "x")
    write(tree, "build/out.py")
    write(tree, "src/build/kept.py")
    write(tree, "src/.gitignore", "generated.py\n!app2.tmp\n*.tmp\n")
    write(tree, "src/generated.py")
    write(tree, "src/app2.tmp")
    write(tree, "generated.py")
    assert paths(tree) == [
        *(".gitignore", "app.py", "generated.py", "src/.gitignore", "src/build/kept.py"),
    ]


def test_size_and_time_of_a_file_are_told(tree):
    found = write(tree, "a.py", "x = 1\n")
    scan = walk.walk(tree, CONFIG)
    assert scan.files == [walk.FoundFile("a.py", 6, found.stat().st_mtime_ns)]
    assert scan.skipped == {}


def test_each_file_that_is_left_out_is_counted_with_its_reason(tree):
    for path in ("logo.png", "lib.so", "data.csv", "app.min.js", "poetry.lock", "a.g.dart"):
        write(tree, path)
    for path in (".env", ".env.local", "id_rsa", "tls/server.pem", "third_party/zlib.c"):
        write(tree, path)
    write(tree, ".env.example")
    write(tree, "empty.py", "")
    write(tree, "big.py", "x" * 2_000)
    scan = walk.walk(tree, IndexConfig(max_file_bytes=1_000))
    assert [found.path for found in scan.files] == [".env.example"]
    assert scan.skipped == {
        **{"secret": 4, "binary": 2, "generated": 2, "data": 1, "minified": 1},
        **{"vendored": 1, "empty": 1, "too-large": 1},
    }
    assert scan.examples["secret"] == [".env", ".env.local", "id_rsa", "tls/server.pem"]


def test_a_huge_file_is_never_read(tree, monkeypatch):
    with (tree / "huge.py").open("wb") as stream:
        stream.truncate(1 << 30)  # takes no space: the file is one hole
    opened = []
    real_open = os.open
    monkeypatch.setattr(os, "open", lambda *a, **k: opened.append(a[0]) or real_open(*a, **k))
    assert walk.walk(tree, CONFIG).skipped == {"too-large": 1}
    assert not [path for path in opened if "huge.py" in str(path)]


def test_a_file_that_grew_since_the_walk_is_not_read_whole(tmp_path):
    write(tmp_path, "a.py", "x" * 11)
    assert walk.read(tmp_path, "a.py", IndexConfig(max_file_bytes=10)) == Skipped("too-large")
    assert walk.read(tmp_path, "a.py", IndexConfig(max_file_bytes=11)) == b"x" * 11


def test_folders_of_tools_are_not_looked_at(tree):
    for folder in (".venv", "node_modules/left-pad", ".homespun", "src/__pycache__"):
        write(tree, f"{folder}/a.py")
    write(tree, "environment/pyvenv.cfg", "home = /usr\n")
    write(tree, "environment/lib/b.py")
    write(tree, "target/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55\n")
    write(tree, "target/c.rs")
    write(tree, "src/app.py")
    scan = walk.walk(tree, CONFIG)
    assert [found.path for found in scan.files] == ["src/app.py"]
    assert scan.skipped == {}


def test_our_own_ignore_file_and_the_setting_leave_out_and_bring_back(tree):
    write(tree, ".homespunignore", "docs/\n!vendor/ours.py\n!.env\n")
    for path in ("docs/a.md", "vendor/ours.py", "vendor/theirs.py", "src/a.py", "src/a_test.py"):
        write(tree, path)
    write(tree, ".env", "KEY=1\n")
    scan = walk.walk(tree, IndexConfig(exclude=("*_test.py",)))
    assert [found.path for found in scan.files] == [
        *(".homespunignore", "src/a.py", "vendor/ours.py"),
    ]
    assert scan.skipped == {"secret": 1, "vendored": 1}


def test_an_ignore_pattern_that_is_not_valid_is_said_and_the_others_hold(tree):
    write(tree, "a.py")
    write(tree, "b.py")
    scan = walk.walk(tree, IndexConfig(exclude=("!", "b.py")))
    assert [found.path for found in scan.files] == ["a.py"]
    assert any("'!'" in note for note in scan.notes)


@pytest.mark.parametrize("name", [".homespunignore", ".gitignore"])
def test_a_pattern_of_many_stars_costs_no_time(tmp_path, name):
    root = tmp_path / "folder"
    write(root, name, "*a" * 25 + "\n" + "b.py\n")
    for number in range(200):
        write(root, f"{'a' * 45}{number}.py")
    write(root, "b.py")
    began = time.monotonic()
    scan = walk.walk(root, CONFIG)
    assert time.monotonic() - began < 5  # a single file took a minute and more
    assert len(scan.files) == 201


@pytest.mark.parametrize("name", [".homespunignore", ".gitignore"])
def test_an_ignore_file_is_read_up_to_its_caps_and_says_so(tmp_path, name):
    root = tmp_path / "folder"
    write(root, name, "a.py\n" + "x" * 501 + "\n" + "name*\n" * 2_000 + "#" * 300_000 + "\nb.py\n")
    write(root, "a.py")
    write(root, "b.py")
    scan = walk.walk(root, CONFIG)
    assert [found.path for found in scan.files] == [name, "b.py"]
    assert any(f"3 patterns of {name!r} have no effect" in note for note in scan.notes)
    assert any(f"{name!r} is read up to 262144 bytes" in note for note in scan.notes)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are a Unix thing")
def test_an_ignore_file_that_is_a_pipe_or_a_link_is_none(tree, tmp_path):
    write(tree, "a.py")
    os.mkfifo(tree / ".homespunignore")
    assert paths(tree) == ["a.py"]
    (tree / ".homespunignore").unlink()
    (tree / ".homespunignore").symlink_to(write(tmp_path, "outside", "a.py\n"))
    assert paths(tree) == ["a.py"]


def test_links_are_not_followed_and_loops_do_no_harm(tree, tmp_path):
    outside = write(tmp_path, "outside/secret.py")
    write(tree, "src/a.py")
    try:
        (tree / "src" / "again").symlink_to(tree, target_is_directory=True)
        (tree / "out").symlink_to(outside.parent, target_is_directory=True)
        (tree / "copy.py").symlink_to(tree / "src" / "a.py")
        (tree / "broken.py").symlink_to("nowhere")
    except OSError:
        pytest.skip("this system does not allow symbolic links")
    scan = walk.walk(tree, CONFIG)
    assert [found.path for found in scan.files] == ["src/a.py"]
    assert scan.skipped == {"symlink": 4}
    if hasattr(os, "O_NOFOLLOW"):
        assert walk.read(tree, "copy.py", CONFIG) == Skipped("unreadable")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are a Unix thing")
def test_a_pipe_is_skipped_and_reading_it_does_not_block(tree):
    os.mkfifo(tree / "pipe.py")
    write(tree, "a.py")
    assert paths(tree) == ["a.py"]
    assert walk.read(tree, "pipe.py", CONFIG) == Skipped("special")


def test_an_empty_folder_has_no_files(tree):
    scan = walk.walk(tree, CONFIG)
    assert (scan.files, scan.skipped) == ([], {})


def test_a_folder_without_git_says_so(tmp_path):
    (tmp_path / "a").mkdir()
    assert walk.walk(tmp_path / "a", CONFIG).notes == [
        "no git repository: the folder is walked, .gitignore files are honoured"
    ]


def test_what_is_no_directory_is_an_error_that_names_it(tmp_path):
    write(tmp_path, "a.py")
    for path in (tmp_path / "a.py", tmp_path / "missing"):
        with pytest.raises(NotADirectory, match=path.name):
            walk.walk(path, CONFIG)


def test_a_folder_that_cannot_be_read_is_counted(tmp_path, monkeypatch):
    write(tmp_path, "a.py")
    write(tmp_path, "closed/b.py")
    real = os.scandir

    def refuse(path):
        if str(path).rstrip("/").endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    scan = walk.walk(tmp_path, CONFIG)
    assert [found.path for found in scan.files] == ["a.py"]
    assert scan.skipped == {"unreadable": 1}
    assert scan.examples == {"unreadable": ["closed"]}


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 0)() == 0, reason="root may read everything")
def test_a_file_without_permission_is_unreadable(tmp_path):
    write(tmp_path, "a.py").chmod(0)
    assert walk.read(tmp_path, "a.py", CONFIG) == Skipped("unreadable")


def test_a_file_that_vanished_is_unreadable_and_not_judged(tmp_path):
    assert walk.read(tmp_path, "gone.py", CONFIG) == Skipped("unreadable")
    assert walk.judge(tmp_path, "gone.py", CONFIG) is None
    write(tmp_path, "key.pem")
    assert walk.judge(tmp_path, "key.pem", CONFIG) == Skipped("secret")


@pytest.mark.skipif(os.name == "nt" or os.uname().sysname == "Darwin", reason="names are Unicode")
def test_a_name_that_is_no_unicode_is_counted_and_shown_escaped(tree):
    (Path(os.fsdecode(os.fsencode(tree) + b"/caf\xe9.py"))).write_text("x = 1\n")
    scan = walk.walk(tree, CONFIG)
    assert scan.skipped == {"undecodable": 1}
    assert scan.examples["undecodable"] == ["caf\\udce9.py"]


def test_names_with_spaces_quotes_newlines_and_emoji_are_kept(tree):
    names = ["a b.py", 'q"uote.py', "naïve.py", "😋.py"] + ([] if os.name == "nt" else ["l\nf.py"])
    for name in names:
        write(tree, name)
    assert paths(tree) == sorted(names)


# --- git


def test_a_folder_inside_a_work_tree_lists_its_own_files(tmp_path):
    git(tmp_path, "init", "-q")
    write(tmp_path, ".gitignore", "*.tmp\n")
    write(tmp_path, "top.py")
    write(tmp_path, "packages/one/a.py")
    write(tmp_path, "packages/one/b.tmp")
    git(tmp_path, "add", "-A")
    assert paths(tmp_path / "packages") == ["one/a.py"]


def test_a_deleted_tracked_file_is_no_file_and_a_conflicted_one_is_counted_once(tmp_path):
    git(tmp_path, "init", "-q", "-b", "main")
    write(tmp_path, "both.py", "a = 1\n")
    write(tmp_path, "gone.py")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "one")
    git(tmp_path, "checkout", "-qb", "side")
    write(tmp_path, "both.py", "a = 2\n")
    git(tmp_path, "commit", "-qam", "two")
    git(tmp_path, "checkout", "-q", "main")
    write(tmp_path, "both.py", "a = 3\n")
    git(tmp_path, "commit", "-qam", "three")
    with pytest.raises(subprocess.CalledProcessError):
        git(tmp_path, "merge", "-q", "side")
    (tmp_path / "gone.py").unlink()
    scan = walk.walk(tmp_path, CONFIG)
    assert [found.path for found in scan.files] == ["both.py"]
    assert scan.skipped == {}


def test_a_nested_repository_is_listed_in_full(tmp_path):
    git(tmp_path, "init", "-q")
    write(tmp_path, "a.py")
    (tmp_path / "nested").mkdir()
    git(tmp_path / "nested", "init", "-q")
    write(tmp_path, "nested/.gitignore", "c.py\n")
    write(tmp_path, "nested/b.py")
    write(tmp_path, "nested/c.py")
    assert paths(tmp_path) == ["a.py", "nested/.gitignore", "nested/b.py"]


def test_without_the_git_command_the_folder_is_walked(tmp_path, monkeypatch):
    git(tmp_path, "init", "-q")
    write(tmp_path, ".gitignore", "b.py\n")
    write(tmp_path, "a.py")
    write(tmp_path, "b.py")
    monkeypatch.setenv("PATH", str(tmp_path))
    scan = walk.walk(tmp_path, CONFIG)
    assert [found.path for found in scan.files] == [".gitignore", "a.py"]
    assert scan.notes == ["git gave no list of files: the folder is walked instead"]


def test_a_folder_that_the_repository_around_it_ignores_is_walked(tmp_path):
    git(tmp_path, "init", "-q")
    write(tmp_path, ".gitignore", "scratch/\n")
    write(tmp_path, "scratch/a.py")
    scan = walk.walk(tmp_path / "scratch", CONFIG)
    assert [found.path for found in scan.files] == ["a.py"]
    assert scan.notes == ["the folder is ignored by the git repository around it: it is walked"]


def test_variables_of_a_running_git_hook_do_not_mislead(tmp_path, monkeypatch):
    git(tmp_path, "init", "-q")
    write(tmp_path, "a.py")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    scan = walk.walk(tmp_path, CONFIG)
    assert [found.path for found in scan.files] == ["a.py"]
    assert scan.notes == []


@pytest.mark.skipif(os.name == "nt", reason="the monitor of this test is a shell script")
def test_a_program_named_in_the_settings_of_a_repository_is_not_run(tmp_path):
    git(tmp_path, "init", "-q")
    write(tmp_path, "a.py")
    monitor = write(tmp_path, ".git/monitor", f"#!/bin/sh\ntouch '{tmp_path}/ran'\n")
    monitor.chmod(0o755)
    git(tmp_path, "config", "core.fsmonitor", str(monitor))
    assert paths(tmp_path) == ["a.py"]
    assert not (tmp_path / "ran").exists()


# --- reasons by name and content


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("a.py", None),
        ("src/keys.py", None),
        ("src/secrets.py", None),
        ("docs/environment.md", None),
        (".env.example", None),
        (".env.production", "secret"),
        ("deploy/prod.env", "secret"),
        ("ID_RSA", "secret"),
        ("id_ed25519.pub", "secret"),
        ("credentials.json", "secret"),
        ("k8s/secrets.yaml", "secret"),
        (".npmrc", "secret"),
        ("vendor/a.go", "vendored"),
        ("pip/_vendor/a.py", "vendored"),
        ("inventory/vendors.py", None),
        ("api/user.pb.go", None),
        ("api/user.freezed.dart", "generated"),
        ("Cargo.lock", "generated"),
        ("jquery.min.js", "minified"),
        ("logo.PNG", "binary"),
        ("so", None),
        ("notebook.ipynb", "data"),
    ],
)
def test_a_name_tells_the_reason(path, reason):
    assert skip.reason_by_name(path) == reason


@pytest.mark.parametrize(
    ("language", "text", "reason"),
    [
        ("python", "x = 1\n", None),
        ("python", " \n\t\n", "empty"),
        ("go", "// Code generated by stringer; DO NOT EDIT.\npackage a\n", "generated"),
        ("javascript", "/**\n * @generated\n */\nlet a\n", "generated"),
        ("csharp", "//----\n// <auto-generated>\n", "generated"),
        ("python", "# This file was automatically generated by tool\nx = 1\n", "generated"),
        ("python", "MARK = '@generated'\nTEXT = 'DO NOT EDIT'\n", None),
        ("python", "x = 1\n" * 30 + "# DO NOT EDIT below\n", None),
        ("javascript", "var a=1;" * 700, "minified"),
        ("javascript", ("var a=1;" * 30 + "\n") * 30, "minified"),
        ("python", "x = 1\n" * 50 + "y = '" + "a" * 4_000 + "'\n" + "x = 1\n" * 50, None),
        ("markdown", ("word " * 60 + "\n") * 20, None),
        ("json", "[\n" + "1,\n" * 60_000 + "1]\n", "data"),
        ("python", "[\n" + "1,\n" * 60_000 + "1]\n", None),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_content_tells_the_reason(language, text, reason):
    assert skip.reason_by_content(language, text) == reason


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize("name", [".gitignore", ".git/info/exclude", "package/.gitignore"])
def test_git_is_not_asked_where_it_would_wait_for_a_pipe(tmp_path, monkeypatch, name):
    git(tmp_path, "init", "-q")
    write(tmp_path, "package/a.py")
    (tmp_path / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / name)
    monkeypatch.setattr(walk, "Git", None)
    scan = walk.walk(tmp_path / "package", CONFIG)
    assert [found.path for found in scan.files] == ["a.py"]
    assert "git would wait for it: the folder is walked" in scan.notes[0]


def test_a_tree_of_ours_is_walked_without_git(tmp_path, monkeypatch):
    git(tmp_path, "init", "-q")
    write(tmp_path, ".homespun/training/tree/a.py")
    monkeypatch.setattr(walk, "Git", None)
    scan = walk.walk(tmp_path / ".homespun" / "training" / "tree", CONFIG)
    assert [found.path for found in scan.files] == ["a.py"]
    assert scan.notes == ["the folder is ignored by the git repository around it: it is walked"]
