"""A server, its requests and its files: traces where the user wants them, and else not a byte."""

from __future__ import annotations

import json

from homespun.traces import kept
from tests.support.collector import attributes_of, collecting

SAYS = json.dumps({"says": "basket_total(a)\n\ndef next_one():\n"})
TEXT = "def both(a, b):\n    return \n"


def session(client, folder, written="a"):
    """Ask, have something else written, ask again by typing along; end."""
    (folder / "shop.py").write_text("def charge_card(card):\n    return card\n")
    client.initialize(workspaceFolders=[{"uri": folder.as_uri(), "name": "shop"}])
    client.wait_until_ready()
    uri = (folder / "app.py").as_uri()
    client.open(uri, TEXT)
    assert client.complete_text(uri, 1, 11) == "basket_total(a)"
    client.change(uri, 2, (1, 11, 1, 11, "b"))
    assert client.complete_text(uri, 1, 12) == "asket_total(a)"
    client.change(uri, 3, (1, 11, 1, 12, "charge_card(a)"))
    client.wait_until(lambda: client.status()["state"] == "ready")
    assert client.stop() == 0


def test_a_session_is_kept_part_by_part_with_its_fate_and_its_fault(start, tmp_path):
    home, folder = tmp_path / "home", tmp_path / "shop"
    folder.mkdir()
    client = start(FAKE_SERVER=SAYS, HOMESPUN_HOME=str(home), HOMESPUN_OBSERVE_TRACES="1")
    session(client, folder)
    found = kept.read(home / "traces", most=100)
    assert found.broken == 0
    asked, along = (
        next(trace for trace in reversed(found.traces) if wanted(trace))
        for wanted in (
            lambda trace: trace.part("decode") and trace.root.attributes["homespun.shown"],
            lambda trace: trace.root.attributes.get("homespun.from_cache"),
        )
    )
    names = [span.name for span in asked.spans]
    for name in ("admit", "wait", "retrieve", "render", "prefill", "decode", "judge", "shown"):
        assert name in names, name
    fate = asked.part("shown").attributes
    assert (fate["homespun.outcome"], fate["homespun.fault"]) == ("typed", "missing knowledge")
    assert along.root.attributes["homespun.suggestion"] == asked.root.trace_id
    assert along.part("decode") is None
    assert any(trace.root.name == "index.update" for trace in found.traces)
    said = (home / "traces" / "kept.jsonl").read_text()
    for word in ("basket_total", "charge_card", "app.py", str(folder)):
        assert word not in said


def test_a_collector_gets_the_same(start, tmp_path):
    folder = tmp_path / "shop"
    folder.mkdir()
    with collecting() as collected:
        client = start(
            FAKE_SERVER=SAYS,
            HOMESPUN_HOME=str(tmp_path / "home"),
            HOMESPUN_OBSERVE_OTLP=collected.url,
        )
        session(client, folder)
        spans = collected.spans
    assert attributes_of(spans["completion"])["gen_ai.operation.name"] == "text_completion"
    assert attributes_of(spans["shown"])["homespun.fault"] == "missing knowledge"
    assert spans["shown"].trace_id and spans["shown"].parent_span_id
    assert "gen_ai.client.operation.duration" in collected.figures
    assert not (tmp_path / "home" / "traces").exists()


def test_a_folder_switches_nothing_on(start, tmp_path):
    home, folder = tmp_path / "home", tmp_path / "shop"
    folder.mkdir()
    with collecting() as collected:
        (folder / "homespun.toml").write_text(
            f'[observe]\ntraces = true\notlp = "{collected.url}"\nsource_text = true\n'
        )
        session(start(FAKE_SERVER=SAYS, HOMESPUN_HOME=str(home)), folder)
        assert collected.headers == []
    assert not (home / "traces").exists()
