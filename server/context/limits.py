"""How many definitions a prompt is offered and how much is shown of each, road by road.

What a prompt shows of a repository is decided in three steps, each on what the one before leaves:
found within these limits (`server/context/retriever.py`), kept as it was from one key to the next
(`server/prompt/stable_snippets.py`), cut to the room of the prompt (`server/prompt/render.py`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DefinitionLimits:
    """What one road to definitions brings."""

    definitions: int  # at one cursor
    members: int  # of a class whose members are chosen, the likeliest
    short_class_lines: int  # a class of fewer lines is shown whole
    short_function_lines: int  # likewise a function


# By what the cursor needs (`candidates.py`): all of Python; in other languages plain names, behind
# those that came by name, up to so many of both roads together.
BY_NEED = DefinitionLimits(definitions=8, members=8, short_class_lines=16, short_function_lines=12)
# By the names around the cursor (`definitions.py`): languages whose types are not inferred.
# The roads were tuned apart, so their numbers differ: to make them one changes answers.
BY_NAME = DefinitionLimits(definitions=4, members=12, short_class_lines=30, short_function_lines=12)
