"""Endpoints in the pipeline: each attempt goes to one of them, and tells how it did there.

Rule 1  An endpoint is chosen when an attempt begins, so that whoever hears of that knows it. Only
        where there is no list yet, or no slot, is it chosen when the attempt is sent.
Rule 2  What is taken is noted on the call before that, and given back by what comes first: the
        attempt's end, the closing of its answer, the end of the operation.
Rule 3  Nobody is told anything while a lock is held.
"""

from __future__ import annotations

import random
import threading
from math import inf
from typing import TYPE_CHECKING, Final, Protocol, cast

from ...engine.layer import Gate, Observer, Sending
from ...exceptions import APIConnectionError, InvalidRequestError, MyAPIError, PoolTimeoutError
from ...http.service import PLACEHOLDER, Site
from ...metrics.endpoint_instruments import ENDPOINT_OUTSTANDING, ENDPOINTS
from ...metrics.instruments import REJECTIONS
from ...runtime.forking import fork_safe
from .pool import EndpointPool, Outcome, Ticket
from .slots import EndpointSlots, Waiter
from .telling import Telling
from .verdict import outcome_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ...config.parts.endpoints import BalancingConfig, Endpoint
    from ...engine.layer import Exchange, Send
    from ...engine.notifiers import Notifiers
    from ...engine.operation import Attempt, Call
    from ...engine.ports import Ports
    from ...http.service import Service
    from ...http.shapes import Request, Response
    from ...metrics.aggregator import Aggregator, Gauge
    from .pool import EndpointState, Transition

__all__ = ["Balancing", "Fixed", "Source"]


class Source(Protocol):
    """Knows the endpoints of a client."""

    @property
    def known(self) -> tuple[Endpoint, ...] | None:
        """They, as far as they are known; nothing is begun for it."""
        ...

    def look(self) -> tuple[Endpoint, ...] | None:
        """Return them, at once, to a call; None where they are not known yet."""
        ...

    async def current(self, call: Call) -> tuple[Endpoint, ...]:
        """Return them, and wait for that where they are not known yet.

        Raises:
            MyAPIError: They could not be found out.
        """
        ...


class Fixed:
    """A list that does not change by itself.

    Args:
        endpoints: It.
    """

    def __init__(self, endpoints: tuple[Endpoint, ...]) -> None:
        self.known: tuple[Endpoint, ...] = endpoints

    def look(self) -> tuple[Endpoint, ...]:
        """Return it."""
        return self.known

    async def current(self, call: Call) -> tuple[Endpoint, ...]:  # noqa: ARG002 - a source's
        """Return it."""
        return self.known


class _Hold:
    """What one attempt has of an endpoint.

    Attributes:
        ticket: What is out.
        site: Where it goes; None before that is known.
        flaw: Why it cannot go anywhere.
        key: By which it is chosen, or None.
        pinned: The only endpoint that may be chosen, or None.
        response: An answer that is still being read.
    """

    __slots__ = ("flaw", "key", "pinned", "response", "site", "ticket")

    def __init__(self) -> None:
        self.ticket: Ticket = Ticket()
        self.site: Site | None = None
        self.flaw: Exception | None = None
        self.key: str | None = None
        self.pinned: str | None = None
        self.response: object = None


class _Grants(Gate):
    """Gives back what attempts have, when their operation ends; stands in no pipeline.

    Args:
        balancing: Whose they are.
    """

    def __init__(self, balancing: Balancing) -> None:
        self._balancing = balancing

    def leave(self, call: Call, grant: _Hold, error: BaseException | None) -> None:
        """Give back what an attempt has, whose answer may have broken off since its head."""
        self._balancing.end_hold(call, grant, error)

    def let_go(self, grant: _Hold, response: Response) -> None:
        """Give back what an attempt has whose answer nobody wants."""
        if grant.response is response:
            self._balancing.give_back(grant)

    def spare(self, call: Call, grant: _Hold) -> bool:  # noqa: ARG002 - a gate's signature
        """Whether an endpoint has a slot for one more attempt."""
        return self._balancing.has_room(grant)


class Balancing(Sending, Observer):
    """Chooses the endpoint of each attempt, and learns from how it ends.

    Args:
        config: How.
        source: Which endpoints there are.
        service: Where their addresses are known.
        site_of: Makes of an endpoint what requests are directed by; raises `ValueError` for one
            that cannot be used.
        ports: Of the client.
        notifiers: Told what happens.
        metrics: Where it is counted.
        warn: Logs a warning about the client.
        chance: What is left to chance.
    """

    is_labelled: Final = True
    """All its gauges have labels."""

    def __init__(  # noqa: PLR0913 - what it is made of, each named by the caller
        self,
        config: BalancingConfig,
        source: Source,
        *,
        service: Service,
        site_of: Callable[[Endpoint], Site],
        ports: Ports,
        notifiers: Notifiers,
        metrics: Aggregator,
        warn: Callable[[str], object],
        chance: random.Random | None = None,
    ) -> None:
        self._config = config
        self._source = source
        self._service = service
        self._site_of = site_of
        self._ports = ports
        self._telling = Telling(notifiers, metrics)
        self._warn = warn
        self._chance = random.Random() if chance is None else chance  # noqa: S311 - no secret
        # A signal handler may call in the middle of a change.
        self._lock = fork_safe(threading.RLock())
        self._pool: EndpointPool | None = None
        self._known: tuple[Endpoint, ...] | None = None
        self._sites: dict[str, tuple[Endpoint, Site]] = {}
        self._slots: Final = EndpointSlots()
        self._grants: Final = _Grants(self)
        self.reads_request: bool = config.balancing_key is not None
        self._follow(source.known)

    @property
    def pool(self) -> EndpointPool | None:
        """What is known of the endpoints; None where none are known yet."""
        return self._pool

    @property
    def config(self) -> BalancingConfig:
        """By what it goes."""
        return self._config

    def reconfigure(self, config: BalancingConfig, source: Source) -> None:
        """Go by other settings; what is known of an endpoint stays with its URL.

        Raises:
            ValueError: An endpoint cannot be used; nothing has changed then.
        """
        self._follow(source.known, is_checked=True)
        self._source = source
        if config != self._config:
            self._config = config
            self.reads_request = config.balancing_key is not None
            if self._pool is not None:
                self.tell(self._pool.reconfigure(config, self._ports.now()))

    def _follow(self, known: tuple[Endpoint, ...] | None, *, is_checked: bool = False) -> None:
        """Go by a list, if it is another one.

        Raises:
            ValueError: One cannot be used, and that is to be told, or there is no list yet.
        """
        if known is None or known is self._known:
            return
        told: Iterable[Transition] = ()
        with self._lock:
            before, is_first = tuple(self._sites), self._pool is None
            try:
                if known is not self._known:  # nobody else was quicker
                    told = self._go_by(known)
            except ValueError as error:
                if is_checked or is_first:
                    raise
                self._known = known  # not to try it again each time
                self._warn(f"the endpoints cannot be used, and the last list is kept: {error}")
            after = tuple(self._sites)
        self.tell(told)
        if not is_first and set(before) != set(after):
            self._telling.changed(before, after)

    def _go_by(self, known: tuple[Endpoint, ...]) -> Iterable[Transition]:
        """Go by another list; return what has changed by it."""
        sites = [self._known_site(each) for each in known]
        now, pool = self._ports.now(), self._pool
        self._service.go_by(sites)
        self._sites = {site.url: (each, site) for each, site in zip(known, sites, strict=True)}
        bounds = {url: each.bulkhead for url, (each, _) in self._sites.items()}
        self._slots.go_by(
            {
                url: bound.max_concurrency
                for url, bound in bounds.items()
                if bound is not None and bound.mode != "off"
            }
        )
        self._known = known
        if pool is not None:
            return pool.replace(sites, now)
        self._pool = EndpointPool(sites, self._config, self._chance, now)
        return ()

    def _known_site(self, endpoint: Endpoint) -> Site:
        site = self._site_of(endpoint)
        known = self._sites.get(site.url)
        return known[1] if known is not None and known[0] == endpoint else site

    def tell(self, transitions: Iterable[Transition], call: Call | None = None) -> None:
        """Count and announce what has changed, by an operation or without one."""
        for each in transitions:
            self._telling.transition(each, call)

    def begin_attempt(self, call: Call, attempt: Attempt) -> None:
        """Choose where an attempt goes, if that can be said at once."""
        hold = _Hold()
        attempt.hold = hold
        call.grants.append((self._grants, hold))
        try:
            self._follow(self._source.look())
            if self._pool is not None:
                self._look_at(call, hold)
                self._try(call, attempt, hold)
        except Exception as error:  # noqa: BLE001 - raised when it is sent: an observer must not
            hold.flaw = error

    def _look_at(self, call: Call, hold: _Hold) -> None:
        """Find out which endpoints a call may go to.

        Raises:
            InvalidRequestError: None.
            Exception: What `balancing_key` raised.
        """
        url = call.url
        if not url.startswith(PLACEHOLDER):
            site = self._service.site_of_text(url)
            if site is None:
                text = "its URL is of none of the endpoints: give a path, or a URL of one of them"
                raise call.host.errors.make(InvalidRequestError, call, text, request_sent=False)
            hold.pinned = site.url
        elif (find := self._config.balancing_key) is not None:
            key: object = find(call.request)
            if not isinstance(key, str):
                raise TypeError(f"balancing_key returned {key!r}: it must return a str")
            hold.key = key

    def _try(self, call: Call, attempt: Attempt, hold: _Hold) -> bool:
        """Choose an endpoint that has room for an attempt; return False where all are full."""
        pool, slots, ticket = self._pool, self._slots, hold.ticket
        assert pool is not None  # noqa: S101 - for type checkers
        tried = call.tried
        if len(tried) >= len(pool):  # each had its turn
            tried = tried[-1:]
        full: set[str] = slots.full() if slots.limits else set()
        for avoid in ({*tried, *full}, full) if full else (tried,):
            pool.take(
                self._ports.now(), ticket=ticket, avoid=avoid, key=hold.key, pinned=hold.pinned
            )
            if ticket.node is None:
                return False
            if self._slots_take(call, ticket.node.url, hold):
                _settle(call, attempt, hold)
                return True
            pool.release(ticket)
            ticket = hold.ticket = Ticket()
        return False

    def _slots_take(self, call: Call, url: str, hold: _Hold) -> bool:
        slots = self._slots
        if url not in slots.limits or slots.take(url, hold):
            return True
        known = self._sites.get(url)
        bound = None if known is None else known[0].bulkhead
        if bound is None or bound.mode != "observe":
            return False
        self._telling.would_reject(call, "endpoint")
        return slots.take(url, hold, beyond=True)

    async def send(
        self, send: Send, exchange: Exchange, attempt: Attempt, request: Request
    ) -> Response:
        """Send the request of an attempt to its endpoint."""
        hold, call = attempt.hold, attempt.call
        assert isinstance(hold, _Hold)  # noqa: S101 - for type checkers
        if hold.flaw is not None:
            _raise(hold)
        if hold.site is None:
            await self._choose_late(call, attempt, hold)
        site = hold.site
        assert site is not None  # noqa: S101 - likewise
        self._service.direct(request, site, keeps_timeouts=call.has_timeouts)
        response = await send(attempt, request)
        if exchange.is_streamed:
            hold.response = response
        return response

    async def _choose_late(self, call: Call, attempt: Attempt, hold: _Hold) -> None:
        """Choose an endpoint for which there is something to wait."""
        if self._pool is None:
            self._follow(await self._source.current(call))
            self._look_at(call, hold)
            if self._try(call, attempt, hold):
                return
        await self._queue(call, attempt, hold)

    async def _queue(self, call: Call, attempt: Attempt, hold: _Hold) -> None:
        """Wait until an endpoint has room for an attempt, as long as the patience lasts."""
        slots, ports = self._slots, self._ports
        waiter = Waiter(hold, None if hold.pinned is None else (hold.pinned,), ports.bell())
        patience = inf if attempt.is_hedge else self._patience(hold.pinned)
        began = now = ports.now()
        slots.join(waiter)
        try:
            while not self._is_served(call, attempt, hold, waiter):
                if call.host.is_closed:
                    raise call.host.errors.closed(call)
                stopped = call.plan.stopped(call)
                if stopped is not None:
                    raise stopped
                left = inf if call.deadline is None else call.deadline.left(now)
                if left <= 0:
                    raise TimeoutError
                if now - began >= patience:
                    raise self._rejected(call, hold, patience)
                # Not for ever, so that nobody hangs who was overlooked.
                seconds = min(left, began + patience - now, _LONGEST)
                await waiter.bell.wait(seconds, lambda wake: call.plan.stop.waking(call, wake))
                now = ports.now()
        finally:
            slots.withdraw(waiter)

    def _is_served(self, call: Call, attempt: Attempt, hold: _Hold, waiter: Waiter) -> bool:
        if waiter.url is None:
            return self._try(call, attempt, hold)
        url, waiter.url = waiter.url, None
        pool = self._pool
        if pool is not None and pool.take(self._ports.now(), ticket=hold.ticket, pinned=url):
            _settle(call, attempt, hold)
            return True
        self._slots.release(hold)  # it has left the list meanwhile
        self._slots.join(waiter)
        return False

    def _patience(self, pinned: str | None) -> float:
        """Return how long an attempt waits: as long as the most patient of those that are full."""
        bounds = [
            each.bulkhead.acquisition_timeout
            for url, (each, _) in self._sites.items()
            if each.bulkhead is not None and pinned in {None, url}
        ]
        return max(bounds, default=0.0)

    def _rejected(self, call: Call, hold: _Hold, patience: float) -> MyAPIError:
        call.host.metrics.add(REJECTIONS, (call.counted_as, "endpoint"))
        where = "all endpoints are" if hold.pinned is None else f"{hold.pinned} is"
        if not self._slots.limits:
            text = "all endpoints are drained"
        else:
            text = f"{where} full, and no slot came free within {patience:g} s"
        return call.host.errors.make(PoolTimeoutError, call, text, request_sent=False)

    def has_room(self, hold: _Hold) -> bool:
        """Return whether an endpoint has a slot for one more attempt."""
        slots, pool = self._slots, self._pool
        if not slots.limits or pool is None:
            return True
        urls = pool.urls if hold.pinned is None else (hold.pinned,)
        return not slots.full().issuperset(urls)

    def end_attempt(
        self,
        call: Call,
        attempt: Attempt,
        response: Response | None,
        error: BaseException | None,
    ) -> None:
        """Learn from how an attempt ended; give back what it had, unless its answer is read yet."""
        hold, pool = attempt.hold, self._pool
        if not isinstance(hold, _Hold):
            return
        outcome = None if hold.site is None else outcome_of(call, attempt, error)
        if pool is not None and outcome is not None:
            now = self._ports.now()
            self.tell(pool.report(hold.ticket, outcome, attempt.seconds, now), call)
        is_read_yet = error is None and hold.response is not None and hold.response is response
        if not is_read_yet or call.is_over:
            self.give_back(hold)

    def end_hold(self, call: Call, hold: _Hold, error: BaseException | None) -> None:
        """Give back what an attempt has yet, as its operation is over."""
        pool, ticket = self._pool, hold.ticket
        node = ticket.node
        is_broken = isinstance(error, APIConnectionError) and hold.response is not None
        if pool is not None and node is not None and is_broken and ticket in node.out:
            # Its head was good, and was told of: what broke its body is told of by another.
            late, now = Ticket(), self._ports.now()
            late.node, late.began, late.era = node, ticket.began, ticket.era
            self.tell(pool.report(late, Outcome.FAILURE, max(0.0, now - ticket.began), now), call)
        self.give_back(hold)

    def give_back(self, hold: _Hold) -> None:
        """Give back what an attempt has; a second time does nothing."""
        hold.response = None
        if self._pool is not None:
            self._pool.release(hold.ticket)
        self._slots.release(hold)

    def states(self) -> tuple[EndpointState, ...]:
        """Return how each endpoint stands."""
        return () if self._pool is None else self._pool.states(self._ports.now())

    def gauges(self, now: float) -> list[Gauge]:
        """Return how many endpoints are in which state, and what is out to each."""
        states = () if self._pool is None else self._pool.states(now)
        counted = dict.fromkeys(_STATES, 0)
        for each in states:
            counted[each.state] += 1
        found: list[Gauge] = [(ENDPOINTS, (state,), count) for state, count in counted.items()]
        found += [
            (ENDPOINT_OUTSTANDING, (self._telling.label(each.url),), each.outstanding)
            for each in states
        ]
        return found

    def begin_anew(self) -> None:
        """Forget who queues: that was in an event loop that has ended."""
        self._slots.begin_anew()

    def hang_up(self) -> None:
        """Wake who queues: the client is closed."""
        self._slots.wake()


_STATES: Final = ("in", "slow_start", "ejected", "probing", "drained")
_LONGEST: Final = 3600.0
"""Seconds that somebody waits without a look."""


def _settle(call: Call, attempt: Attempt, hold: _Hold) -> None:
    """Take note of where an attempt goes."""
    site = cast("Site", hold.ticket.node.settings) if hold.ticket.node is not None else None
    if site is None:
        return
    hold.site, url = site, site.url
    attempt.endpoint = call.endpoint = url
    call.tried = (*(each for each in call.tried if each != url), url)


def _raise(hold: _Hold) -> None:
    flaw, hold.flaw = hold.flaw, None
    try:
        raise flaw if flaw is not None else AssertionError
    finally:
        del flaw  # its traceback leads back to this frame
