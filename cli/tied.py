"""The command, tied to whoever started it: it ends when that process does, however that ended.

The fleet starts one a repository and holds the other end of its standard input. Where the holder is
killed the pipe closes, and this process ends at once with all that it has started: nothing goes on
writing in a clone that the next run will use.
"""

import os
import signal
import sys
import threading

from homespun.cli.main import main


def tied(stream: int) -> None:
    """End this process and its group once a pipe is closed at the other end."""
    threading.Thread(target=_wait, args=(stream,), name="tied", daemon=True).start()


def _wait(stream: int) -> None:
    while os.read(stream, 1):
        pass
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


if __name__ == "__main__":
    tied(sys.stdin.fileno())
    sys.exit(main())
