"""Makes the editor scripts importable: there is no `tests` package on purpose."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "editors"))
