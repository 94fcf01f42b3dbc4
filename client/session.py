"""What the faces share, written once: one engine, one httpx client, and the way of a call.

Its methods are coroutines; over blocking ports they never suspend.
"""

from __future__ import annotations

import threading
import warnings
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from client.breaker import Breaker
from client.budget import RetryBudget
from client.call import Call
from client.call_options import check_deadline, check_method, check_names, check_retry
from client.circuit_state import CircuitState
from client.classify import Classifier
from client.config import ClientConfig
from client.engine import Engine
from client.event_log import EventLog
from client.exceptions import ClientClosedError, InsecureTLSWarning
from client.exchange import HttpExchange, StreamExchange
from client.forking import fork_safe
from client.headers import find_header, put_header, set_default, to_pairs
from client.http_client import build_client, check_foreign_client, to_timeout
from client.pools import has_pool
from client.request_id import check_request_id, new_request_id
from client.retry import RetryPolicy
from client.stream import Stream
from client.urls import join

if TYPE_CHECKING:
    from collections.abc import Iterable

    from client.call_options import CallOptions
    from client.config import RetryConfig
    from client.events import Listener
    from client.family import Family
    from client.headers import Pairs
    from client.ports import HttpPort, World
    from client.stats import ClientStats

__all__ = ["Session"]

_CLOSE_SECONDS: Final = 5.0
ExchangeT = TypeVar("ExchangeT", bound=HttpExchange)


class Session:
    """A client without its face.

    Args:
        config: The configuration.
        world: The async or the blocking one.
        family: httpx or httpx2.
        transport: An httpx transport for the client that is built here.
        http_client: A client that is used and stays its owner's.
        listeners: Told what happens, besides the log.
    """

    def __init__(  # noqa: PLR0913 - what a client is made of, each named by the caller
        self,
        config: ClientConfig | None,
        *,
        world: World,
        family: Family,
        transport: Any = None,
        http_client: Any = None,
        listeners: Iterable[Listener] = (),
    ) -> None:
        self.config = config if config is not None else ClientConfig()
        self._family = family
        self._world = world
        self._transport = transport
        self._is_foreign = http_client is not None
        self._http = world.make_http(http_client) if self._is_foreign else None
        self._lock = fork_safe(threading.RLock())
        self._log = EventLog(self.config.logging)
        self._log.load()
        self._classifier = Classifier(family)
        breaker = self.config.circuit_breaker
        self.engine = Engine(
            world.make_ports(),
            bulkhead=self.config.bulkhead,
            breaker=Breaker(breaker) if breaker else None,
            listeners=(self._log, *listeners),
        )
        retry = self.config.retry
        self._budget: RetryBudget | None = None
        self._retry = self._policy(retry)
        self._total = self.config.timeout.total
        self._always = self._foreign_options() if self._is_foreign else {}
        self._own_headers = self._foreign_headers() if self._is_foreign else []
        if not self.config.verify_ssl:
            self._warn_insecure()

    async def request(self, method: str, url: Any, options: CallOptions) -> Any:
        """Run an operation and return its answer, read whole."""
        call, exchange = self._prepare(HttpExchange, method, url, options)
        response = await self.engine.run(call, exchange)
        self.attach_report(call, response)
        return response

    def stream(self, method: str, url: Any, options: CallOptions) -> Stream:
        """Prepare an operation whose answer is handed over unread."""
        call, exchange = self._prepare(StreamExchange, method, url, options)
        return Stream(self, call, exchange)

    async def close(self) -> None:
        """Close for good: what waits is woken, and what is in flight fails."""
        if self.engine.ports.moved():
            self._settle()
        self.engine.is_closed = True
        self.engine.ports.wake_sleepers()
        if self.engine.slots is not None:
            self.engine.slots.turn_away()
        with self._lock:
            http, self._http = self._http, None
        if http is None:
            return
        http.hang_up()
        if not self._is_foreign:
            try:
                await self.engine.ports.within(_CLOSE_SECONDS, http.close)
            except TimeoutError:
                self._log.warn("closing the connections took too long")

    @property
    def http(self) -> HttpPort:
        """The one httpx client, built at the first use.

        Raises:
            ClientClosedError: The session is closed.
        """
        http = self._http
        return http if http is not None else self._build_once()

    def stats(self) -> ClientStats:
        """Return a snapshot of what has happened so far."""
        slots, breaker = self.engine.slots, self.engine.breaker
        return self.engine.tally.snapshot(
            slots_in_use=slots.in_use if slots else 0,
            slots_waiting=slots.waiting if slots else 0,
            circuits=breaker.states() if breaker else {},
        )

    def circuit_state(self) -> CircuitState | None:
        """Return the worst state of any circuit, or None where there is none."""
        if self.engine.breaker is None:
            return None
        states = set(self.engine.breaker.states().values())
        for state in (CircuitState.OPEN, CircuitState.HALF_OPEN):
            if state in states:
                return state
        return CircuitState.CLOSED

    def _settle(self) -> None:
        """Begin anew in another event loop: the one before has ended."""
        self.engine.begin_anew()
        with self._lock:
            http = self._http
            if http is None:
                return
            if self._is_foreign and has_pool(http.client):
                raise ClientClosedError(
                    "the http_client that was passed in belongs to an event loop that has ended: "
                    "make both anew"
                )
            # The other one knows of exchanges that nobody can end any more.
            self._http = self._world.make_http(http.client)

    def _build_once(self) -> HttpPort:
        with self._lock:
            if self._http is None:
                if self.engine.is_closed:
                    raise ClientClosedError("the client is closed; make a new one")
                client = build_client(
                    self._family,
                    self.config,
                    is_async=self._world.is_async,
                    transport=self._transport,
                )
                self._world.adopt(client, self._family)
                self._http = self._world.make_http(client)
            return self._http

    def _prepare(
        self, kind: type[ExchangeT], method: str, url: Any, given: CallOptions
    ) -> tuple[Call, ExchangeT]:
        """Check the arguments of a call before anything is taken or sent."""
        options = cast("dict[str, Any]", given)  # made by Python for this call
        if options:
            check_names(options)
        check_method(method)
        if self.engine.ports.moved():
            self._settle()
        headers = to_pairs(options.get("headers"))
        for name, value in self._own_headers:
            set_default(headers, name, value)
        call = Call(
            method=method,
            target=join(self.config.base_url, str(url)) if self._is_foreign else url,
            base_url=self.config.base_url,
            notify=self.engine.notifiers,
            retry=self._retry_for(options) if "retry" in options else self._retry,
            total=self._total_for(options) if "deadline" in options else self._total,
        )
        self._put_request_id(call, options.pop("request_id", None), headers)
        engine = self.engine
        engine.turn_away(call)
        exchange = kind(
            call,
            engine=engine,
            http=self._http or self._build_once(),
            family=self._family,
            classifier=self._classifier,
            options={**self._always, **options, "headers": headers},
            needs_async=self._world.is_async,
        )
        return call, exchange

    def _put_request_id(self, call: Call, given: object, headers: Pairs) -> None:
        """Give an operation its id, from the argument, the header or made here."""
        name = self.config.request_id_header
        if given is None and headers:
            given = find_header(headers, name)
            given = given.decode("latin-1") if isinstance(given, bytes) else given
        if given is None:
            call.id_was_made = True
            call.request_id = new_request_id()
        else:
            call.request_id = check_request_id(given)
        if headers:
            put_header(headers, name, call.request_id)
        else:
            headers.append((name, call.request_id))

    def _retry_for(self, options: dict[str, Any]) -> RetryPolicy | None:
        return self._policy(check_retry(options.pop("retry"), self.config.retry))

    def _total_for(self, options: dict[str, Any]) -> float | None:
        return check_deadline(options.pop("deadline"))

    def _policy(self, config: RetryConfig | None) -> RetryPolicy | None:
        if config is None:
            return None
        if self._budget is None and config.budget is not None:
            # A client without retries of its own: its calls pay from the budget of the first.
            self._budget = RetryBudget(config.budget)
        return RetryPolicy(config, self._budget if config.budget is not None else None)

    def _foreign_options(self) -> dict[str, Any]:
        """Return what a call hands to a client that was built elsewhere: what was given here."""
        check_foreign_client(self.config)
        given = self.config.model_fields_set
        options: dict[str, Any] = {}
        if "timeout" in given:
            options["timeout"] = to_timeout(self._family, self.config.timeout)
        if "follow_redirects" in given:
            options["follow_redirects"] = self.config.follow_redirects
        return options

    def _foreign_headers(self) -> Pairs:
        headers = to_pairs(self.config.headers)
        if "user_agent" in self.config.model_fields_set:
            set_default(headers, "User-Agent", self.config.user_agent)
        return headers

    def attach_report(self, call: Call, response: Any) -> None:
        """Leave in an answer how the operation went."""
        if self._family.is_response(response):
            response.extensions["resilience"] = self.engine.report(call)

    def _warn_insecure(self) -> None:
        text = "verify_ssl=False: anyone on the path can read and change the traffic"
        warnings.warn(text, InsecureTLSWarning, stacklevel=4)
        self._log.warn("certificates are not verified")
