"""What a fresh interpreter prints and loads."""

from __future__ import annotations

import subprocess
import sys


def loaded_after(code):
    """Names of modules in sys.modules after running code in a fresh interpreter."""
    script = f"{code}\nimport sys\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True
    )
    return done.stdout, set(done.stderr.split())
