"""Several endpoints in place of one base URL, as a session has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from ...errors.urls import mask_url
from ...exceptions import InvalidRequestError
from ...http.service import PLACEHOLDER, Service, Site
from ...strategies.endpoints.balancing import Balancing, Fixed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ...config.models import ClientConfig
    from ...config.parts.endpoints import Endpoint
    from ...engine.notifiers import Notifiers
    from ...engine.operation import Call
    from ...engine.ports import Ports, World
    from ...http.family import Family
    from ...metrics.aggregator import Aggregator
    from ...strategies.endpoints.balancing import Source
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

    Raises:
        ValueError: An endpoint cannot be used.

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
    ) -> None:
        self._module: Any = family.module
        self._world = world
        self._ports = ports
        self._warn = warn
        self._is_foreign = is_foreign
        self._id_header = config.request_id_header.lower()
        self.service: Service = Service(family.module)
        self._given: object = config.endpoints
        self._source: Source = self._source_of(config)
        self.balancing: Balancing = Balancing(
            config.balancing,
            self._source,
            service=self.service,
            site_of=self._site_of,
            ports=ports,
            notifiers=notifiers,
            metrics=metrics,
            warn=warn,
        )

    def _source_of(self, config: ClientConfig) -> Source:
        return Fixed(cast("tuple[Endpoint, ...]", config.endpoints))

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

    def reconfigure(self, config: ClientConfig) -> None:
        """Go by other settings from now on.

        Raises:
            ValueError: An endpoint cannot be used; nothing has changed then.
        """
        self._id_header = config.request_id_header.lower()
        source = self._source
        if config.endpoints != self._given:
            source = self._source_of(config)
        self.balancing.reconfigure(config.balancing, source)
        self._given, self._source = config.endpoints, source

    def begin_anew(self) -> None:
        """Forget what went on in an event loop that has ended."""
        self.balancing.begin_anew()

    def hang_up(self) -> None:
        """Wake whoever waits: the client is being closed."""
        self.balancing.hang_up()

    async def close(self, ports: Ports) -> None:
        """End what goes on beside calls."""
