"""What a convention is: a question to the code, the forms an answer may take, where each is seen.

A *rule* asks one thing ("how are strings formatted?"), its *forms* are the answers that exclude
each other ("f-string", "percent", "format"), and a *site* is a place in a file that gives one
answer. The most frequent form is the house form. Sites that fit several forms (a name of one word
is both snake_case and camelCase) are no sites: they tell nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Family = str  # "python", "javascript" (with TypeScript, JSX, TSX), else a language of its own

Group = Literal[
    "naming",
    "imports",
    "strings",
    "logging",
    "errors",
    "documentation",
    "types",
    "classes",
    "functions",
    "idioms",
    "files and paths",
    "tests",
    "layout",
]
GROUPS: tuple[Group, ...] = Group.__args__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Rule:
    """One question to the code."""

    id: str  # "python/string-formatting"
    group: Group
    title: str  # what is asked, in a few words
    forms: Mapping[str, str] = field(default_factory=dict)  # form -> what people call it
    settled_by: str = ""  # which formatter settles it, so that it says nothing about who writes

    @property
    def fixable(self) -> bool:
        """Whether a formatter settles it: neither probed nor counted in what a model writes."""
        return bool(self.settled_by)

    @property
    def family(self) -> Family:
        """The language, or family of languages, whose code is asked."""
        return self.id.partition("/")[0]

    def label(self, form: str) -> str:
        """Return what people call a form; forms that the code itself names are called that."""
        return self.forms.get(form, form)


class Site(NamedTuple):
    """A place that answers a rule's question."""

    rule: str  # id
    form: str
    line: int  # 1-based
    start: int = -1  # bytes in the UTF-8 text, the end excluded; -1: the file as a whole
    end: int = -1
