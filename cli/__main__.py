"""`python -P -m homespun.cli`: the command where no script is installed."""

import sys

from homespun.cli.surroundings import leave_out_the_current_folder

leave_out_the_current_folder()  # before all else is imported, for who forgets -P

from homespun.cli.main import main  # noqa: E402

sys.exit(main())
