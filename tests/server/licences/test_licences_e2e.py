"""A running server takes what is denied from the editor, and says which lines they are."""

from __future__ import annotations

import json

import pytest

from tests.server.licences.test_check import BODY, FILES, SAID

TEXT = "def shares(weights):\n    \n"


@pytest.mark.e2e
def test_an_editor_denies_a_licence_and_is_told_why(start, tmp_path):
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    client = start(FAKE_SERVER=json.dumps({"says": SAID}))
    longer = {"maxBlockTokens": 1000, "blockBudgetMs": 60_000}
    client.initialize(rootUri=tmp_path.as_uri(), initializationOptions={"completion": longer})
    client.wait_until_ready()
    uri = (tmp_path / "app.py").as_uri()
    client.open(uri, TEXT)
    [item] = client.complete(uri, 1, 4)
    assert item["insertText"] == BODY.strip()
    why = client.command("homespun.why")["result"]
    assert "the same as vendor/scale/shares.py:5-9, under GPL-3.0" in why["sentence"]
    assert why["details"]["sources"][0]["uri"].endswith("/vendor/scale/shares.py")
    settings = {"completion": longer, "licences": {"deny": ["GPL-3.0"]}}
    client.note("workspace/didChangeConfiguration", {"settings": settings})
    client.wait_until(lambda: client.complete(uri, 1, 4) == [])
    assert client.command("homespun.why")["result"]["reason"] == "licence"
