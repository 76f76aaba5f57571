"""Damaged inputs from whole ones, as hypothesis strategies, so that what is found is made small."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

# What breaks parsers: deep nesting, huge numbers, escapes, half characters, line ends, nulls.
TOKENS = (
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\xf0\x9f", b"\r", b"\n", b"\t" * 40, b"\\", b'"', b"'",
    b'"""', b"`", b"#", b"/*", b"*/", b"//", b"<!--", b"{", b"}", b"[", b"]", b"(", b")", b"<",
    b">", b":", b";", b",", b".", b"..", b"-1", b"0", b"1e999", b"NaN", b"99999999999999999999",
    b"[" * 3000, b"{" * 3000, b'{"a":' * 2000, b"(" * 3000, b"a." * 2000, b"<" * 2000, b"null",
    b"\\ud800", b"\\u0000", b"=", b"a" * 5000, b"%s%n", b"$(x)", b"\xe2\x80\xae", b"\x1b[2J",
    b"lambda: ", b"def f(", b"class ", b"async ", b"match x:", b"template<", b"#define A(", b"=>",
)  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn, seeds: Sequence[bytes], *, most: int = 200_000) -> bytes:
    """One of `seeds` after up to six changes: cut, doubled, overwritten, something put in."""
    data = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, 6))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.sampled_from([0, 1, 2, 4, 8, 64, 512])))
        kind = draw(st.sampled_from(["cut", "double", "token", "bytes", "end", "number"]))
        if kind == "cut":
            data = data[:start] + data[end:]
        elif kind == "double":
            data = data[:end] + data[start:end] * draw(st.integers(1, 50)) + data[end:]
        elif kind == "token":
            data = data[:start] + draw(st.sampled_from(TOKENS)) + data[end:]
        elif kind == "bytes":
            data = data[:start] + draw(st.binary(max_size=16)) + data[end:]
        elif kind == "number":
            width = draw(st.sampled_from([1, 2, 4, 8]))
            value = draw(st.sampled_from([0, 1, 0x7F, 0xFF, 0x7FFFFFFF, 2**63, 2**64 - 1]))
            raw = (value % 256**width).to_bytes(width, "little")
            data = data[:start] + raw + data[start + width :]
        else:
            data = data[:start]
    return data[:most]
