"""The body of the answer breaks, or is not what it says it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client import APINetworkError, APITimeoutError, ResponseError
from client.strategies.circuit.circuit import CircuitOutcome
from tests.wire.catalogue.faults import SHORT_READ, Fault, each
from tests.wire.scripts import (
    closes_in_the_body,
    explodes,
    forgets_the_last_chunk,
    garbles_a_chunk,
    lies_about_the_encoding,
    resets_in_the_body,
    stalls_in_the_body,
)

if TYPE_CHECKING:
    from tests.wire.catalogue.conftest import Meet

FAULTS = [
    Fault("body cut short by FIN", APINetworkError, closes_in_the_body, is_retried=True),
    Fault("body cut short by RST", APINetworkError, resets_in_the_body, is_retried=True),
    Fault(
        "silence in the body",
        APITimeoutError,
        stalls_in_the_body,
        is_retried=True,
        options=SHORT_READ,
    ),
    Fault("chunks without an end", APINetworkError, forgets_the_last_chunk, is_retried=True),
    Fault("chunk without a length", APINetworkError, garbles_a_chunk, is_retried=True),
    Fault("bad gzip", ResponseError, lies_about_the_encoding, counts=CircuitOutcome.IGNORED),
    Fault(
        "decompression bomb, under `max_body_bytes`",
        ResponseError,
        explodes,
        counts=CircuitOutcome.IGNORED,
        config={"max_body_bytes": 100_000},
    ),
    Fault(
        "FIN after a stream's first byte",
        APINetworkError,
        closes_in_the_body,
        received=b"x" * 10,
    ),
]


@each(FAULTS)
async def test_fault(meet: Meet, fault: Fault) -> None:
    """A broken body is a failure of its attempt, as long as the caller holds no byte of it."""
    await meet(fault)
