"""Which language a file is written in, and which grammar and queries read it."""

from __future__ import annotations

import re
from importlib import resources

# Language -> the wheel's module and its function that gives the grammar; the queries lie beside,
# as <language>.scm.
GRAMMARS = {
    "bash": ("tree_sitter_bash", "language"),
    "c": ("tree_sitter_c", "language"),
    "cpp": ("tree_sitter_cpp", "language"),
    "csharp": ("tree_sitter_c_sharp", "language"),
    "elixir": ("tree_sitter_elixir", "language"),
    "go": ("tree_sitter_go", "language"),
    "haskell": ("tree_sitter_haskell", "language"),
    "java": ("tree_sitter_java", "language"),
    "javascript": ("tree_sitter_javascript", "language"),
    "kotlin": ("tree_sitter_kotlin", "language"),
    "lua": ("tree_sitter_lua", "language"),
    "php": ("tree_sitter_php", "language_php"),
    "python": ("tree_sitter_python", "language"),
    "ruby": ("tree_sitter_ruby", "language"),
    "rust": ("tree_sitter_rust", "language"),
    "scala": ("tree_sitter_scala", "language"),
    "swift": ("tree_sitter_swift", "language"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
    "typescript": ("tree_sitter_typescript", "language_typescript"),
    "zig": ("tree_sitter_zig", "language"),
}

# A language reads its own query file; these share one or add a second.
QUERY_FILES = {
    "cpp": ("c.scm", "cpp.scm"),
    "javascript": ("ecmascript.scm", "javascript.scm"),
    "typescript": ("ecmascript.scm", "typescript.scm"),
    "tsx": ("ecmascript.scm", "typescript.scm", "jsx.scm"),
}

# Languages of prose and data: long lines and large files mean something else here than in code.
PROSE = frozenset({"markdown", "rst", "text"})
DATA = frozenset({"json", "xml", "yaml", "toml", "ini", "csv", "env"})

_BY_SUFFIX = {
    suffix: language
    for language, suffixes in {
        "bash": "sh bash zsh ksh bats",
        "c": "c h",
        "clojure": "clj cljs cljc edn",
        "cmake": "cmake",
        "cpp": "cc cpp cxx c++ hh hpp hxx h++ inl ipp tpp cu cuh ino",
        "csharp": "cs csx",
        "css": "css scss sass less",
        "csv": "csv tsv",
        "dart": "dart",
        "elixir": "ex exs",
        "elm": "elm",
        "env": "env",
        "erlang": "erl hrl",
        "fsharp": "fs fsi fsx",
        "go": "go",
        "graphql": "graphql gql",
        "groovy": "groovy gradle",
        "haskell": "hs hs-boot",
        "hcl": "tf hcl tfvars",
        "html": "html htm xhtml vue svelte jinja j2 erb ejs hbs",
        "ini": "ini cfg conf properties editorconfig",
        "java": "java",
        "javascript": "js jsx mjs cjs",
        "json": "json jsonc json5 webmanifest",
        "julia": "jl",
        "kotlin": "kt kts",
        "lua": "lua",
        "make": "mk mak",
        "markdown": "md markdown mdx",
        "nix": "nix",
        "ocaml": "ml mli",
        "perl": "pl pm",
        "php": "php phtml php5 inc",
        "powershell": "ps1 psm1",
        "proto": "proto",
        "python": "py pyi pyw pyx ipynb",  # a notebook's cells; its file is data (filters.py)
        "r": "r",
        "rst": "rst",
        "ruby": "rb rake gemspec ru",
        "rust": "rs",
        "scala": "scala sc sbt",
        "sql": "sql",
        "swift": "swift",
        "toml": "toml",
        "tsx": "tsx",
        "typescript": "ts mts cts",
        "xml": "xml xsd xsl xslt svg plist csproj fsproj vbproj props targets resx",
        "yaml": "yaml yml",
        "zig": "zig",
    }.items()
    for suffix in suffixes.split()
}

_BY_NAME = {
    "build.bazel": "starlark",
    "cmakelists.txt": "cmake",
    "containerfile": "dockerfile",
    "dockerfile": "dockerfile",
    "gemfile": "ruby",
    "gnumakefile": "make",
    "jenkinsfile": "groovy",
    "makefile": "make",
    "podfile": "ruby",
    "rakefile": "ruby",
    "vagrantfile": "ruby",
    ".bash_profile": "bash",
    ".bashrc": "bash",
    ".profile": "bash",
    ".zshrc": "bash",
}

_INTERPRETERS = {
    "bash": "bash",
    "dash": "bash",
    "ksh": "bash",
    "node": "javascript",
    "php": "php",
    "python": "python",
    "ruby": "ruby",
    "sh": "bash",
    "zsh": "bash",
}
_SHEBANG = re.compile(rb"#!\s*\S*?([a-z]+)[\d.]*(?:\s|$)")
_SHEBANG_ENV = re.compile(rb"#!\s*\S*/env\s+(?:-\S+\s+)*([a-z]+)[\d.]*")
_CPP_ONLY = re.compile(
    rb"^\s*(?:class\s+\w|namespace\b|template\s*<|using\s+\w|public:|private:|protected:)|std::",
    re.MULTILINE,
)


def language_of(path: str, head: bytes = b"") -> str:
    """Return the language of a path, "text" where none is known.

    With `head` (the file's first bytes) scripts without an extension are read by their `#!` line,
    and a `.h` file that holds C++ is called so.
    """
    name = path.rsplit("/", 1)[-1].lower()
    if name in _BY_NAME:
        return _BY_NAME[name]
    stem, dot, suffix = name.rpartition(".")
    if not dot or not stem:
        return _by_shebang(head)
    if name.endswith(".h") and _CPP_ONLY.search(head):
        return "cpp"
    return _BY_SUFFIX.get(suffix, "text")


def has_grammar(language: str) -> bool:
    """Tell whether the language is parsed; every other one is cut by lines."""
    return language in GRAMMARS


def query_text(language: str) -> str:
    """Return the language's tree-sitter queries."""
    folder = resources.files("homespun.indexer").joinpath("syntax", "queries")
    names = QUERY_FILES.get(language, (f"{language}.scm",))
    return "\n".join(folder.joinpath(name).read_text(encoding="utf-8") for name in names)


def _by_shebang(head: bytes) -> str:
    first_line = head[:200].split(b"\n", 1)[0]
    found = _SHEBANG_ENV.match(first_line) or _SHEBANG.match(first_line)
    return _INTERPRETERS.get(found[1].decode("ascii"), "text") if found else "text"
