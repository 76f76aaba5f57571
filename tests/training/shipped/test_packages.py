"""Source packages: pinned bytes or nothing, and nothing outside their folder."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from homespun.models.errors import DownloadFailed, WrongHash
from homespun.training.shipped import packages
from homespun.training.shipped.packages import Package, unpacked


def archive(files, *, links=()):
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
        for name, target in links:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            tar.addfile(member)
    return held.getvalue()


@pytest.fixture
def registry(monkeypatch):
    """A registry on the loopback; `served` maps a path to its bytes, `asked` lists requests."""
    served, asked = {}, []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            body = served.get(self.path)
            self.send_response(200 if body is not None else 404)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    root = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("PIP_INDEX_URL", f"{root}/simple/")
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", root)
    monkeypatch.setattr(packages, "_DEBIAN", root)
    yield served, asked
    server.shutdown()
    server.server_close()
    thread.join()


def listed(name, version, body):
    digest = hashlib.sha256(body).hexdigest()
    page = f'<a href="../../files/{name}-{version}.tar.gz#sha256={digest}">{name}</a>\n'
    return page, digest


def test_a_source_package_of_pypi_is_unpacked_once(registry, tmp_path):
    served, asked = registry
    body = archive({"pkg-1.0/src/pkg/a.py": "x = 1\n"})
    page, digest = listed("pkg", "1.0", body)
    served["/simple/pkg/"], served["/files/pkg-1.0.tar.gz"] = page.encode(), body
    package = Package("pypi", "pkg", "1.0", digest)
    folder = unpacked(package, tmp_path)
    assert folder == tmp_path / "pypi" / "pkg-1.0"
    assert (folder / "src/pkg/a.py").read_text() == "x = 1\n"
    assert asked == ["/simple/pkg/", "/files/pkg-1.0.tar.gz"]
    assert unpacked(package, tmp_path) == folder
    assert len(asked) == 2


def test_other_bytes_than_the_pinned_ones_are_not_unpacked(registry, tmp_path):
    served, _ = registry
    page, digest = listed("pkg", "1.0", b"the pinned bytes")
    served["/simple/pkg/"] = page.encode()
    served["/files/pkg-1.0.tar.gz"] = archive({"pkg-1.0/a.py": "evil"})
    with pytest.raises(WrongHash, match=f"pinned is {digest}; nothing was unpacked"):
        unpacked(Package("pypi", "pkg", "1.0", digest), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_version_that_was_withdrawn_is_said_in_one_sentence(registry, tmp_path):
    served, _ = registry
    served["/simple/pkg/"] = b"<html></html>"
    with pytest.raises(DownloadFailed, match="PyPI lists no archive of pkg with sha256 0000"):
        unpacked(Package("pypi", "pkg", "1.0", "0" * 64), tmp_path)


def test_offline_no_registry_is_asked(registry, tmp_path, monkeypatch):
    _, asked = registry
    monkeypatch.setenv("HOMESPUN_OFFLINE", "1")
    with pytest.raises(DownloadFailed, match="no connection was opened"):
        unpacked(Package("pypi", "seven", "1.0", "0" * 64), tmp_path)
    assert asked == []


def test_a_registry_without_the_package_is_said_in_one_sentence(registry, tmp_path):
    with pytest.raises(DownloadFailed, match=r"'none' cannot be had from 127\.0\.0\.1"):
        unpacked(Package("pypi", "none", "1.0", "0" * 64), tmp_path)


def test_paths_that_lead_out_are_refused_and_links_left_out(registry, tmp_path):
    served, _ = registry
    body = archive({"p/../../../out.py": "x"}, links=[("p/link", "/etc/passwd")])
    served["/p/-/p-1.tgz"] = body
    package = Package("npm", "p", "1", hashlib.sha256(body).hexdigest())
    with pytest.raises(tarfile.OutsideDestinationError):
        unpacked(package, tmp_path / "inner")
    assert not (tmp_path / "out.py").exists()
    assert list((tmp_path / "inner" / "npm").iterdir()) == []

    body = archive({"p/a.js": "x"}, links=[("p/link", "/etc/passwd")])
    served["/p/-/p-1.tgz"] = body
    package = Package("npm", "p", "1", hashlib.sha256(body).hexdigest())
    folder = unpacked(package, tmp_path / "inner")
    assert sorted(path.name for path in folder.iterdir()) == ["a.js"]


def test_pinning_takes_the_last_version_of_the_index(registry):
    served, _ = registry
    old, _ = listed("pkg", "1.0", b"old")
    new, digest = listed("pkg", "1.1", b"new")
    served["/simple/pkg/"] = (old + new).encode()
    assert packages.latest("pypi", "pkg") == Package("pypi", "pkg", "1.1", digest)
    assert packages.latest("pypi", "pkg", "1.0").sha256 == hashlib.sha256(b"old").hexdigest()


def test_a_scoped_package_of_npm_has_its_own_folder_and_archive_name(registry, tmp_path):
    served, _ = registry
    body = archive({"package/index.js": "1"})
    served["/@s/p/latest"], served["/@s/p/-/p-2.0.tgz"] = b'{"version": "2.0"}', body
    package = packages.latest("npm", "@s/p")
    assert package == Package("npm", "@s/p", "2.0", hashlib.sha256(body).hexdigest())
    assert unpacked(package, tmp_path).name == "s-p-2.0"


def test_a_debian_archive_is_found_in_the_list_of_sources(registry, tmp_path):
    import lzma

    served, _ = registry
    packages._debian_sources.cache_clear()
    body = archive({"mux-1.8/mux.go": "package mux\n"})
    digest = hashlib.sha256(body).hexdigest()
    sources = (
        "Package: other\nVersion: 1-1\nDirectory: pool/o\n\n"
        f"Package: mux\nVersion: 1:1.8-2\nChecksums-Sha256:\n {digest} 10 mux_1.8.orig.tar.gz\n"
        "Directory: pool/m/mux\n"
    )
    served["/dists/stable/main/source/Sources.xz"] = lzma.compress(sources.encode())
    served["/pool/m/mux/mux_1.8.orig.tar.gz"] = body
    package = packages.latest("debian", "mux")
    assert package == Package("debian", "mux", "1.8", digest, "pool/m/mux/mux_1.8.orig.tar.gz")
    assert (unpacked(package, tmp_path) / "mux.go").read_text() == "package mux\n"
    packages._debian_sources.cache_clear()
