"""The end of a verb that serves: at once, whatever its threads are at."""

from __future__ import annotations

import logging
import os
import sys
from typing import NoReturn


def end_process(status: int) -> NoReturn:
    """End now; what was printed and logged is written."""
    # Not by returning: a model that is being loaded cannot be interrupted, one that is loaded takes
    # long to be freed, and the client waits. What is on disk is safe at any moment.
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
