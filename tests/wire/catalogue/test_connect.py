"""No connection comes about: nothing was sent, so every call may be repeated."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest

from client import APINetworkError, APITimeoutError, InvalidRequestError
from client.strategies.circuit.circuit import CircuitOutcome
from tests.wire.catalogue.faults import SHORT_CONNECT, Fault, each

if TYPE_CHECKING:
    from tests.wire.catalogue.conftest import Meet

FAULTS = [
    Fault(
        "connection refused",
        APINetworkError,
        at="refusing_url",
        is_retried=True,
        is_sent=False,
    ),
    Fault(
        "backlog full",
        APITimeoutError,
        at="unaccepting_url",
        is_retried=True,
        is_sent=False,
        options=SHORT_CONNECT,
    ),
    Fault(
        "no such name",
        APINetworkError,
        at="unresolved_url",
        is_retried=True,
        is_sent=False,
    ),
    Fault(
        "impossible port",
        InvalidRequestError,
        at="impossible_url",
        is_sent=False,
        counts=CircuitOutcome.IGNORED,
    ),
]


@pytest.fixture
def refusing_url() -> str:
    """Where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"


@pytest.fixture
def unaccepting_url(unaccepting_port: int) -> str:
    """Where connecting neither succeeds nor fails."""
    return f"http://127.0.0.1:{unaccepting_port}/"


@pytest.fixture
def unresolved_url(monkeypatch: pytest.MonkeyPatch) -> str:
    """A name that nobody knows; nobody is asked, for some networks answer for every name."""
    resolve = socket.getaddrinfo

    def getaddrinfo(host: Any, *arguments: Any, **options: Any) -> Any:
        if host in {"nowhere.invalid", b"nowhere.invalid"}:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return resolve(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return "http://nowhere.invalid/"


@pytest.fixture
def impossible_url() -> str:
    """A port that no machine has; the system would take it for another one."""
    return "http://127.0.0.1:99999/"


@each(FAULTS)
async def test_fault(meet: Meet, fault: Fault) -> None:
    """Only a URL that cannot be called is not called again."""
    await meet(fault)
