"""llama.cpp's server as a team would share it, by the interpreter that has `xllamacpp`.

Several slots, metrics on; prints its address and ends with its standard input.
"""

from __future__ import annotations

import sys
from typing import Any

_SLOT_TOKENS = 2048
_STEP_TOKENS = 32  # read at once: between two steps a request can be given up
_CONNECTIONS = 256  # each is a thread there; fewer would hide the queue in front of it
_CACHE_MIB = 512  # of prompts that have left their slot; its own default is 8 GiB


def main(model: str, threads: int, slots: int) -> None:
    """Serve until the input ends, on the loopback interface."""
    import xllamacpp

    settings: Any = xllamacpp.CommonParams()
    settings.model.path = model
    settings.n_ctx = _SLOT_TOKENS * slots
    settings.n_parallel = slots
    settings.cache_ram_mib = _CACHE_MIB
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = threads
    settings.n_batch = settings.n_ubatch = _STEP_TOKENS
    settings.n_threads_http = _CONNECTIONS
    settings.endpoint_metrics = True
    settings.port = 0
    settings.fit_params = False
    settings.verbosity = 0
    server = xllamacpp.Server(settings)
    sys.stdout.write(f"{server.listening_address} {xllamacpp.__version__}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
