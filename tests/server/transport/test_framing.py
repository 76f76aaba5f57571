from __future__ import annotations

import pytest

from homespun.server.transport.framing import FrameReader, Malformed

GOOD = b"Content-Length: 2\r\n\r\n{}"


def frames(*pieces):
    reader = FrameReader()
    return [frame for piece in pieces for frame in reader.feed(piece)]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(GOOD, id="as the protocol writes it"),
        pytest.param(b"content-length:2\r\n\r\n{}", id="small letters, no space"),
        pytest.param(b"Content-Length: 2\n\n{}", id="bare newlines"),
        pytest.param(
            b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", id="two headers"
        ),
        pytest.param(b"\r\n\r\n" + GOOD, id="empty lines before"),
    ],
)
def test_a_body_is_found(data):
    assert frames(data) == [b"{}"]
    assert frames(*(data[i : i + 1] for i in range(len(data)))) == [b"{}"]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        pytest.param(
            b"Content-Length: two\r\n\r\n{}", "a Content-Length header is no number", id="no number"
        ),
        pytest.param(
            b"Content-Length: -2\r\n\r\n{}", "a Content-Length header is no number", id="negative"
        ),
        pytest.param(
            b"Content-Length: 99999999999999\r\n\r\n{}",
            "a Content-Length above 536870912 bytes",
            id="absurd",
        ),
        pytest.param(b"hello\r\n\r\n", "5 bytes that are no header", id="no header at all"),
    ],
)
def test_damage_is_named_and_the_next_message_found(damage, reason):
    found = frames(damage + GOOD + GOOD)
    assert found[0] == Malformed(reason)
    assert [frame for frame in found if isinstance(frame, bytes)] == [b"{}", b"{}"]


def test_a_length_that_is_too_short_loses_one_message_only():
    found = frames(b'Content-Length: 3\r\n\r\n{"a": 1}' + GOOD)
    assert found == [b'{"a', Malformed("5 bytes before a header"), b"{}"]


@pytest.mark.parametrize(
    "flood",
    [
        pytest.param(b"x" * 300_000, id="a line without an end"),
        pytest.param(b"A: b\r\n" * 50_000, id="headers without an end"),
        pytest.param(b"A: " + b"b" * 300_000 + b"\r\n", id="a long header"),
    ],
)
def test_a_flood_of_headers_is_named_once_at_64_KB_and_not_kept(flood):
    reader = FrameReader()
    found = []
    for start in range(0, len(flood), 1_000):
        found += reader.feed(flood[start : start + 1_000])
        assert len(reader._buffer) <= 66_000
        assert bool(found) == (start + 1_000 > 65_536)
    assert found == [Malformed("more than 65536 bytes of headers")]
    assert b"{}" in frames_of(reader, b"\r\n\r\n" + GOOD)


def test_a_header_right_behind_a_flood_is_found():
    assert frames(b"x" * 300_000 + GOOD)[-1] == b"{}"


def test_a_large_body_is_no_flood_of_headers():
    body = b"x" * 300_000
    assert frames(b"Content-Length: 300000\r\n\r\n" + body + GOOD) == [body, b"{}"]


STRANGERS = {
    "a web page's POST": (
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\n{}",
        "15 bytes that are no header of the protocol",
    ),
    "a header of another protocol behind one of ours": (
        b"Content-Length: 2\r\nHost: x\r\n\r\n{}",
        "7 bytes that are no header of the protocol",
    ),
    "bytes before a header": (
        b"xContent-Length: 2\r\n\r\n{}",
        "18 bytes that are no header of the protocol",
    ),
    "a length that is no number": (
        b"Content-Length: two\r\n\r\n{}",
        "a Content-Length header is no number",
    ),
    "a body that is too long": (
        b"Content-Length: 101\r\n\r\n{}",
        "a Content-Length above 100 bytes",
    ),
}


@pytest.mark.parametrize(("data", "reason"), STRANGERS.values(), ids=STRANGERS)
def test_a_strict_reader_names_a_stranger_before_any_message(data, reason):
    reader = FrameReader(strict=True, max_body_bytes=100)
    assert next(reader.feed(data)) == Malformed(reason)


@pytest.mark.parametrize("begun", [b"P", b"GET /", b"\x16\x03\x01", b"{", b"content_"])
def test_a_strict_reader_needs_no_whole_line_to_know_a_stranger(begun):
    (fault,) = FrameReader(strict=True).feed(begun)
    assert fault == Malformed("the first bytes are no header of the protocol")


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_a_strict_reader_takes_what_the_protocol_writes(size):
    data = b"Content-Length: 2\r\nContent-Type: application/json\r\n\r\n{}\r\n" + GOOD
    reader = FrameReader(strict=True)
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    assert [frame for piece in pieces for frame in reader.feed(piece)] == [b"{}", b"{}"]
    assert not reader.is_midway


@pytest.mark.parametrize(
    "begun", [b"C", b"Content-Length: 2\r\n", b"Content-Length: 2\r\n\r\n", GOOD[:-1]]
)
def test_a_message_that_has_begun_is_midway(begun):
    reader = FrameReader(strict=True)
    assert not reader.is_midway
    assert list(reader.feed(begun)) == []
    assert reader.is_midway


def frames_of(reader, data):
    return list(reader.feed(data))
