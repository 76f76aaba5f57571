"""All checks, one after the other; one that breaks is a problem of its own and ends nothing."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from homespun.cli.doctor.checks.finding import Finding, Grade, Patient, Problem
from homespun.errors import HomespunError, in_words

FORMAT = 1  # of the JSON; raise it when a field changes meaning
_MAX_PROBLEMS = 10  # of one check
CheckFunction = Callable[[Patient], Finding]
# Name -> "module:function": each is imported on its own, for a broken wheel breaks its import.
_CHECKS = {
    "installation": "installation:check_installation",
    "machine": "machine:check_machine",
    "places": "places:check_places",
    "settings": "settings:check_settings",
    "models": "models:check_models",
    "index": "index:check_index",
    "adapters": "adapters:check_adapters",
    "editors": "editors:check_editors",
    "agents": "agents:check_agents",
    "sockets": "sockets:check_sockets",
    "connections": "connections:check_connections",
}
_MEASURES = {"measures": "homespun.cli.doctor.measures:check_speed"}


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check found, and how long it took."""

    name: str
    finding: Finding
    ms: float

    def to_json(self) -> dict[str, object]:
        """Return the JSON object of `homespun doctor --json`."""
        return {
            "name": self.name,
            "grade": self.finding.grade,
            "line": self.finding.line,
            "facts": dict(self.finding.facts),
            "problems": [problem.to_json() for problem in self.finding.problems],
            "ms": round(self.ms, 1),
        }


@dataclass(frozen=True, slots=True)
class Checkup:
    """All results."""

    patient: Patient
    results: tuple[CheckResult, ...]

    @property
    def grade(self) -> Grade:
        """Return how bad the worst of the findings is."""
        grades = {result.finding.grade for result in self.results}
        return next((grade for grade in ("broken", "note") if grade in grades), "ok")

    def to_json(self) -> dict[str, object]:
        """Return the JSON object of `homespun doctor --json`."""
        return {
            "format": FORMAT,
            "folder": str(self.patient.folder),
            "grade": self.grade,
            "checks": [result.to_json() for result in self.results],
        }


def named_checks(*, measure: bool) -> Mapping[str, str]:
    """Return the checks by name, in the order in which they are made and shown."""
    own = {name: f"homespun.cli.doctor.checks.{place}" for name, place in _CHECKS.items()}
    return own | _MEASURES if measure else own


def examine(
    patient: Patient, checks: Mapping[str, str | CheckFunction], *, debug: bool = False
) -> Checkup:
    """Make each check; a check is a function, or where one is: "package.module:function".

    What breaks a check is raised with `debug`.
    """
    results = [_result(name, each, patient, debug=debug) for name, each in checks.items()]
    return Checkup(patient, tuple(results))


def _result(name: str, check: str | CheckFunction, patient: Patient, *, debug: bool) -> CheckResult:
    began = time.perf_counter()
    try:
        finding = (_imported(check) if isinstance(check, str) else check)(patient)
    except Exception as error:
        if debug:
            raise
        finding = _broken(name, error)
    return CheckResult(name, _few(finding), (time.perf_counter() - began) * 1000)


def _few(finding: Finding) -> Finding:
    """Return a finding with so many problems as a person reads; the worst come first."""
    problems = sorted(finding.problems, key=lambda problem: not problem.is_broken)
    more = len(problems) - _MAX_PROBLEMS
    if more <= 0:
        return replace(finding, problems=tuple(problems))
    rest = Problem(f"{more} more of the kind", "mend these first", is_broken=False)
    return replace(finding, problems=(*problems[:_MAX_PROBLEMS], rest))


def _imported(place: str) -> CheckFunction:
    module, _, function = place.partition(":")
    found: CheckFunction = getattr(importlib.import_module(module), function)
    return found


def _broken(name: str, error: Exception) -> Finding:
    if isinstance(error, ImportError):
        mend = "pip install --force-reinstall homespun"
    else:
        mend = "homespun doctor --debug shows where; report it with homespun doctor --bundle FILE"
    said = in_words(error) if isinstance(error, HomespunError | OSError) else repr(error)
    sentence = f"the check of {name} could not be made: {said}"
    return Finding("could not be made", {"error": type(error).__name__}, (Problem(sentence, mend),))
