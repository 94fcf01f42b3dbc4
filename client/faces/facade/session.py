"""What the faces share, written once: one engine, one httpx client, and the way of a call.

Its methods are coroutines; over blocking ports they never suspend.
"""

from __future__ import annotations

import threading
import warnings
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar
from weakref import WeakSet

from ...config.checks import to_tuple
from ...config.models import ClientConfig
from ...engine.engine import Engine
from ...engine.notifiers import Notifiers
from ...engine.operation import Call
from ...engine.plan import Plan
from ...engine.telling import tell_reconfigured
from ...errors.urls import join
from ...exceptions import ClientClosedError, InsecureTLSWarning
from ...http.bodies.response_decoding import Decoding
from ...http.cookies import HostCookies
from ...http.extensions import check_extensions, check_timeouts
from ...http.headers import find_header, put_header, set_default, to_pairs
from ...http.service import PLACEHOLDER
from ...http.surroundings import environment_explained
from ...http.verdicts import Classifier
from ...metrics.stats import take_stats
from ...pipeline import pipeline
from ...runtime.forking import fork_safe
from ...strategies.bulkhead.gate import Bulkhead
from ...strategies.circuit.audience import Member
from ...strategies.circuit.control import CircuitControl
from ...strategies.circuit.gate import circuit_gate
from ...strategies.circuit.scopes import Breaker
from ...strategies.retry.budget import RetryBudget
from ...strategies.retry.policy import RetryPolicy, RetryRules
from ...telemetry.event_log import EventLog
from ...telemetry.health import assess
from ...telemetry.sinks import Joined
from ...transports.httpcore.connection_age import limit_age
from ...transports.httpcore.pools import enlarge_pools, has_pool
from ..nesting import check_transports
from ..plugins import Plugins
from ..strategies import Strategies, slots_of, wanted_of
from .call_options import (
    USUAL_METHODS,
    check_deadline,
    check_method,
    check_names,
    check_operation,
    check_priority,
    check_retry,
    take_strategies,
)
from .endpoints import Endpoints
from .exchange import HttpExchange, StreamExchange
from .http_client import BodyBound, build_client, most_idle
from .reconfiguring import (
    Snapshot,
    changed_settings,
    check_changes,
    foreign_headers,
    foreign_options,
    is_same,
    options_after,
)
from .request_id import check_request_id, new_request_id
from .stream import Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping
    from typing import Unpack

    from ...config.models import BulkheadConfig, RetryConfig
    from ...engine.layer import Gate
    from ...engine.ports import HttpPort, World
    from ...events import Listener
    from ...http.family import Family
    from ...http.headers import Pairs
    from ...http.shapes import Response
    from ...metrics.aggregator import Aggregator
    from ...metrics.stats import ClientStats, EndpointStats
    from ...telemetry.health import Health
    from ..strategies import Additions, Wanted
    from ..watching import ConfigWatch
    from .call_options import CallOptions

__all__ = ["Session"]

_CLOSE_SECONDS: Final = 5.0
_CLOSED: Final = "the client is closed; make a new one"
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
        telemetry: What its metrics and traces go to.
        **additions: What else is given in code.
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
        telemetry: Iterable[Any] = (),
        **additions: Unpack[Additions],
    ) -> None:
        config = config if config is not None else ClientConfig()
        self._family = family
        self._response_kind: type[Any] = family.module.Response
        self._world = world
        self._transport = transport
        self._is_foreign = http_client is not None
        self._http = world.make_http(http_client) if self._is_foreign else None
        self._lock = fork_safe(threading.RLock())
        ports, name = world.make_ports(), config.name
        self._log = EventLog(config.logging, name=name, now=ports.now)
        self._log.load()
        self._classifier = Classifier(family)
        self._decoding = Decoding(family, world.pause)
        self._bound = BodyBound(config.max_body_bytes)
        self._endpoints: Endpoints | None = None
        self.engine: Engine = Engine(ports, name=name)
        bulkhead, circuit = config.bulkhead, config.circuit_breaker
        self.bulkhead: Bulkhead | None = None
        if bulkhead is not None and bulkhead.mode != "off":
            self.bulkhead = Bulkhead(bulkhead, ports)
        breaker = Breaker(circuit, wall_clock=ports.wall_clock) if circuit is not None else None
        self.control: CircuitControl = CircuitControl(breaker, ports)
        self._budget: RetryBudget | None = None
        self.plugins: Plugins = Plugins(additions.get("plugins", ()), world, self._log.warn)
        sinks = (*to_tuple("telemetry", telemetry), *self.plugins.telemetry)
        self._telemetry = Joined(sinks, self.engine.metrics, self)
        heard = (*to_tuple("listeners", listeners), *self.plugins.listeners)
        told = (self._log, *heard, *self._telemetry.listeners)
        self._notify = Notifiers(told, name, self.engine.metrics, self._telemetry.tracing)
        if config.endpoints is not None:
            self._endpoints = Endpoints(
                config,
                family=family,
                world=world,
                ports=ports,
                notifiers=self._notify,
                metrics=self.engine.metrics,
                warn=self.warn,
                is_foreign=self._is_foreign,
                transport=transport,
            )
        self._cookies = HostCookies(
            family.module, None if self._endpoints is None else self._endpoints.service
        )
        self._member = Member(self._notify, self.engine.metrics)
        circuits = self.control.join(self._member)
        self._circuit = circuit_gate(breaker, self._member)
        self._strategies = Strategies(
            wanted_of(config, additions, self.plugins),
            world=world,
            family=family,
            ports=ports,
            allow_chaos=additions.get("allow_chaos", False),
            warn=self.warn,
            plugins=self.plugins,
            id_header=config.request_id_header,
            slots=slots_of(config),
        )
        self._circuits = circuits
        self.watches: WeakSet[ConfigWatch] = WeakSet()
        """What keeps its settings as somebody else says, for as long as it is open."""
        self._retired: WeakSet[Gate] = WeakSet()
        """Gates that no call passes any longer, but for those that are in."""
        wanted = self._strategies.wanted
        self._now: Snapshot = Snapshot(
            config=config,
            wanted=wanted,
            plan=self._plan_with(config, config.retry, wanted),
            always=foreign_options(self._family, config) if self._is_foreign else {},
            joins=self._is_foreign,
        )
        self._measure()
        self._own_headers = foreign_headers(config) if self._is_foreign else []
        if self._endpoints is not None and self._is_foreign:
            self._endpoints.adopt(http_client, self._own_headers)
        if not config.verify_ssl:
            self._warn_insecure()

    @property
    def config(self) -> ClientConfig:
        """The configuration in force."""
        return self._now.config

    def _measure(self) -> None:
        """Have the gauges of what is in force now read, and of nothing else."""
        plan = self._now.plan
        self.engine.standing.measured = (*plan.measured, plan, self._circuits)

    def reconfigure(
        self, overrides: Mapping[str, object], base: ClientConfig | None = None
    ) -> None:
        """Go by other settings from now on; calls under way keep theirs.

        Args:
            overrides: As for `ClientConfig.merged`.
            base: What they are laid over; by default the configuration in force.

        Raises:
            ValueError: A setting is refused, or cannot be changed any more.
            ClientClosedError: The session is closed.
        """
        with self._lock:
            if self.engine.is_closed:
                raise ClientClosedError("the client is closed; make a new one")
            before = self._now
            config = (before.config if base is None else base).merged(**overrides)
            changed = changed_settings(before.config, config)
            check_changes(before.config, config, changed, is_foreign=self._is_foreign)
            if before.config.retry is None and config.retry is not None:
                check_transports({"transport": self._transport})
            if is_same(before.config, config):
                return
            self._go_by(before, config)
        if changed:
            tell_reconfigured(self._notify, changed)

    def _go_by(self, before: Snapshot, config: ClientConfig) -> None:
        """Swap one snapshot for another; what the parts remember goes on in them."""
        # First what may be refused yet: a circuit's storage is made by the caller's code.
        renew_circuits = self.control.renewal(config.circuit_breaker)
        renew_endpoints = None if self._endpoints is None else self._endpoints.renewal(config)
        wanted = before.wanted.with_config(config)
        self._strategies.reconfigure(wanted, slots_of(config), id_header=config.request_id_header)
        if renew_endpoints is not None:
            renew_endpoints()
        if config.logging != before.config.logging:
            self._log_by(config)
        if config.bulkhead != before.config.bulkhead:
            self._change_bulkhead(config.bulkhead)
        if not is_same(config.circuit_breaker, before.config.circuit_breaker):
            self._circuit = circuit_gate(renew_circuits(), self._member)
        budget = None if config.retry is None else config.retry.budget
        if self._budget is not None and budget is not None:
            self._budget.reconfigure(budget, self.engine.ports.now())
        is_own = self._transport is None and not self._is_foreign
        if self._http is not None and is_own and config.bulkhead is not None:
            enlarge_pools(self._http.client, most_idle(config))
        oldest = config.balancing.max_connection_age
        if self._http is not None and oldest != before.config.balancing.max_connection_age:
            limit_age(self._http.client, oldest)
        self._now = Snapshot(
            config=config,
            wanted=wanted,
            plan=self._plan_with(config, config.retry, wanted),
            always=options_after(self._family, before, config, is_foreign=self._is_foreign),
            joins=before.joins or config.base_url != before.config.base_url,
        )
        self._bound.change(config.max_body_bytes)
        self._measure()

    def _log_by(self, config: ClientConfig) -> None:
        log = EventLog(config.logging, name=config.name, now=self.engine.ports.now)
        log.load()
        self._notify.replace(self._log, log)
        self._log.flush()
        self._log = log

    def _change_bulkhead(self, config: BulkheadConfig | None) -> None:
        if config is None or config.mode == "off":
            if self.bulkhead is not None:
                self.bulkhead.retire()
                self._retired.add(self.bulkhead)  # some may yet be on their way out of it
            self.bulkhead = None
            return
        if self.bulkhead is None:
            self.bulkhead = Bulkhead(config, self.engine.ports)
        else:
            self.bulkhead.reconfigure(config)

    async def request(self, method: str, url: object, options: CallOptions) -> Any:
        """Run an operation and return its answer, read whole."""
        call, exchange = self._prepare(HttpExchange, method, url, options)
        response = await self.engine.run(call, exchange)
        self.attach_report(call, response)
        return response

    def stream(self, method: str, url: object, options: CallOptions) -> Stream:
        """Prepare an operation whose answer is handed over unread."""
        call, exchange = self._prepare(StreamExchange, method, url, options)
        return Stream(self, call, exchange)

    async def close(self) -> None:
        """Close for good: what waits is woken, and what is in flight fails."""
        if self.engine.ports.moved():
            self._settle()
        self.engine.is_closed = True
        self.plugins.stop(for_good=True)
        self.engine.ports.wake_sleepers()
        if self._endpoints is not None:
            self._endpoints.hang_up()
        for watch in tuple(self.watches):
            watch.stop()
        try:
            with ExitStack() as gates:  # one that raises keeps no other from closing
                for gate in {*self._now.plan.gates, *self._retired}:
                    gates.callback(gate.close)
        finally:
            try:
                await self._strategies.close(self.engine.ports)
                if self._endpoints is not None:
                    await self._endpoints.close(self.engine.ports)
                await self._close_http()
            finally:
                try:
                    await self.plugins.close(self.engine.ports)
                finally:
                    self._telemetry.close(is_async=self._world.is_async)

    async def initialize(self) -> None:
        """Build the httpx client now, and start the plugins, rather than at the first call.

        Raises:
            ClientClosedError: The session is closed, or was closed meanwhile.
            Exception: A plugin could not be started; the session is closed by then.
        """
        _ = self.http
        if self.plugins.are_lasting:
            if self.engine.ports.moved():
                self._settle()
                self.plugins.begin_anew()
            if not await self.plugins.start(self.engine.ports):
                raise ClientClosedError(_CLOSED)

    @property
    def wanted(self) -> Wanted:
        """What is around the core."""
        return self._strategies.wanted

    async def _close_http(self) -> None:
        self._log.flush()
        with self._lock:
            http, self._http = self._http, None
        if http is None:
            return
        with self._tolerance():
            http.hang_up()
        if not self._is_foreign:
            with self._tolerance():
                await self.engine.ports.within(_CLOSE_SECONDS, http.close)

    @contextmanager
    def _tolerance(self) -> Generator[None]:
        """Log what connections say that are closed: they were good until then."""
        try:
            yield
        except TimeoutError:
            self._log.warn("closing the connections took too long")
        except Exception as error:
            if self._classifier.verdict(error) is None:
                raise
            self._log.warn("closing the connections failed")

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
        return take_stats(self.engine.metrics, self.control.stats(), self.endpoint_stats())

    def health(self, required: Iterable[str]) -> Health:
        """Return whether the client can do its work."""
        states, observes = self.control.states, self.control.observes
        is_closed = self.engine.is_closed
        return assess(
            self.config.name,
            states,
            required,
            is_closed=is_closed,
            observes=observes,
            endpoints=self.endpoint_stats(),
        )

    def endpoint_stats(self) -> Mapping[str, EndpointStats]:
        """Return how each endpoint stands, by its URL; nothing where there are none."""
        return {} if self._endpoints is None else self._endpoints.stats()

    @property
    def metrics(self) -> Aggregator:
        """What was counted."""
        return self.engine.metrics

    def at_home(self, work: Callable[[], object]) -> None:
        """Do some work where the calls are made: in the event loop, if there is one."""
        self.engine.ports.at_home(work)

    def warn(self, what: str, **fields: object) -> None:
        """Log a warning about the client."""
        self._log.warn(what, **fields)

    def listen(self, listener: Listener) -> None:
        """Tell one more listener what happens from now on."""
        self._notify.add(listener)

    def _settle(self) -> None:
        """Begin anew in another event loop: the one before has ended."""
        for gate in self._now.plan.gates:
            gate.begin_anew()
        self._strategies.begin_anew()
        if self._endpoints is not None:
            self._endpoints.begin_anew()
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
                    raise ClientClosedError(_CLOSED)
                with environment_explained(self._family, is_trusted=self.config.trust_env):
                    client = build_client(
                        self._family,
                        self.config,
                        is_async=self._world.is_async,
                        decoding=self._decoding,
                        bound=self._bound,
                        cookies=self._cookies,
                        transport=self._transport,
                        service=None if self._endpoints is None else self._endpoints.service,
                    )
                    if self._endpoints is not None:
                        self._endpoints.adopt(client, ())
                self._world.adopt(client, self._family)
                if self.config.balancing.max_connection_age is not None:
                    limit_age(client, self.config.balancing.max_connection_age)
                self._http = self._world.make_http(client)
            return self._http

    def _prepare(
        self, kind: type[ExchangeT], method: str, url: object, options: CallOptions
    ) -> tuple[Call, ExchangeT]:
        """Check the arguments of a call before anything is taken or sent."""
        if options:
            check_names(options)
            self._check_connecting(options)
        if method not in USUAL_METHODS:
            check_method(method)
        if self.engine.ports.moved():
            self._settle()
            self.plugins.begin_anew()
        headers = to_pairs(options["headers"]) if "headers" in options else []
        for name, value in self._own_headers:
            set_default(headers, name, value)
        engine, now, endpoints = self.engine, self._now, self._endpoints
        config = now.config
        base_url = config.base_url if endpoints is None else PLACEHOLDER
        call = Call(
            method=method,
            target=join(base_url, str(url)) if now.joins else url,
            base_url=base_url,
            host=engine,
            plan=self._plan_for(now, options) if options else now.plan,
            total=self._total_for(options) if "deadline" in options else now.plan.total,
        )
        if endpoints is not None:
            endpoints.mark(call, str(url), options)
        if "priority" in options:
            call.priority = check_priority(options.pop("priority"))
        if "operation" in options:
            call.operation = check_operation(options.pop("operation"))
        given = options.pop("request_id", None)
        self._put_request_id(call, config.request_id_header, given, headers)
        engine.turn_away(call)
        exchange = kind(
            call,
            http=self._http or self._build_once(),
            family=self._family,
            classifier=self._classifier,
            decoding=self._decoding,
            headers=headers,
            cookies=None if self._is_foreign else self._cookies,
            options={**now.always, **options},
            needs_async=self._world.is_async,
        )
        return call, exchange

    def _check_connecting(self, options: CallOptions) -> None:
        """Refuse timeouts and extensions that no connection can be made with."""
        module, is_async = self._family.module, self._world.is_async
        timeout = options.get("timeout", module.USE_CLIENT_DEFAULT)
        if timeout is not module.USE_CLIENT_DEFAULT:
            check_timeouts(module.Timeout(timeout).as_dict(), is_async=is_async)
        extensions = options.get("extensions")
        if extensions is not None:
            check_extensions(extensions, is_async=is_async)

    def _put_request_id(self, call: Call, name: str, given: object, headers: Pairs) -> None:
        """Give an operation its id, from the argument, the header or made here."""
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

    def _plan_for(self, now: Snapshot, options: CallOptions) -> Plan:
        """Return the plan of a call that brings settings of its own for what it passes."""
        other = take_strategies(options, now.wanted)
        if other is None and "retry" not in options:
            return now.plan
        retry = now.config.retry
        if "retry" in options:
            retry = check_retry(options.pop("retry"), retry)
        return self._plan_with(now.config, retry, now.wanted if other is None else other)

    def _plan_with(self, config: ClientConfig, retry: RetryConfig | None, wanted: Wanted) -> Plan:
        policy = self._policy(retry)
        bulkhead = self.bulkhead
        parts = pipeline(
            bulkhead=bulkhead,
            adaptive_limit=None if bulkhead is None else bulkhead.adaptive,
            circuit=self._circuit,
            retry=policy,
            endpoints=None if self._endpoints is None else self._endpoints.balancing,
            **self._strategies.parts(wanted, policy),
        )
        stop, rescue = self.control.isolations, self._strategies.rescue(wanted)
        return Plan(parts, self._notify, config.timeout.total, stop, rescue)

    def _total_for(self, options: CallOptions) -> float | None:
        return check_deadline(options.pop("deadline"))

    def _policy(self, config: RetryConfig | None) -> RetryPolicy | None:
        if config is None:
            return None
        if self._budget is None and config.budget is not None:
            # A client without retries of its own: its calls pay from the budget of the first.
            self._budget = RetryBudget(config.budget)
        return RetryPolicy(
            RetryRules.of(config), self._budget if config.budget is not None else None
        )

    def attach_report(self, call: Call, response: Response) -> None:
        """Leave in an answer how the operation went."""
        if isinstance(response, self._response_kind):
            response.extensions["resilience"] = self.engine.report(call)

    def _warn_insecure(self) -> None:
        text = "verify_ssl=False: anyone on the path can read and change the traffic"
        warnings.warn(text, InsecureTLSWarning, stacklevel=4)
        self._log.warn("certificates are not verified")
