"""Token healing at a server: the answer has to begin with what stands before the cursor already.

What `models/engine/token_healing.py` does by choosing among tokens, a server does by a grammar.
"""

from __future__ import annotations

# Signs that mean nothing else in either notation.
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_ ")
_REGEX_SIGNS = frozenset(r"\.^$*+?()[]{}|/-&~#")


def grammar(heal: str) -> str:
    """Return a GBNF grammar for `heal` and anything behind it (llama.cpp, grammars/README.md)."""
    return f'root ::= "{"".join(map(_gbnf, heal))}" [^\\x00]*'


def regular_expression(heal: str) -> str:
    """Return a regular expression for `heal` and anything behind it."""
    escaped = "".join(f"\\{sign}" if sign in _REGEX_SIGNS else sign for sign in heal)
    escaped = escaped.replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    return f"{escaped}[\\s\\S]*"


def _gbnf(sign: str) -> str:
    if sign in _PLAIN:
        return sign
    code = ord(sign)
    if code < 0x80:
        return f"\\x{code:02X}"
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"
