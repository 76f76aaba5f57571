"""Who may import whom, between rooms and between sub-packages; and how large a place is."""

from __future__ import annotations

import pytest

from tests.layout import house
from tests.layout.house import ROOT, imports_of, relative, sources

MAY_IMPORT = {
    "homespun": {"homespun"},
    "models": {"models", "homespun"},
    "indexer": {"indexer", "models", "homespun"},
    "server": {"server", "indexer", "models", "homespun"},
    "training": {"training", "server", "indexer", "models", "homespun"},
    "cli": {"cli", "training", "server", "indexer", "models", "homespun"},
}
# Of the server, a training sees what answers, not what talks to an editor.
TRAINING_SEES = {
    *("analysis", "completion", "confidence", "context", "licences", "options", "prompt"),
    "report_page",
    "types",
}
# The jobs of the maintainers are programs, as the command is: they draw progress as it does.
PROGRESS_OF_PROGRAMS = "homespun.cli.progress"
# Rooms by layers, the lowest first: a sub-package, or a file of the room's own, may import from the
# layers below its own and from nothing else of its room.
LAYERS = {
    "models": (
        "errors telemetry types",
        "catalogue remote.route remote.tokens remote.wire runtime weights",
        "convert",
        "adapters engine",
        "download fakes",
        "remote serve status",
        "observe remote.vectors rerank",
        "adapters.export export load promote recommend",
        "adapters.upkeep",
        "adapters.sharing",
    ),
    "indexer": (
        "config errors languages types",
        "imports scan secrets words",
        "packs storage syntax",
        "memory packs.sharing",
        "embedding search",
        "build evaluation roots table",
        "index",
        "licences watch",
    ),
    "server": (
        "errors options report_page types",
        "lsp prompt transport",
        "analysis confidence",
        "analysis.python",
        "acceptance context licences",
        "completion freshness",
        "traces",
        "requests",
        "background",
        "agents app openai",
        "commands handlers",
        "setup",
    ),
    "training": (
        "config errors",
        "conventions.base history runs",
        "conventions.javascript conventions.python sources",
        "weighing",
        "conventions dataset",
        "lessons",
        "lora probes.rewrites safety",
        "evaluation probes",
        "endpoint gate",
        "report",
        "pipeline",
        "advice",
        "shipped",
        "shipped.static_encoder",
        "shipped.confidence shipped.general_adapter",
    ),
    "cli": (
        "ending errors output shown surroundings",
        "agents champion fleet numbers progress",
        "doctor.checks observing verbs.adapters verbs.advise verbs.eval verbs.fleet verbs.traces",
        "doctor verbs.agents",
        "verbs",
        "main",
        "__main__ tied",
    ),
}
FORBIDDEN_LIBRARIES = {
    "homespun": {"torch", "transformers", "peft", "pygls", "lsprotocol", "lancedb"},
    "server": {"torch", "transformers", "peft"},
    "indexer": {"torch", "transformers", "peft", "pygls", "lsprotocol"},
    "models": {"pygls", "lsprotocol", "lancedb", "peft"},
}
# The one module that the dev extra is for: the original, to compare with.
REFERENCE = "models/weights/transformers_model.py"
MAX_FILES = 12  # of a folder, `__init__.py` not counted
MAX_LINES = 400
MAX_SIBLINGS = 2  # that begin with the same word: three are a sub-package


def forbidden_arrows(path, text):
    """Every import that the tables forbid, as "file:line: module"."""
    room = path.relative_to(ROOT).parts[0]
    for module, line in imports_of(text):
        head = module.split(".")[0]
        if head in FORBIDDEN_LIBRARIES.get(room, set()) and relative(path) != REFERENCE:
            yield f"{relative(path)}:{line}: {module}"
    for module, line in house.own_imports(text).items():
        if not is_allowed(house.module_of(path), module):
            yield f"{relative(path)}:{line}: {module}"


def is_allowed(importer, imported):
    """Whether the tables let one module import another."""
    room, other = (
        name.split(".")[1] if name.count(".") > 1 else "" for name in (importer, imported)
    )
    room, other = room if room in LAYERS else "homespun", other if other in LAYERS else "homespun"
    if importer.startswith("homespun.training.shipped") and imported == PROGRESS_OF_PROGRAMS:
        return True
    if other not in MAY_IMPORT[room]:
        return False
    if imported.startswith("homespun.training.shipped"):
        return importer.startswith("homespun.training.shipped")
    if room == "training" and other == "server":
        return imported.split(".")[2] in TRAINING_SEES
    if room != other or room == "homespun":
        return True
    above, below = (place_of(name) for name in (importer, imported))
    return above == below or layer_of(room, above) > layer_of(room, below)


def room_of(module):
    """The room of a module; what stands in none is the floor's."""
    parts = module.split(".")
    return parts[1] if len(parts) > 2 and parts[1] in LAYERS else "homespun"


def place_of(module):
    """The sub-package of a module within its room; a file of the room's own is its own place."""
    parts = module.split(".")[2:]
    return ".".join(parts[:-1]) if len(parts) > 1 else parts[0]


def layer_of(room, place):
    """The number of a place's layer, from below."""
    found = [n for n, names in enumerate(LAYERS[room]) if place in names.split()]
    assert found, f"{room}/{place} stands in no layer: put it into one"
    return found[0]


def test_no_arrow_points_back():
    found = [row for path in sources() for row in forbidden_arrows(path, path.read_text())]
    assert found == []


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("indexer/planted.py", "from homespun.server.types import Completion"),
        ("training/pipeline/train.py", "import homespun.cli.main"),
        ("server/app.py", "import homespun.training.errors"),
        ("models/load.py", "import homespun.indexer.types"),
        ("homespun/storage.py", "from homespun.models.errors import ModelsError"),
        ("server/prompt/render.py", "from homespun.server.completion.completer import Completer"),
        ("server/lsp/client.py", "if TYPE_CHECKING:\n    from homespun.server.app import X"),
        ("indexer/words/bm25.py", "def f():\n    from homespun.indexer import index"),
        ("training/dataset/build.py", "from homespun.server.background.backend import Backend"),
        ("training/pipeline/train.py", "from homespun.training.shipped import packages"),
        ("training/pipeline/train.py", "from homespun.cli.progress import RichProgress"),
        ("training/shipped/packages.py", "from homespun.cli.output import say"),
        ("server/completion/completer.py", "import torch"),
    ],
)
def test_a_planted_arrow_is_found(path, line):
    assert list(forbidden_arrows(ROOT / path, line))


def test_there_is_no_circle_of_files_and_none_of_sub_packages():
    files = house.graph()
    assert house.circle({name: set(them) for name, them in files.items()}) == []
    assert house.circle(house.places(files)) == []


def test_a_planted_circle_is_found():
    assert house.circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})


def test_no_folder_has_more_files_than_a_glance_takes():
    assert {name: count for name, count in house.folders().items() if count > MAX_FILES} == {}


def test_no_word_is_the_prefix_of_three_siblings():
    assert {name for name, count in house.prefixes().items() if count > MAX_SIBLINGS} == set()


def test_no_file_is_long():
    lines = {relative(path): house.lines_of(path) for path in sources()}
    assert {path: count for path, count in lines.items() if count > MAX_LINES} == {}
