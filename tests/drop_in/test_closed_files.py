"""A file that is closed between two attempts ends the call with the outcome in hand."""

import io
from typing import Any

import pytest

from tests.drop_in.kits import URL, Kit


def upload(kit: Kit, way: str, file: Any) -> dict[str, Any]:
    """The arguments that send a file; httpx's async clients send one only in a form."""
    if way == "content" and not kit.is_async:
        return {"content": file, "headers": {"Content-Length": "3"}}
    return {"files": {"other": b"x", "part": ("name", file)}}


def is_what_happened(kit: Kit, outcome: Any, failure: Any) -> bool:
    """Tell whether a call ended with a failure."""
    if isinstance(failure, int):
        return bool(outcome.status_code == failure)
    return type(outcome) is kit.error(failure)


@pytest.mark.parametrize("way", ["content", "files"])
@pytest.mark.parametrize("failure", [503, "ReadError", "ConnectError"])
async def test_closed_before_the_wait(kit: Kit, way: str, failure: Any) -> None:
    """Nothing is waited for."""
    file = io.BytesIO(b"abc")

    def serve(_request: Any) -> Any:
        file.close()
        return failure

    client = kit.client(serve, 200)
    outcome = await kit.outcome(client.put(URL, **upload(kit, way, file)))
    assert is_what_happened(kit, outcome, failure)
    assert kit.clock.waits == []


@pytest.mark.parametrize("way", ["content", "files"])
@pytest.mark.parametrize("failure", [503, "ReadError"])
async def test_closed_in_the_wait(kit: Kit, way: str, failure: Any) -> None:
    """The attempt that was announced is not made."""
    file = io.BytesIO(b"abc")
    client = kit.client(failure, 200, on_retry=lambda _record: file.close())
    outcome = await kit.outcome(client.put(URL, **upload(kit, way, file)))
    assert is_what_happened(kit, outcome, failure)
    assert len(client._transport.arrivals) == 1


async def test_closed_when_nothing_is_left_of_a_streamed_answer(kit: Kit) -> None:
    """The answer was let go of before the wait: an error of httpx says what is wrong."""
    file = io.BytesIO(b"abc")
    client = kit.client(503, 200, max_retries=1, on_retry=lambda _record: file.close())
    with pytest.raises(kit.error("LocalProtocolError"), match="a file of its body was closed"):
        async with client.stream("PUT", **upload(kit, "files", file)):
            pass
    assert len(client._transport.arrivals) == 1
