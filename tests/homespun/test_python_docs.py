"""docs/python.md is run: block after block, a section at a time, in a small repository.

With a tiny model of random weights, whose words are noise: what a section prints is looked at
only where it is not the model's.
"""

from __future__ import annotations

import re
import shutil

import pytest

import homespun
from tests.layout.house import ROOT
from tests.support import small_house
from tests.support.scratch import Scratch
from tests.support.tiny import save_roomy_qwen2

PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
CONFIG = '''"""Where the config is parsed."""

import tomllib


def load_config(path: str) -> dict[str, object]:
    """Parse the config file."""
    with open(path, "rb") as file:
        return tomllib.load(file)
'''
APP = "from config import load_config\n\n\nsettings = loa\n"
SMALL_SETTINGS = {"CONTEXT_TOKENS": "256", "MAX_TOKENS": "6", "MAX_BLOCK_TOKENS": "8"}
SMALL_TRAINING = (
    "steps=4, items=10, examples=220, probes=6, forgetting_tasks=2, canaries=0, promote=False"
)


def blocks():
    """Section -> its blocks of Python, in order."""
    found = {}
    for section in PAGE.split("\n## ")[1:]:
        title, _, body = section.partition("\n")
        written = re.findall(r"^```python\n(.*?)^```$", body, re.DOTALL | re.MULTILINE)
        if written:
            found[title] = written
    return found


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A folder with a tiny random model that has room for whole prompts."""
    return save_roomy_qwen2(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    scratch = Scratch(tmp_path_factory.mktemp("house") / "shop")
    scratch.commit(src__config=CONFIG, src__app=APP)
    return small_house.build(scratch).folder


@pytest.fixture
def run(house, model, tmp_path, monkeypatch, capsys):
    """Run a section in a copy of the repository; return its names and what it printed."""
    shutil.copytree(house, tmp_path / "shop")
    monkeypatch.chdir(tmp_path / "shop")
    monkeypatch.setenv("HOMESPUN_COMPLETION_MODEL", str(model))
    for name, value in SMALL_SETTINGS.items():
        monkeypatch.setenv(f"HOMESPUN_COMPLETION_{name}", value)

    def run_section(title, **replaced):
        namespace = {"homespun": homespun}
        for number, block in enumerate(blocks()[title], start=1):
            for old, new in replaced.get("replaced", {}).items():
                block = block.replace(old, new)
            exec(compile(block, f"docs/python.md, {title}, block {number}", "exec"), namespace)
        return namespace, capsys.readouterr().out

    return run_section


def test_every_block_of_the_page_belongs_to_a_section_that_is_run():
    assert set(blocks()) == {
        *("Search", "Complete", "Fetch a model", "Learn from a repository", "Errors"),
    }
    assert sum(map(len, blocks().values())) == PAGE.count("```python\n")


def test_searching_takes_five_lines_and_finds(run):
    assert len(blocks()["Search"][0].strip().split("\n")) <= 5
    names, out = run("Search")
    assert re.search(r"^src/config\.py:1-\d+ ", out, re.MULTILINE)
    assert "src/config.py 6 def load_config(path: str) -> dict[str, object]" in out
    assert names["hit"].why and names["index"].why_not_dense()


def test_completing_takes_five_lines_and_answers(run, model):
    assert len(blocks()["Complete"][0].strip().split("\n")) <= 5
    homespun.Index.open(".")
    names, out = run("Complete")
    completion = names["completion"]
    assert (completion.model, completion.adapter) == (str(model), "none")
    assert completion.tokens["generated"] > 0
    assert out.endswith("\n")


@pytest.mark.model
def test_a_model_that_is_here_is_fetched_at_once(run, monkeypatch):
    monkeypatch.setenv("HOMESPUN_OFFLINE", "1")
    names, _ = run("Fetch a model")
    assert list(names["folder"].glob("*.gguf")) or list(names["folder"].iterdir())


def test_a_repository_is_counted_written_as_a_dataset_and_learned(run, model, tmp_path):
    small = {'model="qwen2.5-coder-0.5b", minutes=30': f"model={str(model)!r}, {SMALL_TRAINING}"}
    assert all(old in "".join(blocks()["Learn from a repository"]) for old in small)
    names, out = run("Learn from a repository", replaced=small)
    assert names["report"].directory == tmp_path / "shop" / ".homespun" / "dataset"
    assert names["found"].house()
    assert names["result"].report.is_file()
    [adapter] = names["registry"].adapters()
    assert f"{adapter.id} candidate" in out


def test_errors_are_caught_by_one_name_and_are_sentences(run):
    names, out = run("Errors")
    assert out.startswith("'") and "is no directory; give the folder of a repository" in out


def test_the_errors_that_the_page_draws_are_those_there_are():
    import homespun.cli.errors
    import homespun.errors
    import homespun.indexer.errors
    import homespun.models.errors
    import homespun.server.errors
    import homespun.training.errors

    modules = [getattr(homespun, room).errors for room in ROOMS]
    tree = re.search(r"```\n(HomespunError .*?)```", PAGE, re.DOTALL).group(1)
    drawn = set(re.findall(r"\b[A-Z][A-Za-z]+\b", tree))
    known = {
        name: value
        for module in [homespun.errors, *modules]
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, homespun.HomespunError)
    }
    assert drawn <= set(known)
    rooms = homespun.HomespunError.__subclasses__()  # and what other tests have made of it
    ours = {value.__name__ for value in rooms if value.__module__.startswith("homespun.")}
    assert "ModelsError" in ours
    assert ours <= drawn


ROOMS = ("cli", "indexer", "models", "server", "training")
