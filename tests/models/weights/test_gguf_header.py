"""Counts that lead out of the file are refused before anybody loops over them."""

from __future__ import annotations

import struct

import pytest

from homespun.models.errors import ModelDamaged
from homespun.models.weights.gguf import GgufSource
from homespun.models.weights.gguf_header import check_header


def header(*, tensors=0, values=0, rest=b"", magic=b"GGUF", version=3):
    return magic + struct.pack("<IQQ", version, tensors, values) + rest


def string(text):
    return struct.pack("<Q", len(text)) + text


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (header(magic=b"GGML"), "does not begin as a GGUF"),
        (header(version=9), "of version 9"),
        (header()[:10], "before its end"),
        (header(values=2**63), "before its end"),
        (header(tensors=2**63), "before its end"),
        (header(values=1, rest=struct.pack("<Q", 2**62)), "before its end"),
        (header(values=1, rest=string(b"k") + struct.pack("<I", 99)), "unknown type 99"),
        (header(values=1, rest=string(b"k") + struct.pack("<IIQ", 9, 8, 2**63)), "before its end"),
        (header(values=1, rest=string(b"k") + struct.pack("<IIQ", 9, 4, 2**62)), "before its end"),
        (header(values=1, rest=string(b"k") + struct.pack("<IIQ", 9, 9, 1)), "values of type 9"),
        (header(tensors=1, rest=string(b"t") + struct.pack("<I", 99)), "99 dimensions"),
    ],
)
def test_a_damaged_header_is_a_sentence(tmp_path, data, words):
    (tmp_path / "model.gguf").write_bytes(data)
    with pytest.raises(ValueError, match=words):
        check_header(tmp_path / "model.gguf")
    with pytest.raises(ModelDamaged, match="not a readable GGUF file"):
        GgufSource(tmp_path / "model.gguf")


def test_a_whole_header_is_walked_to_its_end(tmp_path):
    value = string(b"names") + struct.pack("<IIQ", 9, 8, 2) + string(b"a") + string(b"")
    number = string(b"count") + struct.pack("<IQ", 10, 7)
    tensor = string(b"t") + struct.pack("<IQQIQ", 2, 3, 4, 0, 0)
    (tmp_path / "a.gguf").write_bytes(header(tensors=1, values=2, rest=value + number + tensor))
    check_header(tmp_path / "a.gguf")
