"""Installs a wheel into an empty environment and tries the front door and every verb's help there.

python -m tests.layout.installed WHEEL [--fetch]

The environment holds the wheel and what `requirements.lock` names, nothing else: no torch, no
pytest, no checkout. Without `--fetch` that comes from this Python's own packages, by links, and
needs no network; with it pip installs it by its hashes, as a user would.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import venv
import zipfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from tests.layout.house import NOT_IN_THE_WHEEL, ROOT

LOCK = ROOT / "requirements.lock"
_WORKS = """
import homespun
for name in getattr(homespun, "__all__", ()):
    getattr(homespun, name)
print(homespun.__file__)
"""
_VERBS = "from homespun.cli.main import VERBS; print(*(verb.name for verb in VERBS))"


def main() -> None:
    """Try the wheel; end with status 1 and what went wrong where it does not work."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--fetch", action="store_true", help="install the requirements by pip")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        faults = try_wheel(args.wheel, Path(folder), fetch=args.fetch)
    for fault in faults:
        print(fault)
    if faults:
        raise SystemExit(1)
    print(f"{args.wheel}: installed alone, `import homespun` and every verb's help work")


def try_wheel(wheel: Path, folder: Path, *, fetch: bool = False) -> list[str]:
    """Install a wheel into an environment below a folder; return what does not work there."""
    python = _environment(wheel, folder / "environment", fetch=fetch)
    elsewhere = folder / "elsewhere"  # where no checkout stands
    elsewhere.mkdir()
    faults = [f"the maintainers' own: {name}" for name in _jobs(wheel)]
    verbs = _run([python, "-I", "-c", _VERBS], elsewhere)
    front = _run([python, "-I", "-c", _WORKS], elsewhere)
    if front.returncode or str(folder.resolve()) not in front.stdout:
        faults.append(f"import homespun: {front.stdout}{front.stderr}")
    if verbs.returncode or not verbs.stdout.split():
        faults.append(f"the verbs: {verbs.stderr}")
    for verb in verbs.stdout.split():
        page = _run([python.with_name("homespun"), verb, "--help"], elsewhere)
        if page.returncode or f"usage: homespun {verb}" not in page.stdout:
            faults.append(f"homespun {verb} --help: {page.stdout}{page.stderr}")
    return faults


def _environment(wheel: Path, folder: Path, *, fetch: bool) -> Path:
    """Make it; return its Python, which need not have pip."""
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python)]
    install = [*pip, "install", "--quiet", "--no-warn-script-location"]
    if fetch:
        subprocess.run([*install, "--require-hashes", "-r", str(LOCK)], check=True)
    else:
        (site,) = folder.glob("lib/python*/site-packages")
        _link_requirements(site)
    subprocess.run([*install, "--no-deps", "--no-index", str(wheel)], check=True)
    return python


def _link_requirements(site: Path) -> None:
    """Put what the lock names into an environment, as links to this Python's packages."""
    for name in _locked():
        try:
            found = distribution(name)
        except PackageNotFoundError:  # of another platform
            continue
        for top in {path.parts[0] for path in found.files or () if path.parts[0] != ".."}:
            if top != "__pycache__" and not (site / top).exists():
                (site / top).symlink_to(Path(str(found.locate_file(top))).resolve())


def _locked() -> Iterator[str]:
    for line in LOCK.read_text(encoding="utf-8").splitlines():
        if named := re.match(r"([\w.-]+)==", line):
            yield named[1]


def _jobs(wheel: Path) -> list[str]:
    """Files of the wheel that only who maintains homespun needs."""
    names = zipfile.ZipFile(wheel).namelist()
    return [name for name in names if name.startswith(f"homespun/{NOT_IN_THE_WHEEL}")]


def _run(command: list[str | Path], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


if __name__ == "__main__":
    main()
