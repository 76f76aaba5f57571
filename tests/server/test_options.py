"""Settings: where they come from, that wrong ones are said aloud, that nothing means defaults."""

from __future__ import annotations

import dataclasses
import json
import os

import pytest
from lsprotocol import types as lsp

from homespun.cores import within_cores
from homespun.indexer.config import IndexConfig
from homespun.server.lsp.settings import EditorSettings
from homespun.server.options import CompletionOptions, LicenceOptions, ServerOptions
from homespun.settings import resolve, user_file
from tests.support import rpc

CAN_BE_ASKED = {"workspace": {"configuration": True}}


def asked(client):
    """What the completer's options are: "max_tokens model"."""
    uri = f"untitled:{len(client.answers)}.py"
    client.open(uri, "OPTIONS")
    return client.complete_text(uri, 0, 7)


def messages(client, method):
    return [note["params"]["message"] for note in client.incoming if note["method"] == method]


@pytest.mark.parametrize("cls", [CompletionOptions, LicenceOptions, ServerOptions])
def test_every_setting_says_what_it_is(cls):
    for field in cls.__dataclass_fields__.values():
        assert field.metadata["help"][0].islower()
        assert not field.metadata["help"].endswith(".")


@pytest.mark.e2e
def test_initialization_options_are_used(start):
    client = start()
    client.initialize(initializationOptions={"completion": {"maxTokens": 7, "model": "mine"}})
    client.wait_until_ready()
    assert asked(client) == "7 mine"


@pytest.mark.e2e
def test_flags_win_over_the_editor_and_the_editor_over_the_workspace(start, tmp_path):
    (tmp_path / "homespun.toml").write_text("[completion]\nmax_tokens = 5\n")
    client = start(FAKE_SERVER=json.dumps({"flags": {"model": "flag"}}))
    options = {"completion": {"model": "editor"}}
    client.initialize(rootUri=tmp_path.as_uri(), initializationOptions=options)
    client.wait_until_ready()
    uri = (tmp_path / "a.py").as_uri()
    client.open(uri, "OPTIONS")
    assert client.complete_text(uri, 0, 7) == "5 flag"


@pytest.mark.e2e
def test_a_folder_names_no_model_and_says_so_once(start, tmp_path):
    line = '[completion]\nmodel = "./weights"\nadapter = "./mine"\nmax_tokens = 5\n'
    (tmp_path / "homespun.toml").write_text(line)
    client = start()
    client.initialize(rootUri=tmp_path.as_uri())
    client.wait_until_ready()
    uri = (tmp_path / "a.py").as_uri()
    client.open(uri, "OPTIONS")
    assert client.complete_text(uri, 0, 7) == "5 qwen2.5-coder-0.5b"
    assert client.status()["adapter"] == "none"
    said = messages(client, "window/showMessage")
    assert [s.split(" in ")[0] for s in said if "only the user may set it" in s] == [
        "setting 'completion.model'",
        "setting 'completion.adapter'",
    ]


@pytest.mark.e2e
def test_a_saved_settings_file_is_used_from_then_on(start, tmp_path):
    client = start()
    client.initialize(rootUri=tmp_path.as_uri())
    client.wait_until_ready()
    uri = (tmp_path / "a.py").as_uri()
    client.open(uri, "OPTIONS")
    assert client.complete_text(uri, 0, 7) == "64 qwen2.5-coder-0.5b"
    (tmp_path / "homespun.toml").write_text("[completion]\nmax_tokens = 5\n")
    saved = {"textDocument": {"uri": (tmp_path / "homespun.toml").as_uri()}}
    client.note("textDocument/didSave", saved)
    assert client.complete_text(uri, 0, 7) == "5 qwen2.5-coder-0.5b"


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        pytest.param(
            {"completion": {"maxTokens": "many"}},
            "setting 'completion.max_tokens' in editor is 'many', not a whole number; "
            "using 64 (default)",
            id="type",
        ),
        pytest.param(
            {"completion": {"maxTokens": -5}},
            "setting 'completion.max_tokens' in editor is -5, not at least 1; using 64 (default)",
            id="range",
        ),
        pytest.param(
            {"completion": 3},
            "setting 'completion' in editor is 3, not an object; it is ignored",
            id="section",
        ),
        pytest.param(
            [1],
            "the settings from initializationOptions are [1], not an object; they are ignored",
            id="all of it",
        ),
    ],
)
def test_a_wrong_setting_is_shown_and_logged_once_and_the_default_used(start, options, sentence):
    client = start()
    client.initialize(initializationOptions=options)
    client.wait_until_ready()
    assert asked(client) == "64 qwen2.5-coder-0.5b"
    client.note("workspace/didChangeConfiguration", {"settings": {"completion": {"threads": 1}}})
    assert asked(client)
    assert messages(client, "window/showMessage").count(sentence) == 1
    assert messages(client, "window/logMessage").count(sentence) == 1


@pytest.mark.e2e
@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"homespun": {"completion": {"maxTokens": 9}}}, id="under our name"),
        pytest.param({"completion": {"maxTokens": 9}}, id="bare"),
    ],
)
def test_pushed_settings_are_used(start, settings):
    client = start()
    client.initialize()
    client.wait_until_ready()
    client.note("workspace/didChangeConfiguration", {"settings": settings})
    assert asked(client) == "9 qwen2.5-coder-0.5b"


@pytest.mark.e2e
@pytest.mark.parametrize("settings", [None, {}])
def test_an_empty_push_is_taken_as_a_hint_to_ask(start, settings):
    client = start()
    client.replies["workspace/configuration"] = lambda params: [None]
    client.initialize(CAN_BE_ASKED)
    client.wait_until_ready()
    assert asked(client) == "64 qwen2.5-coder-0.5b"
    client.replies["workspace/configuration"] = lambda params: [{"completion": {"maxTokens": 8}}]
    client.note("workspace/didChangeConfiguration", {"settings": settings})
    client.wait_until(lambda: asked(client) == "8 qwen2.5-coder-0.5b")


@pytest.fixture(scope="module")
def askable():
    """A server whose editor can be asked for settings."""
    client = rpc.Client()
    client.initialize(CAN_BE_ASKED, initializationOptions={"completion": {"maxTokens": 7}})
    client.wait_until_ready()
    yield client
    client.kill()


@pytest.mark.e2e
@pytest.mark.parametrize(
    "answer", [[None], [{}], [], None, [{"completion": None}], {"no": "list"}, [17]]
)
def test_odd_answers_to_our_question_leave_what_was_there(askable, answer):
    askable.replies["workspace/configuration"] = lambda params: answer
    askable.incoming.clear()
    askable.note("workspace/didChangeConfiguration", {"settings": None})
    assert askable.wait_for("workspace/configuration") == {"items": [{"section": "homespun"}]}
    assert asked(askable) == "7 qwen2.5-coder-0.5b"


@pytest.mark.e2e
def test_another_model_is_loaded_without_a_restart(start):
    client = start()
    client.initialize()
    client.wait_until_ready()
    client.note("workspace/didChangeConfiguration", {"settings": {"completion": {"model": "b"}}})
    client.wait_until(lambda: asked(client) == "64 b")


@pytest.mark.e2e
def test_completion_that_is_switched_off_answers_nothing(start):
    client = start()
    client.initialize(initializationOptions={"completion": {"enabled": False}})
    client.open("untitled:a.py", "abc")
    assert client.complete("untitled:a.py", 0, 3) == []
    assert client.status()["last"]["finish"] == "filtered:disabled"


class _Quiet:
    """The editor of the unit tests below."""

    def __init__(self):
        self.said = []

    def can(self, *path):
        return False

    def say_once(self, sentence, kind):
        self.said.append((sentence, kind))


@pytest.mark.parametrize(
    ("initial", "pushed", "current"),
    [
        ({"a": {"x": 1}}, {"a": {"y": 2}}, {"a": {"x": 1, "y": 2}}),
        ({"a": {"x": 1}}, {"a": {"x": 2}}, {"a": {"x": 2}}),
        ({"a": {"x": 1}}, {"a": {"x": None}}, {"a": {"x": 1}}),
        ({"a": {"x": 1}}, {"a": None}, {"a": {"x": 1}}),
        ({"a": {"x": 1}}, {"homespun": {"b": {}}}, {"a": {"x": 1}, "b": {}}),
        (None, None, {}),
    ],
)
def test_later_settings_overlay_earlier_ones(initial, pushed, current):
    changes = []
    settings = EditorSettings(None, _Quiet(), changed=changes.append)
    settings.initialize(initial)
    settings.pushed(pushed)
    assert settings.current() == current
    assert changes in ([], [current])


def test_settings_that_are_no_object_are_named():
    editor = _Quiet()
    settings = EditorSettings(None, editor, changed=lambda current: None)
    settings.pushed("fast")
    sentence = "the settings from didChangeConfiguration are 'fast', not an object; "
    assert editor.said == [(sentence + "they are ignored", lsp.MessageType.Warning)]


NUMBERS = [
    pytest.param(section, cls, field, id=f"{section}.{field.name}")
    for section, cls in (
        ("completion", CompletionOptions),
        ("server", ServerOptions),
        ("index", IndexConfig),
    )
    for field in dataclasses.fields(cls)
    if isinstance(field.default, int | float) and not isinstance(field.default, bool)
]


@pytest.mark.parametrize(("section", "cls", "field"), NUMBERS)
def test_no_number_is_taken_however_large_it_is(section, cls, field, tmp_path):
    user_file().parent.mkdir(parents=True, exist_ok=True)
    for number in ("1e12", "inf") if isinstance(field.default, float) else ("1000000000000",):
        user_file().write_text(f"[{section}]\n{field.name} = {number}\n")
        found = resolve(cls, section, workspace=tmp_path)
        assert getattr(found.value, field.name) == field.default
        assert any(f"'{section}.{field.name}'" in fault for fault in found.faults)
        words = ("not at most ", "not a finite number")
        assert any(word in fault for fault in found.faults for word in words)


def test_threads_are_at_most_the_cores_of_the_machine():
    cores = os.cpu_count()
    found = resolve(CompletionOptions, "completion", workspace=None, flags={"threads": 3_000})
    assert found.value.threads == 0
    assert found.faults == [
        "setting 'completion.threads' in flag is 3000, not at most "
        f"{cores}, the logical cores of this machine; using 0 (default)"
    ]
    found = resolve(CompletionOptions, "completion", workspace=None, flags={"threads": cores})
    assert (found.value.threads, found.faults) == (cores, [])


@pytest.mark.parametrize(("asked", "given"), [(3_000, os.cpu_count()), (1, 1), (0, 0), (-2, 0)])
def test_a_model_gets_no_more_threads_than_there_are_cores(asked, given):
    assert within_cores(asked) == given
