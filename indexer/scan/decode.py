"""Bytes of a file -> text, or the reason why it is no text."""

from __future__ import annotations

import codecs
import re

from homespun.indexer.types import Skipped

SNIFF_BYTES = 8192  # where git looks for a NUL, too

_MARKS = (  # UTF-32 first: its little-endian mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
# Above these shares bytes that are not UTF-8 are hardly text in a western 8-bit encoding.
_MAX_CONTROL = 0.005
_MAX_HIGH = 0.30
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_HIGH = re.compile(rb"[\x80-\xff]")


def decode(source: bytes) -> str | Skipped:
    r"""Return the text with `\n` line ends (as many lines as before), or why there is none.

    UTF-8, any UTF with a byte order mark, else latin-1 where it looks like text.
    """
    text = _decode(source)
    if isinstance(text, Skipped):
        return text
    # A lone CR ends a line only in files that know no other line end.
    return text.replace("\r\n", "\n") if "\n" in text else text.replace("\r", "\n")


def _decode(source: bytes) -> str | Skipped:
    for mark, encoding in _MARKS:
        if source.startswith(mark):
            try:
                return source.decode(encoding)
            except UnicodeDecodeError:
                return Skipped("undecodable")
    if b"\0" in source[:SNIFF_BYTES]:
        return Skipped("binary")
    try:
        return source.decode("utf-8")
    except UnicodeDecodeError:
        return _latin(source)


def _latin(source: bytes) -> str | Skipped:
    if len(_CONTROL.findall(source)) > _MAX_CONTROL * len(source):
        return Skipped("binary")
    if len(_HIGH.findall(source)) > _MAX_HIGH * len(source):
        return Skipped("undecodable")
    return source.decode("latin-1")
