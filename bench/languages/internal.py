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
    "scala": re.compile(r"^package\s+(?:object\s+)?([\w.]+)", re.MULTILINE),
}
_RELATIVE = {
    "bash": (".", "/", "$"),
    "javascript": (".",),
    "php": (".",),
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
                found = pattern.findall(text)
                self._modules.update(found)
                if language in ("elixir", "scala"):  # `package a`, `package b`: a.b
                    self._modules.update(".".join(found[:n]) for n in range(2, len(found) + 1))
        paths = [PurePosixPath(file.path) for file in files]
        self._names = {path.name for path in root.rglob("*.*")}
        self._crates = {
            found[1].replace("-", "_")
            for toml in root.rglob("Cargo.toml")
            if (found := re.search(r'^name\s*=\s*"([^"]+)"', toml.read_text(), re.MULTILINE))
        }
        self._tops = {path.stem for path in paths} | {part for p in paths for part in p.parts[:-1]}
        self._go = {
            found[1]
            for mod in root.rglob("go.mod")
            if (found := re.search(r"^module\s+(\S+)", mod.read_text(), re.MULTILINE))
        }

    def has(self, imported: Import, file: ParsedFile) -> bool:
        """Tell whether the import means something of the package."""
        module = imported.module
        if module.startswith(self._relative):
            return True
        dotted = module.replace("::", ".").split(".")
        match self._language:
            case "zig":
                return module.endswith(".zig")
            case "java" | "kotlin" | "scala":
                return any(m in self._modules for m in (module, module.rpartition(".")[0]))
            case "rust":
                return dotted[0] in self._crates
            case "go":
                return any(f"{module}/".startswith(f"{own}/") for own in self._go)
            case "c" | "cpp":
                return PurePosixPath(module).name in self._names
            case "python" | "ruby" | "lua":
                return self._is_path(module)
        return module in self._modules

    def _is_path(self, module: str) -> bool:
        parts = re.split(r"[./]", module)
        if self._language == "python" and parts[0] in sys.stdlib_module_names:
            return False
        return all(part in self._tops for part in parts)
