"""Another program in place of the child that parses: what it does with a file is the test's."""

from __future__ import annotations

from homespun.indexer.syntax import parser_process

_PROGRAM = """
from homespun.indexer.syntax import parser_process
from homespun.indexer.syntax.parse import parse_file as parse_for_real
{parse_file}
parser_process.parse_file = parse_file
parser_process.CPU_SECONDS = {seconds}
parser_process.main()
"""


def stand_in(monkeypatch, parse_file, *, seconds=1.0):
    """Have children run `parse_file`, source of that function, for so much processor time a file.

    It may call `parse_for_real`.
    """
    program = _PROGRAM.format(parse_file=parse_file, seconds=seconds)
    started = parser_process.subprocess.Popen
    monkeypatch.setattr(
        parser_process.subprocess,
        "Popen",
        lambda argv, **more: started([*argv[:2], "-c", program], **more),
    )
