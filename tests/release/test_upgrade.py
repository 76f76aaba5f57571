"""What earlier releases left on a user's disk is still what it was (`tests/release/keep.py`)."""

from __future__ import annotations

import shutil
import tomllib

import pytest

from homespun import paths
from homespun.cli.doctor.checks.settings import SECTIONS
from homespun.models.adapters.registry import Registry
from homespun.server.acceptance import log
from homespun.settings import resolve
from homespun.traces import kept
from tests.release.keep import FACTS, KEPT, RECORD, SPAN

RELEASES = sorted(folder for folder in KEPT.iterdir() if folder.is_dir())


@pytest.fixture(params=RELEASES, ids=lambda folder: folder.name)
def release(request, tmp_path, monkeypatch):
    """What a release left; this machine's key is the one of then."""
    monkeypatch.setenv("HOMESPUN_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir(mode=0o700)
    shutil.copy(request.param / "machine.key", paths.state_home() / "machine.key")
    (paths.state_home() / "machine.key").chmod(0o600)
    return request.param


def test_each_setting_still_says_what_it_said(release, monkeypatch):
    monkeypatch.setattr("homespun.settings.user_file", lambda: release / "homespun.toml")
    written = tomllib.loads((release / "homespun.toml").read_text(encoding="utf-8"))
    for section, cls in SECTIONS.items():
        resolved = resolve(cls, section, workspace=None)
        assert resolved.faults == []
        values = written
        for part in section.split("."):
            values = values[part]
        for name, value in values.items():
            if isinstance(value, dict):  # a section of its own
                continue
            found = getattr(resolved.value, name)
            assert (list(found) if isinstance(found, tuple) else found) == value, (section, name)


def test_the_adapter_is_still_known_and_may_serve(release, tmp_path):
    shop = tmp_path / "shop"
    shutil.copytree(release / "adapters", shop / ".homespun" / "adapters")
    (shop / ".homespun").chmod(0o700)
    registry = Registry(shop)
    (adapter,) = registry.adapters()
    assert adapter.is_known and adapter.is_proven
    assert adapter.manifest["commit"] == FACTS["commit"]
    registry.check(adapter, everything=True)
    registry.promote(adapter.id)  # aliases are of the place where they were made, which is another
    assert registry.champion().id == adapter.id


def test_what_was_accepted_still_counts(release):
    found = log.read(release / "acceptance")
    assert (found.records, found.broken) == ([RECORD], 0)


def test_traces_are_still_shown(release):
    found = kept.read(release / "traces")
    assert [trace.spans for trace in found.traces] == [(SPAN,)]
    assert found.broken == 0
