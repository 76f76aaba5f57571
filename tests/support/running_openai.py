"""A client of a real `homespun serve --openai` with a fake model, and a small repository."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path

import httpx

from tests.support import prepared_process

TOKEN = "a-token-that-nobody-guesses-1234567890"
SERVER = Path(__file__).with_name("fake_openai.py")
PATIENCE_SECONDS = 120.0
STORE = '''"""Keeps parcels until somebody calls for them."""

from depot.parcel import Parcel, weigh_parcel


class ParcelStore:
    """A shelf with numbered places."""

    def __init__(self, places):
        self.places = places
        self.parcels = {}

    def put_parcel(self, number, parcel):
        if number >= self.places:
            raise ValueError("no such place")
        self.parcels[number] = parcel

    def take_parcel(self, number):
        return self.parcels.pop(number)

    def total_weight(self):
        return sum(weigh_parcel(each) for each in self.parcels.values())
'''
PARCEL = '''"""What is kept."""


class Parcel:
    """Something in paper."""

    def __init__(self, grams, sender):
        self.grams = grams
        self.sender = sender


def weigh_parcel(parcel, tare_grams=0):
    """Return what it weighs without its paper."""
    return parcel.grams - tare_grams
'''
HOOK = """export function unlockShelf(shelfNumber, keyHolder) {
  const keyring = keyHolder.keyring();
  const openedShelf = keyring.openShelf(shelfNumber);
  return openedShelf.withLight();
}
"""


TWICE = PARCEL.replace("Parcel", "Crate").replace("parcel", "crate")
FILES = {
    "depot/store.py": STORE,
    "depot/parcel.py": PARCEL,
    "web/unlock.js": HOOK,
    "old/first.py": TWICE,
    "old/second.py": TWICE,
}


class RunningServer:
    """The process, and what a client with the token asks it."""

    def __init__(self, folder: Path, log: Path, **environment: str) -> None:
        self.log = log
        log.touch()
        given = {"HOMESPUN_TOKEN": TOKEN, "FAKE_LOG": str(log), **environment}
        environment = os.environ | given
        self.process = prepared_process.start(SERVER, str(folder), env=environment, text=True)
        self.said = []
        self.url = self._listening()
        self.port = int(self.url.rsplit(":", 1)[1])
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.http = httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=PATIENCE_SECONDS,
            trust_env=False,
        )

    def _listening(self):
        for line in self.process.stderr:
            self.said.append(line)
            if "listening on " in line:
                return line.split("listening on ")[1].strip()
        raise AssertionError(f"the server has ended: {self.said}")

    def _read(self):
        self.said.extend(self.process.stderr)

    def complete(self, **body):
        reply = self.http.post("/v1/completions", json=body)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def infill(self, **body):
        reply = self.http.post("/infill", json=body)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def rows(self, key):
        rows = map(json.loads, self.log.read_text(encoding="utf-8").splitlines())
        return [row[key] for row in rows if key in row]

    def prompts(self):
        """What the model was asked, the oldest first."""
        return self.rows("prompt")

    def until(self, is_so):
        """Wait until something is so."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not is_so():
            assert time.monotonic() < end, (self.said, self.log.read_text(encoding="utf-8"))
            time.sleep(0.02)

    def until_indexed(self):
        """Wait until a file of the repository is found by its text."""
        before, after = cut(STORE, "return self.parcels.pop(")
        self.until(lambda: self.complete(prompt=before, suffix=after)["homespun"]["path"] != "")
        self.log.write_text("", encoding="utf-8")

    def close(self):
        self.http.close()
        self.process.terminate()
        self.process.wait(PATIENCE_SECONDS)
        self._reader.join()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()


def cut(text, at):
    """Cut a text behind a piece of it, as somebody who types the rest of the line anew."""
    place = text.index(at) + len(at)
    return text[:place], text[text.index("\n", place) :]
