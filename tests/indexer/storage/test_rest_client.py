"""What LanceDB imports to ask servers is left out of our own processes, and only of those."""

from __future__ import annotations

import subprocess
import sys

CLIENT = "lance_namespace_urllib3_client"
COMMAND = """
import sys
from homespun.cli.main import main
sys.argv[1:] = {arguments!r}
assert main() == 0
import lancedb
print([name for name in sys.modules if name.startswith({client!r})
       and getattr(sys.modules[name], "__file__", None)])
"""
IMPORTED = """
import sys
import {client}.models as before
from homespun.indexer.storage.rest_client import leave_out_the_rest_client
leave_out_the_rest_client()
import lancedb, {client}.api
print(before.__file__ and {client}.api.__file__ and "all of it")
"""


def test_an_index_and_a_search_work_without_it(tmp_path):
    (tmp_path / "prices.py").write_text("def total(prices):\n    return sum(prices)\n")
    assert "[]" in said(COMMAND, arguments=["index", str(tmp_path)])
    found = said(COMMAND, arguments=["search", "total of prices", "--path", str(tmp_path)])
    assert "prices.py" in found
    assert "[]" in found


def test_who_has_imported_it_keeps_it():
    assert "all of it" in said(IMPORTED)


def said(code, **values):
    program = code.format(client=CLIENT, **values)
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
