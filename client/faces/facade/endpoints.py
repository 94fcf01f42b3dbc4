"""Several endpoints in place of one base URL, as a session has them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

from ...errors.urls import mask_url, name_of_endpoint
from ...exceptions import InvalidRequestError
from ...http.service import PLACEHOLDER, Service, Site
from ...metrics.stats import EndpointStats
from ...strategies.endpoints.checks import Checks
from ...strategies.endpoints.listing import Listing
from ...strategies.endpoints.spreading.balancing import Balancing, Fixed
from .health_checks import HealthProbe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ...config.models import ClientConfig
    from ...config.parts.endpoints import Endpoint
    from ...engine.notifiers import Notifiers
    from ...engine.operation import Call
    from ...engine.ports import Ports, World
    from ...http.family import Family
    from ...metrics.aggregator import Aggregator
    from ...strategies.endpoints.spreading.balancing import Source
    from .call_options import CallOptions

__all__ = ["Endpoints"]


class Endpoints:
    """The endpoints of one client: made once, looked at by each call.

    Args:
        config: Of the client; it has endpoints.
        family: httpx or httpx2.
        world: The async or the blocking one.
        ports: Of the client.
        notifiers: Told what happens.
        metrics: Where it is counted.
        warn: Logs a warning about the client.
        is_foreign: Whether somebody else built the httpx client.
        transport: Through which it speaks, if that is the caller's.

    Raises:
        ValueError: An endpoint, or a setting, cannot be used.
        TypeError: A function that says which they are cannot be asked.

    Attributes:
        service: Where their addresses are known.
        balancing: Chooses among them, in the pipeline.
    """

    def __init__(  # noqa: PLR0913 - what they are made of, each named by the caller
        self,
        config: ClientConfig,
        *,
        family: Family,
        world: World,
        ports: Ports,
        notifiers: Notifiers,
        metrics: Aggregator,
        warn: Callable[[str], object],
        is_foreign: bool,
        transport: Any = None,
    ) -> None:
        self._module: Any = family.module
        self._family = family
        self._world = world
        self._config = config
        self._probe = HealthProbe(config, world=world, family=family, transport=transport)
        self._ports = ports
        self._checks: Checks | None = self._checks_of(config)
        self._warn = warn
        self._is_foreign = is_foreign
        self._id_header = config.request_id_header.lower()
        self._check(config)
        self.service: Service = Service(family.module)
        self._given: object = config.endpoints
        self._source: Source = self._source_of(config, None)
        self.balancing: Balancing = Balancing(
            config.balancing,
            self._watched(self._source),
            service=self.service,
            site_of=self._site_of,
            ports=ports,
            notifiers=notifiers,
            metrics=metrics,
            warn=warn,
        )

    def _checks_of(self, config: ClientConfig) -> Checks | None:
        """Return what checks endpoints actively, once that is asked for."""
        if config.balancing.health_path is None:
            return None
        interval = config.balancing.health_interval
        return Checks(self._probe, interval=interval, ports=self._ports, tell=self._note)

    def _watched(self, source: Source) -> Source:
        """Return a source whose endpoints are checked, where that is asked for, or has been."""
        return source if self._checks is None else _Watched(source, self._checks, self)

    @property
    def checks_actively(self) -> bool:
        """Whether that is asked for now."""
        return self._config.balancing.health_path is not None

    def _note(self, url: str, *, passed: bool, holds: float) -> None:
        """Take note of an active check."""
        pool = self.balancing.pool
        if pool is not None:
            now, name = self._ports.now(), name_of_endpoint(url)
            self.balancing.tell(pool.check(name, now, passed=passed, holds=holds))

    def _source_of(self, config: ClientConfig, known: tuple[Endpoint, ...] | None) -> Source:
        given = config.endpoints
        if not callable(given):
            return Fixed(cast("tuple[Endpoint, ...]", given))
        return Listing(
            given,
            refresh=config.balancing.refresh,
            ports=self._ports,
            is_async=self._world.is_async,
            check=self._site_of,
            warn=self._warn,
            known=known,
        )

    def _check(self, config: ClientConfig) -> None:
        """Refuse settings that cannot be applied to a client somebody else built.

        Raises:
            ValueError: One of them was given.
        """
        balancing = config.balancing
        given = {
            "health_path": balancing.health_path,
            "max_connection_age": balancing.max_connection_age,
        }
        for name, value in given.items():
            if self._is_foreign and value is not None:
                raise ValueError(
                    f"balancing.{name} cannot be applied to an http_client that was passed in, "
                    "whose connections are not known here: pass transport= instead"
                )

    def _site_of(self, endpoint: Endpoint) -> Site:
        """Return how requests are directed to an endpoint.

        Raises:
            ValueError: It cannot be used.
        """
        site = Site(endpoint, self._module)
        names = {name.lower() for name in site.headers}
        if self._id_header in names:
            raise ValueError(f"headers of {site.url} hold the request id, which each operation has")
        if names and self._is_foreign:
            raise ValueError(
                f"{site.url} has headers of its own, or a password, which an http_client that was "
                "passed in might take along to another server: pass transport= instead"
            )
        return site

    def adopt(self, client: Any, more: Iterable[tuple[Any, Any]]) -> None:
        """Take note of the headers that the httpx client, or the session, sends with everything."""
        usual = {str(name).lower(): str(value) for name, value in client.headers.items()}
        usual.update((str(name).lower(), str(value)) for name, value in more)
        self.service.usual = usual

    def mark(self, call: Call, url: str, options: CallOptions) -> None:
        """Have a call go to the endpoints.

        Args:
            call: The call.
            url: What was asked for.
            options: What else was given for it.

        Raises:
            InvalidRequestError: It is for another server.
        """
        call.service = self.service
        extensions: Any = options.get("extensions")
        call.has_timeouts = "timeout" in options or bool(extensions and "timeout" in extensions)
        if "://" in url and not url.startswith(PLACEHOLDER) and self.balancing.pool is not None:
            self._check_absolute(url)

    def _check_absolute(self, url: str) -> None:
        try:
            parsed = self._module.URL(url)
        except self._module.InvalidURL:
            return  # which is told later, and better
        if parsed.is_absolute_url and self.service.site_of(parsed) is None:
            raise InvalidRequestError(
                f"{mask_url(url)} is of none of the endpoints: give a path, or a URL of one of "
                "them",
                request_sent=False,
            )

    def renewal(self, config: ClientConfig) -> Callable[[], None]:
        """Return what has it go by other settings; nothing has changed before that.

        Raises:
            ValueError: An endpoint, or a setting, cannot be used.
            TypeError: A function that says which they are cannot be asked.
        """
        self._check(config)
        source = self._source
        if config.endpoints != self._given:
            source = self._source_of(config, source.known)
        for each in source.known or ():
            self._site_of(each)
        return partial(self._go_by, config, source)

    def _go_by(self, config: ClientConfig, source: Source) -> None:
        before = self._source
        self._id_header = config.request_id_header.lower()
        self._checks = self._checks or self._checks_of(config)
        self.balancing.reconfigure(config.balancing, self._watched(source))
        self._config, self._given, self._source = config, config.endpoints, source
        if isinstance(before, Listing) and before is not source:
            self._ports.at_home(before.hang_up)
        if isinstance(source, Listing):
            source.refresh = config.balancing.refresh
        if self._checks is not None:
            self._checks.interval = config.balancing.health_interval
        self._probe.config = config

    def stats(self) -> dict[str, EndpointStats]:
        """Return how each endpoint stands, by its URL."""
        return {
            each.url: EndpointStats(
                state=each.state,
                weight=each.weight,
                outstanding=each.outstanding,
                latency=each.latency,
                failures=each.failures,
                cause=each.cause or None,
                seconds_left=each.seconds_left,
            )
            for each in self.balancing.states()
        }

    def begin_anew(self) -> None:
        """Forget what went on in an event loop that has ended."""
        self.balancing.begin_anew()
        for each in self._beside():
            each.begin_anew()

    def hang_up(self) -> None:
        """Wake whoever waits, and end what goes on beside calls: the client is being closed."""
        self.balancing.hang_up()
        for each in self._beside():
            each.hang_up()

    async def close(self, ports: Ports) -> None:
        """Do so, and wait for it, but not for long."""
        for each in self._beside():
            await each.close(ports)

    def _beside(self) -> Iterator[Listing | Checks]:
        """Yield what goes on beside calls."""
        if isinstance(self._source, Listing):
            yield self._source
        if self._checks is not None:
            yield self._checks


class _Watched:
    """A source whose endpoints are checked actively from the first call on.

    Args:
        source: The source.
        checks: Checks them.
        owner: Says whether that is asked for now.
    """

    def __init__(self, source: Source, checks: Checks, owner: Endpoints) -> None:
        self._source = source
        self._checks = checks
        self._owner = owner

    def _watch(self, known: tuple[Endpoint, ...]) -> None:
        self._checks.begin(known if self._owner.checks_actively else ())

    @property
    def known(self) -> tuple[Endpoint, ...] | None:
        """The endpoints, as far as they are known."""
        return self._source.known

    def look(self) -> tuple[Endpoint, ...] | None:
        """Return them, at once, to a call."""
        known = self._source.look()
        if known is not None:
            self._watch(known)
        return known

    async def current(self, call: Call) -> tuple[Endpoint, ...]:
        """Return them, and wait for that where they are not known yet."""
        known = await self._source.current(call)
        self._watch(known)
        return known
