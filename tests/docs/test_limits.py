"""What USAGE.md says does not work. When a test here fails, something got better: say so there."""

import time
from collections.abc import Iterator

import httpx

from client import SyncResilientClient

SHORT = 0.002


class Drip(httpx.SyncByteStream):
    """A body whose pieces come late but come."""

    def __iter__(self) -> Iterator[bytes]:
        """Send five of them, each as late as the deadline is long."""
        for _ in range(5):
            time.sleep(SHORT)  # real: a deadline of real seconds passes, and nobody stops this
            yield b"x"


def test_a_foreign_transport_is_not_held_to_the_deadline() -> None:
    """The answer comes late."""
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, stream=Drip()))
    with SyncResilientClient(transport=transport) as client:
        response = client.get("https://api.example/", deadline=SHORT)
    assert response.content == b"xxxxx"
    assert response.extensions["resilience"].elapsed > SHORT
