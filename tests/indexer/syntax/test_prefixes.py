"""Source that ends in the middle of anything: each grammar comes back, and says nothing behind it.

Grammars scan in native code that nobody can stop, and some have looped where a file ends.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SEEDS = sorted((Path(__file__).parents[2] / "repos" / "languages").iterdir())
PROGRAM = """
import faulthandler, sys
from pathlib import Path
from homespun.indexer.config import IndexConfig
from homespun.indexer.syntax.parse import parse_file
from homespun.indexer.types import Skipped

TAILS = (
    b"", b"@", b"@A(", b"(", b'"', b"'", b"`", b"<<E", b"<<<E", b"{-", b"/*", b"#if", b"%q(",
    b"\\\\"
)
seed = Path(sys.argv[1])
source = seed.read_bytes()
for end in [0, *(place + 1 for place, byte in enumerate(source) if byte == 10)]:
    for tail in TAILS:
        text = source[:end] + tail
        print(text[-60:], flush=True)
        faulthandler.dump_traceback_later(60, exit=True)
        parsed = parse_file(seed.name, text, IndexConfig())
        lines = text.count(b"\\n") + 1
        if not isinstance(parsed, Skipped):
            for part in (*parsed.chunks, *parsed.symbols):
                assert 1 <= part.start_line <= part.end_line <= lines, part
faulthandler.cancel_dump_traceback_later()
"""


@pytest.mark.parametrize("seed", SEEDS, ids=lambda path: path.suffix)
def test_every_beginning_of_a_file_is_parsed(seed):
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM, str(seed)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-200:] + done.stderr[-2000:]
