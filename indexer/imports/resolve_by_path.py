"""Imports that a path tells: the languages whose modules are files or folders of the same name."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

_JVM_SUFFIXES = (".java", ".kt", ".scala")
_PHP_ROOTS = ("src", "lib", "app", "tests")
_DOTNET = frozenset({"System", "Microsoft", "Windows"})
_TESTS = ("test", "spec", "features")
_LUA_ROOTS = ("", "src", "lua", "lib")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclass(frozen=True, slots=True)
class ImportQuery:
    """A module as it is written, who asks for it, and the files that there are."""

    module: str
    name: str
    importing: str
    paths: Collection[str]

    @property
    def folder(self) -> str:
        """The folder of the importing file, "" for the root."""
        return posixpath.dirname(self.importing)

    def exact(self, candidates: Iterator[str] | Sequence[str]) -> str | None:
        """Return the first candidate that is a file, read as a path from the root."""
        for candidate in candidates:
            path = posixpath.normpath(candidate)
            if path in self.paths and path != self.importing:
                return path
        return None

    def ending(self, suffixes: Sequence[str]) -> str | None:
        """Return the file nearest to the importing one whose path ends with one of `suffixes`."""
        ends = tuple("/" + suffix for suffix in suffixes)
        found = [p for p in self.paths if ("/" + p).endswith(ends) and p != self.importing]
        return min(found, key=self._distance, default=None)

    def inside(self, folder: str, suffixes: tuple[str, ...]) -> str | None:
        """Return a file of the nearest folder whose path ends with `folder`, to stand for it.

        It is the one that is called like the folder, else the first.
        """
        wanted = "/" + folder + "/"
        found = [
            path
            for path in self.paths
            if path.endswith(suffixes)
            and path != self.importing
            and f"/{posixpath.dirname(path)}/".endswith(wanted)
        ]
        named = posixpath.basename(folder).casefold()
        return min(
            found,
            key=lambda path: (
                self._distance(path)[:2],
                posixpath.dirname(path),
                posixpath.splitext(posixpath.basename(path))[0].casefold() != named,
                path,
            ),
            default=None,
        )

    def _distance(self, path: str) -> tuple[int, int, str]:
        ours, theirs = self.folder.split("/"), posixpath.dirname(path).split("/")
        shared = 0
        for one, other in zip(ours, theirs, strict=False):
            if one != other:
                break
            shared += 1
        return (-shared, len(theirs), path)


def jvm(query: ImportQuery) -> str | None:
    """Take the file of the class, else one of the package: Kotlin and Scala name files freely."""
    base = query.module.replace(".", "/")
    bases = [f"{base}/{query.name}", base] if query.name else [base]
    for path in bases:
        # A static member or a nested class: the module itself is the file.
        found = query.ending([path + suffix for suffix in _JVM_SUFFIXES])
        if found:
            return found
    for path in bases:
        found = query.inside(path, _JVM_SUFFIXES) if "/" in path else None
        if found:
            return found
    if not query.importing.endswith((".scala", ".sc")):
        return None
    # Scala's packages are seen from inside those that enclose them: `import mutable.Buffer`.
    for folder in folders_above(query.folder):
        for path in bases:
            near = posixpath.join(folder, path)
            found = query.exact([near + ".scala"]) or query.inside(near, (".scala",))
            if found:
                return found
    return None


def csharp(query: ImportQuery) -> str | None:
    """Take a file of the folder that a namespace names; its first parts need not be folders."""
    parts = query.module.split(".")
    fewest = len(parts) if parts[0] in _DOTNET else max(1, len(parts) - 2)
    ends = [".".join(parts[start:]) for start in range(len(parts) - fewest + 1)]
    if len(parts) == 2 and fewest == 1:
        ends.append(parts[1])
    for end in dict.fromkeys(ends):
        class_file = query.ending([end.replace(".", "/") + ".cs"]) if "." in end else None
        found = class_file or _in_dotted_folder(query, end)
        if found:
            return found
    return None


def _in_dotted_folder(query: ImportQuery, namespace: str) -> str | None:
    """`src/Acme.Core/Text` is the folder of Acme.Core.Text."""
    wanted = "." + namespace
    folders = {posixpath.dirname(path) for path in query.paths if path.endswith(".cs")}
    fitting = [f for f in folders if ("." + f.replace("/", ".")).endswith(wanted)]
    found = [query.inside(folder, (".cs",)) for folder in sorted(fitting, key=len)]
    return next((path for path in found if path), None)


def include(query: ImportQuery) -> str | None:
    """Take the header beside the file, else the nearest one whose path ends so."""
    module = posixpath.normpath(query.module)
    near = query.exact([posixpath.join(query.folder, module)])
    return near or query.ending([module.lstrip("./")])


def ruby(query: ImportQuery) -> str | None:
    """Take what lies in a `lib`; tests also see their own folder and `test` or `spec`."""
    module = query.module.removesuffix(".rb") + ".rb"
    if module.startswith("."):
        return query.exact([posixpath.join(query.folder, module)])
    near = query.exact([f"lib/{module}", module]) or query.ending([f"lib/{module}"])
    tests = [root for root in folders_above(query.folder) if root.startswith(_TESTS)]
    return near or query.exact(posixpath.join(root, module) for root in tests)


def folders_above(folder: str) -> Iterator[str]:
    """Yield the folder and those that it lies in, without the root."""
    while folder:
        yield folder
        folder = posixpath.dirname(folder)


def php(query: ImportQuery) -> str | None:
    """Take the class's file (PSR-4), else a file of the namespace's folder."""
    if query.module.endswith((".php", ".inc", ".phtml")):
        near = query.exact([posixpath.join(query.folder, query.module), query.module])
        return near or query.ending([query.module.lstrip("./")])
    parts = [*query.module.strip("\\").split("\\"), *([query.name] if query.name else [])]
    if len(parts) == 1:
        return None  # a class of the language: `use InvalidArgumentException`
    # PSR-4 maps a prefix of the namespace to a folder: try ever shorter ends, to two parts.
    ends = ["/".join(parts[start:]) for start in range(max(1, len(parts) - 1))]
    for end in ends:
        found = query.ending([end + ".php"])
        if found:
            return found
    folded = [end.casefold() for end in ends]
    for path in sorted(query.paths):  # `Tests\\Unit\\Case` in tests/unit/
        if path.casefold().endswith(tuple(f"/{end}.php" for end in folded)) and path.endswith(
            f"/{parts[-1]}.php"
        ):
            return path
    near = query.exact(f"{root}/{parts[-1]}.php" for root in _PHP_ROOTS)
    inside = (query.inside(end, (".php",)) for end in ends if "/" in end)
    return near or next((path for path in inside if path), None)


def bash(query: ImportQuery) -> str | None:
    """Take the path; a variable at its start may be any folder."""
    if query.module.startswith("$"):
        return query.ending([query.module.partition("/")[2] or query.module])
    return query.exact([posixpath.join(query.folder, query.module), query.module])


def lua(query: ImportQuery) -> str | None:
    """`a.b` is a/b.lua or a/b/init.lua below the root, `src`, `lua`, `lib`, or any folder."""
    base = query.module.replace(".", "/").strip("/")
    files = [f"{base}.lua", f"{base}/init.lua"]
    exact = query.exact(posixpath.join(root, file) for root in _LUA_ROOTS for file in files)
    near = exact or query.exact(posixpath.join(query.folder, file) for file in files)
    return near or (query.ending(files) if "/" in base else None)


def haskell(query: ImportQuery) -> str | None:
    """`A.B` is A/B.hs below any source folder; one part alone must lie at the root of one."""
    base = query.module.replace(".", "/")
    if "/" in base:
        return query.ending([f"{base}.hs"])
    roots = ("", "src", "lib", "app", *folders_above(query.folder))
    return query.exact(posixpath.join(root, f"{base}.hs") for root in roots)


def elixir(query: ImportQuery) -> str | None:
    """`Shop.CartItem` is lib/shop/cart_item.ex; else the file of the module that it lies in."""
    parts = [_CAMEL.sub("_", part).lower() for part in query.module.split(".")]
    for end in range(len(parts), 0, -1):
        base = "/".join(parts[:end])
        files = [f"lib/{base}{suffix}" for suffix in (".ex", ".exs")]
        found = query.ending([*files, f"test/support/{base}.ex"])
        if not found and end > 1:  # Phoenix: lib/shop_web/controllers/cart_controller.ex
            found = query.ending([f"{base}.ex", f"{base}.exs"])
        if found:
            return found
    return None


def zig(query: ImportQuery) -> str | None:
    """Take the path; a package's name may be a file at a root."""
    if query.module.endswith((".zig", ".zon")):
        return query.exact([posixpath.join(query.folder, query.module)])
    if query.module in ("std", "builtin", "root"):
        return None
    return query.exact(
        f"{root}{query.module}{tail}" for root in ("src/", "") for tail in (".zig", "/root.zig")
    )
