"""What is no size of a chunk is never taken for one: a negative one would turn the body back."""

import pytest

from server.proxy.wire.chunked import BadChunkError, ChunkedBody


@pytest.mark.parametrize("size", [b"-10", b"+5", b"0x5", b"2_0", b"", b"g", b"1" * 17])
def test_what_is_no_size(size: bytes) -> None:
    """Only hexadecimal digits are (RFC 9112, 7.1)."""
    with pytest.raises(BadChunkError):
        ChunkedBody().take(size + b"\r\nxxxx")


@pytest.mark.parametrize("size", [b"4", b"04", b"4;name=value", b"4 "])
def test_what_is_one(size: bytes) -> None:
    """With what may stand around it."""
    body = size + b"\r\nxxxx\r\n0\r\n\r\n"
    assert ChunkedBody().take(body + b"next") == (len(body), True)
