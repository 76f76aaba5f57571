"""How the server is, in the words of the protocol: the status of each part, and of the whole.

`overall` is the one place that decides what the user sees where several parts have something to
say. A fix is a command that the editor can run as it stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from homespun.models import catalogue
from homespun.models.errors import ModelDamaged, ModelMissing, ModelsError, WrongHash

FETCH_COMMAND = "homespun.fetchModel"
REINDEX_COMMAND = "homespun.reindex"
RESUME_COMMAND = "homespun.resume"
STAY_HERE_COMMAND = "homespun.stayHere"


@dataclass(frozen=True, slots=True)
class Fix:
    """A command that may mend a problem, and what a button that runs it says."""

    title: str
    command: str
    arguments: tuple[object, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Return it as it goes to the editor."""
        return {"title": self.title, "command": self.command, "arguments": [*self.arguments]}


@dataclass(frozen=True, slots=True)
class Status:
    """How a part of the server is, or the whole."""

    state: str  # starting, loading model, indexing, ready, paused, problem, off
    message: str = ""  # one sentence
    percent: int | None = None  # of what is being indexed or fetched; None = not known
    fix: Fix | None = None

    def to_json(self) -> dict[str, object]:
        """Return it as it goes to the editor."""
        return {
            "state": self.state,
            "message": self.message,
            "percent": self.percent,
            "fix": self.fix.to_json() if self.fix else None,
        }


REBUILD = Fix("Rebuild the index", REINDEX_COMMAND)
RESUME = Fix("Resume", RESUME_COMMAND)
STAY_HERE = Fix("Send nothing until the next start", STAY_HERE_COMMAND)
OFF = Status("off", "completion is switched off; the setting completion.enabled switches it on")


def overall(
    *,
    off: bool,
    pause: Status | None,
    model: Status,
    indexes: Sequence[Status],
) -> Status:
    """Return the status of the whole: what the user wants first, then what completions wait for.

    `pause` is None where nothing is paused; `indexes` has one for each folder that is indexed.
    """
    if pause is not None:
        return pause
    if off:
        return OFF
    if model.state != "ready":
        return model
    for status in indexes:
        if status.state == "problem":
            return status
    indexing = [status for status in indexes if status.state in ("starting", "indexing")]
    if indexing:
        percents = [status.percent or 0 for status in indexing]
        message = next((status.message for status in indexing if status.message), "")
        is_known = any(status.percent is not None for status in indexing)
        # The least: it falls behind nothing that was shown when another folder is done.
        return Status("indexing", message, percent=min(percents) if is_known else None)
    return model


def model_fix(name: str, error: Exception) -> Fix | None:
    """Return what mends a model that could not be loaded; None where no command does."""
    if name not in catalogue.names() or not isinstance(error, ModelsError):
        return None
    if isinstance(error, ModelMissing | WrongHash):
        megabytes = round(catalogue.get(name).total_bytes / 1e6)
        return Fix(f"Fetch the model ({megabytes} MB)", FETCH_COMMAND)
    if isinstance(error, ModelDamaged):
        return Fix("Check the model's files and load it again", FETCH_COMMAND)
    return None
