"""A checkup: grades, and checks that break."""

from __future__ import annotations

import pytest

from homespun.cli.doctor.checks.finding import Finding, Patient, Problem
from homespun.cli.doctor.checkup import examine, named_checks
from homespun.errors import HomespunError


def well(_patient):
    return Finding("well", {"cores": 2})


def noted(_patient):
    return Finding("so so", problems=(Problem("it is odd", "look", is_broken=False),))


def breaks(_patient):
    raise KeyError("nobody thought of this")


def says(_patient):
    raise HomespunError("the disk is full")


def test_the_grade_is_that_of_the_worst_finding(tmp_path):
    patient = Patient(tmp_path)
    assert examine(patient, {"a": well}).grade == "ok"
    assert examine(patient, {"a": well, "b": noted}).grade == "note"
    assert examine(patient, {"a": breaks, "b": noted}).grade == "broken"


def test_a_check_that_breaks_is_a_problem_of_its_own_and_the_others_are_made(tmp_path):
    found = examine(Patient(tmp_path), {"a": breaks, "b": says, "c": well})
    first, second, third = (result.to_json() for result in found.results)
    assert first["facts"] == {"error": "KeyError"}
    (problem,) = first["problems"]
    assert "the check of a could not be made: KeyError" in problem["sentence"]
    assert second["problems"][0]["sentence"].endswith("could not be made: the disk is full")
    assert third["facts"] == {"cores": 2}


def test_a_check_whose_library_cannot_be_imported_says_to_install_again(tmp_path):
    found = examine(Patient(tmp_path), {"a": "homespun.unheard_of:check"})
    (problem,) = found.results[0].finding.problems
    assert "unheard_of" in problem.sentence
    assert problem.mend == "pip install --force-reinstall homespun"


def test_of_many_problems_the_worst_come_first_and_the_rest_is_counted(tmp_path):
    def many(_patient):
        notes = [Problem(f"note {n}", "look", is_broken=False) for n in range(30)]
        return Finding("much", problems=(*notes, Problem("broken", "mend it")))

    problems = examine(Patient(tmp_path), {"a": many}).results[0].finding.problems
    assert len(problems) == 11
    assert (problems[0].sentence, problems[-1].sentence) == ("broken", "21 more of the kind")


def test_with_debug_what_breaks_a_check_is_raised(tmp_path):
    with pytest.raises(KeyError, match="nobody thought"):
        examine(Patient(tmp_path), {"a": breaks}, debug=True)


def test_every_named_check_is_a_function():
    import importlib

    for place in named_checks(measure=True).values():
        module, function = str(place).split(":")
        assert callable(getattr(importlib.import_module(module), function))
