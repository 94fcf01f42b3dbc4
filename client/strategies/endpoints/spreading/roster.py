"""The endpoints in force: what is known of them, where requests go, how many slots they have.

Rule 1  A change is made in one step, by one at a time.
Rule 2  Nobody is told anything while a lock is held.
"""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING, Final

from ....http.credentials import name_credential
from ....metrics.strategy_instruments import ENDPOINT_OUTSTANDING, ENDPOINTS
from ....runtime.forking import fork_safe
from ..pool import EndpointPool
from .slots import EndpointSlots

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ....config.parts.bulkhead import BulkheadConfig
    from ....config.parts.endpoints import BalancingConfig, Endpoint
    from ....engine.operation import Call
    from ....engine.ports import Ports
    from ....http.service import Service, Site
    from ....metrics.aggregator import Gauge
    from ..pool import EndpointState, Transition
    from .telling import Telling

__all__ = ["Roster"]

_STATES: Final = ("in", "slow_start", "ejected", "probing", "drained")


class Roster:
    """They, of one client. Safe to share between threads.

    Args:
        config: How they are chosen.
        service: Where their addresses are known.
        site_of: Makes of an endpoint what requests are directed by; raises `ValueError` for one
            that cannot be used.
        ports: Of the client.
        telling: Counts and announces what happens.
        warn: Logs a warning about the client.

    Attributes:
        config: How they are chosen.
        pool: What is known of each; None where none are known yet.
        slots: How many attempts may be there at once.
        adds_credentials: Whether an endpoint has a header of its own, or a password, that says
            whose a request is; True where that is not known yet.
    """

    def __init__(  # noqa: PLR0913 - what it is made of, each named by the caller
        self,
        config: BalancingConfig,
        *,
        service: Service,
        site_of: Callable[[Endpoint], Site],
        ports: Ports,
        telling: Telling,
        warn: Callable[[str], object],
    ) -> None:
        self.config: BalancingConfig = config
        self.pool: EndpointPool | None = None
        self.slots: EndpointSlots = EndpointSlots()
        self.adds_credentials: bool = True
        self._service = service
        self._site_of = site_of
        self._ports = ports
        self._telling = telling
        self._warn = warn
        self._chance = random.Random()  # noqa: S311 - no secret
        # A signal handler may call in the middle of a change.
        self._lock = fork_safe(threading.RLock())
        self._known: tuple[Endpoint, ...] | None = None
        self._sites: dict[str, tuple[Endpoint, Site]] = {}

    def reconfigure(self, config: BalancingConfig) -> None:
        """Choose in another way; what is known of an endpoint stays."""
        if config != self.config:
            self.config = config
            if self.pool is not None:
                self.tell(self.pool.reconfigure(config, self._ports.now()))

    def follow(self, known: tuple[Endpoint, ...] | None, *, is_checked: bool = False) -> None:
        """Go by a list, if it is another one; what is known of an endpoint stays with its URL.

        Args:
            known: The list; None changes nothing.
            is_checked: Whether one that cannot be used is the mistake of whoever calls this.

        Raises:
            ValueError: One cannot be used, and that is to be told, or there is no list yet.
        """
        if known is None or known is self._known:
            return
        told: Iterable[Transition] = ()
        with self._lock:
            before, is_first = tuple(self._sites), self.pool is None
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
        now, pool = self._ports.now(), self.pool
        self._service.go_by(sites)
        self._sites = {site.url: (each, site) for each, site in zip(known, sites, strict=True)}
        bounds = {url: each.bulkhead for url, (each, _) in self._sites.items()}
        self.adds_credentials = any(
            name_credential(map(str.lower, each.headers)) or "@" in each.url for each in known
        )
        self._known = known
        told: Iterable[Transition] = ()
        if pool is None:
            self.pool = EndpointPool(sites, self.config, self._chance, now)
        else:
            told = pool.replace(sites, now)
        self.slots.go_by(
            {
                url: bound.max_concurrency
                for url, bound in bounds.items()
                if bound is not None and bound.mode != "off"
            }
        )
        return told

    def _known_site(self, endpoint: Endpoint) -> Site:
        site = self._site_of(endpoint)
        known = self._sites.get(site.url)
        return known[1] if known is not None and known[0] == endpoint else site

    def bulkheads(self, pinned: str | None) -> list[BulkheadConfig]:
        """Return what bounds the attempts at an endpoint, or for None at each that is bounded."""
        found = (each.bulkhead for url, (each, _) in self._sites.items() if pinned in {None, url})
        return [each for each in found if each is not None]

    def has_room(self, pinned: str | None) -> bool:
        """Return whether an endpoint, or for None one of them, has a slot for one more attempt."""
        if not self.slots.limits:
            return True
        urls = self._sites if pinned is None else (pinned,)
        return not self.slots.full().issuperset(urls)

    def tell(self, transitions: Iterable[Transition], call: Call | None = None) -> None:
        """Count and announce what has changed, by an operation or without one."""
        for each in transitions:
            self._telling.transition(each, call)

    def states(self) -> tuple[EndpointState, ...]:
        """Return how each endpoint stands."""
        return () if self.pool is None else self.pool.states(self._ports.now())

    def gauges(self) -> list[Gauge]:
        """Return how many endpoints are in which state, and what is out to each."""
        states = self.states()
        counted = dict.fromkeys(_STATES, 0)
        for each in states:
            counted[each.state] += 1
        found: list[Gauge] = [(ENDPOINTS, (state,), count) for state, count in counted.items()]
        found += [
            (ENDPOINT_OUTSTANDING, (self._telling.label(each.url),), each.outstanding)
            for each in states
        ]
        return found
