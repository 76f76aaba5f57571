import sys
from pathlib import Path

from bench.completion.router.ask import ask
from bench.context.packages import CORPORA
from homespun.server.completion.open import open_generator

gens = {
    role: open_generator(
        name,
        adapter="none",
        workspace=None,
        threads=0,
        context_tokens=1024 + 256 + 128,
        cache_mb=256,
    )
    for role, name in (("small", "qwen2.5-coder-0.5b"), ("large", "qwen2.5-coder-1.5b"))
}
for count in map(int, sys.argv[2:]):
    ask(CORPORA, gens, file=Path(sys.argv[1]), count=count, seed=1)
