"""What a chunk, a symbol and a hit are. Standard library only; imports nothing of ours.

Lines are 1-based and inclusive at both ends; paths are relative to the repository root, with "/".
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, slots=True)
class Chunk:
    """A run of whole lines of one file that is retrieved as a unit."""

    path: str
    language: str  # "python", "typescript", …, "text" where no grammar applies
    start_line: int
    end_line: int
    symbol: str  # qualified name of the definition that it holds or lies in, "" at module level
    kind: str  # "function", "class", "method", "module", "text"
    header: str  # one line: path and enclosing definitions; indexed, never part of `text`
    text: str  # the source lines, newline-terminated except perhaps at the end of the file


@dataclass(frozen=True, slots=True)
class Symbol:
    """A definition."""

    name: str  # as written at the definition
    qualified: str  # e.g. "Session.request"
    kind: str  # "function", "class", "method", "constant", "type", …
    path: str
    language: str
    start_line: int
    end_line: int
    signature: str  # the definition's head on one line, without its body
    doc: str  # first line of its documentation, "" where there is none


@dataclass(frozen=True, slots=True)
class Import:
    """One imported name (or a whole module, when `name` is "")."""

    module: str  # as written: "pkg.mod", ".sibling", "./util", "crate::net"
    name: str  # the name taken from the module, "*" for all, "" for the module itself
    alias: str  # the name it is bound to in the file; equals `name` or the module's without "as"
    line: int


@dataclass(frozen=True, slots=True)
class Call:
    """A call site: who is called, where."""

    name: str  # last part of the callee, e.g. "request" in `self.session.request(...)`
    line: int


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """Everything the indexer takes out of one file."""

    path: str
    language: str
    content_hash: str  # sha256 of the file's bytes, hex
    chunks: tuple[Chunk, ...]
    symbols: tuple[Symbol, ...]
    imports: tuple[Import, ...]
    calls: tuple[Call, ...]
    partial: bool  # the parser met syntax errors and recovered


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that is not indexed, and why."""

    reason: str  # one word for counting: "binary", "minified", "generated", "secret", …


@dataclass(frozen=True, slots=True)
class Hit:
    """A ranked chunk; the JSON of `homespun search` is its `to_json`."""

    path: str
    start_line: int
    end_line: int
    symbol: str
    kind: str
    language: str
    score: float
    why: dict[str, float]  # part of the ranking -> its share of the score
    text: str

    def to_json(self) -> dict[str, object]:
        """Return the contract's JSON object."""
        return {
            "path": self.path,
            "start_line": self.start_line,
            "end_line": self.end_line,
            "symbol": self.symbol,
            "kind": self.kind,
            "language": self.language,
            "score": round(self.score, 6),
            "why": {part: round(share, 6) for part, share in self.why.items()},
            "text": self.text,
        }


@dataclass(frozen=True, slots=True)
class Region:
    """Lines of a file that must not come back as context."""

    path: str
    start_line: int
    end_line: int


@dataclass(slots=True)
class IndexReport:
    """What one run of the indexer did."""

    files: int = 0  # files in the index afterwards
    chunks: int = 0
    symbols: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    partial: int = 0  # files with syntax errors, parsed in part
    skipped: dict[str, int] = field(default_factory=dict)  # reason -> number of files
    skipped_examples: dict[str, list[str]] = field(default_factory=dict)  # reason -> few paths
    embedded: int = 0  # chunk vectors computed in this run (not taken from the cache)
    notes: list[str] = field(default_factory=list)  # sentences: "no git repository: …"
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """What an index holds."""

    root: str
    files: int
    chunks: int
    symbols: int
    languages: dict[str, int]  # language -> files
    encoder: str  # "" before the first embedding
    vectors: int  # chunks that have one; counted only with the encoder at hand
    generation: int
    disk_bytes: int

    def to_json(self) -> dict[str, object]:
        """Return a JSON object."""
        return asdict(self)
