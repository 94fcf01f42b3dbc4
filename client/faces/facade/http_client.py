"""Builds the one long-lived httpx client that a session speaks through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ...engine.operation import under_way
from ...errors.httpx_names import COOKIES
from ...http.bodies.response_body import MOST_KEPT, BodyCut, BodyLimit
from ...http.cookies import HostCookies, no_cookies
from ...http.headers import set_default, to_pairs
from ...http.redirects import RedirectRules
from ...http.service import PLACEHOLDER
from ...runtime.lazy_imports import require_http2

if TYPE_CHECKING:
    from ...config.models import ClientConfig
    from ...config.parts.timeouts import TimeoutConfig
    from ...http.bodies.response_decoding import Decoding
    from ...http.family import Family
    from ...http.service import Service
    from ...http.shapes import Request, Response

__all__ = [
    "BodyBound",
    "build_client",
    "check_backend",
    "check_foreign_client",
    "most_idle",
    "to_timeout",
]

# What only the owner of a client can set, in that client.
_IDLE: Final = 20
_OPEN: Final = 100
"""Connections that are kept, and opened, without a bulkhead and hedges: httpx's own numbers."""
_OWNERS: Final = ("verify_ssl", "http2", "trust_env", "max_body_bytes")


def build_client(  # noqa: PLR0913 - what it is made of, each named by the caller
    family: Family,
    config: ClientConfig,
    *,
    is_async: bool,
    decoding: Decoding,
    bound: BodyBound,
    cookies: HostCookies | None = None,
    transport: object = None,
    service: Service | None = None,
) -> Any:
    """Build the client a configuration asks for, which `check_backend` has let pass."""
    module = family.module
    limits = _limits(family, config)
    kind = module.AsyncClient if is_async else module.Client
    headers = to_pairs(config.headers)
    set_default(headers, "User-Agent", config.user_agent)
    mounts: dict[str, object] | None = None
    if config.backend == "aiohttp":
        from ...transports.aiohttp.transport import make_transports  # noqa: PLC0415 - only when asked for

        transport, mounts = make_transports(
            family, verify=config.verify_ssl, trust_env=config.trust_env, limits=limits
        )
    rules = RedirectRules(family, config.headers, service)
    client = kind(
        base_url=config.base_url if service is None else PLACEHOLDER,
        headers=headers,
        timeout=to_timeout(family, config.timeout),
        limits=limits,
        follow_redirects=config.follow_redirects,
        verify=config.verify_ssl,
        http2=config.http2,
        trust_env=config.trust_env,
        event_hooks=_hooks(
            _Hooks(rules, cookies or HostCookies(module), decoding, bound), is_async=is_async
        ),
        transport=transport,
        mounts=mounts,
    )
    setattr(client, COOKIES, no_cookies(module))  # the setter would copy; see `_hooks`
    return client


def check_backend(config: ClientConfig, *, is_async: bool, **parts: object) -> None:
    """Refuse what does not go together with the backend, or is missing; before anything is opened.

    Args:
        config: The configuration.
        is_async: Whether the client is an async one.
        **parts: What the caller gave for the client to speak through, or None.

    Raises:
        ValueError: The client is a blocking one, or has what it speaks through already.
        ImportError: HTTP/2 or aiohttp is asked for and its extra is not installed.
    """
    if config.http2:
        require_http2()
    if config.backend == "httpx":
        return
    if not is_async:
        raise ValueError(
            'backend="aiohttp" is for async clients only: use ResilientClient, or backend="httpx"'
        )
    for name, part in parts.items():
        if part is not None:
            raise ValueError(
                f'{name} and backend="aiohttp" are both given: leave one of the two out'
            )
    from ...transports.aiohttp.transport import check_installed  # noqa: PLC0415 - only when asked for

    check_installed()


def to_timeout(family: Family, config: TimeoutConfig) -> Any:
    """Return the timeouts of one attempt."""
    return family.module.Timeout(
        connect=config.connect, read=config.read, write=config.write, pool=config.pool
    )


def check_foreign_client(config: ClientConfig) -> None:
    """Refuse settings that cannot be applied to a client somebody else built.

    Raises:
        ValueError: One of them was given.
    """
    for name in _OWNERS:
        if name in config.model_fields_set:
            raise ValueError(
                f"{name} cannot be applied to an http_client that was passed in: "
                f"set it where that client is built, or pass transport= instead"
            )


def most_idle(config: ClientConfig) -> int:
    """Return how many connections are kept: one for each slot, and for what hedging may add.

    That is a connection for each attempt beside a slot's first, and one for each that has lost
    and is read to its end, as many as there are slots.
    """
    of_one = 1 if config.hedge is None else 2 + config.hedge.max_hedged_attempts
    slots = _IDLE if config.bulkhead is None else config.bulkhead.max_concurrency
    return slots * of_one


def _limits(family: Family, config: ClientConfig) -> Any:
    """Size the pool by the bulkhead.

    The number of connections is left open, because the bulkhead bounds it already, and a pool
    that is never full has no queue in which a cancelled request could be lost.
    """
    idle = most_idle(config)
    most = idle // _IDLE * _OPEN if config.bulkhead is None else None
    return family.module.Limits(max_connections=most, max_keepalive_connections=idle)


def _hooks(hooks: _Hooks, *, is_async: bool) -> dict[str, list[Any]]:
    if is_async:
        return {"request": [hooks.before_async], "response": [hooks.after_async]}
    return {"request": [hooks.before], "response": [hooks.after]}


class BodyBound:
    """How large a body may be, for all answers of a client; it may be changed at any time.

    Args:
        most: Bytes, or None for no bound.
    """

    def __init__(self, most: int | None) -> None:
        self.limit: BodyLimit | None = None if most is None else BodyLimit(most)

    def change(self, most: int | None) -> None:
        """Bound the answers that come from now on."""
        self.limit = None if most is None else BodyLimit(most)


class _Hooks:
    """What httpx calls with each request before it is sent, and each answer before it is read."""

    def __init__(
        self, rules: RedirectRules, cookies: HostCookies, decoding: Decoding, bound: BodyBound
    ) -> None:
        self._rules = rules
        self._cookies = cookies
        self._decoding = decoding
        self._bound = bound
        self._cut = BodyCut(MOST_KEPT)

    def before(self, request: Request) -> None:
        """Put the cookies of its host in, and check where it goes and what it takes along."""
        attempt = under_way.get()
        if attempt is not None:  # None where a tool has httpx's methods run in a thread, say
            attempt.headed = None
        if self._cookies.are_kept:
            self._cookies.add(request)
        self._rules.check(request)  # which has the last word
        if attempt is not None and attempt.call.trace is not None:
            attempt.note_request(request)

    def after(self, response: Response) -> None:
        """Keep its cookies, check where it leads, and bound how its body is read."""
        attempt = under_way.get()
        if attempt is not None:
            attempt.note_head(response)
            if attempt.call.tap is not None:
                attempt.call.tap(response)
        if "set-cookie" in response.headers:
            self._cookies.keep(response)
        if response.has_redirect_location:
            self._rules.check_answer(response)
        self._decoding.install(response)
        if self._bound.limit is not None:
            self._bound.limit.check(response)
        elif response.is_error:
            self._cut.install(response)  # an error keeps it

    async def before_async(self, request: Request) -> None:
        """Do so for an async client."""
        self.before(request)

    async def after_async(self, response: Response) -> None:
        """Do so for an async client."""
        self.after(response)
