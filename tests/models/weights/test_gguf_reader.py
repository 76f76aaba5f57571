"""Arrays made in one step hold what gguf's own reader finds; a file cut short is still damaged."""

from __future__ import annotations

import gguf
import numpy as np
import pytest

from homespun.models.errors import ModelDamaged
from homespun.models.weights.gguf import GgufSource
from homespun.models.weights.gguf_reader import PlainReader
from tests.support.tiny import save_tiny_gguf, save_tiny_qwen2

WRITTEN = {
    "house.small": np.uint16(7),
    "house.negative": np.int32(-7),
    "house.large": np.uint64(2**40),
    "house.share": np.float32(0.25),
    "house.yes": True,
    "house.name": "Küche",
    "house.words": ["a", "bö", ""],
    "house.numbers": [1, -2, 3],
}


def write(path, endianess):
    """A file with every kind of value and two tensors."""
    writer = gguf.GGUFWriter(str(path), "house", endianess=endianess)
    writer.add_uint16("house.small", 7)
    writer.add_int32("house.negative", -7)
    writer.add_uint64("house.large", 2**40)
    writer.add_float32("house.share", 0.25)
    writer.add_bool("house.yes", True)
    writer.add_string("house.name", "Küche")
    writer.add_array("house.words", ["a", "bö", ""])
    writer.add_array("house.numbers", [1, -2, 3])
    writer.add_tensor("matrix", np.arange(64, dtype=np.float32).reshape(2, 32))
    writer.add_tensor("half", np.arange(6, dtype=np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return str(path)


@pytest.mark.parametrize("endianess", [gguf.GGUFEndian.LITTLE, gguf.GGUFEndian.BIG])
def test_what_the_library_finds_is_found(tmp_path, endianess):
    file = write(tmp_path / "model.gguf", endianess)
    found, theirs = PlainReader(file), gguf.GGUFReader(file)
    assert {key: found.fields[key].contents() for key in WRITTEN} == WRITTEN
    assert list(found.fields) == list(theirs.fields)
    for one, other in zip(found.tensors, theirs.tensors, strict=True):
        assert (one.name, list(one.shape)) == (other.name, list(other.shape))
        assert one.data.dtype == other.data.dtype
        np.testing.assert_array_equal(one.data, other.data)


def test_a_file_cut_within_its_tensors_is_damaged(tmp_path):
    save_tiny_qwen2(tmp_path / "model")
    file = tmp_path / "model.gguf"
    save_tiny_gguf(tmp_path / "model", file)
    file.write_bytes(file.read_bytes()[:-64])
    with pytest.raises(ModelDamaged, match="is not a readable GGUF file"):
        GgufSource(file)
