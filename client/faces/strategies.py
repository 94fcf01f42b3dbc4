"""The strategies around the core in one client: made once, left out or replaced for a call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypedDict

from ..config.checks import not_the_kind, to_tuple
from .middleware import MiddlewareParts
from .plugins import Started

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..config.models import ClientConfig
    from ..config.parts.cache import CacheConfig
    from ..config.parts.chaos import ChaosConfig
    from ..config.parts.hedge import HedgeConfig
    from ..config.parts.rate_limit import RateLimitConfig
    from ..config.settings import Settings
    from ..engine.layer import Gate, Layer, Outer, Rescue, Sending
    from ..engine.ports import Ports, World
    from ..http.family import Family
    from ..strategies.cache.visits.cache import Cache
    from ..strategies.hedging.hedging import Retries
    from ..strategies.hedging.losers import Losers
    from ..strategies.hedging.places import Places
    from ..strategies.rate_limit.gate import RateLimit
    from .plugins import Plugins

__all__ = [
    "STRATEGIES",
    "Additions",
    "Strategies",
    "Wanted",
    "brought_by",
    "check_allowed",
    "check_of_call",
    "check_part",
    "laid_over",
    "slots_of",
    "wanted_of",
]

STRATEGIES: Final = frozenset(
    {"rate_limit", "hedge", "chaos", "cache", "fallback", "middleware", "attempt_middleware"}
)
"""What a call may have otherwise than its client, by the names of the arguments."""
_MOST_LOSERS: Final = 50
"""Attempts that lost and are read to their end at a time, where no bulkhead says how many."""
_ONLY_OFF: Final = ("rate_limit", "chaos", "cache")
_MODELS: Final = {
    "rate_limit": "RateLimitConfig",
    "hedge": "HedgeConfig",
    "chaos": "ChaosConfig",
    "cache": "CacheConfig",
}


class Additions(TypedDict, total=False):
    """What a client is given besides its settings, because it is code."""

    fallback: object
    middleware: Iterable[object]
    attempt_middleware: Iterable[object]
    plugins: Iterable[object]
    allow_chaos: bool


class Parts(TypedDict, total=False):
    """What `pipeline` is given of them."""

    plugins: Layer | None
    middleware: Layer | None
    cache: Outer | None
    rate_limit: Gate | None
    hedging: Layer | None
    attempt_middleware: Sending | None
    chaos: Sending | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a client, or one of its calls, has around the core."""

    rate_limit: RateLimitConfig | None = None
    hedge: HedgeConfig | None = None
    chaos: ChaosConfig | None = None
    cache: CacheConfig | None = None
    fallback: object = None
    middleware: tuple[object, ...] = ()
    attempt_middleware: tuple[object, ...] = ()

    def with_config(self, config: ClientConfig) -> Wanted:
        """Return what a facade has by another configuration."""
        return replace(
            self,
            rate_limit=config.rate_limit,
            hedge=config.hedge,
            chaos=config.chaos,
            cache=config.cache,
        )

    def with_call(self, options: Mapping[str, Any]) -> Wanted:
        """Return what a call has that says something else.

        Raises:
            TypeError: It cannot be given so.
            ValueError: A setting is refused.
        """
        given = dict(options)
        check_of_call(given)
        if isinstance(given.get("hedge"), Mapping):
            given["hedge"] = laid_over("hedge", self.hedge, given["hedge"])
        elif "hedge" in given:
            given["hedge"] = check_part("hedge", given["hedge"])
        for name in ("middleware", "attempt_middleware"):
            if name in given:
                given[name] = to_tuple(name, given[name])
        return replace(self, **given)


def check_of_call(options: Mapping[str, object]) -> None:
    """Refuse for a call what only a client can have.

    Raises:
        TypeError: There is such a thing.
    """
    for name in _ONLY_OFF:
        if options.get(name) is not None:
            raise TypeError(
                f"{name} is given to a client, which keeps count over its calls; "
                "a call may only switch it off, with None"
            )


def wanted_of(config: ClientConfig, additions: Additions, plugins: Plugins) -> Wanted:
    """Return what a facade has, by its configuration and what is given in code."""
    wanted = Wanted(
        rate_limit=config.rate_limit,
        hedge=config.hedge,
        chaos=config.chaos,
        cache=config.cache,
        fallback=additions.get("fallback"),
        middleware=to_tuple("middleware", additions.get("middleware", ())),
        attempt_middleware=to_tuple("attempt_middleware", additions.get("attempt_middleware", ())),
    )
    brought = brought_by(plugins, wanted.middleware, wanted.attempt_middleware)
    return wanted.with_call(brought)


def brought_by(
    plugins: Plugins, middleware: tuple[object, ...], attempt_middleware: tuple[object, ...]
) -> dict[str, tuple[object, ...]]:
    """Return the middleware of a client whose plugins bring some: theirs is inside of its own."""
    brought: dict[str, tuple[object, ...]] = {}
    if plugins.middleware:
        brought["middleware"] = (*middleware, *plugins.middleware)
    if plugins.attempt_middleware:
        brought["attempt_middleware"] = (*attempt_middleware, *plugins.attempt_middleware)
    return brought


def slots_of(config: ClientConfig) -> int | None:
    """Return how many operations run at once, or None where nothing bounds that."""
    return None if config.bulkhead is None else config.bulkhead.max_concurrency


def check_part(name: str, value: object) -> Any:
    """Return a part of the settings, which may be given as a dict, or None.

    Raises:
        ValueError: It is something else, or a setting is refused.
    """
    if value is None:
        return None
    from .. import config  # noqa: PLC0415 - pydantic, which a client without does not wait for

    model: Any = getattr(config, _MODELS[name])
    if isinstance(value, model):
        return value
    if isinstance(value, Mapping):
        return model.model_validate(value)
    raise not_the_kind(value, f"a {_MODELS[name]}, a dict of its settings, or None")


def check_allowed(value: object) -> bool:
    """Return whether chaos is allowed.

    Raises:
        TypeError: It is no boolean; nothing but True shall allow it.
    """
    if isinstance(value, bool):
        return value
    raise TypeError(f"allow_chaos is {value!r}: give True or False")


def laid_over(name: str, config: Settings | None, settings: Mapping[str, Any]) -> Any:
    """Return a part of the settings with others laid over it."""
    return check_part(name, settings) if config is None else config.merged(**settings)


class Strategies:
    """Makes them, and keeps what they remember from call to call.

    Args:
        wanted: What the client has.
        world: The async or the blocking one.
        family: httpx or httpx2.
        ports: The world that it runs in.
        allow_chaos: Whether faults may be injected.
        warn: Logs a warning about the client.
        plugins: Those of the client.
        id_header: Where its requests carry the id of their operation.
        slots: Those of its bulkhead, or None.
    """

    def __init__(  # noqa: PLR0913 - what they are made of, each named by the caller
        self,
        wanted: Wanted,
        *,
        world: World,
        family: Family,
        ports: Ports,
        allow_chaos: bool,
        warn: Callable[[str], object],
        plugins: Plugins,
        id_header: str,
        slots: int | None = None,
    ) -> None:
        self.wanted: Wanted = wanted
        self._world = world
        self._family = family
        self._ports = ports
        self._allows_chaos = check_allowed(allow_chaos)
        self._rate_limit: RateLimit | None = None
        self._chaos: tuple[ChaosConfig, Sending] | None = None
        self._rescue: tuple[object, Rescue] | None = None
        self._hedging: tuple[Places, Losers] | None = None
        self._cache: Cache | None = None
        self._slots = slots
        self._middleware = MiddlewareParts(family, is_async=world.is_async, id_header=id_header)
        self._started: Layer | None = Started(plugins) if plugins.are_lasting else None
        self._warn = warn
        self._warn_of_chaos(None, wanted.chaos)

    def reconfigure(
        self, wanted: Wanted, slots: int | None = None, *, id_header: str | None = None
    ) -> None:
        """Have what remembers something go by other settings, and so many slots, from now on.

        Raises:
            TypeError: One of them cannot be used here; nothing has changed then.
        """
        self._chaos_of(wanted.chaos)
        self._cache_of(wanted.cache)
        self._warn_of_chaos(self.wanted.chaos, wanted.chaos)
        self.wanted = wanted
        if wanted.cache is None:
            self._cache = None  # what is written from now on nobody takes note of
        self._slots = slots
        if self._hedging is not None:
            self._hedging[1].most = slots or _MOST_LOSERS
        if self._rate_limit is not None and wanted.rate_limit is not None:
            self._rate_limit.reconfigure(wanted.rate_limit)
        if id_header is not None:
            self._middleware = self._middleware.with_id_header(id_header)

    def parts(self, wanted: Wanted, retries: Retries | None) -> Parts:
        """Return what stands in the pipeline of a client, or of a call, with such retries."""
        return Parts(
            plugins=self._started,
            middleware=self._middleware.around_calls(wanted.middleware),
            cache=self._cache_of(wanted.cache),
            rate_limit=self._rate_limit_of(wanted.rate_limit),
            hedging=self._hedging_of(wanted.hedge, retries),
            attempt_middleware=self._middleware.around_attempts(wanted.attempt_middleware),
            chaos=self._chaos_of(wanted.chaos),
        )

    def hang_up(self) -> None:
        """End what goes on of calls that are over: the client is being closed."""
        if self._hedging is not None:
            self._hedging[1].hang_up()
        if self._cache is not None:
            self._cache.hang_up()

    async def close(self, ports: Ports) -> None:
        """Do so, and wait for it, but not for long."""
        if self._hedging is not None:
            await self._hedging[1].close(ports)
        await self.close_cache(ports)

    async def close_cache(self, ports: Ports) -> None:
        """Let go of what answers are kept in, which others may use."""
        if self._cache is not None:
            await self._cache.close(ports)

    def begin_anew(self) -> None:
        """Forget what went on in an event loop that has ended."""
        if self._hedging is not None:
            self._hedging[1].begin_anew()
        if self._cache is not None:
            self._cache.begin_anew()

    def rescue(self, wanted: Wanted) -> Rescue | None:
        """Return what answers in place of an operation that failed, or None."""
        if wanted.fallback is None:
            return None
        from ..strategies.fallback import FallbackRescue  # noqa: PLC0415 - as for chaos

        known = self._rescue
        if known is not None and known[0] is wanted.fallback:
            return known[1]
        made = FallbackRescue(wanted.fallback, self._family, is_async=self._world.is_async)
        if wanted.fallback is self.wanted.fallback:  # that of a call is not kept after it
            self._rescue = wanted.fallback, made
        return made

    def _warn_of_chaos(self, before: ChaosConfig | None, now: ChaosConfig | None) -> None:
        if before is None and now is not None and not self._allows_chaos:
            self._warn("chaos is configured and does nothing: allow_chaos=True was not given")

    def _hedging_of(self, config: HedgeConfig | None, retries: Retries | None) -> Layer | None:
        if config is None:
            return None
        from ..strategies.hedging.hedging import Hedging  # noqa: PLC0415 - as for chaos
        from ..strategies.hedging.losers import Losers  # noqa: PLC0415 - likewise
        from ..strategies.hedging.places import Places  # noqa: PLC0415 - likewise

        if self._hedging is None:
            self._hedging = Places(), Losers(self._slots or _MOST_LOSERS)
        return Hedging(config, retries, *self._hedging)

    def _rate_limit_of(self, config: RateLimitConfig | None) -> RateLimit | None:
        if config is None or config.mode == "off":
            return None
        if self._rate_limit is None:
            from ..strategies.rate_limit.gate import RateLimit  # noqa: PLC0415 - not everybody has it

            self._rate_limit = RateLimit(config, self._ports)
        return self._rate_limit

    def _cache_of(self, config: CacheConfig | None) -> Outer | None:
        """Return the layer of the cache; for a call without, what takes note of its writes."""
        if config is None and self._cache is None:
            return None
        from ..strategies.cache.caching import Caching  # noqa: PLC0415 - as for the rate limit
        from ..strategies.cache.visits.cache import Cache  # noqa: PLC0415 - likewise

        known = self._cache
        if config is not None and (known is None or known.config is not config):
            known = self._cache = Cache.of(
                config, self._world, self._family, self._ports, self._warn, before=known
            )
        return None if known is None else Caching(known, is_read=config is not None)

    def _chaos_of(self, config: ChaosConfig | None) -> Sending | None:
        if config is None or not self._allows_chaos:
            return None
        from ..strategies.chaos import Chaos  # noqa: PLC0415 - hardly anybody has it

        known = self._chaos
        if known is None or known[0] != config:
            made = Chaos(config, self._family, is_async=self._world.is_async)
            known = self._chaos = (config, made)
        return known[1]
