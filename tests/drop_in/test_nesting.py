"""Protection inside protection is refused where attempts would multiply, with the cure."""

from typing import Any

import httpx
import pytest

import client
from client import AiohttpTransport, ClientConfig
from client import httpx2 as ours_of_httpx2
from tests.drop_in.kits import URL, Kit


def facade_of(kit: Kit) -> type[Any]:
    """The facade of a kit's family and world."""
    ours: Any = kit.ours if kit.family == "httpx2" else client
    kind: type[Any] = ours.ResilientClient if kit.is_async else ours.SyncResilientClient
    return kind


def transport_of(kit: Kit, *answers: Any, **options: Any) -> Any:
    """A protected transport of a kit's family and world."""
    kind = kit.ours.AsyncResilientTransport if kit.is_async else kit.ours.ResilientTransport
    return kind(kit.wire(*answers), backoff_factor=0, **options)


async def test_a_drop_in_client_is_none_for_a_facade(kit: Kit) -> None:
    """Whatever it retries; a plain one is, which the text names."""
    plain = rf"http_client is a protected {kit.name} .*: give a plain {kit.family}\.{kit.name}, or"
    for options in ({}, {"max_retries": 0}):
        protected = kit.client(200, **options).real
        with pytest.raises(TypeError, match=plain):
            facade_of(kit)(http_client=protected)

    class Mine(kit.ours_of):  # type: ignore[name-defined,misc] # the class is a value
        """A subclass of somebody's own."""

    kit.face(mine := Mine(transport=kit.wire(200)))
    with pytest.raises(TypeError, match="a protected Mine already"):
        facade_of(kit)(http_client=mine)
    facade_of(kit)(http_client=kit.plain(200).real)


async def test_a_transport_that_retries_is_none_below_what_retries(kit: Kit) -> None:
    """In a facade, a drop-in client, another transport, or the client of a facade."""
    nested = transport_of(kit, 200)
    outer = type(nested)
    text = "Transport, which retries already, .*: make that with max_retries=0"
    plain = kit.plain(transport=nested).real
    mounted = kit.plain(200, mounts={"http://a.example": nested}).real
    makers: list[Any] = [
        lambda: facade_of(kit)(transport=nested),
        lambda: facade_of(kit)(http_client=plain),
        lambda: facade_of(kit)(http_client=mounted),
        lambda: kit.ours_of(transport=nested),
        lambda: kit.ours_of(transport=kit.wire(200), mounts={"http://a.example": nested}),
        lambda: outer(nested),
    ]
    for make in makers:
        with pytest.raises(TypeError, match=text):
            make()


async def test_nor_for_a_function_that_retries(kit: Kit) -> None:
    """A drop-in client makes one attempt there, so that is fine."""
    function: Any = client.get_async if kit.is_async else client.get
    get = kit.awaited(function)
    nested = kit.plain(transport=transport_of(kit, 503)).real
    with pytest.raises(
        TypeError, match=r"client goes through a .*Transport, which retries already"
    ):
        await get(URL, client=nested)
    with pytest.raises(client.HttpRequestError):
        await get(URL, client=nested, max_retries=0)
    drop_in = kit.client(503, 200)
    assert (await get(URL, client=drop_in.real)).status_code == 200


async def test_where_only_one_of_the_two_retries_they_go_together(kit: Kit) -> None:
    """A circuit for each mount, say."""
    quiet = transport_of(kit, 503, max_retries=0)
    made = kit.client(transport=quiet)
    assert (await made.get(URL)).status_code == 503
    assert len(quiet._transport.arrivals) == 4
    facade_of(kit)(transport=quiet)
    kit.face(kit.ours_of(transport=transport_of(kit, 200), max_retries=0))
    facade_of(kit)(ClientConfig(retry=None), transport=transport_of(kit, 200))


def other_of(kit: Kit) -> Kit:
    """The same world in the other family."""
    return Kit("httpx2" if kit.family == "httpx" else "httpx", is_async=kit.is_async)


def named(kit: Kit, kind: str) -> str:
    """Where a class of a kit's family is found."""
    return f"client.{kind}" if kit.family == "httpx" else f"client.httpx2.{kind}"


async def test_a_transport_in_the_other_family_s_client_says_which_to_import(kit: Kit) -> None:
    """Whichever way it got there; httpx's own check would be an empty `AssertionError`."""
    other = other_of(kit)
    transport = transport_of(kit, 200)
    kind = type(transport).__name__
    with pytest.raises(
        TypeError, match=f"this {kind} is of {kit.family}, but the client"
    ) as caught:
        await other.plain(transport=transport).get(URL)
    assert str(caught.value).endswith(f"give that {named(other, kind)}")
    for make in (other.ours_of, facade_of(other), type(transport_of(other, 200))):
        with pytest.raises(TypeError) as refused:
            make(transport=transport)
        assert str(refused.value).endswith(f"give {named(other, kind)}")


@pytest.mark.parametrize("family", ["httpx", "httpx2"])
def test_so_does_the_fast_one(family: str) -> None:
    """`AiohttpTransport`, of either family."""
    kit = Kit(family, is_async=True)
    other = other_of(kit)
    ours: Any = AiohttpTransport if family == "httpx" else ours_of_httpx2.AiohttpTransport

    async def story() -> None:
        with pytest.raises(TypeError) as caught:
            await other.plain(transport=ours(verify=False)).get(URL)
        assert str(caught.value).endswith(f"give that {named(other, 'AiohttpTransport')}")

    kit.tell(story())


def test_a_stand_in_for_a_request_passes() -> None:
    """It is of no family at all, so nothing is known to be wrong with it here."""
    kit = Kit("httpx", is_async=False)
    transport = kit.ours.ResilientTransport(httpx.MockTransport(lambda _: httpx.Response(200)))
    with pytest.raises(AttributeError):
        transport.handle_request(object())
