"""Which file of the repository an import means; pure, by the conventions of each language.

No build file is read. Exact places are tried first; then a file whose path ends as the module's
does, the nearest to the importing file. Where a module is a folder (Go, JVM, C#), one of its files
stands for it. What is not in the repository gives None.
"""

from __future__ import annotations

import posixpath
import re
import sys
from collections.abc import Callable, Collection, Iterator, Sequence

from homespun.indexer.imports import resolve_by_path
from homespun.indexer.imports.resolve_by_path import ImportQuery, folders_above

_PYTHON_ROOTS = ("", "src", "lib", "python")
_SCRIPT_SUFFIXES = (
    *(".ts", ".tsx", ".d.ts", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs"),
    *(".vue", ".svelte", ".json"),
)
_GO_HOSTS = frozenset({"github.com", "gitlab.com", "bitbucket.org", "codeberg.org"})
_GO_MAJOR = re.compile(r"v\d+")
# Of a package that says in package.json alone which file it is.
_NO_MAIN_FILE = (".config", ".test", ".spec", ".d", "rc")


def resolve_import(
    module: str,
    importing_path: str,
    language: str,
    all_paths: Collection[str],
    *,
    name: str = "",
) -> str | None:
    """Return the file that `module` means in `importing_path`, or None.

    With `name` (what is taken from the module) a file of that name inside the module comes first:
    `from . import errors`, `import com.acme.Client`. `all_paths` should answer `in` quickly.
    """
    resolver = _RESOLVERS.get(language)
    if resolver is None or not module:
        return None
    wanted = "" if name in ("*", "default") else name
    return resolver(ImportQuery(module, wanted, importing_path, all_paths))


# --- Python


def _python(query: ImportQuery) -> str | None:
    dotted = query.module.lstrip(".")
    parts = [part for part in dotted.split(".") if part]
    level = len(query.module) - len(dotted)
    if level:
        folder = query.folder.split("/") if query.folder else []
        if level - 1 > len(folder):
            return None
        base = folder[: len(folder) - level + 1]
        return query.exact(_python_files("/".join([*base, *parts]), query.name))
    if parts[0] in sys.stdlib_module_names:
        return None
    inside = "/".join(parts)
    roots = list(_python_roots(query))
    found = query.exact(
        path for root in roots for path in _python_files(posixpath.join(root, inside), query.name)
    )
    return found or _python_elsewhere(query, parts)


def _python_files(base: str, name: str) -> Iterator[str]:
    for stem in ([f"{base}/{name}"] if name else []) + ([base] if base else []):
        for ending in (".py", "/__init__.py", ".pyi", "/__init__.pyi"):
            yield stem.lstrip("/") + ending
    if not base:
        yield "__init__.py"


def _python_roots(query: ImportQuery) -> Iterator[str]:
    """Yield where packages may lie: usual roots, and folders above that are no packages."""
    yield from _PYTHON_ROOTS
    folder = query.folder
    while folder:
        if f"{folder}/__init__.py" not in query.paths:
            yield folder
            yield f"{folder}/src"
        folder = posixpath.dirname(folder)


def _python_elsewhere(query: ImportQuery, parts: list[str]) -> str | None:
    """Look for a package below any folder, then for one that lies under another name."""
    for kept in (parts, parts[1:]):
        if len(kept) > 1 or (len(kept) == 1 and query.name and kept is parts):
            files = list(_python_files("/".join(kept), query.name))
            found = query.ending([path for path in files if "/" in path])
            if found:
                return found
    return None


# --- JavaScript and TypeScript


def _script(query: ImportQuery) -> str | None:
    module = query.module.split("?")[0]
    if module.startswith("."):
        base = posixpath.normpath(posixpath.join(query.folder, module))
        return query.exact(_script_files(base)) or _main_file(query, base)
    if module.startswith(("@/", "~/")):
        module = module[2:]
        roots = ["src", "", "app"]
    elif "/" not in module:
        return None  # a package's name; what lies in the repository has a path
    else:
        roots = []
    for folder in folders_above(query.folder):
        roots += [folder, f"{folder}/src"]
    bases = [posixpath.join(root, module) for root in [*roots, "", "src"]]
    found = query.exact(path for base in bases for path in _script_files(base))
    return found or _workspace_package(query, module)


def _main_file(query: ImportQuery, folder: str) -> str | None:
    """Take the only script of a package's folder: which one it is says package.json alone."""
    folder = "" if folder == "." else folder
    if posixpath.join(folder, "package.json") not in query.paths:
        return None
    found = [
        path
        for path in query.paths
        if posixpath.dirname(path) == folder
        and path.endswith(_SCRIPT_SUFFIXES[:-1])
        and not posixpath.splitext(path)[0].endswith(_NO_MAIN_FILE)
    ]
    lib = query.exact(_script_files(posixpath.join(folder, "lib"))) if len(found) != 1 else None
    return found[0] if len(found) == 1 and found[0] != query.importing else lib


def _script_files(base: str) -> Iterator[str]:
    yield base
    stem, extension = posixpath.splitext(base)
    if extension in (".js", ".jsx", ".mjs", ".cjs"):  # TypeScript imports what it will become
        yield from (stem + suffix for suffix in (".ts", ".tsx", ".mts", ".cts", ".d.ts"))
    yield from (base + suffix for suffix in _SCRIPT_SUFFIXES)
    yield from (f"{base}/index{suffix}" for suffix in _SCRIPT_SUFFIXES)


def _workspace_package(query: ImportQuery, module: str) -> str | None:
    """`@acme/ui` is often packages/ui of the same repository."""
    if not module.startswith("@") or module.count("/") != 1:
        return None
    package = module.split("/")[1]
    for middle in ("/src/index", "/index", "/lib/index"):
        found = query.ending([package + middle + suffix for suffix in _SCRIPT_SUFFIXES])
        if found:
            return found
    return None


# --- Go, Rust


def _go(query: ImportQuery) -> str | None:
    """Take the file named after the folder that is the package, else its first file.

    What follows the module's own path is a folder below its go.mod; how many parts that path has
    depends on the host (`github.com/owner/name/rest`).
    """
    parts = query.module.split("/")
    folders: dict[str, list[str]] = {}
    for path in query.paths:
        if path.endswith(".go") and not path.endswith("_test.go"):
            folders.setdefault(posixpath.dirname(path), []).append(path)
    if "." not in parts[0]:
        # The standard library, or a module that has no address: be strict.
        found = _go_file(folders, query.module)
        return found or (_go_file(folders, "/".join(parts[1:])) if len(parts) > 2 else None)
    owned = 3 if parts[0] in _GO_HOSTS else 2
    rest = [part for part in parts[owned:] if not _GO_MAJOR.fullmatch(part)]
    for root in _go_roots(query):
        folder = posixpath.join(root, *rest)
        if rest and folder in folders:
            return _go_named(folders[folder], rest[-1])
    found = _go_file(folders, query.module)
    name = parts[owned - 1] if len(parts) >= owned else ""
    if found is None and not rest:  # an external test beside the package that it shows
        return query.exact([posixpath.join(query.folder, f"{name}.go")])
    return found


def _go_roots(query: ImportQuery) -> list[str]:
    """Return the folder of the nearest go.mod, or without one every folder above."""
    above = [*folders_above(query.folder), ""]
    for folder in above:
        if posixpath.join(folder, "go.mod") in query.paths:
            return [folder]
    return above[::-1]


def _go_file(folders: dict[str, list[str]], package: str) -> str | None:
    fitting = [f for f in folders if f == package or f.endswith("/" + package)]
    if not fitting:
        return None
    nearest = min(fitting, key=lambda folder: (len(folder), folder))
    return _go_named(folders[nearest], package.rsplit("/", 1)[-1])


def _go_named(paths: list[str], name: str) -> str:
    files = sorted(paths)
    return next((path for path in files if path.endswith(f"/{name}.go")), files[0])


def _rust(query: ImportQuery) -> str | None:
    parts = [*query.module.split("::"), *([query.name] if query.name else [])]
    own = posixpath.basename(query.importing)
    folder = query.folder
    if own not in ("mod.rs", "lib.rs", "main.rs"):
        folder = posixpath.join(folder, own.removesuffix(".rs"))
    head, rest = parts[0], parts[1:]
    if head == "crate":
        return _rust_file(query, _crate_root(query), rest)
    if head not in ("self", "super"):
        root = f"{head.replace('_', '-')}/src"
        return query.ending(
            [f"{root}/{path}" for path in _rust_paths(rest)] + [f"{root}/lib.rs"]
        ) or _rust_file(query, folder, parts, whole=False)
    while rest and head == "super":
        folder = posixpath.dirname(folder)
        if rest[0] != "super":
            break
        rest = rest[1:]
    return _rust_file(query, folder, rest, whole=head == "super")


def _crate_root(query: ImportQuery) -> str:
    folder = query.folder
    while folder:
        if any(f"{folder}/{name}" in query.paths for name in ("lib.rs", "main.rs")):
            return folder
        if posixpath.basename(folder) == "src":
            return folder
        folder = posixpath.dirname(folder)
    return ""


def _rust_paths(parts: Sequence[str]) -> Iterator[str]:
    """`a::b::Item` -> a/b/Item.rs, a/b/Item/mod.rs, a/b.rs …: the longest that exists."""
    for end in range(len(parts), 0, -1):
        inside = "/".join(parts[:end])
        yield f"{inside}.rs"
        yield f"{inside}/mod.rs"


def _rust_file(
    query: ImportQuery, root: str, parts: Sequence[str], *, whole: bool = True
) -> str | None:
    candidates = [posixpath.join(root, path) for path in _rust_paths(parts)]
    if whole:  # the item lies in the module itself
        candidates += [posixpath.join(root, name) for name in ("mod.rs", "lib.rs", "main.rs")]
        candidates += [root + ".rs"]
    return query.exact(candidates)


_RESOLVERS: dict[str, Callable[[ImportQuery], str | None]] = {
    "bash": resolve_by_path.bash,
    "c": resolve_by_path.include,
    "cpp": resolve_by_path.include,
    "csharp": resolve_by_path.csharp,
    "elixir": resolve_by_path.elixir,
    "go": _go,
    "haskell": resolve_by_path.haskell,
    "java": resolve_by_path.jvm,
    "javascript": _script,
    "kotlin": resolve_by_path.jvm,
    "lua": resolve_by_path.lua,
    "php": resolve_by_path.php,
    "python": _python,
    "ruby": resolve_by_path.ruby,
    "rust": _rust,
    "scala": resolve_by_path.jvm,
    "tsx": _script,
    "typescript": _script,
    "zig": resolve_by_path.zig,
}
