"""Layers of settings: who wins, and what a wrong value does."""

from __future__ import annotations

import dataclasses
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from homespun.indexer.config import IndexConfig
from homespun.server.options import CompletionOptions, LicenceOptions, ServerOptions
from homespun.settings import camel_case, resolve, user_file
from tests.support.hostile import settings_and_adapters as hostile


@dataclass(frozen=True)
class Kitchen:
    ovens: int = field(default=2, metadata={"min": 1, "max": 9, "workspace": True})
    heat: float = field(default=180.5, metadata={"workspace": "lowers"})
    open: bool = True
    chef: str = "Ada"
    style: Literal["home", "haute"] = "home"
    dishes: tuple[str, ...] = field(default=(), metadata={"workspace": "adds"})
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
    (tmp_path / "pyproject.toml").write_text("[tool.homespun.kitchen]\novens = 3\n")
    seen.append(cook(tmp_path).value.ovens)
    (tmp_path / "homespun.toml").write_text("[kitchen]\novens = 4\n")
    seen.append(cook(tmp_path).value.ovens)
    write_user_file("[kitchen]\novens = 5\n")
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


@pytest.mark.parametrize("name", ["chef", "open", "style", "guests_max"])
@pytest.mark.parametrize("file", ["homespun.toml", "pyproject.toml"])
def test_a_workspace_sets_nothing_that_is_the_users_alone(tmp_path, file, name):
    value = {"chef": '"Eve"', "open": "false", "style": '"haute"', "guests_max": "3"}[name]
    table = "kitchen" if file == "homespun.toml" else "tool.homespun.kitchen"
    (tmp_path / file).write_text(f"[{table}]\n{name} = {value}\novens = 3\n")
    resolved = cook(tmp_path)
    assert resolved.value == Kitchen(ovens=3)
    assert resolved.faults == [
        f"setting 'kitchen.{name}' in {tmp_path / file} is ignored: only the user may set it; put "
        f"it into {str(user_file())!r}"
    ]


def test_a_workspace_only_lowers_what_costs_and_never_what_the_user_has_set(tmp_path):
    (tmp_path / "homespun.toml").write_text("[kitchen]\nheat = 200\n")
    resolved = cook(tmp_path)
    assert resolved.value.heat == 180.5
    assert "is 200, not at most 180.5, above which only the user may go" in resolved.faults[0]
    (tmp_path / "homespun.toml").write_text("[kitchen]\nheat = 100\n")
    assert cook(tmp_path).value.heat == 100
    write_user_file("[kitchen]\nheat = 150\n")
    assert cook(tmp_path).value.heat == 150


def test_lists_of_the_workspace_and_of_the_user_add_up(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.homespun.kitchen]\ndishes = ["soup"]\n')
    (tmp_path / "homespun.toml").write_text('[kitchen]\ndishes = ["cake", "soup"]\n')
    assert cook(tmp_path).value.dishes == ("soup", "cake")
    write_user_file('[kitchen]\ndishes = ["pie"]\n')
    resolved = cook(tmp_path, flags={"dishes": ["ice"]})
    assert resolved.value.dishes == ("ice", "soup", "cake")
    assert resolved.origins["dishes"] == f"flag and {tmp_path / 'homespun.toml'}"


@pytest.mark.parametrize(
    ("editor", "said"),
    [
        ({"ovens": "many"}, "'kitchen.ovens' in editor is 'many', not a whole number; using 5"),
        ({"ovens": True}, "'kitchen.ovens' in editor is True, not a whole number; using 5"),
        ({"ovens": 0}, "'kitchen.ovens' in editor is 0, not at least 1; using 5"),
        ({"ovens": 10}, "'kitchen.ovens' in editor is 10, not at most 9; using 5"),
        ({"heat": -5}, "'kitchen.heat' in editor is -5, not at least 0; using 180.5 (default)"),
        ({"heat": float("nan")}, "is nan, not a finite number; using 180.5"),
        ({"heat": float("inf")}, "is inf, not a finite number; using 180.5"),
        ({"heat": 10**400}, "…, not a finite number; using 180.5"),
        ({"ovens": 10**5000}, "is a number of thousands of digits, not at most 9; using 5"),
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


def test_no_part_of_a_folder_is_a_file_of_variables(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("HOMESPUN_KITCHEN_CHEF=Eve\nHOMESPUN_KITCHEN_OVENS=9\n")
    assert cook(tmp_path).value == Kitchen()


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


@pytest.mark.parametrize(
    "build",
    [build for name, build in sorted(vars(hostile).items()) if name.startswith("build_settings_")],
    ids=lambda build: build.__name__.removeprefix("build_settings_"),
)
def test_a_hostile_settings_file_is_one_sentence_and_soon_over(tmp_path, build):
    build(tmp_path)
    began = time.monotonic()
    resolved = cook(tmp_path)
    assert time.monotonic() - began < 20  # the worst of these took minutes, or had no end
    assert resolved.value == Kitchen()
    assert 1 <= len(resolved.faults) <= 6
    assert all(len(fault) < 1000 for fault in resolved.faults)


def test_the_users_own_file_may_be_a_link(tmp_path):
    (tmp_path / "dotfiles.toml").write_text("[kitchen]\novens = 3\n")
    user_file().parent.mkdir(parents=True, exist_ok=True)
    user_file().symlink_to(tmp_path / "dotfiles.toml")
    assert cook().value.ovens == 3


def test_every_class_of_settings_says_what_a_workspace_may_set():
    """No path, address, program, model, adapter, thread count, or switch of a log."""
    allowed = {
        f"{section}.{field.name}": field.metadata["workspace"]
        for section, cls in (
            ("completion", CompletionOptions),
            ("index", IndexConfig),
            ("licences", LicenceOptions),
            ("server", ServerOptions),
        )
        for field in dataclasses.fields(cls)
        if "workspace" in field.metadata
    }
    assert allowed == {
        "completion.enabled": True,
        "completion.context_tokens": "lowers",
        "completion.max_tokens": "lowers",
        "completion.max_block_tokens": "lowers",
        "completion.max_lines": "lowers",
        "completion.block_budget_ms": "lowers",
        "completion.multiline": True,
        "completion.retrieval": True,
        "completion.retrieve_deadline_ms": "lowers",
        "completion.disabled_languages": "adds",
        "completion.disabled_globs": "adds",
        "completion.eagerness": True,
        "completion.min_logprob": True,
        "completion.max_line_suffix_chars": True,
        "index.max_file_bytes": "lowers",
        "index.exclude": "adds",
        "index.chunk_chars": True,
        "index.siblings": "adds",
        "licences.deny": "adds",
    }


def test_one_variable_moves_the_users_file():
    assert user_file() == Path(os.environ["HOMESPUN_HOME"]) / "homespun.toml"


def test_editor_names_are_derived():
    assert camel_case("max_file_bytes") == "maxFileBytes"


def test_the_indexers_own_settings_resolve():
    resolved = resolve(IndexConfig, "index", workspace=None, editor={"maxFileBytes": 5})
    assert resolved.value == IndexConfig(max_file_bytes=5)
