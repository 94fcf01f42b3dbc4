"""What may be a middleware is looked at when the client is made, with a clear word."""

from __future__ import annotations

import re
from functools import partial, wraps
from typing import Any

import httpx
import pytest

from client import AsyncClient, Client, ResilientClient, SyncResilientClient


def plain(request: Any, call_next: Any) -> Any:
    """Go on."""
    return call_next(request)


async def suspending(request: Any, call_next: Any) -> Any:
    """Go on."""
    return await call_next(request)


class ForBoth:
    """One for both worlds."""

    def handle(self, request: Any, call_next: Any) -> Any:
        """Go on, and mark it."""
        request.headers["X-By"] = "handle"
        return call_next(request)

    async def handle_async(self, request: Any, call_next: Any) -> Any:
        """Go on, and mark it."""
        request.headers["X-By"] = "handle_async"
        return await call_next(request)


class OnlyBlocking:
    """One for blocking clients."""

    handle = ForBoth.handle


class OnlyAsync:
    """One for async clients."""

    handle_async = ForBoth.handle_async


class Callable:
    """An object that is called."""

    def __call__(self, request: Any, call_next: Any) -> Any:
        """Go on."""
        return call_next(request)


class CallableAsync:
    """An object that is called, and awaited."""

    async def __call__(self, request: Any, call_next: Any) -> Any:
        """Go on."""
        return await call_next(request)


def with_more(more: str, request: Any, call_next: Any) -> Any:
    """Go on, with an argument bound before."""
    del more
    return call_next(request)


async def with_more_async(more: str, request: Any, call_next: Any) -> Any:
    """Go on, likewise."""
    del more
    return await call_next(request)


@wraps(plain)
def decorated(*args: Any, **options: Any) -> Any:
    """Go on, whatever it is given."""
    return plain(*args, **options)


BLOCKING: dict[str, Any] = {
    "function": plain,
    "lambda": lambda request, call_next: call_next(request),
    "partial": partial(with_more, "more"),
    "object": Callable(),
    "method": Callable().__call__,
    "decorated": decorated,
    "of C": max,
    "handle": OnlyBlocking(),
    "both": ForBoth(),
}
ASYNC: dict[str, Any] = {
    "function": suspending,
    "partial": partial(with_more_async, "more"),
    "object": CallableAsync(),
    "method": CallableAsync().__call__,
    "handle": OnlyAsync(),
    "both": ForBoth(),
}
OF_ASYNC: tuple[Any, ...] = (ResilientClient, AsyncClient)
OF_BLOCKING: tuple[Any, ...] = (SyncResilientClient, Client)
WHERE = pytest.mark.parametrize("where", ["middleware", "attempt_middleware"])


@WHERE
@pytest.mark.parametrize("kind", BLOCKING)
def test_what_blocking_clients_take(kind: str, where: str) -> None:
    """And give back as it was given."""
    for make in OF_BLOCKING:
        client = make(**{where: [BLOCKING[kind]]})
        assert getattr(client, where) == (BLOCKING[kind],)


@WHERE
@pytest.mark.parametrize("kind", ASYNC)
def test_what_async_clients_take(kind: str, where: str) -> None:
    """Likewise."""
    for make in OF_ASYNC:
        client = make(**{where: [ASYNC[kind]]})
        assert getattr(client, where) == (ASYNC[kind],)


REFUSED_BY_ASYNC: dict[str, tuple[Any, str]] = {
    "plain function": (plain, "has plain, which is a plain function: an async client needs an"),
    "plain partial": (partial(with_more, "x"), "has partial, which is a plain function"),
    "plain object": (Callable(), "has Callable, which is a plain function"),
    "without handle_async": (OnlyBlocking(), "has OnlyBlocking without handle_async: an async"),
    "class": (ForBoth, "has ForBoth, a class: give an instance of it"),
    "nothing": (None, r"give a function (request, call_next), or an object with handle_async"),
    "number": (3, "has int: give a function"),
}
REFUSED_BY_BLOCKING: dict[str, tuple[Any, str]] = {
    "async function": (suspending, "has suspending, which is async: a blocking client needs a"),
    "async object": (CallableAsync(), "has CallableAsync, which is async"),
    "without handle": (OnlyAsync(), "has OnlyAsync without handle: a blocking client needs that"),
    "class": (ForBoth, "has ForBoth, a class: give an instance of it"),
    "one argument": (lambda request: request, "takes (request): it is called as (request, call"),
    "no handle": (type("Odd", (), {"handle": 3})(), "whose handle is 3: give it a method"),
}


@WHERE
@pytest.mark.parametrize("kind", REFUSED_BY_ASYNC)
def test_what_async_clients_refuse(kind: str, where: str) -> None:
    """Before anything is called."""
    given, text = REFUSED_BY_ASYNC[kind]
    for make in OF_ASYNC:
        with pytest.raises(TypeError, match=re.escape(text)) as caught:
            make(**{where: [given]})
        assert str(caught.value).startswith(f"{where} has ")


@WHERE
@pytest.mark.parametrize("kind", REFUSED_BY_BLOCKING)
def test_what_blocking_clients_refuse(kind: str, where: str) -> None:
    """Likewise, also in a call."""
    given, text = REFUSED_BY_BLOCKING[kind]
    for make in OF_BLOCKING:
        with pytest.raises(TypeError, match=re.escape(text)):
            make(**{where: [given]})
        client = make()
        with pytest.raises(TypeError, match=re.escape(text)):
            client.get("http://server.test/", **{where: [given]})


@pytest.mark.parametrize("make", OF_ASYNC + OF_BLOCKING)
def test_one_alone_is_no_list(make: Any) -> None:
    """The error says what to give."""
    with pytest.raises((TypeError, ValueError), match=r"middleware is .*: give a list"):
        make(middleware=plain)


@pytest.mark.parametrize("make", OF_BLOCKING)
def test_a_class_for_both_is_called_by_its_name(make: Any) -> None:
    """In each world by that of the world."""
    seen: list[str] = []

    def app(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["X-By"])
        return httpx.Response(200)

    with make(transport=httpx.MockTransport(app), middleware=[ForBoth()]) as client:
        client.get("http://server.test/")
    assert seen == ["handle"]
