"""Which processors are emulated, and the Python that runs on each of them."""

from __future__ import annotations

import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Processor:
    """One that `qemu-user` can pretend to be."""

    name: str
    machine: str  # as `platform.machine()` calls its kind
    cpu: str  # what qemu's `-cpu` is told; what it could not emulate anyhow is taken away
    stands_for: str
    part: str = ""  # arm64: implementer and part, as /proc/cpuinfo of such a machine says

    @property
    def emulator(self) -> str:
        """The program of Debian's qemu-user."""
        return f"qemu-{self.machine}"


PROCESSORS = (
    Processor(
        "haswell",
        "x86_64",
        "Haswell-noTSX,-pcid,-x2apic,-tsc-deadline,-invpcid",
        "AVX2 without VNNI: most laptops and desktops of 2013 to 2020",
    ),
    Processor("nehalem", "x86_64", "Nehalem", "no AVX at all: 2008 to 2010, and small Atoms later"),
    Processor(
        "cortex-a76",
        "aarch64",
        "cortex-a76",
        "arm64 with dot products: Raspberry Pi 5, Graviton 2, Apple M1",
        part="0x41 0xd0b",
    ),
    Processor(
        "arm64-i8mm",
        "aarch64",
        "max,sve=off",
        "arm64 with products of int8 matrices: Apple M2 and later, Snapdragon X",
        part="0x41 0xd4d",
    ),
)


class NotRunnable(Exception):
    """A processor cannot be emulated here; the sentence says what is missing and how to get it."""


@dataclass(frozen=True, slots=True)
class Base:
    """An interpreter and the packages that it imports."""

    python: Path
    site: Path
    version: str  # "3.11"
    root: Path | None = None  # of the foreign system's libraries; None where they are this one's


def emulated_python(processor: Processor, folder: Path) -> Path:
    """Make a virtual environment whose `python` is emulated; return that program.

    What it starts through `sys.executable` is emulated with it. Raises `NotRunnable`.
    """
    if shutil.which(processor.emulator) is None:
        raise NotRunnable(
            f"no program {processor.emulator!r} on the PATH; on Debian and Ubuntu it comes with "
            "`apt-get install qemu-user`"
        )
    base = _base(processor, folder)
    home = folder / processor.name
    packages = home / "lib" / f"python{base.version}" / "site-packages"
    python = home / "bin" / "python"
    for made in (python.parent, packages.parent):
        made.mkdir(parents=True, exist_ok=True)
    packages.unlink(missing_ok=True)
    packages.symlink_to(base.site)
    (home / "pyvenv.cfg").write_text(
        f"home = {base.python.parent}\ninclude-system-site-packages = false\n"
        f"version = {base.version}\n"
    )
    command = [processor.emulator, "-cpu", processor.cpu]
    if base.root is not None:
        command += ["-L", str(home / "root")]
        _make_root(home / "root", base.root)
    command += ["-0", str(python), str(base.python)]
    # It may name a kernel of this machine's processor, which the other one cannot run.
    forget = "unset OPENBLAS_CORETYPE"
    python.write_text(f'#!/bin/sh\n{forget}\nexec {shlex.join(command)} "$@"\n')
    python.chmod(0o755)
    if base.root is not None:
        _describe_cores(processor, python, home / "root" / "proc" / "cpuinfo")
    return python


def what_it_says(python: Path) -> dict[str, object]:
    """Ask the emulated processor what it has, and the product what it makes of it."""
    done = subprocess.run(
        [str(python), "-P", str(HERE / "says.py")], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NotRunnable(f"Python ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
    said: dict[str, object] = json.loads(done.stdout)
    return said


def _base(processor: Processor, folder: Path) -> Base:
    if processor.machine == platform.machine():
        return Base(
            python=Path(sys.executable).resolve(),
            site=Path(sysconfig.get_path("purelib")),
            version=f"{sys.version_info.major}.{sys.version_info.minor}",
        )
    if processor.machine != "aarch64":
        raise NotRunnable(
            f"a Python for {processor.machine} is not made on {platform.machine()}; "
            "run it on an x86-64 machine"
        )
    arm64 = folder / "arm64"
    setup = [str(HERE / "setup_arm64.sh"), str(arm64)]
    done = subprocess.run(setup, env=os.environ | {"PYTHON": sys.executable}, check=False)
    if done.returncode:
        raise NotRunnable(f"its Python could not be made: {setup[0]} ended with {done.returncode}")
    _take_this_checkout(arm64 / "site")
    return Base(arm64 / "root/usr/bin/python3.11", arm64 / "site", "3.11", root=arm64 / "root")


def _take_this_checkout(site: Path) -> None:
    """Copy what the editable install is: two small files of Python, the same on any processor."""
    installed = sorted(Path(sysconfig.get_path("purelib")).glob("__editable__*homespun*"))
    if not installed:
        raise NotRunnable(f"homespun is not installed in {sys.prefix!r}; run `make setup-dev`")
    for file in installed:
        shutil.copy(file, site)


def _make_root(root: Path, of: Path) -> None:
    """Make a root of links, so that each processor has a /proc/cpuinfo of its own."""
    shutil.rmtree(root, ignore_errors=True)
    (root / "proc").mkdir(parents=True)
    for part in of.iterdir():
        (root / part.name).symlink_to(part)


def _describe_cores(processor: Processor, python: Path, cpuinfo: Path) -> None:
    """Write /proc/cpuinfo: this qemu shows the host's, and ONNX Runtime reads it on arm64.

    The features are those that the emulated kernel reports to programs, not a second list.
    """
    asked = [str(python), "-P", str(HERE / "says.py"), "--cpuinfo", *processor.part.split()]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotRunnable(f"Python ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
    cpuinfo.write_text(done.stdout)
