"""A pack in memory: definitions of another repository, found by module, file and name.

Tens of thousands of rows of several packs have to cost little: texts lie in one block of bytes a
column, and an object is made of a row only when it is asked for.
"""

from __future__ import annotations

import copy
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from homespun.indexer.packs.definition import FILE, IMPORT, PackRow
from homespun.indexer.packs.file import TEXTS, unpacked_columns
from homespun.indexer.packs.names import label_of

_Numbers = npt.NDArray[np.int32]
_KEPT_FILES = 64


@dataclass(frozen=True, slots=True)
class _Texts:
    """The different texts of a column, in one block, and which one each row has."""

    block: bytes  # UTF-8
    ends: _Numbers  # (different texts + 1,)
    codes: _Numbers  # (rows,)

    def of(self, row: int) -> str:
        code = self.codes[row]
        return self.block[self.ends[code] : self.ends[code + 1]].decode()

    @property
    def size_bytes(self) -> int:
        return len(self.block) + int(self.ends.nbytes + self.codes.nbytes)


class Pack:
    """What one other repository offers; any thread may ask."""

    def __init__(self, repo: str, revision: str, digest: str, columns: dict[str, Any]) -> None:
        """Use `read`."""
        self.repo = repo
        self.revision = revision
        self.label = label_of(repo, revision)
        self.digest = digest  # sha256 of its bytes
        self._texts = {name: _texts(*columns[name]) for name in TEXTS}
        self._starts = _array(columns["start_line"])
        self._ends = _array(columns["end_line"])
        paths, _ = columns["path"]
        self._rows = _grouped(self._texts["path"].codes, len(paths))
        self._files = {path: number for number, path in enumerate(paths)}
        names, _ = columns["name"]
        self._of_name = _grouped(self._texts["name"].codes, len(names))
        self._names = {name: number for number, name in enumerate(names)}
        self._kinds: list[str] = columns["kind"][0]
        self._modules = self._modules_of(names, paths)
        self._top = frozenset(module.partition(".")[0] for module in self._modules)
        self.rows_in = lru_cache(maxsize=_KEPT_FILES)(self._rows_in)

    @classmethod
    def read(cls, repo: str, revision: str, data: bytes) -> Pack:
        """Return a pack from its bytes, which are checked. Raises `PackRefused`."""
        columns = unpacked_columns(data, what=f"the pack of {repo!r}")
        return cls(repo, revision, hashlib.sha256(data).hexdigest(), columns)

    def at(self, revision: str) -> Pack:
        """Return it as that of another commit, whose rows are the same."""
        if revision == self.revision:
            return self
        other = copy.copy(self)
        other.revision = revision
        other.label = label_of(self.repo, revision)
        return other

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return len(self._starts)

    @property
    def offered(self) -> frozenset[str]:
        """The modules that it offers."""
        return frozenset(self._modules)

    @property
    def modules(self) -> frozenset[str]:
        """The first parts of the modules that it offers: what a document may import."""
        return self._top

    @property
    def size_bytes(self) -> int:
        """What its texts and numbers take; the names that are looked up come on top."""
        numbers = (self._starts, self._ends, *self._rows, *self._of_name)
        return sum(text.size_bytes for text in self._texts.values()) + sum(
            int(each.nbytes) for each in numbers
        )

    def called(self, path: str) -> str:
        """Return what a file of this repository is called elsewhere."""
        return f"{self.label}:{path}"

    def file_of(self, module: str, name: str = "") -> str | None:
        """Return the path of a module; with `name`, of the submodule of that name if there is one.

        None where this repository has no such module.
        """
        if name and (inside := self._modules.get(f"{module}.{name}")) is not None:
            return inside
        return self._modules.get(module)

    def holds(self, path: str) -> bool:
        """Tell whether it knows a file."""
        return path in self._files

    def module_of(self, path: str) -> str:
        """Return the module that a file is, "" for a file that it does not know."""
        first = self.rows_in(path)
        return first[0].name if first and first[0].kind == FILE else ""

    def find(self, path: str, name: str) -> PackRow | None:
        """Return the first definition of a name at the top level of a file."""
        for row in self._numbers(path, name):
            kind = self._kinds[self._texts["kind"].codes[row]]
            if kind not in (FILE, IMPORT) and self._texts["qualified"].of(row) == name:
                return self._row(row)
        return None

    def named(self, name: str) -> list[PackRow]:
        """Return what is defined under a name, at any level."""
        number = self._names.get(name)
        rows = () if number is None else _group(self._of_name, number)
        found = [self._row(int(row)) for row in rows]
        return [row for row in found if row.kind not in (FILE, IMPORT)]

    def _numbers(self, path: str, name: str) -> list[int]:
        file, number = self._files.get(path), self._names.get(name)
        if file is None or number is None:
            return []
        of_path = self._texts["path"].codes
        return [row for row in _group(self._of_name, number).tolist() if of_path[row] == file]

    def _rows_in(self, path: str) -> tuple[PackRow, ...]:
        """Return the rows of a file, by line."""
        file = self._files.get(path)
        if file is None:
            return ()
        rows = _group(self._rows, file)
        ordered = rows[np.argsort(self._starts[rows], kind="stable")]
        return tuple(self._row(int(row)) for row in ordered)

    def _row(self, number: int) -> PackRow:
        path, kind, name, qualified, signature, doc, lead, body = (
            column.of(number) for column in self._texts.values()
        )
        lines = int(self._starts[number]), int(self._ends[number])
        return PackRow(path, kind, name, qualified, *lines, signature, doc, lead, body)

    def _modules_of(self, names: list[str], paths: list[str]) -> dict[str, str]:
        kinds = self._texts["kind"].codes
        if FILE not in self._kinds:
            return {}
        found: dict[str, str] = {}
        name_codes, path_codes = self._texts["name"].codes, self._texts["path"].codes
        for row in np.flatnonzero(kinds == self._kinds.index(FILE)):
            found.setdefault(names[name_codes[row]], paths[path_codes[row]])
        return found


def _texts(values: list[str], codes: Any) -> _Texts:  # noqa: ANN401 - an Arrow array
    encoded = [value.encode() for value in values]
    ends = np.zeros(len(encoded) + 1, np.int32)
    np.cumsum([len(value) for value in encoded], out=ends[1:])
    return _Texts(b"".join(encoded), ends, _array(codes))


def _array(values: Any) -> _Numbers:  # noqa: ANN401 - an Arrow array
    return np.array(values, dtype=np.int32)


def _grouped(codes: _Numbers, groups: int) -> tuple[_Numbers, _Numbers]:
    """Return the rows ordered by their code, and where each code's rows end."""
    order = np.argsort(codes, kind="stable").astype(np.int32)
    ends = np.zeros(groups + 1, np.int32)
    np.cumsum(np.bincount(codes, minlength=groups), out=ends[1:])
    return order, ends


def _group(grouped: tuple[_Numbers, _Numbers], number: int) -> _Numbers:
    order, ends = grouped
    return order[ends[number] : ends[number + 1]]
