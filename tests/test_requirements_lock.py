"""requirements.lock: the base install, each wheel by its sha256; `make lock` writes it."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"
SYSTEMS = (  # platform_system, sys_platform, platform_machine
    ("Linux", "linux", "x86_64"),
    ("Linux", "linux", "aarch64"),
    ("Darwin", "darwin", "arm64"),
    ("Windows", "win32", "AMD64"),
)
MACHINES = [
    pytest.param(
        {
            "platform_system": system,
            "sys_platform": platform,
            "os_name": "nt" if platform == "win32" else "posix",
            "platform_machine": machine,
            "python_version": python,
            "python_full_version": f"{python}.0",
        },
        id=f"{platform}-{machine}-{python}",
    )
    for system, platform, machine in SYSTEMS
    for python in ("3.11", "3.12", "3.13", "3.14")
]


def locked():
    """The requirements of the lock, each with its hashes."""
    lines = LOCK.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    given = [line for line in lines if line.strip() and not line.startswith(("#", "--"))]
    found = [(line.partition("--hash=")[0], re.findall(r"--hash=(\S+)", line)) for line in given]
    return [(Requirement(requirement), hashes) for requirement, hashes in found]


def constraints():
    """The requirements of constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines]


def applying(requirements, machine):
    """Name to version of what a machine takes."""
    return {
        canonicalize_name(each.name): str(each.specifier).removeprefix("==")
        for each in requirements
        if each.marker is None or each.marker.evaluate(machine)
    }


def test_every_requirement_is_one_version_with_sha256_hashes():
    for requirement, hashes in locked():
        assert re.fullmatch(r"==[\w.!+]+", str(requirement.specifier)), requirement
        assert hashes, f"{requirement} has no hash"
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", each) for each in hashes), requirement
        assert len(set(hashes)) == len(hashes), requirement


def test_it_takes_wheels_only_and_names_no_place_to_fetch_them_from():
    text = LOCK.read_text(encoding="utf-8")
    options = [line for line in text.splitlines() if line.startswith("-")]
    assert options == ["--only-binary :all:"]
    assert "://" not in text
    assert "@" not in text


@pytest.mark.parametrize("machine", MACHINES)
def test_its_versions_are_those_of_the_constraints(machine):
    pins = applying(constraints(), machine)
    found = applying([requirement for requirement, _ in locked()], machine)
    assert found == {name: pins.get(name) for name in found}


@pytest.mark.parametrize("machine", MACHINES)
def test_what_a_package_needs_is_locked_too(machine):
    """So a name is never resolved elsewhere; by the metadata of what is installed here."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = applying([requirement for requirement, _ in locked()], machine)
    to_do = {(canonicalize_name(Requirement(each).name), "") for each in project["dependencies"]}
    needed, seen = set(), set()
    while to_do:
        name, extra = to_do.pop()
        seen.add((name, extra))
        needed.add(name)
        assert name in found, f"{name} is needed and not locked"
        to_do |= set(needs(name, extra, machine)) - seen
    assert needed == set(found), "locked and not needed"


def needs(name, extra, machine):
    """What an installed package asks for on a machine; of one for another system, nothing."""
    if name in {"colorama", "overrides"}:  # of Windows, and of Python 3.11; they need nothing
        return
    for line in requires(name) or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({**machine, "extra": extra}):
            for wanted in {"", *requirement.extras}:
                yield canonicalize_name(requirement.name), wanted
