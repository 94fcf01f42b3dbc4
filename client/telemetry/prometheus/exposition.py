"""What a scrape is answered with: the text of a registry, and the ASGI app that hands it out.

A client with a hundred targets has ten thousand lines, for each of which the library takes some
fifteen microseconds. So the lines of clients are written by `families`; what stands around them and
all other metrics by the library. The app has it done in a thread: its event loop has other work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from anyio import CapacityLimiter
from anyio.lowlevel import RunVar
from anyio.to_thread import run_sync

from .families import ClientsFamily, lines_of
from .library import Family, choose_encoder
from .names import PREFIX

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, MutableMapping

    from .library import CollectorRegistry, Encoder, Registry

    Message = MutableMapping[str, Any]
    ASGIApp = Callable[
        [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
        Awaitable[None],
    ]

__all__ = ["app_of", "text_of"]

_END: Final = b"# EOF\n"
"""What OpenMetrics ends with."""
_turn: Final[RunVar[CapacityLimiter]] = RunVar("resilient-client scrape")
"""Lets one scrape of an event loop at a time to work, two would only slow each other down, and none
wait for the threads of others: those are all taken while endpoints wait for a server that hangs."""


def text_of(registry: Registry, encode: Encoder | None = None) -> bytes:
    """Return everything that a registry shows, by an encoder; by default in Prometheus' format."""
    encode = encode or choose_encoder("")[0]
    end = encode(_Families())
    return b"".join([*(_of_family(each, encode, end) for each in registry.collect()), end])


def app_of(registry: CollectorRegistry) -> ASGIApp:
    """Return an ASGI app that answers with what a registry shows."""

    # No `partial`: by a coroutine function servers tell what ASGI 3 is from what is older.
    async def app(
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        await _answer(registry, scope, receive, send)

    return app


async def _answer(
    registry: CollectorRegistry,
    scope: Message,
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    if scope["type"] != "http":
        raise ValueError(f"{scope['type']}: this app answers requests by HTTP alone")
    accepted = [value.decode("latin-1") for name, value in scope["headers"] if _is_accept(name)]
    encode, kind = choose_encoder(",".join(accepted))
    wanted = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("name[]")
    asked = registry if wanted is None else registry.restricted_registry(wanted)
    body = await run_sync(text_of, asked, encode, limiter=_turn_here())
    if (await receive())["type"] == "http.request":
        headers = [(b"content-type", kind.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _is_accept(name: bytes) -> bool:
    return name.lower() == b"accept"


def _turn_here() -> CapacityLimiter:
    turn = _turn.get(None)
    if turn is None:
        turn = CapacityLimiter(1)
        _turn.set(turn)
    return turn


class _Families:
    """What an encoder takes for a registry.

    Args:
        *families: All that it shows.
    """

    def __init__(self, *families: Family) -> None:
        self._families = families

    def collect(self) -> Iterable[Family]:
        """Return them."""
        return self._families


def _of_family(family: Family, encode: Encoder, end: bytes) -> bytes:
    if family.name.startswith(PREFIX):
        head = encode(_Families(_head_of(family))).removesuffix(end)
        # Not so where a scrape asks for another way to write what stands in names.
        if head.startswith(f"# HELP {family.name}".encode()):
            lines = family.lines() if isinstance(family, ClientsFamily) else lines_of(family)
            return head + "".join(lines).encode()
    return encode(_Families(family)).removesuffix(end)


def _head_of(family: Family) -> Family:
    return Family(family.name, family.documentation, family.type)
