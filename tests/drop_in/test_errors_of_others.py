"""An error of the tree that came from another client passes: it is no answer, and no failure."""

from typing import Any

import pytest

from client import CircuitBreaker, CircuitOpenError, CircuitState, ServerError
from client.exceptions import APINetworkError, MyAPIError
from tests.drop_in.kits import URL, Kit
from tests.drop_in.wire import Wire

ERRORS: dict[str, MyAPIError] = {
    "status": ServerError("503 of a token server", status_code=503, response="of another"),
    "network": APINetworkError("the token server is away"),
    "rejection": CircuitOpenError("Circuit breaker is OPEN"),
}


def auth_of(kit: Kit, error: Exception) -> Any:
    """An auth flow that asks somebody else, and fails."""

    def failing() -> Any:
        yield from ()
        raise error

    fails = failing()

    class Token(kit.module.Auth):  # type: ignore[misc, name-defined] # of whichever family
        def auth_flow(self, request: Any) -> Any:
            request.headers["Authorization"] = str(next(fails))
            yield request

    return Token()


def hook_of(kit: Kit, error: Exception) -> Any:
    """A hook that does so."""

    def fail(_response: Any) -> None:
        raise error

    return {"response": [kit.awaited_if_async(fail)]}


@pytest.mark.parametrize("where", ["auth", "hook", "transport", "body"])
@pytest.mark.parametrize("name", ERRORS)
async def test_it_comes_out_as_it_is(kit: Kit, name: str, where: str) -> None:
    """At once, wherever it was raised, and a circuit takes no notice of it."""
    error = ERRORS[name]
    told: list[Any] = []
    breaker = CircuitBreaker(failure_threshold=1)
    options: dict[str, Any] = {"circuit_breaker": breaker, "on_failure": told.append}
    body: dict[str, Any] = {}
    if where == "auth":
        options["auth"] = auth_of(kit, error)
    elif where == "hook":
        options["event_hooks"] = hook_of(kit, error)
    elif where == "body":
        body["content"] = failing_body(kit, error)
    client = kit.client(error if where == "transport" else 200, **options)
    with pytest.raises(MyAPIError) as caught:
        await client.post(URL, **body)
    assert caught.value is error
    assert breaker.state is CircuitState.CLOSED
    assert (told[0].error, told[0].response, told[0].attempts) == (error, None, 1)


def failing_body(kit: Kit, error: Exception) -> Any:
    """A body that fails when it is read."""

    def plain() -> Any:
        yield b"pay"
        raise error

    async def later() -> Any:
        yield b"pay"
        raise error

    return later() if kit.is_async else plain()


async def test_a_probe_that_ends_so_gives_its_permit_back(kit: Kit) -> None:
    """With one circuit for both clients it would never close again."""
    breaker = CircuitBreaker(failure_threshold=1, recovery_timeout=10)
    client = kit.client(500, ERRORS["rejection"], 200, circuit_breaker=breaker, max_retries=0)
    await client.get(URL)
    assert breaker.state == "open"
    kit.clock.now += 11
    with pytest.raises(CircuitOpenError) as caught:
        await client.get(URL)
    assert caught.value is ERRORS["rejection"]
    assert (await client.get(URL)).status_code == 200
    assert breaker.state == "closed"


@pytest.mark.parametrize("kind", [KeyError, ConnectionResetError, TimeoutError, UnicodeError])
@pytest.mark.parametrize("where", ["auth", "hook", "body"])
async def test_a_bug_of_the_caller_s_stays_what_it_is(
    kit: Kit, kind: type[Exception], where: str
) -> None:
    """Of whatever class it is: no retry, no other exception."""
    error = kind("mine")
    options: dict[str, Any] = {}
    body: dict[str, Any] = {}
    if where == "auth":
        options["auth"] = auth_of(kit, error)
    elif where == "hook":
        options["event_hooks"] = hook_of(kit, error)
    else:
        body["content"] = failing_body(kit, error)
    client = kit.client(200, **options)
    with pytest.raises(kind) as caught:
        await client.post(URL, headers={"Idempotency-Key": "a"}, **body)
    assert caught.value is error
    wire = client._transport
    assert isinstance(wire, Wire)
    assert len(wire.arrivals) <= 1
