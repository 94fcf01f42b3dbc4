"""What a user would try first, against the bundled server: its ledger has the last word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from client import CircuitOpenError, CircuitState, ClientConfig, PoolTimeoutError, ServerError
from tests.wire.twins import check_all_is_back, settings, together

if TYPE_CHECKING:
    import httpx

    from server.testing import FailureServer
    from tests.wire.twins import Twin


async def test_the_defaults_outlast_two_failures(twin: Twin, failure_server: FailureServer) -> None:
    """Nothing is configured; the server asks for no wait, so that the test has none."""
    failure_server.fail_count(2, retry_after="0")
    async with twin.client(ClientConfig(base_url=failure_server.url)) as client:
        response = await client.get("/msg", request_id="defaults")
        assert response.status_code == 200
        assert response.extensions["resilience"].attempts == 3
        assert failure_server.ledger().requests["defaults"].statuses == (500, 500, 200)
        check_all_is_back(client)


async def test_three_failed_calls_open_the_circuit(
    twin: Twin, failure_server: FailureServer
) -> None:
    """The fourth fails at once, saying why, and the server does not hear of it."""
    failure_server.fail_count(10)
    config = settings(
        failure_server.url, circuit_breaker={"failure_threshold": 3}, retry={"max_attempts": 2}
    )
    async with twin.client(config) as client:
        for number in range(3):
            with pytest.raises(ServerError, match="500") as failed:
                await client.get("/msg", request_id=f"call-{number}")
            assert (failed.value.attempts, failed.value.request_sent) == (2, True)
        with pytest.raises(CircuitOpenError, match="Circuit breaker is OPEN") as rejected:
            await client.get("/msg", request_id="call-3")
        assert (rejected.value.attempts, rejected.value.request_sent) == (0, False)
        assert isinstance(rejected.value.last_error, ServerError)
        assert client.circuit_state is CircuitState.OPEN
        ledger = failure_server.ledger()
        assert {name: entry.arrived for name, entry in ledger.requests.items()} == {
            "call-0": 2,
            "call-1": 2,
            "call-2": 2,
        }


async def test_overload_gives_successes_and_pool_timeouts(
    twin: Twin, failure_server: FailureServer
) -> None:
    """Ten calls through five slots, each as long as anybody is willing to wait for one."""
    config = settings(
        failure_server.url, bulkhead={"max_concurrency": 5, "acquisition_timeout": 0.3}
    )
    async with twin.client(config) as client:
        await client.get("/msg", request_id="warm")
        outcomes = await together(
            twin,
            *(client.get("/msg?delay=300", request_id=f"call-{number}") for number in range(10)),
        )
        turned_away = [each for each in outcomes if isinstance(each, PoolTimeoutError)]
        answered = [each for each in outcomes if not isinstance(each, Exception)]
        assert len(turned_away) + len(answered) == 10
        assert len(answered) >= 5
        assert {error.request_sent for error in turned_away} <= {False}
        assert failure_server.ledger().arrived == 1 + len(answered)
        assert client.circuit_state is CircuitState.CLOSED
        check_all_is_back(client)


async def test_the_same_request_id_gets_the_same_message(
    twin: Twin, failure_server: FailureServer
) -> None:
    """However often it is sent, by whichever attempt; another id gets another."""
    async with twin.client(settings(failure_server.url)) as client:

        def message_of(response: httpx.Response) -> str:
            found: str = response.json()["message_id"]
            return found

        failure_server.fail_count(1, when="after")
        first = message_of(await client.request("POST", "/msg", request_id="once"))
        second = message_of(await client.request("POST", "/msg", request_id="once"))
        other = message_of(await client.request("POST", "/msg", request_id="another"))
        assert first == second != other
        ledger = failure_server.ledger()
        assert (ledger.requests["once"].arrived, ledger.requests["once"].took_effect) == (3, 1)
        assert ledger.doubled() == ()
