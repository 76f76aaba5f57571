"""Hostile folders: each function makes one of them out of an innocent ground."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

from tests.attack.ground import POISON, Ground
from tests.support.hostile import git_repositories

Builder = Callable[[Ground], Path | None]  # returns the folder to open, None for the ground's own
ATTACKS: dict[str, Builder] = {}


def attack(name: str) -> Callable[[Builder], Builder]:
    """Put a builder on the list under its name."""

    def taken(builder: Builder) -> Builder:
        assert name not in ATTACKS, name
        ATTACKS[name] = builder
        return builder

    return taken


def git(folder: Path, *arguments: str) -> str:
    """Run git as the attacker does, who may do anything in his own folder."""
    answer = git_repositories.git(folder, "-c", "protocol.file.allow=always", *arguments)
    return str(answer.decode().strip())


def committed(ground: Ground, *, folder: Path | None = None, commits: int = 1) -> Path:
    """Make the folder a repository with some history."""
    folder = folder or ground.folder
    git(folder, "init", "-q")
    for number in range(commits):
        if number:
            with (folder / "helper.py").open("a", encoding="utf-8") as stream:
                stream.write(
                    f"\n\ndef more_{number}(items):\n    return add_all(items) + {number}\n"
                )
        git(folder, "add", "-A", "-f")
        git(folder, "commit", "-q", "-m", f"change {number}")
    return folder


def configure(folder: Path, text: str) -> None:
    """Append to the folder's own git configuration."""
    with (folder / ".git" / "config").open("a", encoding="utf-8") as stream:
        stream.write(text)


@attack("nothing: an innocent repository")
def innocent(ground: Ground) -> None:
    """Show that the doors work where nothing is wrong."""
    committed(ground, commits=6)


# --- git: programs that a folder's own configuration names


def _programs(program: Path) -> str:
    run = str(program)
    return (
        f"[core]\n\tfsmonitor = {run}\n\tsshCommand = {run}\n\tpager = {run}\n\teditor = {run}\n"
        f"\tgitProxy = {run}\n\taskPass = {run}\n\talternateRefsCommand = {run}\n"
        f"\thooksPath = {program.parent}\n"
        f"[diff]\n\texternal = {run}\n[gpg]\n\tprogram = {run}\n[log]\n\tshowSignature = true\n"
        f"[credential]\n\thelper = !{run}\n[uploadpack]\n\tpackObjectsHook = {run}\n"
        f'[diff "x"]\n\ttextconv = {run}\n\tcommand = {run}\n'
        f'[filter "x"]\n\tclean = {run}\n\tsmudge = {run}\n\tprocess = {run}\n\trequired = true\n'
        f'[merge "x"]\n\tdriver = {run}\n[alias]\n\tls-files = !{run}\n'
    )


@attack("git: every program that a configuration can name")
def programs(ground: Ground) -> None:
    program = ground.program()
    (ground.folder / ".gitattributes").write_text("* diff=x filter=x merge=x\n")
    committed(ground, commits=6)
    for name in ("post-checkout", "pre-commit", "fsmonitor-watchman", "post-index-change"):
        hook = ground.folder / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_bytes(program.read_bytes())
        hook.chmod(0o755)
    configure(ground.folder, _programs(program))
    os.utime(ground.folder / "app.py", (1, 1))  # git has to look at the file again


def _lacking_a_tree(folder: Path, remote: str) -> None:
    """A sparse index that names a tree which only the remote has."""
    (folder / "deep").mkdir()
    (folder / "deep" / "inner.py").write_text("x = 1\n")
    committed_again = git(folder, "add", "-A", "-f"), git(folder, "commit", "-q", "-m", "deep")
    assert committed_again
    git(folder, "sparse-checkout", "init", "--cone", "--sparse-index")
    git(folder, "sparse-checkout", "set")
    tree = git(folder, "rev-parse", "HEAD:deep")
    for path in (folder / ".git" / "objects").glob(f"{tree[:2]}/{tree[2:]}"):
        path.unlink()
    configure(
        folder,
        "[extensions]\n\tpartialClone = origin\n[core]\n\trepositoryFormatVersion = 1\n"
        f'[remote "origin"]\n\tpromisor = true\n\tpartialCloneFilter = blob:none\n{remote}',
    )


@attack("git: such a repository inside of an innocent one")
def nested(ground: Ground) -> None:
    program = ground.program()
    committed(ground)
    inner = ground.folder / "vendor"
    inner.mkdir()
    (inner / "a.py").write_text("a = 1\n")
    committed(ground, folder=inner)
    _lacking_a_tree(inner, f"\turl = {inner}\n\tuploadpack = {program}\n")
    configure(inner, _programs(program))


@attack("git: an embedded bare repository with a work tree")
def bare(ground: Ground) -> None:
    program = ground.program()
    other = ground.outside.parent / "made"
    other.mkdir()
    (other / "a.py").write_text("a = 1\n")
    committed(ground, folder=other)
    _lacking_a_tree(other, f"\turl = {other}\n\tuploadpack = {program}\n")
    configure(other, _programs(program) + "[core]\n\tbare = false\n\tworktree = .\n")
    for entry in (other / ".git").iterdir():
        entry.rename(ground.folder / entry.name)


@attack("git: a folder of a plain clone that is a bare repository itself")
def bare_below(ground: Ground) -> None:
    bare(ground)
    outer = ground.folder.parent
    (outer / ".gitignore").write_text("/outside/\n/canary/\n/made/\n")
    committed(ground, folder=outer)


@attack("git: a .git file that leads to a stranger's repository")
def git_file(ground: Ground) -> None:
    nested(ground)
    (ground.folder / "vendor" / ".git").rename(ground.folder / "vendor" / "store")
    (ground.folder / "vendor" / ".git").write_text("gitdir: store\n")


@attack("git: a submodule with a configuration of its own")
def submodule(ground: Ground) -> None:
    program = ground.program()
    inner = ground.outside.parent / "sub"
    inner.mkdir()
    (inner / "b.py").write_text("b = 1\n")
    committed(ground, folder=inner)
    committed(ground)
    git(ground.folder, "submodule", "add", "-q", str(inner), "sub")
    with (ground.folder / ".git" / "modules" / "sub" / "config").open("a") as stream:
        stream.write(_programs(program))
    git(ground.folder, "commit", "-q", "-m", "sub")


@attack("git: a linked work tree whose common folder is hostile")
def worktree(ground: Ground) -> None:
    program = ground.program()
    main = ground.outside.parent / "main"
    shutil.copytree(ground.folder, main)
    committed(ground, folder=main)
    shutil.rmtree(ground.folder)
    ground.folder.mkdir()
    git(main, "worktree", "add", "-q", "--detach", "-f", str(ground.folder / "tree"))
    configure(main, _programs(program))
    for path in (ground.folder / "tree").iterdir():
        path.rename(ground.folder / path.name)
    program.chmod(0o755)


@attack("git: configuration that is included from elsewhere")
def included(ground: Ground) -> None:
    program = ground.program()
    committed(ground, commits=2)
    (ground.folder / "extra.config").write_text(_programs(program))
    where = ground.folder / "extra.config"
    configure(
        ground.folder,
        f"[include]\n\tpath = {where}\n"
        f'[includeIf "gitdir:{ground.folder}/**"]\n\tpath = {where}\n'
        f'[includeIf "onbranch:**"]\n\tpath = {where}\n',
    )


@attack("git: objects and ignore rules borrowed from outside")
def alternates(ground: Ground) -> None:
    other = ground.outside / "repository"
    other.mkdir()
    (other / "theirs.py").write_text("theirs = 1\n")
    committed(ground, folder=other)
    committed(ground)
    info = ground.folder / ".git" / "objects" / "info"
    info.mkdir(exist_ok=True)
    (info / "alternates").write_text(f"{other / '.git' / 'objects'}\n")
    configure(ground.folder, f"[core]\n\texcludesFile = {ground.outside / 'notes.py'}\n")
    configure(ground.folder, f"\tworktree = {ground.outside}\n")


@attack("git: an LFS filter for every file")
def lfs(ground: Ground) -> None:
    program = ground.program()
    committed(ground, commits=3)
    (ground.folder / ".gitattributes").write_text("*.py filter=lfs diff=lfs merge=lfs -text\n")
    (ground.folder / ".lfsconfig").write_text("[lfs]\n\turl = http://127.0.0.1:1/\n")
    configure(
        ground.folder,
        f'[filter "lfs"]\n\tprocess = {program}\n\tclean = {program}\n\tsmudge = {program}\n',
    )


@attack("git: a program called git in the folder")
def program_called_git(ground: Ground) -> None:
    committed(ground)
    for name in ("git", "git.exe", "git.cmd", "ruff", "python", "python3"):
        (ground.folder / name).write_text(f"#!/bin/sh\n: > '{ground.canary / 'ran'}'\nexit 1\n")
        (ground.folder / name).chmod(0o755)


# --- Python: modules and environments of the folder


@attack("python: modules that stand in for ours and for libraries")
def modules(ground: Ground) -> None:
    code = f"open({str(ground.canary / 'ran')!r}, 'w').close()\n"
    for name in ("onnxruntime", "sitecustomize", "usercustomize", "lancedb", "tokenizers", "numpy"):
        (ground.folder / f"{name}.py").write_text(code)
    for name in ("homespun", "homespun/cli", "torch", "transformers", "json", "pathspec"):
        (ground.folder / name).mkdir()
        (ground.folder / name / "__init__.py").write_text(code)
    (ground.folder / "homespun" / "cli" / "__main__.py").write_text(code)


@attack("python: an environment of the folder")
def environment(ground: Ground) -> None:
    program = f"#!/bin/sh\n: > '{ground.canary / 'ran'}'\nexit 1\n"
    for folder in (".venv/bin", "venv/bin", ".venv/Scripts", "node_modules/.bin"):
        (ground.folder / folder).mkdir(parents=True)
        for name in ("python", "python3", "homespun", "ruff", "git", "pip"):
            (ground.folder / folder / name).write_text(program)
            (ground.folder / folder / name).chmod(0o755)
    code = f"import os; open({str(ground.canary / 'ran')!r}, 'w').close()\n"
    site = ground.folder / ".venv" / "lib" / "python3.11" / "site-packages"
    site.mkdir(parents=True)
    (site / "x.pth").write_text(code)
    (ground.folder / ".env").write_text(f"PYTHONPATH={ground.folder}\nHOMESPUN_HOME=.\n")
    (ground.folder / "conftest.py").write_text(code)
    (ground.folder / "setup.py").write_text(code)


# --- names, links and devices


@attack("files: links out of the folder, also in place of a folder")
def links(ground: Ground) -> None:
    (ground.folder / "package").mkdir()
    (ground.folder / "package" / "notes.py").write_text("x = 1\n")
    committed(ground)
    (ground.folder / "package" / "notes.py").unlink()
    (ground.folder / "package").rmdir()
    (ground.folder / "package").symlink_to(ground.outside)
    (ground.folder / "notes.py").symlink_to(ground.outside / "notes.py")
    (ground.folder / "root").symlink_to("/")
    (ground.folder / "round").symlink_to(".")


@attack("files: pipes, sockets and huge or endless files")
def devices(ground: Ground) -> None:
    for name in ("pipe.py", "homespun.toml", ".gitignore", ".homespunignore", "tsconfig.json"):
        os.mkfifo(ground.folder / name)
    (ground.folder / "zero.py").symlink_to("/dev/zero")
    with (ground.folder / "sparse.py").open("wb") as stream:
        stream.truncate(20_000_000_000)


@attack("files: a grammar that never returns")
def endless(ground: Ground) -> None:
    loops = {
        "getter.kt": "private val s\n@",
        "annotation.kt": "val s = 1\n@A(x, (y",
        "constructor.kts": "class A\n@x.y(1, (2",
        "large.kt": "// a\n" * 20_000 + "private val s\n@",
    }
    for name, text in loops.items():
        (ground.folder / name).write_text(text, encoding="utf-8")
    committed(ground)


@attack("files: names with escapes, line ends, right-to-left marks and case twins")
def names(ground: Ground) -> None:
    for name in ("a\x1b[2J\x07.py", "b\n.py", "c\u202eyp.py", "App.py", "APP.PY", "-rf.py", "~.py"):
        (ground.folder / name).write_text("def sum_of_items(x):\n    return x\n")
    (ground.folder / ".GIT").mkdir()
    (ground.folder / ".GIT" / "config").write_text(f"[core]\n\tfsmonitor = {ground.program()}\n")
    raw = os.fsencode(ground.folder) + b"/\xff\xfe.py"
    with open(raw, "wb") as stream:
        stream.write(b"x = 1\n")


@attack("files: an archive that was unpacked with .git and .homespun")
def archive(ground: Ground) -> None:
    programs(ground)
    (ground.folder / ".homespun").mkdir()
    (ground.folder / ".homespun" / "lock.json").symlink_to(ground.outside / "notes.py")
    packed = ground.outside.parent / "packed.tar"
    with tarfile.open(packed, "w") as tar:
        tar.add(ground.folder, ".")
    for path in sorted(ground.folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    with tarfile.open(packed) as tar:
        tar.extractall(ground.folder, filter="fully_trusted")


# --- editors


@attack("editor: settings of a workspace, also in multi-root form")
def editor_settings(ground: Ground) -> None:
    program = str(ground.program())
    settings = {
        "homespun.serverCommand": [program],
        "homespun.completion.model": str(ground.folder),
        "homespun.completion.adapter": "theirs",
        "git.path": program,
        "python.defaultInterpreterPath": program,
    }
    (ground.folder / ".vscode").mkdir()
    (ground.folder / ".vscode" / "settings.json").write_text(json.dumps(settings))
    workspace = {"folders": [{"path": "."}, {"path": "../outside"}], "settings": settings}
    (ground.folder / "x.code-workspace").write_text(json.dumps(workspace))
    (ground.folder / ".exrc").write_text(f"!{program}\n")
    (ground.folder / ".nvim.lua").write_text(f"os.execute('{program}')\n")
    (ground.folder / ".dir-locals.el").write_text(
        f'((nil . ((eval . (shell-command "{program}")))))\n'
    )


# --- time


@attack("time: a hundred stars, deep nesting, long lines and key heads")
def time_bombs(ground: Ground) -> None:
    (ground.folder / "a").mkdir()
    (ground.folder / "a" / ("a" * 120 + ".py")).write_text("x = 1\n")
    (ground.folder / ".gitignore").write_text("*a" * 25 + "b\n" + "**/" * 100 + "x\n")
    (ground.folder / ".homespunignore").write_text("*a" * 25 + "b\n[" * 1000 + "\n")
    (ground.folder / "nested.py").write_text("x = " + "[" * 200_000 + "\n")
    (ground.folder / "nested.ts").write_text("x = " + "{a:" * 100_000 + "\n")
    (ground.folder / "deep.json").write_text("[" * 400_000)
    (ground.folder / "line.py").write_text("x = '" + "ab " * 300_000 + "'\n")
    (ground.folder / "heads.py").write_text("-----BEGIN RSA PRIVATE KEY-----\n" * 30_000)
    (ground.folder / "equals.py").write_text("password=" * 100_000 + "\n")


@attack("time: settings and package files that nest for ever")
def nesting(ground: Ground) -> None:
    deep = "[" * 10_000
    (ground.folder / "homespun.toml").write_text(f"[completion]\nmodel = {deep}\n")
    (ground.folder / "pyproject.toml").write_text(f"[tool.homespun]\nx = {deep}\n")
    for name in ("package.json", "tsconfig.json", "jsconfig.json", "composer.json", "a.ipynb"):
        (ground.folder / name).write_text('{"a":' * 10_000)
    (ground.folder / "go.mod").write_text("replace " * 100_000)
    (ground.folder / "Cargo.toml").write_text("a = " + deep)
    folder = ground.folder / ".homespun"
    (folder / "adapters" / "a-1").mkdir(parents=True)
    (folder / "manifest.json").write_text("[" * 10_000)
    (folder / "adapters" / "aliases.json").write_text("[" * 10_000)
    (folder / "adapters" / "a-1" / "manifest.json").write_text("[" * 10_000)


@attack("settings: a workspace that names paths, programs, models and addresses")
def settings(ground: Ground) -> None:
    (ground.folder / "weights").mkdir()
    (ground.folder / "homespun.toml").write_text(
        '[completion]\nmodel = "./weights"\nadapter = "theirs"\n'
        "threads = 3000\ncache_mb = 100000000\n"
        '[index]\nencoder = "./weights"\nmax_file_bytes = 100000000000\n'
        "[server]\nacceptance_log = true\nrefresh_seconds = 0.0000001\n"
        '[model.remote]\nurl = "http://127.0.0.1:1/"\n'
    )
    assert POISON
