"""The cases, played by each face of the client over real sockets."""

from __future__ import annotations

import asyncio
import os
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import httpx2
import pytest

import client as package
import client.httpx2 as second_package
from client import ClientConfig, ResilientClient, SyncResilientClient
from client.exceptions import MyAPIError
from tests.wire.cache.cases import ALL
from tests.wire.cache.playing import Origin, play
from tests.wire.scripted_server import ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.wire.cache.cases.case import Case
    from tests.wire.cache.playing import Answer, Ask, Pairs

CACHE: dict[str, Any] = {"stale_if_error": 60.0}
"""Stale answers in place of errors, so that what forbids them is seen to forbid them."""


def settings(url: str) -> ClientConfig:
    """Of the facade: nothing but the cache."""
    config = ClientConfig(base_url=url, circuit_breaker=None)
    return config.merged(retry={"max_attempts": 1}, cache=CACHE)


def of_error(error: MyAPIError) -> Answer | None:
    """The answer behind an error of the facade, if any."""
    response: Answer | None = error.response
    return response


@contextmanager
def drop_in() -> Iterator[Ask]:
    """A blocking client in the place of httpx's."""
    with package.Client(cache=CACHE, max_retries=0) as client:

        def ask(method: str, url: str, headers: Pairs, body: bytes) -> Answer | None:
            try:
                return client.request(method, url, headers=headers, content=body or None)
            except httpx.TransportError:
                return None

        yield ask


@contextmanager
def async_drop_in(url: str) -> Iterator[Ask]:
    """One of asyncio, and in the place of httpx2's."""
    with asyncio.Runner() as runner:
        client = second_package.AsyncClient(cache=CACHE, max_retries=0)

        def ask(method: str, url: str, headers: Pairs, body: bytes) -> Answer | None:
            sent = client.request(method, url, headers=headers, content=body or None)
            try:
                return runner.run(sent)
            except httpx2.TransportError:
                return None

        yield ask
        runner.run(client.aclose())


@contextmanager
def facade(url: str) -> Iterator[Ask]:
    """The blocking facade."""
    with SyncResilientClient(settings(url)) as client:

        def ask(method: str, url: str, headers: Pairs, body: bytes) -> Answer | None:
            try:
                return client.request(method, url, headers=headers, content=body or None)
            except MyAPIError as error:
                return of_error(error)

        yield ask


@contextmanager
def async_facade(url: str) -> Iterator[Ask]:
    """The facade of asyncio, whose answers are streamed."""
    with asyncio.Runner() as runner:
        client = ResilientClient(settings(url))

        async def streamed(method: str, url: str, headers: Pairs, body: bytes) -> Answer:
            options: Any = {"headers": headers, "content": body or None}
            async with client.stream(method, url, **options) as response:
                await response.aread()
            return response

        def ask(method: str, url: str, headers: Pairs, body: bytes) -> Answer | None:
            try:
                return runner.run(streamed(method, url, headers, body))
            except MyAPIError as error:
                return of_error(error)

        yield ask
        runner.run(client.close())


@contextmanager
def without_proxies() -> Iterator[None]:
    """An environment in which clients ask the origin itself."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.lower().endswith("_proxy"):
                patch.delenv(name)
        yield


@pytest.fixture(scope="module")
def origin() -> Origin:
    """What all cases ask."""
    return Origin()


@pytest.fixture(scope="module")
def url(origin: Origin) -> Iterator[str]:
    """The origin's address."""
    with without_proxies(), ScriptedServer(origin.script) as server:
        yield server.url


@pytest.fixture(scope="module")
def ask(url: str) -> Iterator[Ask]:
    """A client for all cases: none of them sees what another has left."""
    with drop_in() as ask:
        yield ask


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.slug)
def test_a_case(case: Case, ask: Ask, origin: Origin, url: str) -> None:
    """What comes from the cache, from the origin, or not at all, is what the case says."""
    play(case, ask, origin, url)


@pytest.mark.parametrize(
    "face",
    [async_drop_in, facade, async_facade],
    ids=["httpx2-async-drop-in", "facade", "async-facade"],
)
def test_the_cases_by_another_face(
    face: Callable[[str], AbstractContextManager[Ask]], origin: Origin, url: str
) -> None:
    """They hold for each of them."""
    complaints: dict[str, str] = {}
    with face(url) as ask:
        for case in ALL:
            try:
                play(case, ask, origin, url)
            except AssertionError as error:
                complaints[case.slug] = str(error).partition("\n")[0]
    assert complaints == {}


def test_each_case_has_a_name_of_its_own() -> None:
    """By it an origin knows of which a request is."""
    assert len({case.slug for case in ALL}) == len(ALL)
