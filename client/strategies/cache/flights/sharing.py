"""Which calls ask for the same, so that one of them asks a server for all."""

from __future__ import annotations

import threading
from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from ....runtime.forking import fork_safe
from ..rules.vary import selecting_value
from .flights import Flights, Landing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

    from ....engine.layer import Exchange, Failure
    from ....engine.operation import Call
    from ....engine.ports import Ports
    from ....http.shapes import Request, Response
    from ..entry import Entry
    from ..fields import Fields

    Fetch = Callable[[Call, Exchange], Awaitable["Fetched"]]

__all__ = ["Fetched", "Sharing", "Wish"]

_MOST_VARYING: Final = 1000
"""Resources whose `Vary` is remembered; beyond, the one that it was learned of first is not."""


class Fetched(NamedTuple):
    """What came of asking a server.

    Attributes:
        result: Its answer, or the failure.
        entry: What may be served again; None where nothing may.
        is_revalidated: Whether the server has said that what was kept still holds. The answer
            that said so has been let go of then.
        is_for_all: Whether everybody who asks the same may be served from the entry.
    """

    result: Response | Failure
    entry: Entry | None = None
    is_revalidated: bool = False
    is_for_all: bool = True


class Wish(NamedTuple):
    """What a call asks for, as far as others may ask for the same.

    Attributes:
        url: In the form that all its equals have.
        partition: Whose answers it may have; None for everybody's.
        fields: The header fields of the request as it will be sent.
        request: As it was built.
    """

    url: str
    partition: str | None
    fields: Fields
    request: Request

    def key(self, names: tuple[str, ...]) -> tuple[str, Hashable]:
        """Return what it has in common with its equals, where answers depend on such fields."""
        selected = tuple(selecting_value(name, self.fields) for name in names)
        return self.url, (self.partition, self.request.method, selected)


class _Cargo(NamedTuple):
    """What everybody is served from, and whose wish it was."""

    fetched: Fetched
    wish: Wish

    @property
    def names(self) -> tuple[str, ...]:
        """The header fields that it depends on."""
        entry = self.fetched.entry
        return () if entry is None else entry.vary

    def suits(self, wish: Wish) -> bool:
        """Whether it is an answer to another wish, too."""
        return wish.key(self.names) == self.wish.key(self.names)


class Sharing:
    """The requests of one client that go out for several callers. Safe to share between threads."""

    def __init__(self) -> None:
        self._flights: Flights[_Cargo] = Flights()
        self._lock = fork_safe(threading.RLock())
        self._varying: OrderedDict[tuple[str, str | None], tuple[str, ...]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._flights)

    def key(self, wish: Wish) -> tuple[str, Hashable]:
        """Return what a wish has in common with its equals, as far as is known."""
        return wish.key(self._varying.get((wish.url, wish.partition), ()))

    async def ask(
        self, wish: Wish, call: Call, exchange: Exchange, fetch: Fetch
    ) -> Fetched | Entry:
        """Ask a server, or wait for another call that does.

        Args:
            wish: What for.
            call: The operation.
            exchange: Its way to the wire.
            fetch: Asks, by this call and exchange or by others in their place.

        Returns:
            What came of it, for this caller. Where another has asked, what was kept of the answer.
        """
        fly = partial(self._fly, wish, fetch)
        for _ in range(2):  # by the first answer it is known what they depend on
            key = self.key(wish)
            arrival = await self._flights.join(key, call, exchange, wish.request, fly)
            if arrival is None:
                break
            if arrival.failure is not None or arrival.cargo is None:
                return Fetched(cast("Failure", arrival.failure))
            fetched = arrival.cargo.fetched
            if arrival.is_own or fetched.entry is None:
                return fetched
            if arrival.cargo.suits(wish):
                return fetched.entry
        fetched = await fetch(call, exchange)
        if fetched.entry is not None:
            self._flights.note_storable(self.key(wish))
        return fetched

    def divert(self, url: str) -> None:
        """Let nobody else wait for what was asked of a URL before it was written to."""
        self._flights.divert(url)

    def hang_up(self) -> None:
        """End them all."""
        self._flights.hang_up()

    async def close(self, ports: Ports) -> None:
        """End them all, and wait until they have ended, but not for long."""
        await self._flights.close(ports)

    def begin_anew(self) -> None:
        """Forget what was under way in an event loop that has ended."""
        self._flights.begin_anew()

    async def _fly(
        self, wish: Wish, fetch: Fetch, call: Call, exchange: Exchange
    ) -> Landing[_Cargo]:
        fetched = await fetch(call, exchange)
        if fetched.entry is not None:
            self._learn(wish, fetched.entry)
        is_for_all = fetched.entry is not None and fetched.is_for_all
        return Landing(fetched.result, _Cargo(fetched, wish), is_for_all)

    def _learn(self, wish: Wish, entry: Entry) -> None:
        """Remember what the answers of a resource depend on."""
        place = wish.url, wish.partition
        if entry.vary == self._varying.get(place, ()):
            return
        with self._lock:
            self._varying[place] = entry.vary
            if len(self._varying) > _MOST_VARYING:
                self._varying.popitem(last=False)
