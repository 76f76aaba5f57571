"""Which imports of a package mean a file of the same package, judged by their text alone."""

from __future__ import annotations

import re
import sys
from pathlib import Path, PurePosixPath

from homespun.indexer.types import Import, ParsedFile

_DECLARES = {
    "csharp": re.compile(r"^\s*namespace\s+([\w.]+)", re.MULTILINE),
    "elixir": re.compile(r"^\s*defmodule\s+([\w.]+)", re.MULTILINE),
    "haskell": re.compile(r"^module\s+([\w.]+)", re.MULTILINE),
    "java": re.compile(r"^\s*package\s+([\w.]+)", re.MULTILINE),
    "kotlin": re.compile(r"^\s*package\s+([\w.]+)", re.MULTILINE),
    "php": re.compile(r"^\s*namespace\s+([\w\\]+)", re.MULTILINE),
    "scala": re.compile(r"^package\s+(?!object)([\w.]+)", re.MULTILINE),
}
_RELATIVE = {
    "javascript": (".",),
    "python": (".",),
    "ruby": (".",),
    "rust": ("crate", "self", "super"),
    "tsx": (".",),
    "typescript": (".",),
}


class Declared:
    """What the files of a package declare."""

    def __init__(self, language: str, root: Path, files: list[ParsedFile]) -> None:
        self._relative = _RELATIVE.get(language, ())
        self._language = language
        self._modules: set[str] = set()
        pattern = _DECLARES.get(language)
        if pattern is not None:
            for file in files:
                text = (root / file.path).read_text(encoding="utf-8", errors="replace")
                self._modules.update(pattern.findall(text))
        paths = [PurePosixPath(file.path) for file in files]
        self._names = {path.name for path in paths}
        self._tops = {path.stem for path in paths} | {part for p in paths for part in p.parts[:-1]}
        self._go = {
            found[1]
            for mod in root.rglob("go.mod")
            if (found := re.search(r"^module\s+(\S+)", mod.read_text(), re.MULTILINE))
        }

    def has(self, imported: Import, file: ParsedFile) -> bool:
        """Tell whether the import means something of the package."""
        module = imported.module
        if self._relative and module.startswith(self._relative):
            return True
        match self._language:
            case "java" | "kotlin" | "scala":
                return any(m in self._modules for m in (module, module.rpartition(".")[0]))
            case "php" | "csharp" | "elixir" | "haskell":
                return module in self._modules
            case "go":
                return any(f"{module}/".startswith(f"{own}/") for own in self._go)
            case "zig":
                return module.endswith(".zig")
            case "c" | "cpp":
                return PurePosixPath(module).name in self._names
            case "bash":
                return "/" in module
            case "python" if module.partition(".")[0] in sys.stdlib_module_names:
                return False
            case "python" | "ruby" | "lua":
                parts = re.split(r"[./]", module)
                return all(part in self._tops for part in parts)
        return False
