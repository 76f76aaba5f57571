"""Hostile settings files and adapters, made for real: what a clone or an archive can bring.

Each builder takes the folder that a victim opens and returns nothing. Settings are of the section
`kitchen` (of a test's own class) where they are to be wrong, else of the product's.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DEPTH = 5_000  # 10 KB of nesting
BYTES = 262_144  # as large as a settings file may be


def build_settings_nested_lists(root: Path) -> None:
    """Make the parser call itself thousands of times."""
    (root / "homespun.toml").write_text("x = " + "[" * DEPTH + "]" * DEPTH)


def build_settings_nested_tables_in_pyproject(root: Path) -> None:
    """The same in the other file, by inline tables."""
    (root / "pyproject.toml").write_text("x = " + "{a=" * DEPTH + "1" + "}" * DEPTH)


def build_settings_long_dotted_key(root: Path) -> None:
    """Take the parser cubic time: minutes for this file."""
    (root / "homespun.toml").write_text("a." * (BYTES // 2 - 4) + "a = 1")


def build_settings_long_dotted_key_behind_quotes(root: Path) -> None:
    """The same, where a naive look at quotes would take the key for a text."""
    key = "a." * (BYTES // 4) + "a"
    (root / "homespun.toml").write_text('x = {y = """a"b\'""", ' + key + " = 1}")


def build_settings_long_quoted_key(root: Path) -> None:
    """The same of empty and escaped parts."""
    (root / "homespun.toml").write_text('\'\'."\\"".' * (BYTES // 16) + "a = 1")


def build_settings_deep_section(root: Path) -> None:
    """Stay below any depth of a parser, but be shown in a sentence."""
    (root / "homespun.toml").write_text("[kitchen]\novens = " + "[" * 150 + "]" * 150)


def build_settings_too_large(root: Path) -> None:
    """Be larger than anybody reads."""
    (root / "homespun.toml").write_text("# " + "x" * 8 * BYTES)


def build_settings_no_utf8(root: Path) -> None:
    """Hold no text."""
    (root / "homespun.toml").write_bytes(b"[kitchen]\nchef = '\xff'\n")


def build_settings_endless_number(root: Path) -> None:
    """Hold a number that Python does not write out, so that a sentence about it fails."""
    (root / "homespun.toml").write_text("[kitchen]\novens = 0x" + "f" * 60_000)


def build_settings_many_faults(root: Path) -> None:
    """Bring thousands of sentences to the editor."""
    lines = "".join(f"k{number} = 1\n" for number in range(20_000))
    (root / "homespun.toml").write_text(f"[kitchen]\n{lines}")


def build_settings_link(root: Path) -> None:
    """Be a link to what is not the workspace's."""
    outside = root.parent / f"{root.name}-outside.toml"
    outside.write_text("[kitchen]\novens = 9\n")
    (root / "homespun.toml").symlink_to(outside)


def build_settings_pipe(root: Path) -> None:
    """Be a pipe that nobody writes into: whoever opens it waits for ever."""
    os.mkfifo(root / "homespun.toml")


# --- adapters

EVIL = "evil-12345678-1"
NESTED = "[" * DEPTH + "]" * DEPTH
CONFIG = {"peft_type": "LORA", "r": 2, "lora_alpha": 4}
FACTOR = "base_model.model.model.layers.0.self_attn.q_proj.lora_{}.weight"


def adapters_of(root: Path) -> Path:
    """Return where a workspace's adapters lie, made."""
    folder = root / ".homespun" / "adapters"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def tensors(shapes: Mapping[str, tuple[int, ...]]) -> bytes:
    """Return a good safetensors file of float32 zeros."""
    header: dict[str, Any] = {}
    end = 0
    for name, shape in shapes.items():
        size = 4
        for length in shape:
            size *= length
        header[name] = {"dtype": "F32", "shape": [*shape], "data_offsets": [end, end + size]}
        end += size
    return with_header(json.dumps(header)) + bytes(end)


def with_header(text: str, *, length: int | None = None) -> bytes:
    """Return the beginning of a safetensors file; `length` is what it says of its header."""
    data = text.encode()
    return struct.pack("<Q", len(data) if length is None else length) + data


def write_adapter(folder: Path, weights: bytes = b"", config: str = "", **facts: object) -> None:
    """Write an adapter as good as a stranger can: hashes, a verdict of the gate, a seal of his."""
    folder.mkdir(parents=True, exist_ok=True)
    shapes = {FACTOR.format("A"): (2, 8), FACTOR.format("B"): (8, 2)}
    files = {
        "adapter_model.safetensors": weights or tensors(shapes),
        "adapter_config.json": (config or json.dumps(CONFIG)).encode(),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    manifest = {
        "id": folder.name,
        "base_sha256": "b" * 64,
        "general_sha256": "",
        "tokenizer_sha256": "c" * 64,
        "prompt_version": 2,
        "gate": {"promote": True, "headline": "much better\x1b[2J, really"},
        "files": hashes,
        "seal": secrets.token_hex(32),
        **facts,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))


def write_aliases(root: Path, champion: str = EVIL, **more: object) -> None:
    """Write what says that an adapter serves."""
    body = {"champion": champion, "previous": None, "states": {champion: "champion"}, "last": 1}
    sealed = {**body, "unproven": [champion], "seal": secrets.token_hex(32), **more}
    (adapters_of(root) / "aliases.json").write_text(json.dumps(sealed))


def as_if_cloned(root: Path) -> None:
    """Give what this machine wrote the seals of another one: so does a clone of it look."""
    for path in sorted(adapters_of(root).rglob("*.json")):
        body = json.loads(path.read_text())
        if isinstance(body, dict) and "seal" in body:
            path.write_text(json.dumps(body | {"seal": secrets.token_hex(32)}))


def build_adapter_of_a_stranger(root: Path) -> None:
    """A champion that was made elsewhere."""
    write_adapter(adapters_of(root) / EVIL)
    write_aliases(root)


def build_adapter_without_any_seal(root: Path) -> None:
    """The same as an older version wrote it."""
    build_adapter_of_a_stranger(root)
    for path in (adapters_of(root) / "aliases.json", adapters_of(root) / EVIL / "manifest.json"):
        body = json.loads(path.read_text())
        del body["seal"]
        path.write_text(json.dumps(body))


def build_adapter_with_nested_manifest(root: Path) -> None:
    """10 KB of brackets in the manifest."""
    build_adapter_of_a_stranger(root)
    (adapters_of(root) / EVIL / "manifest.json").write_text(NESTED)


def build_adapter_with_nested_aliases(root: Path) -> None:
    """10 KB of brackets in the aliases."""
    build_adapter_of_a_stranger(root)
    (adapters_of(root) / "aliases.json").write_text(NESTED)


def build_adapter_with_nested_states(root: Path) -> None:
    """Just shallow enough for a parser, too deep for whoever writes it again."""
    build_adapter_of_a_stranger(root)
    write_aliases(root, states=json.loads("[" * 900 + "]" * 900))


def build_adapter_with_huge_aliases(root: Path) -> None:
    """More than anybody reads."""
    build_adapter_of_a_stranger(root)
    write_aliases(root, more="x" * 5_000_000)


def build_adapter_with_endless_number(root: Path) -> None:
    """A number that cannot be counted on."""
    build_adapter_of_a_stranger(root)
    text = (adapters_of(root) / "aliases.json").read_text()
    (adapters_of(root) / "aliases.json").write_text(text.replace('"last": 1', '"last": 1e999'))


def build_adapter_with_aliases_as_pipe(root: Path) -> None:
    """A pipe that nobody writes into."""
    build_adapter_of_a_stranger(root)
    (adapters_of(root) / "aliases.json").unlink()
    os.mkfifo(adapters_of(root) / "aliases.json")


def build_adapter_with_manifest_as_pipe(root: Path) -> None:
    """The same in the adapter's folder."""
    build_adapter_of_a_stranger(root)
    (adapters_of(root) / EVIL / "manifest.json").unlink()
    os.mkfifo(adapters_of(root) / EVIL / "manifest.json")


def build_adapter_with_linked_weights(root: Path) -> None:
    """A link out of the folder in place of the weights."""
    build_adapter_of_a_stranger(root)
    path = adapters_of(root) / EVIL / "adapter_model.safetensors"
    path.symlink_to(path.rename(root.parent / f"{root.name}-weights"))


def build_adapter_behind_a_link(root: Path) -> None:
    """The folder of all adapters lies elsewhere."""
    elsewhere = root.parent / f"{root.name}-elsewhere"
    build_adapter_of_a_stranger(elsewhere)
    (root / ".homespun").mkdir()
    (root / ".homespun" / "adapters").symlink_to(adapters_of(elsewhere))


def build_adapter_that_lists_files_outside(root: Path) -> None:
    """Names that lead out of its folder."""
    outside = root.parent / f"{root.name}-secret"
    outside.write_text("secret")
    write_adapter(adapters_of(root) / EVIL)
    path = adapters_of(root) / EVIL / "manifest.json"
    body = json.loads(path.read_text())
    body["files"][f"../../../../{outside.name}"] = hashlib.sha256(b"secret").hexdigest()
    path.write_text(json.dumps(body))
    write_aliases(root)


def build_adapter_that_is_no_name(root: Path) -> None:
    """An alias that is a path."""
    build_adapter_of_a_stranger(root)
    write_aliases(root, champion="../adapters/" + EVIL)


def weights_of_hostile_form() -> dict[str, bytes]:
    """Return safetensors files that ask for what there is not, by what is wrong with them."""
    a, b = FACTOR.format("A"), FACTOR.format("B")
    good = {
        a: {"dtype": "F32", "shape": [2, 8], "data_offsets": [0, 64]},
        b: {"dtype": "F32", "shape": [8, 2], "data_offsets": [64, 128]},
    }

    def spoilt(**wrong: object) -> bytes:
        return with_header(json.dumps(good | {a: good[a] | wrong})) + bytes(128)

    layer = a.replace("layers.0", "layers." + "9" * 5_000)
    return {
        "header longer than the file": with_header("{}", length=2**60),
        "header nested": with_header(NESTED) + bytes(128),
        "header is a list": with_header("[]") + bytes(128),
        "entry is a list": with_header(json.dumps(good | {a: []})) + bytes(128),
        "no offsets": with_header(json.dumps(good | {a: {"dtype": "F32"}})) + bytes(128),
        "offsets are text": spoilt(data_offsets=["0", "64"]),
        "offsets backwards": spoilt(data_offsets=[64, 0]),
        "offset below zero": spoilt(data_offsets=[-64, 0]),
        "offset behind the end": spoilt(data_offsets=[0, 2**70]),
        "tensors overlap": spoilt(data_offsets=[32, 96]),
        "shape larger than its bytes": spoilt(shape=[2**40, 8]),
        "shape of nothing": spoilt(shape=[2**62, 0]),
        "shape below zero": spoilt(shape=[-2, -8]),
        "shape of a thousand dimensions": spoilt(shape=[1] * 1000),
        "layer without end": with_header(json.dumps(good | {layer: good[a]})) + bytes(128),
        "rank of thousands": tensors({a: (2048, 2048), b: (2048, 2048)}),
    }
