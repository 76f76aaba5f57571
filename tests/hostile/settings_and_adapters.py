"""Hostile settings files and adapters, made for real: what a clone or an archive can bring.

Each builder takes the folder that a victim opens and returns nothing. Settings are of the section
`kitchen` (of a test's own class) where they are to be wrong, else of the product's.
"""

from __future__ import annotations

import os
from pathlib import Path

DEPTH = 5_000  # 10 KB of nesting
BYTES = 262_144  # as large as a settings file may be


def build_settings_nested_lists(root: Path) -> None:
    """Make the parser call itself thousands of times."""
    (root / "homespun.toml").write_text("x = " + "[" * DEPTH + "]" * DEPTH)


def build_settings_nested_tables_in_pyproject(root: Path) -> None:
    """The same in the other file, by inline tables."""
    (root / "pyproject.toml").write_text("x = " + "{a=" * DEPTH + "1" + "}" * DEPTH)


def build_settings_long_dotted_key(root: Path) -> None:
    """Take the parser cubic time: minutes for this file."""
    (root / "homespun.toml").write_text("a." * (BYTES // 2 - 4) + "a = 1")


def build_settings_long_dotted_key_behind_quotes(root: Path) -> None:
    """The same, where a naive look at quotes would take the key for a text."""
    key = "a." * (BYTES // 4) + "a"
    (root / "homespun.toml").write_text('x = {y = """a"b\'""", ' + key + " = 1}")


def build_settings_long_quoted_key(root: Path) -> None:
    """The same of empty and escaped parts."""
    (root / "homespun.toml").write_text('\'\'."\\"".' * (BYTES // 16) + "a = 1")


def build_settings_deep_section(root: Path) -> None:
    """Stay below any depth of a parser, but be shown in a sentence."""
    (root / "homespun.toml").write_text("[kitchen]\novens = " + "[" * 150 + "]" * 150)


def build_settings_too_large(root: Path) -> None:
    """Be larger than anybody reads."""
    (root / "homespun.toml").write_text("# " + "x" * 8 * BYTES)


def build_settings_no_utf8(root: Path) -> None:
    """Hold no text."""
    (root / "homespun.toml").write_bytes(b"[kitchen]\nchef = '\xff'\n")


def build_settings_endless_number(root: Path) -> None:
    """Hold a number that Python does not write out, so that a sentence about it fails."""
    (root / "homespun.toml").write_text("[kitchen]\novens = 0x" + "f" * 60_000)


def build_settings_many_faults(root: Path) -> None:
    """Bring thousands of sentences to the editor."""
    lines = "".join(f"k{number} = 1\n" for number in range(20_000))
    (root / "homespun.toml").write_text(f"[kitchen]\n{lines}")


def build_settings_link(root: Path) -> None:
    """Be a link to what is not the workspace's."""
    outside = root.parent / f"{root.name}-outside.toml"
    outside.write_text("[kitchen]\novens = 9\n")
    (root / "homespun.toml").symlink_to(outside)


def build_settings_pipe(root: Path) -> None:
    """Be a pipe that nobody writes into: whoever opens it waits for ever."""
    os.mkfifo(root / "homespun.toml")


def build_settings_device(root: Path) -> None:
    """Be a link to a device that never ends."""
    (root / "homespun.toml").symlink_to("/dev/zero")
