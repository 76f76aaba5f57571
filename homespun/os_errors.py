"""What the system says of a file, as words of a sentence: no number, and no path twice."""

from __future__ import annotations


def in_words(error: Exception) -> str:
    """Return why a file cannot be read or written; of any other error what it says itself."""
    if isinstance(error, IsADirectoryError):
        return "it is a folder"
    if isinstance(error, NotADirectoryError):
        return "a part of its path is a file"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[:1].lower() + error.strerror[1:]
    return str(error)
