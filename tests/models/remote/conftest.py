"""A fake server and a generator that asks it."""

from __future__ import annotations

import pytest

from homespun.indexer.secrets.mask import mask
from homespun.models.fakes import FakeGenerator
from homespun.models.remote.open import open_remote
from homespun.models.remote.options import RemoteOptions
from homespun.models.types import MODEL_AS_SHIPPED
from homespun.server.completion.stop_rules import single_line
from homespun.server.prompt.encode import PromptEncoder


class Asking:
    """A generator at a server, and one question to it."""

    def __init__(self, url, *, local: object = True, adapter="", said=None, **settings):
        options = RemoteOptions(**{"route": "remote", "url": url, "timeout_ms": 20_000, **settings})
        self.said = [] if said is None else said
        shown = FakeGenerator(
            "local answer\n", name="the-local", adapter=adapter or MODEL_AS_SHIPPED
        )
        self.local = shown if local is True else local or None
        self.generator = open_remote(
            options, self.local, context_tokens=4096, mask=mask, say=self.said.append
        )
        self.remote = self.generator.remote

    def asked(self, before="first = 1\nanswer = ", after="\nlast = 2\n"):
        """Token ids and heal of a cursor."""
        encoder = PromptEncoder(
            self.generator.tokenizer, self.generator.fim, layout="comments", counted_texts=100
        )
        rendered = encoder.render(before, after, repo="shop", path="shop/a.py", budget=2000)
        return encoder.encode(rendered.ids, rendered.prompt.typed)

    def __call__(self, before="first = 1\nanswer = ", after="\nlast = 2\n", **more):
        asked = self.asked(before, after)
        rules = {
            "max_tokens": 64,
            "stop": single_line(before.rpartition("\n")[2]),
            "cancelled": lambda: False,
        }
        return self.generator.generate(asked.ids, heal=asked.heal, **{**rules, **more})


@pytest.fixture
def asking():
    made = []

    def make(url, **settings):
        made.append(Asking(url, **settings))
        return made[-1]

    yield make
    for each in made:
        each.generator.close()
