"""Endpoints in the pipeline: each attempt goes to one of them, and tells how it did there.

Rule 1  An endpoint is chosen when an attempt begins, so that whoever hears of that knows it. Only
        where there is no list yet, or no slot, is it chosen when the attempt is sent.
Rule 2  What is taken is noted on the call before that, and given back by what comes first: the
        attempt's end, the closing of its answer, the end of the operation.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Final, cast

from ....engine.layer import Observer, Sending
from ....exceptions import APIConnectionError, InvalidRequestError, MyAPIError, PoolTimeoutError
from ....http.service import PLACEHOLDER, Site
from ....metrics.instruments import REJECTIONS
from ..pool import Outcome, Ticket
from .holds import Grants, Hold
from .roster import Roster
from .slots import Waiter
from .sources import Fixed, Source
from .telling import Telling
from .verdict import outcome_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ....config.parts.endpoints import BalancingConfig, Endpoint
    from ....engine.layer import Exchange, Send
    from ....engine.notifiers import Notifiers
    from ....engine.operation import Attempt, Call
    from ....engine.ports import Ports
    from ....http.service import Service
    from ....http.shapes import Request, Response
    from ....metrics.aggregator import Aggregator, Gauge
    from ..pool import EndpointPool, EndpointState, Transition

__all__ = ["Balancing", "Fixed", "Source"]

_LONGEST: Final = 3600.0
"""Seconds that somebody waits without a look."""


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

    Raises:
        ValueError: An endpoint cannot be used.
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
    ) -> None:
        self._source = source
        self._service = service
        self._ports = ports
        self._telling = Telling(notifiers, metrics)
        self._roster = Roster(
            config,
            service=service,
            site_of=site_of,
            ports=ports,
            telling=self._telling,
            warn=warn,
        )
        self._slots = self._roster.slots
        self._grants: Final = Grants(self)
        self.reads_request: bool = config.policy == "hash"
        self._roster.follow(source.known)

    @property
    def pool(self) -> EndpointPool | None:
        """What is known of the endpoints; None where none are known yet."""
        return self._roster.pool

    @property
    def adds_credentials(self) -> bool:  # type: ignore[override] # read, and never set
        """Whether an endpoint has a header of its own that says whose a request is."""
        return self._roster.adds_credentials

    def reconfigure(self, config: BalancingConfig, source: Source) -> None:
        """Go by other settings; what is known of an endpoint stays with its URL.

        Raises:
            ValueError: An endpoint cannot be used; nothing has changed then.
        """
        self._roster.follow(source.known, is_checked=True)
        self._source = source
        self._roster.reconfigure(config)
        self.reads_request = config.policy == "hash"

    def tell(self, transitions: Iterable[Transition]) -> None:
        """Count and announce what has changed without an operation."""
        self._roster.tell(transitions)

    def begin_attempt(self, call: Call, attempt: Attempt) -> None:
        """Choose where an attempt goes, if that can be said at once."""
        hold = Hold()
        attempt.hold = hold
        call.grants.append((self._grants, hold))
        try:
            self._roster.follow(self._source.look())
            if self.pool is not None:
                self._look_at(call, hold)
                self._try(call, attempt, hold)
        except Exception as error:  # noqa: BLE001 - raised when it is sent: an observer must not
            hold.flaw = error

    def _look_at(self, call: Call, hold: Hold) -> None:
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
        elif self.reads_request and call.request is not None:  # None where its plan is older
            find = cast("Callable[..., object]", self._roster.config.balancing_key)
            key = find(call.request)
            if not isinstance(key, str):
                raise TypeError(f"balancing_key returned {key!r}: it must return a str")
            hold.key = key

    def _try(self, call: Call, attempt: Attempt, hold: Hold) -> bool:
        """Choose an endpoint that has room for an attempt; return False where all are full."""
        pool, slots = cast("EndpointPool", self.pool), self._slots
        tried = call.tried
        if len(tried) >= len(pool):  # each had its turn
            tried = tried[-1:]
        full: set[str] = slots.full() if slots.limits else set()
        for avoid in ({*tried, *full}, full) if full else (tried,):
            ticket = hold.ticket
            now = self._ports.now()
            pool.take(now, ticket=ticket, avoid=avoid, key=hold.key, pinned=hold.pinned)
            node = ticket.node
            if node is None:
                return False
            if self._has_slot(call, node.url, hold):
                _settle(call, attempt, hold, cast("Site", node.settings))
                return True
            pool.release(ticket)
            hold.ticket = Ticket()
        return False

    def _has_slot(self, call: Call, url: str, hold: Hold) -> bool:
        slots = self._slots
        if url not in slots.limits or slots.take(url, hold):
            return True
        if any(each.mode != "observe" for each in self._roster.bulkheads(url)):
            return False
        self._telling.would_reject(call, "endpoint")
        return slots.take(url, hold, beyond=True)

    async def send(
        self, send: Send, exchange: Exchange, attempt: Attempt, request: Request
    ) -> Response:
        """Send the request of an attempt to its endpoint."""
        hold, call = cast("Hold", attempt.hold), attempt.call
        hold.raise_flaw()
        if hold.site is None:
            await self._choose_late(call, attempt, hold)
        site = cast("Site", hold.site)
        self._service.direct(request, site, keeps_timeouts=call.has_timeouts)
        response = await send(attempt, request)
        if exchange.is_streamed:
            hold.response = response
        return response

    async def _choose_late(self, call: Call, attempt: Attempt, hold: Hold) -> None:
        """Choose an endpoint for which there is something to wait."""
        if self.pool is None:
            self._roster.follow(await self._source.current(call))
            self._look_at(call, hold)
            if self._try(call, attempt, hold):
                return
        await self._queue(call, attempt, hold)

    async def _queue(self, call: Call, attempt: Attempt, hold: Hold) -> None:
        """Wait until an endpoint has room for an attempt, as long as the patience lasts.

        A hedge waits as long as it may: it would only harm the attempt beside it.
        """
        slots, ports, pinned = self._slots, self._ports, hold.pinned
        waiter = Waiter(hold, None if pinned is None else (pinned,), ports.bell())
        bounds = [each.acquisition_timeout for each in self._roster.bulkheads(pinned)]
        patience = inf if attempt.is_hedge else max(bounds, default=0.0)
        began = now = ports.now()
        slots.join(waiter)
        try:
            while not self._is_served(call, attempt, hold, waiter):
                if call.host.is_closed:
                    raise call.host.errors.closed(call)
                if (stopped := call.plan.stopped(call)) is not None:
                    raise stopped
                left = inf if call.deadline is None else call.deadline.left(now)
                if left <= 0:
                    raise TimeoutError
                if now - began >= patience:
                    raise self._rejected(call, hold, patience)
                seconds = min(left, began + patience - now, _LONGEST)
                await waiter.bell.wait(seconds, lambda wake: call.plan.stop.waking(call, wake))
                now = ports.now()
        finally:
            slots.withdraw(waiter)

    def _is_served(self, call: Call, attempt: Attempt, hold: Hold, waiter: Waiter) -> bool:
        """Whether a slot was handed over to somebody who queues, or another place has room."""
        if waiter.url is None:
            return self._try(call, attempt, hold)
        url, waiter.url = waiter.url, None
        pool = cast("EndpointPool", self.pool)
        pool.take(self._ports.now(), ticket=hold.ticket, pinned=url)
        node = hold.ticket.node
        if node is not None:
            _settle(call, attempt, hold, cast("Site", node.settings))
            return True
        self._slots.release(hold)  # it has left the list meanwhile
        self._slots.join(waiter)
        return False

    def _rejected(self, call: Call, hold: Hold, patience: float) -> MyAPIError:
        call.host.metrics.add(REJECTIONS, (call.counted_as, "endpoint"))
        where = "all endpoints are" if hold.pinned is None else f"{hold.pinned} is"
        if not self._slots.limits:
            text = "all endpoints are drained"
        else:
            text = f"{where} full, and no slot came free within {patience:g} s"
        return call.host.errors.make(PoolTimeoutError, call, text, request_sent=False)

    def has_room(self, hold: Hold) -> bool:
        """Return whether an endpoint has a slot for one more attempt of an operation."""
        return self._roster.has_room(hold.pinned)

    def end_attempt(
        self,
        call: Call,
        attempt: Attempt,
        response: Response | None,
        error: BaseException | None,
    ) -> None:
        """Learn from how an attempt ended; give back what it had, unless its answer is read yet."""
        hold, pool = cast("Hold", attempt.hold), self.pool
        outcome = None if hold.site is None else outcome_of(call, attempt, error)
        if pool is not None and outcome is not None:
            now = self._ports.now()
            self._roster.tell(pool.report(hold.ticket, outcome, attempt.seconds, now), call)
        is_read_yet = error is None and hold.response is not None and hold.response is response
        if not is_read_yet or call.is_over:
            self.give_back(hold)

    def end_hold(self, call: Call, hold: Hold, error: BaseException | None) -> None:
        """Give back what an attempt has yet, as its operation is over."""
        pool, ticket = self.pool, hold.ticket
        is_broken = isinstance(error, APIConnectionError) and hold.response is not None
        if pool is not None and is_broken:
            # Its head was good, and was told of: what broke its body is told of by another.
            late, now = Ticket(), self._ports.now()
            late.node, late.began, late.era = ticket.node, ticket.began, ticket.era
            seconds = max(0.0, now - ticket.began)
            self._roster.tell(pool.report(late, Outcome.FAILURE, seconds, now), call)
        self.give_back(hold)

    def give_back(self, hold: Hold) -> None:
        """Give back what an attempt has; a second time does nothing."""
        hold.response = None
        if self.pool is not None:
            self.pool.release(hold.ticket)
        self._slots.release(hold)

    def states(self) -> tuple[EndpointState, ...]:
        """Return how each endpoint stands."""
        return self._roster.states()

    def gauges(self, now: float) -> list[Gauge]:  # noqa: ARG002 - a part's signature
        """Return how many endpoints are in which state, and what is out to each."""
        return self._roster.gauges()

    def begin_anew(self) -> None:
        """Forget who queues: that was in an event loop that has ended."""
        self._slots.begin_anew()

    def hang_up(self) -> None:
        """Wake who queues: the client is closed."""
        self._slots.wake()


def _settle(call: Call, attempt: Attempt, hold: Hold, site: Site) -> None:
    """Take note of where an attempt goes."""
    hold.site, url = site, site.url
    attempt.endpoint = call.endpoint = url
    call.tried = (*(each for each in call.tried if each != url), url)
