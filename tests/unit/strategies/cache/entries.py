"""Answers as they are kept, for tests."""

from __future__ import annotations

from hypothesis import strategies as st

from client.strategies.cache.entry import Entry

__all__ = ["ENTRIES", "an_entry"]

_TOKENS = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=12)
_MOMENTS = st.floats(min_value=0, max_value=1e11)

ENTRIES = st.builds(
    Entry,
    status=st.integers(100, 599),
    headers=st.lists(st.tuples(st.binary(max_size=20), st.binary(max_size=40))).map(tuple),
    body=st.binary(max_size=200),
    method=st.sampled_from(["GET", "HEAD"]),
    requested=_MOMENTS,
    received=_MOMENTS,
    is_decoded=st.booleans(),
    stamp=st.none() | st.tuples(st.binary(min_size=1, max_size=16), _MOMENTS),
    vary=st.lists(_TOKENS, unique=True, max_size=3).map(tuple),
    http_version=st.sampled_from([b"HTTP/1.1", b"HTTP/2"]),
    reason=st.none() | st.binary(max_size=20),
)


def an_entry(body: bytes = b"kept", vary: tuple[str, ...] = (), received: float = 1.0) -> Entry:
    """Return an answer whose body tells it from others."""
    headers = ((b"Content-Type", b"text/plain"), (b"Cache-Control", b"max-age=60"))
    return Entry(status=200, headers=headers, body=body, vary=vary, received=received)
