from __future__ import annotations

import pytest

from homespun.server.transport import FrameReader, Malformed

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
