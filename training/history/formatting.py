"""Tell whether a change of a file only moved white space and what formatters move about."""

from __future__ import annotations

import ast
import warnings


def is_only_format(path: str, old: str | None, new: str | None) -> bool:
    """Compare two versions: Python by its syntax tree, other languages without white space."""
    if old is None or new is None:
        return False
    if path.endswith((".py", ".pyi")):
        trees = _tree(old), _tree(new)
        if None not in trees:
            return trees[0] == trees[1]
    return "".join(old.split()) == "".join(new.split())


def is_python(text: str) -> bool:
    """Tell whether this interpreter reads a text as Python."""
    return _tree(text) is not None


def _tree(text: str) -> str | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about escapes in the code that is read
            return ast.dump(ast.parse(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
