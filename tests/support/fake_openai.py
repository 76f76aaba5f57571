"""`homespun serve --openai` with a fake model: what it was asked is a line of a file each.

It answers what a pattern of the environment finds in its prompt, else always the same. A prompt
with SLOW is answered when it is cancelled, one with RAISE not at all.
"""

# ruff: noqa: E402  (what is left out is left out before anything imports it)
from __future__ import annotations

import json
import os
import re
import sys
import time
from pathlib import Path

from homespun.indexer.storage.rest_client import leave_out_the_rest_client

leave_out_the_rest_client()  # as the command does

from homespun.cli.output import say
from homespun.cli.verbs.serve import configure_logging
from homespun.models.fakes import FakeGenerator
from homespun.server.completion.completer import Completer
from homespun.server.openai import serve as openai
from homespun.server.options import CompletionOptions


class LoggedGenerator(FakeGenerator):
    """Writes each prompt, and how it ended, to a file."""

    def generate(self, prompt, *, cancelled, **named):
        text = self.tokenizer.render(prompt) + named.get("heal", "")
        self._note({"prompt": text})
        if "RAISE" in text:
            raise RuntimeError("RAISE was in the text")
        while "SLOW" in text and not cancelled():
            time.sleep(0.005)
        done = super().generate(prompt, cancelled=cancelled, **named)
        self._note({"finish": done.finish})
        return done

    def _note(self, row):
        with open(os.environ["FAKE_LOG"], "a", encoding="utf-8") as log:
            log.write(json.dumps(row) + "\n")


def main():
    folder = Path(sys.argv[1])
    configure_logging(os.environ.get("FAKE_LOG_LEVEL", "warning"))

    def says(prompt):
        pattern = os.environ.get("FAKE_FINDS")
        found = re.search(pattern, prompt) if pattern else None
        return f"{found[1]}\n" if found else "answer(1)\n"

    def open_completer(index):
        generator = LoggedGenerator(says, name="fake-model", adapter="fake-adapter")
        return Completer(generator, index, CompletionOptions(), folder=folder)

    openai.serve(
        folder,
        openai.ListenAddress("127.0.0.1", 0, os.environ["HOMESPUN_TOKEN"]),
        open_completer=open_completer,
        retrieval=True,
        say=say,
    )


if __name__ == "__main__":
    main()
