"""What `make dist` writes beside the wheel: an archive, and a bill of what is in it."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
import zipfile

import pytest

from homespun.models import catalogue
from tests.layout.house import ROOT
from tests.release.sbom import LOCK, bill_of
from tests.release.sdist import differences, repacked


def archive(entries, *, mtime, uid):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, data, mode in entries:
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.uid, member.mode = len(data), mtime, uid, mode
            member.uname = "alice"
            tar.addfile(member, io.BytesIO(data))
    return packed.getvalue()


def test_times_owners_and_order_of_a_checkout_are_not_in_the_archive():
    entries = [("h/b.py", b"2", 0o664), ("h/a.py", b"1", 0o600), ("h/run", b"3", 0o775)]
    one = repacked(archive(entries, mtime=5, uid=1000), 1_700_000_000)
    two = repacked(archive(entries[::-1], mtime=9, uid=0), 1_700_000_000)
    assert one == two
    with tarfile.open(fileobj=io.BytesIO(one)) as tar:
        rows = [(m.name, m.mtime, m.uid, m.uname, m.mode) for m in tar.getmembers()]
        assert tar.extractfile("h/a.py").read() == b"1"
    assert rows == [
        ("h/a.py", 1_700_000_000, 0, "", 0o644),
        ("h/b.py", 1_700_000_000, 0, "", 0o644),
        ("h/run", 1_700_000_000, 0, "", 0o755),
    ]


def wheel(path, **files):
    with zipfile.ZipFile(path, "w") as zipped:
        for name, text in files.items():
            zipped.writestr(name.replace("_", "."), text)
        zipped.writestr("homespun-0.dist-info/RECORD", str(path))
    return path


def test_two_wheels_are_compared_by_what_is_in_them(tmp_path):
    one = wheel(tmp_path / "1.whl", a_py="1", b_py="2")
    assert differences(one, wheel(tmp_path / "2.whl", b_py="2", a_py="1")) == []
    assert differences(one, wheel(tmp_path / "3.whl", a_py="1", b_py="3", c_py="")) == [
        "b.py",
        "c.py",
    ]


@pytest.fixture(scope="module")
def bill(tmp_path_factory):
    """The bill of a wheel that stands for ours: its bytes are only hashed."""
    path = wheel(tmp_path_factory.mktemp("dist") / "homespun.whl", a_py="1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", "1700000000")
        text = bill_of(path)
        assert bill_of(path) == text
    body = json.loads(text)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert body["metadata"]["component"]["hashes"] == [{"alg": "SHA-256", "content": digest}]
    assert body["metadata"]["timestamp"].startswith("2023-11-14T22:13:20")
    return body


def test_the_bill_names_each_requirement_with_its_hashes(bill):
    packages = {each["name"]: each for each in bill["components"] if "purl" in each}
    locked = dict(re.findall(r"^([\w.-]+)==([^\s;\\]+)", LOCK.read_text(), re.MULTILINE))
    assert {name: each["version"] for name, each in packages.items()} == locked
    text = LOCK.read_text()
    for each in packages.values():
        hashes = [one["content"] for one in each["externalReferences"][0]["hashes"]]
        assert hashes and all(one in text for one in hashes), each["name"]
    assert packages["numpy"]["licenses"] == [
        {"expression": "BSD-3-Clause AND 0BSD AND MIT AND Zlib AND CC0-1.0"}
    ]
    assert packages["lancedb"]["licenses"] == [{"license": {"id": "Apache-2.0"}}]


def test_the_bill_names_the_weights_with_theirs(bill):
    models = {
        each["name"]: each
        for each in bill["components"]
        if each["type"] == "machine-learning-model"
    }
    shipped = models["models/adapters/shipped_data/qwen2.5-coder-0.5b/adapter_model.safetensors"]
    path = ROOT / shipped["name"]
    assert shipped["hashes"][0]["content"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert "scope" not in shipped
    for name in catalogue.names():
        for file in catalogue.get(name).files:
            fetched = models[f"{name}/{file.name}"]
            assert fetched["scope"] == "optional"
            assert fetched["hashes"][0]["content"] == file.sha256
    whole = next(
        each for each in bill["dependencies"] if each["ref"].startswith("pkg:pypi/homespun")
    )
    assert len(whole["dependsOn"]) == len(bill["components"])
