"""Hostile git repositories, made for real: each runs a program as soon as git is too obliging.

A builder takes the folder to make the repository in and the path of a canary: a file that exists
afterwards only if a program of the repository ran. It returns the folder that a victim opens. Every
one of them was seen to run its program with a plain `git`; the tests ask for that again, so that
none of them goes stale (`PLAIN`: the command that shows it).
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

Builder = Callable[[Path, Path], Path]

LIST = ("ls-files", "--cached", "--others", "--exclude-standard", "-z")
READ = ("log", "-p", "--ext-diff", "--textconv", "HEAD")
SOURCE = "def innocent():\n    return 'innocent'\n"


def git(folder: Path, *arguments: str, feed: bytes = b"") -> bytes:
    """Run git as its own user would, with nothing of this machine's settings."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    people = {f"GIT_{role}_{key}": "a@example.org"
              for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}  # fmt: skip
    none = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env={**kept, **people, **none},
        input=feed,
        capture_output=True,
        check=True,
    )
    return done.stdout


def plain_repository(folder: Path) -> Path:
    """Make a repository with one commit: `app.py` and `library/deep.py`."""
    (folder / "library").mkdir(parents=True)
    (folder / "app.py").write_text(SOURCE, encoding="utf-8")
    (folder / "library" / "deep.py").write_text(SOURCE, encoding="utf-8")
    git(folder, "init", "--quiet", "--initial-branch=main", ".")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", "one")
    return folder


def program(folder: Path, canary: Path, name: str = "program") -> Path:
    """Put a program that leaves the canary beside the repository's files."""
    path = folder / name
    # By the shell alone: whoever takes PATH away has not yet kept it from running.
    path.write_text(f"#!/bin/sh\n: >'{canary}'\nexit 1\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def settings(folder: Path, **values: str) -> None:
    """Write settings of the repository itself; `__` in a name is a dot."""
    for name, value in values.items():
        git(folder, "config", name.replace("__", "."), value)


# --- what listing the files runs


def build_file_system_monitor(folder: Path, canary: Path) -> Path:
    """The oldest one: git asks a program which files have changed."""
    plain_repository(folder)
    settings(folder, core__fsmonitor=str(program(folder, canary)))
    return folder


def build_upload_pack(folder: Path, canary: Path) -> Path:
    """A sparse index names a tree that is missing; the remote to fetch it from is a program."""
    _sparse_with_a_missing_tree(folder)
    settings(
        folder,
        remote__origin__url=str(_other(folder)),
        remote__origin__uploadpack=str(program(folder, canary)),
    )
    return folder


def build_ssh_command(folder: Path, canary: Path) -> Path:
    """The same, the remote is reached by a command of the repository's choice."""
    _sparse_with_a_missing_tree(folder)
    settings(
        folder,
        remote__origin__url="ssh://nowhere.invalid/x",
        core__sshCommand=str(program(folder, canary)),
    )
    return folder


def build_external_transport(folder: Path, canary: Path) -> Path:
    """The same, the address is a command."""
    _sparse_with_a_missing_tree(folder)
    settings(
        folder,
        remote__origin__url=f"ext::sh {program(folder, canary)}",
        protocol__ext__allow="always",
        protocol__allow="always",
    )
    return folder


def build_foreign_helper(folder: Path, canary: Path) -> Path:
    """The same, the remote names the transport helper beside a harmless address."""
    _sparse_with_a_missing_tree(folder)
    settings(
        folder,
        remote__origin__url=f"sh {program(folder, canary)}",
        remote__origin__vcs="ext",
        protocol__ext__allow="always",
    )
    return folder


def build_rewritten_address(folder: Path, canary: Path) -> Path:
    """The same, a harmless address is rewritten to a command."""
    _sparse_with_a_missing_tree(folder)
    settings(folder, remote__origin__url="https://example.invalid/x", protocol__ext__allow="always")
    git(
        folder,
        "config",
        f"url.ext::sh {program(folder, canary)} .insteadOf",
        "https://example.invalid/",
    )
    return folder


def build_git_proxy(folder: Path, canary: Path) -> Path:
    """The same, the way to the remote is a proxy command."""
    _sparse_with_a_missing_tree(folder)
    settings(
        folder,
        remote__origin__url="git://nowhere.invalid/x",
        core__gitProxy=str(program(folder, canary)),
    )
    return folder


def build_included_settings(folder: Path, canary: Path) -> Path:
    """The settings stand in a tracked file that the configuration includes, under a condition."""
    _sparse_with_a_missing_tree(folder)
    included = folder / "settings.ini"
    runs = program(folder, canary)
    included.write_text(
        f'[core]\n\tfsmonitor = {runs}\n[remote "origin"]\n\turl = {_other(folder)}\n'
        f"\tuploadpack = {runs}\n",
        encoding="utf-8",
    )
    git(folder, "config", "includeIf.gitdir:**.path", str(included))
    return folder


def build_nested(folder: Path, canary: Path) -> Path:
    """A hostile repository inside an innocent one."""
    plain_repository(folder)
    build_upload_pack(folder / "vendor", canary)
    return folder


def build_two_deep(folder: Path, canary: Path) -> Path:
    """… and inside another one in there."""
    plain_repository(folder)
    plain_repository(folder / "vendor")
    build_file_system_monitor(folder / "vendor" / "deeper", canary)
    return folder


def build_git_file(folder: Path, canary: Path) -> Path:
    """`.git` is a file that names a hostile folder of another name."""
    build_upload_pack(folder, canary)
    (folder / ".git").rename(folder / "data")
    (folder / ".git").write_text("gitdir: data\n", encoding="utf-8")
    return folder


def build_submodule(folder: Path, canary: Path) -> Path:
    """A submodule whose `.git` file names a hostile folder within `.git/modules`."""
    plain_repository(folder)
    inner = folder / "module"
    build_upload_pack(inner, canary)
    modules = folder / ".git" / "modules"
    modules.mkdir()
    (inner / ".git").rename(modules / "module")
    (inner / ".git").write_text("gitdir: ../.git/modules/module\n", encoding="utf-8")
    settings(folder, submodule__module__url="./x", submodule__recurse="true")
    return folder


def build_other_work_tree(folder: Path, canary: Path) -> Path:
    """The hostile repository claims the folder around it for its work tree."""
    inner = folder / "inner"
    build_file_system_monitor(inner, canary)
    settings(inner, core__worktree="../..")
    return inner


def build_embedded_bare(folder: Path, canary: Path) -> Path:
    """A plain clone carries the files of a bare repository; the victim opens that subfolder."""
    plain_repository(folder)
    embedded = folder / "embedded"
    made = folder.parent / f"{folder.name}.made"
    build_upload_pack(made, canary)
    (made / ".git").rename(embedded)
    for name in ("app.py", "program"):
        (made / name).rename(embedded / name)
    git(folder, "config", "--file", str(embedded / "config"), "core.bare", "false")
    git(folder, "config", "--file", str(embedded / "config"), "core.worktree", ".")
    git(
        folder,
        "config",
        "--file",
        str(embedded / "config"),
        "remote.origin.uploadpack",
        str(embedded / "program"),
    )
    # Only a commit proves that all of it comes with a clone.
    (embedded / "refs" / "kept").write_text("", encoding="utf-8")
    git(folder, "add", "--force", "--all")
    git(folder, "commit", "--quiet", "-m", "fixtures")
    return embedded


def build_index_hook(folder: Path, canary: Path) -> Path:
    """A hook that git runs where it writes the index."""
    plain_repository(folder)
    hooks = folder / "hooks"
    hooks.mkdir()
    program(hooks, canary, "post-index-change")
    settings(folder, core__hooksPath=str(hooks), core__splitIndex="true")
    (folder / "app.py").write_text(SOURCE, encoding="utf-8")
    return folder


def build_filters(folder: Path, canary: Path) -> Path:
    """Attributes name a filter whose commands the settings give."""
    plain_repository(folder)
    runs = str(program(folder, canary))
    (folder / ".gitattributes").write_text("*.py filter=large diff=large\n", encoding="utf-8")
    settings(
        folder,
        filter__large__clean=runs,
        filter__large__smudge=runs,
        filter__large__process=runs,
        filter__large__required="true",
    )
    (folder / "app.py").write_text(SOURCE + "\n", encoding="utf-8")
    return folder


# --- what reading the history runs


def build_signed_commits(folder: Path, canary: Path) -> Path:
    """The log shows signatures, and a program of the repository's checks them."""
    plain_repository(folder)
    commit = git(folder, "cat-file", "commit", "HEAD")
    head, _, message = commit.partition(b"\n\n")
    signed = head + b"\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----"
    made = git(
        folder, "hash-object", "-t", "commit", "-w", "--stdin", feed=signed + b"\n\n" + message
    )
    git(folder, "update-ref", "HEAD", made.decode().strip())
    settings(folder, log__showSignature="true", gpg__program=str(program(folder, canary)))
    return folder


def build_diff_programs(folder: Path, canary: Path) -> Path:
    """Attributes name a diff whose commands the settings give."""
    plain_repository(folder)
    runs = str(program(folder, canary))
    (folder / ".gitattributes").write_text("*.py diff=own\n", encoding="utf-8")
    settings(folder, diff__own__textconv=runs, diff__own__command=runs, diff__external=runs)
    return folder


def build_missing_history(folder: Path, canary: Path) -> Path:
    """The history lacks a file, and the remote to fetch it from is a program."""
    plain_repository(folder)
    runs = str(program(folder, canary))
    _drop_object(folder, "HEAD:library/deep.py")
    _promise(folder)
    settings(folder, remote__origin__url=str(_other(folder)), remote__origin__uploadpack=runs)
    return folder


def build_missing_head(folder: Path, canary: Path) -> Path:
    """The history lacks the very commit that is checked out."""
    plain_repository(folder)
    runs = str(program(folder, canary))
    _drop_object(folder, "HEAD")
    _promise(folder)
    settings(folder, remote__origin__url=str(_other(folder)), remote__origin__uploadpack=runs)
    return folder


LISTED: dict[str, Builder] = {
    "file system monitor": build_file_system_monitor,
    "upload pack": build_upload_pack,
    "ssh command": build_ssh_command,
    "external transport": build_external_transport,
    "foreign helper": build_foreign_helper,
    "rewritten address": build_rewritten_address,
    "git proxy": build_git_proxy,
    "included settings": build_included_settings,
    "nested": build_nested,
    "two deep": build_two_deep,
    "git file": build_git_file,
    "submodule": build_submodule,
    "other work tree": build_other_work_tree,
    "embedded bare": build_embedded_bare,
    "index hook": build_index_hook,
    "filters": build_filters,
}
"""What a listing of the files may run."""

READ_BACK: dict[str, Builder] = {
    "signed commits": build_signed_commits,
    "diff programs": build_diff_programs,
    "missing history": build_missing_history,
    "missing head": build_missing_head,
}
"""What reading the history may run."""

ALL = {**LISTED, **READ_BACK}


def build_all(folder: Path, canary: Path) -> Path:
    """Make an innocent repository with each of the others nested in it."""
    plain_repository(folder)
    for name, build in ALL.items():
        build(folder / name.replace(" ", "_"), canary)
    return folder


PLAIN: dict[str, tuple[tuple[str, ...], str]] = {
    **dict.fromkeys(ALL, (LIST, ".")),
    "nested": (LIST, "vendor"),
    "two deep": (LIST, "vendor/deeper"),
    "submodule": (LIST, "module"),
    "index hook": (("update-index", "--refresh", "--force-write-index"), "."),
    "filters": (("diff", "HEAD"), "."),
    **dict.fromkeys(READ_BACK, (READ, ".")),
}
"""The plain git command, and the folder, that shows that a repository is hostile."""


def runs_with_plain_git(name: str, folder: Path) -> None:
    """Do with a repository of that name what nobody should do."""
    arguments, place = PLAIN[name]
    subprocess.run(["git", *arguments], cwd=folder / place, capture_output=True, check=False)


def _sparse_with_a_missing_tree(folder: Path) -> None:
    plain_repository(folder)
    (folder / "kept").mkdir()
    (folder / "kept" / "a.py").write_text(SOURCE, encoding="utf-8")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", "two")
    git(folder, "sparse-checkout", "init", "--cone", "--sparse-index")
    git(folder, "sparse-checkout", "set", "kept")
    _drop_object(folder, "HEAD:library")
    _promise(folder)


def _drop_object(folder: Path, name: str) -> None:
    identifier = git(folder, "rev-parse", name).decode().strip()
    path = folder / ".git" / "objects" / identifier[:2] / identifier[2:]
    path.chmod(0o600)
    path.unlink()


def _promise(folder: Path) -> None:
    settings(
        folder,
        core__repositoryformatversion="1",
        extensions__partialClone="origin",
        remote__origin__promisor="true",
    )


def _other(folder: Path) -> Path:
    """Return a repository to fetch from, so that only the upload pack is in the way."""
    other = folder.parent / f"{folder.name}.other"
    if not other.exists():
        other.mkdir()
        git(other, "init", "--quiet", "--bare", ".")
    return other
