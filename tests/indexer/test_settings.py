"""Layers of settings: who wins, and what a wrong value does."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from homespun.indexer.config import IndexConfig
from homespun.indexer.settings import camel_case, resolve, user_file


@dataclass(frozen=True)
class Kitchen:
    ovens: int = field(default=2, metadata={"min": 1, "max": 9})
    heat: float = 180.5
    open: bool = True
    chef: str = "Ada"
    style: Literal["home", "haute"] = "home"
    dishes: tuple[str, ...] = ()
    guests_max: int | None = None


def cook(workspace=None, **layers):
    return resolve(Kitchen, "kitchen", workspace=workspace, **layers)


def write_user_file(text):
    user_file().parent.mkdir(parents=True, exist_ok=True)
    user_file().write_text(text, encoding="utf-8")


def test_without_any_layer_every_value_is_the_default():
    resolved = cook()
    assert resolved.value == Kitchen()
    assert set(resolved.origins.values()) == {"default"}
    assert resolved.faults == []


def test_each_layer_wins_over_the_one_before(tmp_path, monkeypatch):
    seen = [cook(tmp_path).value.ovens]
    write_user_file("[kitchen]\novens = 3\n")
    seen.append(cook(tmp_path).value.ovens)
    (tmp_path / "pyproject.toml").write_text("[tool.homespun.kitchen]\novens = 4\n")
    seen.append(cook(tmp_path).value.ovens)
    (tmp_path / "homespun.toml").write_text("[kitchen]\novens = 5\n")
    seen.append(cook(tmp_path).value.ovens)
    monkeypatch.setenv("HOMESPUN_KITCHEN_OVENS", "6")
    seen.append(cook(tmp_path).value.ovens)
    seen.append(cook(tmp_path, editor={"ovens": 7}).value.ovens)
    seen.append(cook(tmp_path, editor={"ovens": 7}, flags={"ovens": 8}).value.ovens)
    assert seen == [2, 3, 4, 5, 6, 7, 8]


def test_origins_name_the_place_of_each_value(tmp_path, monkeypatch):
    (tmp_path / "homespun.toml").write_text("[kitchen]\nheat = 99\n")
    monkeypatch.setenv("HOMESPUN_KITCHEN_CHEF", "Bob")
    resolved = cook(tmp_path, editor={"guestsMax": 4}, flags={"open": False, "ovens": None})
    assert resolved.value == Kitchen(heat=99.0, chef="Bob", guests_max=4, open=False)
    assert resolved.origins == {
        "ovens": "default",
        "heat": str(tmp_path / "homespun.toml"),
        "open": "flag",
        "chef": "$HOMESPUN_KITCHEN_CHEF",
        "style": "default",
        "dishes": "default",
        "guests_max": "editor",
    }


@pytest.mark.parametrize(
    ("editor", "said"),
    [
        ({"ovens": "many"}, "'kitchen.ovens' in editor is 'many', not a whole number; using 5"),
        ({"ovens": True}, "'kitchen.ovens' in editor is True, not a whole number; using 5"),
        ({"ovens": 0}, "'kitchen.ovens' in editor is 0, not at least 1; using 5"),
        ({"ovens": 10}, "'kitchen.ovens' in editor is 10, not at most 9; using 5"),
        ({"heat": -5}, "'kitchen.heat' in editor is -5, not at least 0; using 180.5 (default)"),
        ({"heat": float("nan")}, "is nan, not at least 0; using 180.5"),
        ({"open": 1}, "is 1, not true or false; using True"),
        ({"chef": None}, "is None, not a string; using 'Ada'"),
        ({"style": "fast"}, "is 'fast', not one of 'home', 'haute'; using 'home'"),
        ({"dishes": "soup"}, "is 'soup', not a list of strings; using ()"),
        ({"dishes": ["soup", 3]}, "is ['soup', 3], not a list of strings"),
        ({"ovenCount": 3}, "unknown setting 'kitchen.oven_count' in editor is ignored; known:"),
    ],
)
def test_a_wrong_value_keeps_the_lower_layer_and_says_so(tmp_path, editor, said):
    (tmp_path / "homespun.toml").write_text("[kitchen]\novens = 5\n")
    resolved = cook(tmp_path, editor=editor)
    assert resolved.value == Kitchen(ovens=5)
    assert len(resolved.faults) == 1
    assert said in resolved.faults[0]


@pytest.mark.parametrize(
    ("variable", "text", "field_name", "value"),
    [
        ("OVENS", "3", "ovens", 3),
        ("HEAT", "1e2", "heat", 100.0),
        ("OPEN", "Off", "open", False),
        ("DISHES", "soup, cake,", "dishes", ("soup", "cake")),
        ("GUESTS_MAX", "12", "guests_max", 12),
        ("STYLE", "haute", "style", "haute"),
    ],
)
def test_environment_text_becomes_the_type_of_the_field(
    monkeypatch, variable, text, field_name, value
):
    monkeypatch.setenv(f"HOMESPUN_KITCHEN_{variable}", text)
    resolved = cook()
    assert getattr(resolved.value, field_name) == value
    assert resolved.faults == []


@pytest.mark.parametrize("text", ["not-a-number", "-5", "0", "1.5"])
def test_a_wrong_environment_number_is_a_fault(monkeypatch, text):
    monkeypatch.setenv("HOMESPUN_KITCHEN_OVENS", text)
    resolved = cook()
    assert resolved.value.ovens == 2
    assert f"'kitchen.ovens' in $HOMESPUN_KITCHEN_OVENS is {text!r}" in resolved.faults[0]


def test_an_empty_variable_counts_as_not_set(monkeypatch):
    monkeypatch.setenv("HOMESPUN_KITCHEN_OVENS", "")
    assert cook().faults == []


def test_a_broken_file_is_named_and_the_others_still_count(tmp_path):
    (tmp_path / "homespun.toml").write_text("[kitchen\novens = 5\n")
    (tmp_path / "pyproject.toml").write_text("[tool.homespun.kitchen]\novens = 4\n")
    resolved = cook(tmp_path)
    assert resolved.value.ovens == 4
    assert len(resolved.faults) == 1
    assert str(tmp_path / "homespun.toml") in resolved.faults[0]


@pytest.mark.parametrize("text", ["kitchen = 5\n", "[kitchen]\n[kitchen.ovens]\nx = 1\n"])
def test_a_section_of_the_wrong_shape_is_a_fault(tmp_path, text):
    (tmp_path / "homespun.toml").write_text(text)
    resolved = cook(tmp_path)
    assert resolved.value == Kitchen()
    assert len(resolved.faults) == 1


def test_a_file_that_is_no_utf8_is_a_fault(tmp_path):
    (tmp_path / "homespun.toml").write_bytes(b"[kitchen]\nchef = '\xff'\n")
    assert "cannot be read" in cook(tmp_path).faults[0]


def test_one_variable_moves_the_users_file():
    assert user_file() == Path(os.environ["HOMESPUN_HOME"]) / "homespun.toml"


def test_editor_names_are_derived():
    assert camel_case("max_file_bytes") == "maxFileBytes"


def test_the_indexers_own_settings_resolve():
    resolved = resolve(IndexConfig, "index", workspace=None, editor={"maxFileBytes": 5})
    assert resolved.value == IndexConfig(max_file_bytes=5)
