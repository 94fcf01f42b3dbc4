"""Asks endpoints how they are, over an httpx client that nobody else uses."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from ...errors.httpx_names import COOKIES
from ...http.bodies.response_body import BodyCut
from ...http.bodies.response_decoding import Decoding
from ...http.cookies import no_cookies
from ...http.service import PLACEHOLDER, Site
from ...runtime.forking import fork_safe
from .http_client import to_timeout

if TYPE_CHECKING:
    from ...config.models import ClientConfig
    from ...config.parts.endpoints import Endpoint
    from ...engine.ports import HttpPort, Ports, World
    from ...http.family import Family

__all__ = ["HealthProbe"]

_MOST: Final = 64 * 1024
"""Bytes of an answer that are read, so that the server is not cut off."""
_WELL: Final = range(200, 300)
_CLOSE_SECONDS: Final = 1.0


class HealthProbe:
    """Asks for the health path of an endpoint; see `Checks`.

    What goes to an endpoint are its own headers and the client's user agent: no header of the
    client's, no cookie and no authentication.

    Args:
        config: Of the client; it has a health path.
        world: The async or the blocking one.
        family: httpx or httpx2.
        transport: One of the caller's, which is used here too, because nobody else knows the way;
            it is not closed.
    """

    def __init__(
        self, config: ClientConfig, *, world: World, family: Family, transport: Any = None
    ) -> None:
        self.config = config
        self._world = world
        self._family = family
        self._transport = transport
        self._lock = fork_safe(threading.RLock())
        self._http: HttpPort | None = None
        self._decoding = Decoding(family, world.pause)
        self._cut = BodyCut(_MOST)

    async def ask(self, endpoint: Endpoint) -> bool:
        """Return whether an endpoint answers with a status of 2xx; raise where it does not answer.

        Redirects are not followed.
        """
        http = self._http or self._build_once()
        module, site = self._family.module, Site(endpoint, self._family.module)
        usual = to_timeout(self._family, self.config.timeout).as_dict()
        request = http.client.build_request(
            "GET",
            site.url_for(module.URL(f"{PLACEHOLDER}{self.config.balancing.health_path}")),
            headers=site.headers,
            timeout=module.Timeout(**{**usual, **site.timeouts}),
        )
        response = await http.open(request)
        try:
            is_well = response.status_code in _WELL
            self._decoding.install(response)
            self._cut.install(response)
            with suppress(Exception):  # it has answered, however its body ends
                await http.read(response)
        finally:
            await http.close_response(response)
        return is_well

    def hang_up(self) -> None:
        """End what is under way."""
        if self._http is not None and self._transport is None:
            self._http.hang_up()

    async def close(self, ports: Ports) -> None:
        """Close the connections; what goes wrong with them now is nobody's concern."""
        http, self._http = self._http, None
        if http is not None and self._transport is None:
            with suppress(Exception):
                await ports.within(_CLOSE_SECONDS, http.close)

    def begin_anew(self) -> None:
        """Forget the connections of a parent process, or of an event loop that has ended."""
        self._http = None

    def _build_once(self) -> HttpPort:
        with self._lock:
            if self._http is None:
                client = self._build()
                if self._transport is None:
                    self._world.adopt(client, self._family)
                self._http = self._world.make_http(client)
            return self._http

    def _build(self) -> Any:
        """Build a client as the calls have one, without what it has of the caller's."""
        module, config = self._family.module, self.config
        limits = module.Limits(max_connections=None, max_keepalive_connections=0)
        transport, mounts = self._transport, None
        if config.backend == "aiohttp":
            from ...transports.aiohttp.transport import make_transports  # noqa: PLC0415 - only when asked for

            transport, mounts = make_transports(
                self._family, verify=config.verify_ssl, trust_env=config.trust_env, limits=limits
            )
        kind = module.AsyncClient if self._world.is_async else module.Client
        client = kind(
            headers={"User-Agent": config.user_agent, "Accept-Encoding": "identity"},
            limits=limits,
            follow_redirects=False,
            verify=config.verify_ssl,
            http2=config.http2,
            trust_env=config.trust_env,
            transport=transport,
            mounts=mounts,
        )
        setattr(client, COOKIES, no_cookies(module))
        return client
