"""The engine behind httpx's own interface: shared by drop-in clients, transports and functions.

What differs from the facade is little: the settings, and one translation of the engine's
outcomes back into what callers of httpx know.
"""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

from ...config.checks import unknown_name
from ...engine.engine import Engine
from ...engine.layer import Either
from ...engine.notifiers import Notifiers
from ...engine.operation import Call
from ...engine.plan import Plan
from ...engine.rejections import is_rejection, rejections_for
from ...engine.telling import tell_reconfigured
from ...errors.safe_texts import scrub
from ...errors.urls import mask_url
from ...exceptions import ClientClosedError, MyAPIError
from ...http.bodies.sent_request import ReplayableRequest
from ...http.extensions import check_extensions
from ...http.verdicts import Classifier
from ...metrics.stats import take_stats
from ...pipeline import pipeline
from ...runtime.forking import fork_safe
from ...runtime.once import once
from ...strategies.circuit.audience import Member
from ...strategies.circuit.control import CircuitControl
from ...strategies.circuit.gate import circuit_gate
from ...strategies.retry.retry import NOTE
from ...telemetry.event_log import EventLog
from ...telemetry.health import assess
from ...telemetry.sinks import Joined
from ..plugins import Plugins
from ..strategies import Strategies, brought_by, check_of_call
from .exchange import SendExchange
from .options import RetrySettings
from .policy import DropInPolicy
from .witness import attempt_under_way

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Iterable, Mapping

    from ...engine.layer import Stop
    from ...engine.ports import World
    from ...events import Listener
    from ...http.family import Family
    from ...http.shapes import Options, Request, Response
    from ...metrics.aggregator import Aggregator
    from ...metrics.stats import ClientStats
    from ...telemetry.health import Health
    from ..watching import ConfigWatch
    from .exchange import Send

__all__ = ["DropIn"]

_REQUEST_ID: Final = "X-Request-ID"
_NONE: Final[Mapping[str, object]] = MappingProxyType({})
_MOST_URLS: Final = 256
"""That are remembered as httpx parses them."""
_CLOSED: Final = "it was closed while its plugins started"
_NOTE: Final = re.compile(r"\d+ attempts? (was|were) made in \S+ s")


class DropIn:
    """Protects the `send` of one httpx client, or of one transport.

    Args:
        family: httpx or httpx2.
        world: The async or the blocking one.
        settings: Those of the client; a call may override them.
        name: The client's.
        listeners: Told what happens, besides the log and the callbacks.
        telemetry: What its metrics and traces go to.
        plugins: What brings more of these, and lives as long as the client.
        allow_chaos: Whether faults may be injected.
    """

    def __init__(  # noqa: PLR0913 - what a client is made of, each named by the caller
        self,
        family: Family,
        world: World,
        settings: RetrySettings,
        *,
        name: str = "default",
        listeners: Iterable[Listener] = (),
        telemetry: Iterable[Any] = (),
        plugins: Iterable[object] = (),
        allow_chaos: bool = False,
    ) -> None:
        self._family = family
        self.name = name
        self._classifier = Classifier(family)
        self._world = world
        self._engine = self._new_engine()
        self._log = EventLog(name=name, now=self._engine.ports.now)
        if settings.circuit_breaker is not None:
            self._log.load()
        self.plugins: Plugins = Plugins(plugins, world, self._log.warn)
        own = settings.middleware, settings.attempt_middleware
        if brought := brought_by(self.plugins, *own):
            settings = settings.merged(**brought)
        self.settings: RetrySettings = settings
        sinks = (*telemetry, *self.plugins.telemetry)
        self._telemetry = Joined(sinks, self._engine.metrics, self)
        heard = (*listeners, *self.plugins.listeners, *self._telemetry.listeners)
        self._listeners = (self._log, *heard)
        breaker = settings.circuit_breaker
        self.control: CircuitControl = (
            CircuitControl(None, self._engine.ports) if breaker is None else breaker.control
        )
        self._member = Member(self._notify_with(), self._engine.metrics, self.control.name)
        self._circuits = self.control.join(self._member)
        self._lock = fork_safe(threading.RLock())
        self.watches: WeakSet[ConfigWatch] = WeakSet()
        """What keeps its settings as somebody else says, for as long as it is open."""
        self._http = world.make_http(None)
        self._strategies = Strategies(
            settings.wanted,
            world=world,
            family=family,
            ports=self._engine.ports,
            allow_chaos=allow_chaos,
            warn=self.warn,
            plugins=self.plugins,
            id_header=_REQUEST_ID,
        )
        self._prepared = self._prepare(settings)
        self._measure()
        self._urls: dict[str, Any] = {}
        self._when_streamed = self._prepare(_once_unless_told(settings))

    async def send(  # noqa: PLR0913 - a call, and all that is said with it
        self,
        request: Request,
        send: Send,
        overrides: Options | None = None,
        *,
        through: Any,
        is_streamed: bool = False,
        options: Mapping[str, object] = _NONE,
    ) -> Any:
        """Send a request through the layers; return or raise what httpx would.

        Args:
            request: The built request.
            send: Makes one attempt.
            overrides: Settings for this call alone.
            through: The httpx client, or the transport, that makes the attempts.
            is_streamed: Whether answers come with their body still on the wire.
            options: What the client is told with the request.

        Raises:
            ValueError: An override is not allowed.
            Exception: Of httpx: what the last attempt raised, or a rejection.
        """
        call, exchange = self._begin(
            request, send, overrides, through, is_streamed=is_streamed, options=options
        )
        try:
            outcome = await self._engine.run(call, exchange)
        except MyAPIError as error:
            outcome = self._translated(call, error)
        if isinstance(outcome, Exception):
            try:
                raise outcome
            finally:
                # Its traceback leads back to this frame: the two would keep each other alive.
                del outcome
        if is_streamed and call.rescued is None and self._family.is_response(outcome):
            exchange.guard(outcome)
        return self._reported(call, outcome)

    async def send_or_raise(
        self, request: Request, send: Send, overrides: Options | None = None, *, through: Any
    ) -> Any:
        """Send a request as `send` does, but raise an error of the tree for every failure.

        Raises:
            ValueError: An override is not allowed.
            MyAPIError: The call failed, or its last answer has an error status.
        """
        call, exchange = self._begin(
            request, send, overrides, through, is_streamed=False, raises=True
        )
        try:
            response = await self._engine.run(call, exchange)
        except MyAPIError as error:
            scrub(error)
            raise
        return self._reported(call, response)

    def parsed(self, url: Any) -> Any:
        """Return a URL as httpx parses it, where it has before, and answers are kept.

        That is a fifth of what a hit takes.
        """
        if type(url) is not str or self.settings.wanted.cache is None:
            return url
        found = self._urls.get(url)
        if found is None:
            try:
                found = self._family.module.URL(url)
            except Exception:  # noqa: BLE001 - httpx says so where it is asked to send it
                return url
            if len(self._urls) >= _MOST_URLS:
                self._urls.clear()
            self._urls[url] = found
        return found

    def build_or_raise(self, client: Any, method: str, url: object, options: Options) -> Any:
        """Build a request by a client, or raise an error of the tree where that is impossible.

        Raises:
            MyAPIError: httpx refuses the URL or a header.
        """
        try:
            return client.build_request(method, url, **options)
        except Exception as error:
            verdict = self._classifier.verdict(error)
            if verdict is None:
                raise
            shown = mask_url(str(url))
            text = f"{method} {shown} failed: {verdict.reason}"
            made = verdict.kind(text, method=method, url=shown, request_sent=False)
            made.__cause__ = error
            scrub(made)
            raise made from error

    async def start(self) -> None:
        """Start the plugins now rather than at the first call.

        Raises:
            ClientClosedError: What is protected was closed meanwhile.
            Exception: One could not be started; what is protected is closed by then.
        """
        if not await self.plugins.start(self._engine.ports):
            raise ClientClosedError(_CLOSED)

    async def close_plugins(self) -> None:
        """Close the plugins, and let go of the cache, once what is protected is closed."""
        try:
            await self._strategies.close_cache(self._engine.ports)
        finally:
            await self.plugins.close(self._engine.ports)

    def end_waits(self) -> None:
        """End every wait for a next attempt: what the calls go through was closed.

        A transport may be used again after that, and so may this.
        """
        self.plugins.stop(for_good=False)
        engine, self._engine = self._engine, self._new_engine()
        self._engine.standing, self._engine.metrics = engine.standing, engine.metrics
        engine.is_closed = True
        engine.ports.wake_sleepers()
        self._strategies.hang_up()
        self._log.flush()
        self._telemetry.flush(is_async=self._world.is_async)

    def wake_sleepers(self) -> None:
        """End every wait for a next attempt: httpx will say that the client is closed."""
        for watch in tuple(self.watches):
            watch.stop()
        self.control.audience.leave(self._member)
        self.plugins.stop(for_good=True)
        self._engine.ports.wake_sleepers()
        self._strategies.hang_up()
        self._log.flush()
        self._telemetry.close(is_async=self._world.is_async)

    @contextmanager
    def closing(self) -> Generator[None]:
        """End every wait, and raise of what comes from below only what httpx would."""
        try:
            yield
        except Exception as error:
            shown = self._classifier.of_family(error)
            if shown is error:
                raise
            raise shown from error
        finally:
            self.wake_sleepers()

    def stats(self) -> ClientStats:
        """Return a snapshot of what has happened so far."""
        return take_stats(self._engine.metrics, self.control.stats())

    def health(self, required: Iterable[str], *, is_closed: bool) -> Health:
        """Return whether what is protected can do its work."""
        states, observes = self.control.states, self.control.observes
        return assess(self.name, states, required, is_closed=is_closed, observes=observes)

    @property
    def config(self) -> RetrySettings:
        """The settings in force."""
        return self.settings

    def reconfigure(
        self, overrides: Mapping[str, object], base: RetrySettings | None = None
    ) -> None:
        """Go by other settings from now on; calls under way keep theirs.

        Args:
            overrides: Settings by their names.
            base: What they are laid over; by default the settings in force.

        Raises:
            ValueError: A setting is unknown or refused, or cannot be changed any more.
        """
        for name in overrides:
            if name not in RetrySettings.defaults():
                raise unknown_name(name, RetrySettings.defaults())
        with self._lock:
            settings = (self.settings if base is None else base).changed(overrides)
            changed = tuple(sorted(self.settings.differences(settings)))
            if "circuit_breaker" in changed:
                raise ValueError(
                    "circuit_breaker of a client cannot be changed, because others may share it: "
                    "make a new client"
                )
            if not changed:
                return
            # First what may be refused yet.
            prepared = self._prepare(settings)
            when_streamed = self._prepare(_once_unless_told(settings))
            self._strategies.reconfigure(settings.wanted)
            if "cache" in changed:  # what is switched off is forgotten by now
                prepared = self._prepare(settings)
                when_streamed = self._prepare(_once_unless_told(settings))
            self._prepared, self._when_streamed = prepared, when_streamed
            self.settings = settings
            self._measure()
        tell_reconfigured(prepared.plan.notify, changed)

    def _measure(self) -> None:
        """Have the gauges of what is in force now read, and of nothing else."""
        plan = self._prepared.plan
        self._engine.standing.measured = (*plan.measured, plan, self._circuits)

    def at_home(self, work: Callable[[], object]) -> None:
        """Do some work where the calls are made: in the event loop, if there is one."""
        self._engine.ports.at_home(work)

    def warn(self, what: str, **fields: object) -> None:
        """Log a warning about the client."""
        self._log.warn(what, **fields)

    @property
    def metrics(self) -> Aggregator:
        """What was counted."""
        return self._engine.metrics

    def listen(self, listener: Listener) -> None:
        """Tell one more listener what happens from now on."""
        with self._lock:
            self._listeners = (*self._listeners, listener)
            for each in (self._prepared, self._when_streamed):
                each.plan.notify.add(listener)
            self._member.notify.add(listener)

    def _new_engine(self) -> Engine:
        return Engine(
            self._world.make_ports(),
            rejections=rejections_for(self._family),
            name=self.name,
        )

    def _begin(  # noqa: PLR0913 - what an exchange is made of, as there
        self,
        request: Request,
        send: Send,
        overrides: Options | None,
        through: Any,
        *,
        is_streamed: bool,
        options: Mapping[str, object] = _NONE,
        raises: bool = False,
    ) -> tuple[Call, SendExchange]:
        check_extensions(request.extensions, is_async=self._world.is_async)
        settings = self._settings_for(overrides, is_streamed=is_streamed)
        call = settings.call_for(request, self._engine)
        exchange = SendExchange(
            call,
            self._family,
            self._classifier,
            policy=settings.policy,
            sent=ReplayableRequest(request, self._family, is_async=self._world.is_async),
            send=send,
            through=through,
            http=self._http,
            is_streamed=is_streamed,
            options=options,
            raises=raises,
        )
        return call, exchange

    def _reported(self, call: Call, response: Response) -> Any:
        if self._family.is_response(response):
            response.extensions["resilience"] = self._engine.report(call)
        return response

    def _translated(self, call: Call, error: MyAPIError) -> Any:
        """Return the answer, or the exception of httpx, that stands behind an error."""
        if not call.is_own(error):
            return error
        if is_rejection(error):
            scrub(error)
            return error
        cause = error.__cause__
        if not isinstance(cause, Exception):
            return error if error.response is None else error.response
        _put_notes(cause, call, error.elapsed)
        return cause

    def _settings_for(self, overrides: Options | None, *, is_streamed: bool) -> Prepared:
        if not overrides:
            return self._when_streamed if is_streamed else self._prepared
        check_of_call(overrides)
        settings = self.settings.changed(overrides)
        return self._prepare(_once_unless_told(settings) if is_streamed else settings)

    def _prepare(self, settings: RetrySettings) -> Prepared:
        stop: Stop = self.control.isolations
        breaker = settings.circuit_breaker
        if breaker is not None and breaker.control is not self.control:
            stop = Either(stop, breaker.control.isolations)
        notify = self._notify_with(settings.callbacks())
        return Prepared(settings, notify, self._member, stop, self._strategies)

    def _notify_with(self, *more: Listener) -> Notifiers:
        listeners, tracing = (*self._listeners, *more), self._telemetry.tracing
        return Notifiers(listeners, self.name, self._engine.metrics, tracing)


def _once_unless_told(settings: RetrySettings) -> RetrySettings:
    """Make one attempt of a streamed call, unless somebody asked for more."""
    if "max_retries" in settings.given:
        return settings
    return settings.merged(max_retries=0)


def _put_notes(error: Exception, call: Call, elapsed: float) -> None:
    """Say how often it was tried, in place of what a call before has said on the same object."""
    attempts = call.attempts
    made = f"{attempts} attempt was" if attempts == 1 else f"{attempts} attempts were"
    notes: list[str] = getattr(error, "__notes__", [])
    notes[:] = [note for note in notes if not (_NOTE.fullmatch(note) or note.startswith(NOTE))]
    error.add_note(f"{made} made in {elapsed:.3g} s")
    if call.refusal is not None:
        error.add_note(f"{NOTE}{call.refusal.text}")


class _SentCall(Call):
    """The operation that sends a request which is built already."""

    @once
    def url(self) -> str:
        """The whole URL, with what must not be shown."""
        return str(self.target.url)

    def _target(self, request: Request) -> Request:
        return request


class _Ids:
    """The headers that name an operation, read where the caller wrote them.

    Hooks and auth flows may add more to each attempt: those are another each time.
    """

    def __init__(self, idempotency_headers: Collection[str]) -> None:
        self._keys = idempotency_headers
        self._names = frozenset(
            name.lower().encode() for name in (*idempotency_headers, _REQUEST_ID)
        )
        self._lengths = frozenset(map(len, self._names))

    def read(self, call: Call, headers: Any) -> None:
        """Put what is found into the operation."""
        for name, _ in headers.raw:  # for every call, and httpx's own way takes longer
            if len(name) in self._lengths and name.lower() in self._names:
                call.request_id = headers.get(_REQUEST_ID)
                # An empty one tells the server nothing.
                call.has_idempotency_key = any(headers.get(each) for each in self._keys)
                return


class Prepared:
    """Settings made ready for use: the plan that they ask for, and what an exchange needs."""

    def __init__(
        self,
        settings: RetrySettings,
        notify: Notifiers,
        member: Member,
        stop: Stop,
        strategies: Strategies,
    ) -> None:
        self.policy: DropInPolicy = DropInPolicy(settings)
        self._ids = _Ids(settings.idempotency_headers)
        breaker = settings.circuit_breaker
        circuit = None
        if breaker is not None:
            circuit = circuit_gate(breaker.breaker, member, is_shared=True)
        wanted = settings.wanted
        parts = pipeline(
            bulkhead=None,
            circuit=circuit,
            retry=self.policy,
            **strategies.parts(wanted, self.policy),
        )
        rescue = strategies.rescue(wanted)
        self.plan: Plan = Plan(parts, notify, settings.max_total_time, stop, rescue)

    def call_for(self, request: Request, engine: Engine) -> Call:
        """Return the operation that sends a request."""
        call = _SentCall(
            method=request.method,
            target=request,
            host=engine,
            plan=self.plan,
            total=self.plan.total,
        )
        call.address = request.url
        if isinstance(name := request.extensions.get("operation"), str):
            call.operation = name
        if self.plan.notify.tracing is not None:
            outer = attempt_under_way()
            call.is_part = outer is not None and outer.request is request
        self._ids.read(call, request.headers)
        return call
