"""`python -P -m homespun.cli`: the same as the console script."""

import sys

from homespun.cli.main import main

sys.exit(main())
