"""`python -P -m homespun.cli`: the command where no script is installed."""

from __future__ import annotations

import sys

from homespun.cli.main import main

sys.exit(main())
