"""Whether this Python is one that homespun runs on, and its wheels those that it asks for."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from homespun.cli.doctor.checks.finding import Finding, Patient, Problem

_PACKAGE = "homespun"
_TRAINING = ("torch", "transformers", "peft")  # of the extra `train`: named where they are there


def check_installation(patient: Patient) -> Finding:
    """Compare each wheel with what the package requires; imports none of them."""
    wanted = [Requirement(text) for text in metadata.requires(_PACKAGE) or ()]
    base = [each for each in wanted if each.marker is None or each.marker.evaluate({"extra": ""})]
    wheels = {each.name: _version(each.name) for each in base}
    training = {name: version for name in _TRAINING if (version := _version(name))}
    version = metadata.version(_PACKAGE)
    problems = (*_python_problems(), *_wheel_problems(base, wheels), *_safe_path_problems(patient))
    return Finding(
        line=f"homespun {version}, Python {platform.python_version()}, {len(wheels)} wheels",
        facts={
            "homespun": version,
            "python": platform.python_version(),
            "implementation": platform.python_implementation(),
            "executable": sys.executable,
            "is_virtual_environment": sys.prefix != sys.base_prefix,
            "system": platform.platform(),
            "wheels": wheels,
            "training": training,
        },
        problems=problems,
    )


def _python_problems() -> Iterator[Problem]:
    from packaging.specifiers import SpecifierSet

    requires = metadata.metadata(_PACKAGE)["Requires-Python"]
    found = platform.python_version()
    if not SpecifierSet(requires).contains(found, prereleases=True):
        yield Problem(
            f"Python {found} runs homespun, which wants {requires}",
            f"install it into an environment of another Python ({requires})",
        )


def _wheel_problems(wanted: list[Requirement], found: dict[str, str]) -> Iterator[Problem]:
    mend = f"{sys.executable} -m pip install --force-reinstall homespun"
    for requirement in wanted:
        version = found[requirement.name]
        if not version:
            yield Problem(f"the package {requirement.name} is not installed", mend)
        elif not requirement.specifier.contains(version, prereleases=True):
            yield Problem(
                f"{requirement.name} {version} is installed, and homespun wants "
                f"{requirement.specifier}",
                mend,
            )


def _safe_path_problems(patient: Patient) -> Iterator[Problem]:
    """Say where Python would import the folder's own modules before ours."""
    folder = os.path.realpath(patient.folder)
    for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep):
        if entry and Path(os.path.realpath(entry)).is_relative_to(folder):
            yield Problem(
                f"PYTHONPATH has {entry!r}, which lies in the folder: its modules go before ours",
                "unset PYTHONPATH",
                is_broken=False,
            )


def _version(name: str) -> str:
    """Return the version of a wheel, "" where it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
