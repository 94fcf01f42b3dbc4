"""The bundled server's ledger proves it: no write that a plain client makes once is made twice."""

from typing import Any

import pytest

from server.testing import FailureServer
from tests.drop_in.kits import Kit
from tests.eventually import eventually

WRITES = ("POST", "PATCH")
METHODS = ("GET", "PUT", *WRITES)
"""Over sockets, and without a server that acts, all are tried in `test_sockets`."""
AFTER: dict[str, Any] = {"when": "after"}


def tallied(server: FailureServer, arrivals: int) -> tuple[int, int]:
    """How often anything arrived, and how often it took effect.

    A call whose client lost patience may still be on its way, so as many are waited for as there
    should be.
    """
    eventually(lambda: server.ledger().arrived >= arrivals, lambda: "a call never arrived")
    eventually(lambda: server.ledger().took_effect, lambda: "no call took effect")
    ledger = server.ledger()
    return ledger.arrived, ledger.took_effect


async def made(kit: Kit, server: FailureServer, method: str, **options: Any) -> Any:
    """Make a call that the server does not recognise when it comes again."""
    client = kit.real_client()
    url = f"{server.url}/msg?dedupe=false"
    return await kit.outcome(client.request(method, url, **options))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("status", [500, 502, 504])
async def test_a_server_that_fails_after_acting(
    kit: Kit, failure_server: FailureServer, method: str, status: int
) -> None:
    """A write took effect, so it is not sent again; what is idempotent is."""
    failure_server.fail_count(1, status=status, **AFTER)
    response = await made(kit, failure_server, method)
    is_write = method in WRITES
    assert response.status_code == (status if is_write else 200)
    times = 1 if is_write else 2
    assert tallied(failure_server, times) == (times, times)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("status", [429, 503])
async def test_a_server_that_says_it_did_not_act(
    kit: Kit, failure_server: FailureServer, method: str, status: int
) -> None:
    """Every method is sent again, and takes effect once."""
    failure_server.fail_count(2, status=status)
    assert (await made(kit, failure_server, method)).status_code == 200
    assert tallied(failure_server, 3) == (3, 1)


@pytest.mark.parametrize("method", METHODS)
async def test_a_server_that_stays_silent(
    kit: Kit, failure_server: FailureServer, method: str
) -> None:
    """It has acted by then: a write is not sent again."""
    failure_server.latency(2_000)
    timeout = kit.module.Timeout(5, read=0.05)
    outcome = await made(kit, failure_server, method, timeout=timeout, max_retries=1)
    assert type(outcome) is kit.error("ReadTimeout")
    times = 1 if method in WRITES else 2
    assert tallied(failure_server, times) == (times, times)


@pytest.mark.parametrize("method", WRITES)
@pytest.mark.parametrize("key", ["Idempotency-Key", "X-Request-ID"])
async def test_a_write_that_the_server_recognises(
    kit: Kit, failure_server: FailureServer, method: str, key: str
) -> None:
    """It is sent again with the same key and the same body, and takes effect once."""
    failure_server.latency(2_000)
    client = kit.real_client(timeout=kit.module.Timeout(5, read=0.05), idempotency_headers=[key])
    with pytest.raises(kit.error("ReadTimeout")):
        await client.request(
            method, f"{failure_server.url}/msg", headers={key: "k"}, json={"a": 1}, max_retries=1
        )
    tallied(failure_server, 2)
    entry = failure_server.ledger().requests["k"]
    assert (entry.arrived, entry.took_effect, len(entry.bodies)) == (2, 1, 1)


@pytest.mark.parametrize("method", WRITES)
async def test_the_caller_may_ask_for_it(
    kit: Kit, failure_server: FailureServer, method: str
) -> None:
    """Then a write may take effect twice: he said so."""
    failure_server.fail_count(1, status=500, **AFTER)
    response = await made(kit, failure_server, method, status_forcelist=[500])
    assert response.status_code == 200
    assert tallied(failure_server, 2) == (2, 2)


async def test_no_request_id_is_made_up(kit: Kit, failure_server: FailureServer) -> None:
    """Each attempt is a stranger to the server, as with httpx."""
    failure_server.fail_count(1, status=503)
    await made(kit, failure_server, "POST")
    assert len(failure_server.ledger().requests) == 2
