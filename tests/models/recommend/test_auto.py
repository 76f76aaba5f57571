"""The whole of a recommendation: what is kept, when it is made anew, what "auto" stands for."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from homespun.models import catalogue
from homespun.models.download import cache
from homespun.models.recommend import auto, kept, machine
from homespun.models.recommend.auto import auto_model, auto_models, named_model, recommend
from homespun.models.recommend.machine import MachineFacts
from homespun.models.recommend.speeds import ROWS, MachineSpeeds
from homespun.models.recommend.timing import MachineTimer, time_machine

SLOW = MachineSpeeds((0.25,) * 4, (100.0, 200.0, 500.0, 1500.0))
QUICK = MachineSpeeds((0.05,) * 4, (8.0, 12.0, 30.0, 110.0))
SMALL, LARGE = "qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b"


class Stopwatch:
    """Stands for the timing of a machine; counts, and says what the test wants."""

    def __init__(self, speeds=QUICK):
        self.speeds = speeds
        self.timed = []  # with so many threads
        self.said = []

    def __call__(self, *, threads):
        self.timed.append(threads)
        return self.speeds

    def recommend(self, **given):
        return self.recommended(say=self.said.append, **given)

    def recommended(self, **given):
        return recommend(time_machine=self, **given)


@pytest.fixture(autouse=True)
def quiet_machine(monkeypatch):
    """A machine that does nothing else, on mains, with memory for any model."""
    monkeypatch.setattr(auto, "load_per_core", lambda: 0.1)
    monkeypatch.setattr(auto, "is_on_battery", lambda: False)
    monkeypatch.setattr(auto, "strain", lambda *, was="": "")
    monkeypatch.setattr(auto, "free_memory_mb", lambda: 16_000)


@pytest.fixture
def here(monkeypatch):
    """The names of the models that are on the disk; the test adds to them."""
    names = set()
    monkeypatch.setattr(cache, "is_here", lambda entry: entry.name in names)
    return names


def test_a_machine_is_timed_once():
    watch = Stopwatch()
    first, second = watch.recommend(), watch.recommend()
    assert (first.was_kept, second.was_kept, watch.timed) == (False, True, [0])
    assert second.speeds == QUICK
    assert second.choice == first.choice
    assert watch.said == []


@pytest.mark.parametrize(
    "other",
    [{"processor": "another"}, {"cores": 999}, {"memory_mb": 1}, {"version": "0.0.0"}],
    ids=lambda other: next(iter(other)),
)
def test_another_machine_is_timed_anew_and_that_is_said(other, monkeypatch):
    watch = Stopwatch()
    facts = watch.recommend().machine
    monkeypatch.setattr(auto, "machine_facts", lambda *, threads: replace(facts, **other))
    assert not watch.recommend().was_kept
    assert "another than when it was timed" in watch.said[0]
    assert watch.recommend().was_kept


def test_another_number_of_threads_is_another_timing():
    watch = Stopwatch()
    watch.recommend()
    watch.recommend(threads=1)
    assert watch.timed == [0, 1]


def test_who_wants_it_anew_gets_it_anew_and_it_is_kept():
    watch = Stopwatch()
    watch.recommend()
    watch.speeds = SLOW
    assert watch.recommend(anew=True).speeds == SLOW
    assert watch.recommend().speeds == SLOW


def broken(**changes):
    """A kept file with something else in place of its facts."""

    def spoil():
        body = json.loads(kept.timing_file().read_text())
        kept.timing_file().write_text(json.dumps(body | changes))

    return spoil


@pytest.mark.parametrize(
    "spoil",
    [
        lambda: kept.timing_file().write_text("{"),
        lambda: kept.timing_file().write_text("[]"),
        lambda: kept.timing_file().write_bytes(b"\xff" * 100_000),
        broken(format=99),
        broken(speeds=None),
        broken(speeds={"layer_ms": [1.0] * 4}),
        broken(speeds={"layer_ms": [1.0] * 4, "gigabyte_ms": [1.0] * 3}),
        broken(speeds={"layer_ms": [1.0] * 4, "gigabyte_ms": [1.0, 1.0, 1.0, 0.0]}),
        broken(speeds={"layer_ms": [1.0] * 4, "gigabyte_ms": [1.0, 1.0, 1.0, math.inf]}),
        broken(speeds={"layer_ms": ["1"] * 4, "gigabyte_ms": [1.0] * 4}),
    ],
)
def test_a_kept_file_that_is_broken_is_said_and_made_anew(spoil):
    watch = Stopwatch()
    watch.recommend()
    spoil()
    assert not watch.recommend().was_kept
    assert str(kept.timing_file()) in watch.said[0]
    assert watch.recommend().was_kept


def test_the_timing_of_a_busy_machine_is_used_but_not_kept(monkeypatch):
    monkeypatch.setattr(auto, "load_per_core", lambda: 3.0)
    watch = Stopwatch(SLOW)
    assert watch.recommend().speeds == SLOW
    assert "the machine is busy (load 3.0 a core)" in watch.said[0]
    assert not kept.timing_file().exists()


def test_where_nothing_can_be_kept_there_is_a_recommendation_all_the_same(monkeypatch):
    monkeypatch.setattr(kept, "keep", _full)
    watch = Stopwatch()
    assert watch.recommend().choice.model == LARGE
    assert "cannot be kept" in watch.said[0]


def _full(facts, speeds):
    raise OSError(28, "No space left on device")


def test_auto_is_the_recommended_model_where_it_is_here(here):
    here |= {SMALL, LARGE}
    found = auto_model(Stopwatch().recommend())
    assert found.model == LARGE
    assert found.sentence.startswith(f"model auto is {LARGE}: the largest model is quick enough")


def test_auto_is_the_smaller_one_that_is_here_and_says_how_the_other_would_come(here):
    here.add(SMALL)
    found = auto_model(Stopwatch().recommend())
    assert found.model == SMALL
    assert f"`homespun models fetch {LARGE}` brings it (1,117 MB)" in found.sentence


def test_auto_is_the_recommended_model_where_none_is_here_so_that_its_fetch_is_offered(here):
    assert auto_model(Stopwatch().recommend()).model == LARGE
    assert auto_model(Stopwatch(SLOW).recommend(anew=True)).model == SMALL


def test_auto_on_a_slow_machine_is_the_smaller_one_though_both_are_here(here):
    here |= {SMALL, LARGE}
    assert auto_model(Stopwatch(SLOW).recommend()).model == SMALL


def test_auto_without_memory_is_the_smallest_and_says_that_nothing_fits(here, monkeypatch):
    monkeypatch.setattr(auto, "free_memory_mb", lambda: 100)
    found = auto_model(Stopwatch().recommend())
    assert found.model == SMALL
    assert "no model fits: 100 MB of memory are free" in found.sentence


BATTERY = machine.ON_BATTERY


def models_under(strains, monkeypatch):
    """Return the names that "auto" stands for, one for each strain."""
    rest = iter(strains)
    monkeypatch.setattr(auto, "strain", lambda *, was="": next(rest))
    watch = Stopwatch()
    models = auto_models(threads=0, say=watch.said.append, recommend=watch.recommended)
    return [next(models).model for _ in strains], watch


def test_while_there_is_a_strain_the_smaller_model_serves_and_nothing_is_timed(here, monkeypatch):
    here |= {SMALL, LARGE}
    found, watch = models_under(["", BATTERY, BATTERY, ""], monkeypatch)
    assert found == [LARGE, SMALL, SMALL, LARGE]
    assert watch.timed == [0]


def test_a_start_under_strain_ends_with_the_larger_model(here, monkeypatch):
    here |= {SMALL, LARGE}
    assert models_under([BATTERY, ""], monkeypatch)[0] == [SMALL, LARGE]


@pytest.mark.parametrize("only", [SMALL, LARGE])
def test_a_strain_changes_nothing_where_only_one_model_is_here(only, here, monkeypatch):
    here.add(only)
    assert models_under(["", BATTERY, ""], monkeypatch)[0] == [only] * 3
    assert models_under([BATTERY, ""], monkeypatch)[0] == [only] * 2


def test_a_strain_changes_no_offer_of_a_fetch(here, monkeypatch):
    assert models_under(["", BATTERY], monkeypatch)[0] == [LARGE, LARGE]


def test_a_strain_ends_well_below_where_it_began(monkeypatch):
    monkeypatch.setattr(machine, "is_on_battery", lambda: False)
    loads = {2.5: (True, True), 1.5: (False, True), 1.0: (False, False)}
    for load, expected in loads.items():
        monkeypatch.setattr(machine, "load_per_core", lambda load=load: load)
        found = (machine.strain(), machine.strain(was=machine.UNDER_LOAD))
        assert tuple(map(bool, found)) == expected
    monkeypatch.setattr(machine, "is_on_battery", lambda: True)
    assert machine.strain() == BATTERY


def test_any_other_name_is_left_as_it_is_and_nothing_is_timed():
    said = []
    assert named_model("/my/model.gguf", threads=0, say=said.append) == "/my/model.gguf"
    assert said == []


def test_the_name_auto_is_told_with_its_reason(monkeypatch, here):
    monkeypatch.setattr(auto, "_time_machine", lambda: Stopwatch())
    said = []
    assert named_model("auto", threads=0, say=said.append) == LARGE
    assert said[-1].startswith(f"model auto is {LARGE}")


def test_no_model_of_the_catalogue_is_called_auto():
    assert auto.AUTO not in catalogue.names()


# -- the machine itself


def test_this_machine_is_timed_by_real_graphs():
    speeds = time_machine(threads=1, most_seconds=0)
    for times in (speeds.layer_ms, speeds.gigabyte_ms):
        assert len(times) == len(ROWS) and min(times) > 0


def test_other_memory_is_read_before_each_run_that_reads_weights():
    class Reading:
        """Stands for the other memory; notes how many runs were over when it was read."""

        def __init__(self):
            self.read_at = []

        def sum(self):
            self.read_at.append(len(done))

    done = []
    with MachineTimer(threads=1) as timer:
        timer._swept = Reading()
        for name, one in timer._slices.items():
            run = one.run
            one.run = lambda rows, name=name, run=run: (run(rows), done.append(name))
        timer.round()
    wide = [number for number, name in enumerate(done) if name == "wide"]
    assert len(wide) == len(ROWS)
    assert timer._swept.read_at == wide


def test_this_machine_has_facts():
    facts = machine.machine_facts(threads=10_000)
    assert facts.processor and facts.cores >= 1 and facts.version
    assert facts.threads == facts.cores  # a model gets no more
    assert isinstance(facts, MachineFacts)


def test_free_memory_is_what_the_kernel_says_in_millions_of_bytes(tmp_path):
    info = tmp_path / "meminfo"
    info.write_text("MemTotal:       16000000 kB\nMemAvailable:    8000000 kB\n")
    assert machine.free_memory_mb(info) == 8_192
    info.write_text("MemAvailable: none\n")
    assert machine.free_memory_mb(info) == 0
    assert machine.free_memory_mb(tmp_path / "nothing") == 0


def supply(folder, **facts):
    folder.mkdir(parents=True)
    for name, value in facts.items():
        (folder / name).write_text(value + "\n")


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"type": "Battery", "status": "Discharging"}, True),
        ({"type": "Battery", "status": "Charging"}, False),
        ({"type": "Battery", "status": "Discharging", "scope": "Device"}, False),  # a mouse
        ({"type": "Mains", "online": "0"}, False),
        ({}, False),
    ],
    ids=repr,
)
def test_a_battery_counts_where_it_feeds_the_machine(tmp_path, facts, expected):
    supply(tmp_path / "power" / "BAT0", **facts)
    assert machine.is_on_battery(tmp_path / "power") is expected
    assert machine.is_on_battery(tmp_path / "nothing") is False
