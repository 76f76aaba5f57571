"""The folder behind an agent's questions: built once, told how far it is, tried again."""

from __future__ import annotations

from pathlib import Path

import pytest

from homespun.server.agents.folder import AgentFolder
from homespun.server.agents.habits import CountedHabit, Habits
from homespun.server.agents.places import CodePlace
from homespun.server.agents.tools import Toolbox
from homespun.server.errors import NotReadyYet


def nobody():
    raise AssertionError("nobody asked for conventions")


def test_who_asks_while_the_index_is_built_is_told_so(tmp_path):
    (tmp_path / "a.py").write_text("def one(): ...\n")
    folder = AgentFolder(tmp_path)
    with pytest.raises(NotReadyYet, match="is being built .*ask again in some seconds"):
        folder.knowledge(wait_seconds=0)
    knowledge, note = folder.knowledge(wait_seconds=60)
    assert note == ""
    assert [place.path for place in knowledge.definition("one").places] == ["a.py"]


def test_an_index_that_could_not_be_opened_is_tried_again(tmp_path):
    root = tmp_path / "shop"
    root.mkdir()
    (root / "a.py").write_text("def one(): ...\n")
    (root / ".homespun").symlink_to(tmp_path)
    tools = Toolbox(AgentFolder(root), Habits(nobody))
    answer = tools.call("definition", {"name": "one"})
    assert answer.is_error
    assert "is a link" in answer.text
    (root / ".homespun").unlink()
    assert not tools.call("definition", {"name": "one"}).is_error


def test_a_home_folder_is_no_project(monkeypatch, tmp_path):
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    answer = Toolbox(AgentFolder(tmp_path), Habits(nobody)).call("definition", {"name": "x"})
    assert answer.is_error
    assert "is not a project" in answer.text
    assert not (tmp_path / ".homespun").exists()


def test_a_fault_of_ours_is_one_sentence(tmp_path, caplog):
    answer = Toolbox(AgentFolder(tmp_path), Habits(nobody)).call("conventions", {})
    assert answer.is_error
    assert answer.text == "conventions failed (AssertionError); homespun's log says where"
    assert "nobody asked for conventions" in caplog.text


def test_a_name_that_is_no_utf8_can_be_sent(tmp_path):
    place = CodePlace("caf\udce9.py", 1, 1)
    habit = CountedHabit("python/x", "naming", "names", "snake", True, 1.0, 30, place)
    answer = Toolbox(AgentFolder(tmp_path), Habits(lambda: [habit])).call("conventions", {})
    assert not answer.is_error
    assert "caf\\udce9.py:1" in answer.text.encode().decode()
