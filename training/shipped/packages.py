"""EDGE httpx: source packages of PyPI, npm and Debian, pinned by sha256, unpacked and never run.

Files come straight from the registry's index (PEP 503 for PyPI), so nothing of a package is built,
installed or imported. What is unpacked lies under the state directory and is taken from there the
next time.
"""

from __future__ import annotations

import functools
import hashlib
import io
import lzma
import os
import re
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from homespun.models.download.offline import refuse_offline
from homespun.models.errors import DownloadFailed, WrongHash
from homespun.paths import home
from homespun.storage import make_private_folder

_PYPI = "https://pypi.org/simple"
_NPM = "https://registry.npmjs.org"
_DEBIAN = "https://deb.debian.org/debian"
_DEBIAN_SOURCES = "dists/stable/main/source/Sources.xz"
_SECONDS = 60.0
_ORIGINAL = re.compile(r"^ ([0-9a-f]{64}) \d+ (\S+\.orig\.tar\.(?:gz|xz|bz2))$", re.MULTILINE)
_LINK = re.compile(r'href="([^"#]+\.tar\.gz)#sha256=([0-9a-f]{64})"')


@dataclass(frozen=True, slots=True)
class Package:
    """A source package: one version, one archive, its bytes."""

    registry: str  # "pypi", "npm" or "debian"
    name: str
    version: str
    sha256: str
    file: str = ""  # debian: path of the original archive below the mirror's root

    @property
    def folder(self) -> str:
        """Name of the unpacked folder; a scope's slash becomes a dash."""
        return f"{self.name.lstrip('@').replace('/', '-')}-{self.version}"


def unpacked(package: Package, below: Path | None = None) -> Path:
    """Return the folder of the package's files, fetched if it is not here yet.

    Raises `DownloadFailed` when the registry cannot be reached or lacks the version, `WrongHash`
    when its bytes are not the pinned ones.
    """
    target = (below or home() / "packages") / package.registry / package.folder
    if target.is_dir():
        return target
    archive = download(package)
    draft = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    make_private_folder(draft)
    try:
        _unpack(archive, draft)
        draft.rename(target)
    except OSError:
        if not target.is_dir():  # else another process was faster
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target


def download(package: Package) -> bytes:
    """Return the archive's bytes, checked against the pinned sha256."""
    body = _get(_url(package))
    digest = hashlib.sha256(body).hexdigest()
    if digest != package.sha256:
        raise WrongHash(
            f"{package.name} {package.version} from {package.registry} has sha256 {digest}, "
            f"pinned is {package.sha256}; nothing was unpacked"
        )
    return body


def latest(registry: str, name: str, version: str = "") -> Package:
    """Return a version as the registry has it today (the last one listed if none is named), to pin.

    The hash is the registry's word for PyPI and that of the downloaded bytes for npm.
    """
    if registry == "npm":
        return _latest_of_npm(name, version)
    if registry == "debian":
        return _latest_of_debian(name)
    found = [(url, sha) for url, sha in _links(name) if not version or _is_version(url, version)]
    if not found:
        raise DownloadFailed(f"PyPI has no source archive of {name} {version}".rstrip())
    url, sha256 = found[-1]
    stem = url.rsplit("/", 1)[-1].removesuffix(".tar.gz")
    return Package("pypi", name, version or stem.rsplit("-", 1)[-1], sha256)


def _latest_of_npm(name: str, version: str) -> Package:
    import json

    if not version:
        version = json.loads(_get(f"{_npm()}/{name}/latest"))["version"]
    unpinned = Package("npm", name, version, "")
    return Package("npm", name, version, hashlib.sha256(_get(_url(unpinned))).hexdigest())


def _latest_of_debian(name: str) -> Package:
    for paragraph in _debian_sources().split("\n\n"):
        if not paragraph.startswith(f"Package: {name}\n"):
            continue
        version = re.search(r"^Version: (?:\d+:)?([^\s-]+)", paragraph, re.MULTILINE)
        folder = re.search(r"^Directory: (\S+)$", paragraph, re.MULTILINE)
        original = _ORIGINAL.search(paragraph)
        if version and folder and original:
            file = f"{folder[1]}/{original[2]}"
            return Package("debian", name, version[1], original[1], file)
    raise DownloadFailed(f"Debian stable has no source archive of {name!r}")


@functools.cache
def _debian_sources() -> str:
    return lzma.decompress(_get(f"{_DEBIAN}/{_DEBIAN_SOURCES}")).decode("utf-8", "replace")


def _url(package: Package) -> str:
    if package.registry == "debian":
        return f"{_DEBIAN}/{package.file}"
    if package.registry == "npm":
        last = package.name.rsplit("/", 1)[-1]
        return f"{_npm()}/{package.name}/-/{last}-{package.version}.tgz"
    for url, sha256 in _links(package.name):
        if sha256 == package.sha256:
            return url
    raise DownloadFailed(
        f"PyPI lists no archive of {package.name} with sha256 {package.sha256[:12]}…; "
        "was the version withdrawn?"
    )


def _links(name: str) -> list[tuple[str, str]]:
    base = f"{(os.environ.get('PIP_INDEX_URL') or _PYPI).rstrip('/')}/{name}/"
    page = _get(base).decode("utf-8", "replace")
    return [(urljoin(base, url), sha256) for url, sha256 in _LINK.findall(page)]


def _npm() -> str:
    return (os.environ.get("NPM_CONFIG_REGISTRY") or _NPM).rstrip("/")


def _is_version(url: str, version: str) -> bool:
    return url.rsplit("/", 1)[-1].endswith(f"-{version}.tar.gz")


def _get(url: str) -> bytes:
    import httpx

    refuse_offline()
    try:
        answer = httpx.get(url, timeout=_SECONDS, follow_redirects=True)
        answer.raise_for_status()
    except httpx.HTTPError as error:
        host = urlsplit(url).hostname or "the registry"
        raise DownloadFailed(
            f"{url.rsplit('/', 1)[-1] or url.rsplit('/', 2)[-2]!r} cannot be had from {host} "
            f"({type(error).__name__}); check the network and run again"
        ) from error
    return answer.content


def _unpack(archive: bytes, folder: Path) -> None:
    """Unpack without the archive's own top folder; links and paths that lead out are refused."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar.getmembers():
            _, _, inner = member.name.partition("/")
            if inner and (member.isfile() or member.isdir()):
                tar.extract(member.replace(name=inner), folder, filter="data")
