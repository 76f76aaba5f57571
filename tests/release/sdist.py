"""A release's source archive, always the same bytes from one commit, and the wheel it makes.

python -m tests.release.sdist DIST

setuptools writes times and owners of the checkout into it; they are set to those of the commit
(SOURCE_DATE_EPOCH) and to nobody. Then a wheel is built from what is in it and held against the
one in DIST: who builds from source gets what the others install.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from tests.layout.house import ROOT


def main() -> None:
    """Build and compare; end with status 1 where the wheels differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dist", type=Path, help="folder with the wheel")
    args = parser.parse_args()
    (wheel,) = args.dist.glob("*.whl")
    with tempfile.TemporaryDirectory() as folder:
        _build("--sdist", ROOT, Path(folder))
        (made,) = Path(folder).glob("*.tar.gz")
        archive = args.dist / made.name
        archive.write_bytes(repacked(made.read_bytes(), int(os.environ["SOURCE_DATE_EPOCH"])))
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
        _build("--wheel", Path(folder) / made.name.removesuffix(".tar.gz"), Path(folder))
        (again,) = Path(folder).glob("*.whl")
        differing = differences(wheel, again)
    if differing:
        raise SystemExit(f"{archive} makes another wheel: {', '.join(differing[:10])}")
    print(f"{archive}: makes the same wheel")


def repacked(archive: bytes, seconds: int) -> bytes:
    """Return a tar.gz in order of its names, each of one time and of nobody."""
    packed = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(archive)) as old,
        gzip.GzipFile(fileobj=packed, mode="wb", filename="", mtime=seconds) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as new,
    ):
        for member in sorted(old.getmembers(), key=lambda each: each.name):
            member.mtime, member.uid, member.gid, member.uname, member.gname = seconds, 0, 0, "", ""
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            member.pax_headers = {}
            new.addfile(member, old.extractfile(member) if member.isfile() else None)
    return packed.getvalue()


def differences(wheel: Path, other: Path) -> list[str]:
    """Return the files that are not the same in both, the list of files itself left out."""
    first, second = _digests(wheel), _digests(other)
    names = first.keys() | second.keys()
    return sorted(name for name in names if first.get(name) != second.get(name))


def _digests(wheel: Path) -> dict[str, str]:
    with zipfile.ZipFile(wheel) as zipped:
        return {
            name: hashlib.sha256(zipped.read(name)).hexdigest()
            for name in zipped.namelist()
            if not name.endswith("/RECORD")
        }


def _build(what: str, source: Path, out: Path) -> None:
    command = [sys.executable, "-P", "-m", "build", what, "--no-isolation", "--outdir", str(out)]
    done = subprocess.run([*command, str(source)], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)


if __name__ == "__main__":
    main()
