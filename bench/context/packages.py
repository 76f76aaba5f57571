"""The packages whose lines are completed, younger than the model: to tune on, and to report."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from homespun.training.shipped.packages import Package, unpacked

CURSORS = Path(__file__).parent / "cursors"


@dataclass(frozen=True, slots=True)
class CursorCorpus:
    """A package, and the folder of it that is the repository."""

    package: Package
    root: str
    sys_path: tuple[str, ...] = (".",)  # below the root, for jedi
    held: bool = False  # looked at once, for the report

    @property
    def name(self) -> str:
        """The package's name."""
        return self.package.name

    @property
    def cursors(self) -> Path:
        """Where its cursors are kept."""
        return CURSORS / f"{self.name}.json"

    def folder(self) -> Path:
        """Return the repository's folder, fetched where it is missing."""
        return unpacked(self.package) / self.root


CORPORA = (
    CursorCorpus(
        Package(
            *("pypi", "mcp", "2.3.0"),
            "8b147a50441cf059dc88c684e0aeed3687f0aa0f39c6cde7b90330effd2b34d8",
        ),
        "src",
        (".", "mcp-types"),
    ),
    CursorCorpus(
        Package(
            *("pypi", "openai-agents", "0.9.3"),
            "65b150a86cae36f42da910a3a3793559ffbbe00c6fb8545e570867b84d25dbeb",
        ),
        "src",
    ),
    CursorCorpus(
        Package(
            *("pypi", "pygls", "2.1.1"),
            "1da03ba9053201bb337dcdd8d121df70feb2a91e1a0dcc74de5da79755b1a201",
        ),
        ".",
    ),
    CursorCorpus(
        Package(
            *("pypi", "fastmcp", "4.1.6"),
            "5e307ae4ac3048a1b586aac6fc31e08661141bb69b8a2b473070e5becae0176c",
        ),
        "fastmcp_slim",
        held=True,
    ),
    CursorCorpus(
        Package(
            *("pypi", "a2a-sdk", "1.3.0"),
            "73694717de50f36aaebd57b8fc6636ecaa825eb0d4437984fa2cd17f703a6808",
        ),
        "src",
        held=True,
    ),
)


def chosen(*, held: bool, names: Collection[str] = ()) -> list[CursorCorpus]:
    """Return the named packages; without names those to work with, or those that only report."""
    return [c for c in CORPORA if (c.name in names if names else c.held == held)]
