"""llama.cpp's server on a GGUF file, by the interpreter that has `xllamacpp`; prints its address.

It ends with its standard input.
"""

from __future__ import annotations

import sys
from typing import Any


def main(model: str, threads: int) -> None:
    """Serve until the input ends: one slot, on the loopback interface."""
    import xllamacpp

    settings: Any = xllamacpp.CommonParams()
    settings.model.path = model
    settings.n_ctx = 4096
    settings.n_parallel = 1
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = threads
    settings.port = 0
    settings.fit_params = False
    settings.verbosity = 0
    server = xllamacpp.Server(settings)
    sys.stdout.write(f"{server.listening_address} {xllamacpp.__version__}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
