"""What the facade's constructors take, and what to write in place of anything else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...config.did_you_mean import did_you_mean
from ...config.models import (
    BulkheadConfig,
    CircuitBreakerConfig,
    ClientConfig,
    LoggingConfig,
    RetryConfig,
    TimeoutConfig,
)
from ...config.parts.chaos import ChaosConfig
from ...config.parts.hedge import HedgeConfig
from ...config.parts.rate_limit import RateLimitConfig

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

    from pydantic import BaseModel

__all__ = ["check_config", "check_parts", "refuse_settings"]

_PARTS: Final[dict[str, type[BaseModel]]] = {
    "timeout": TimeoutConfig,
    "retry": RetryConfig,
    "circuit_breaker": CircuitBreakerConfig,
    "bulkhead": BulkheadConfig,
    "rate_limit": RateLimitConfig,
    "hedge": HedgeConfig,
    "chaos": ChaosConfig,
    "logging": LoggingConfig,
}
_OWN: Final = (
    "config",
    "transport",
    "http_client",
    "listeners",
    "telemetry",
    "fallback",
    "middleware",
    "attempt_middleware",
    "plugins",
    "allow_chaos",
)


def refuse_settings(face: str, settings: Mapping[str, object]) -> None:
    """Refuse keyword arguments that are settings, or nothing at all.

    Raises:
        TypeError: There is one; it says where the setting stands, or offers the nearest name.
    """
    if not settings:
        return
    known = [*ClientConfig.model_fields, *_settings_of_parts()]
    for name in settings:
        if name not in known:
            offer = did_you_mean(name, [*_OWN, *known])
            raise TypeError(f"unexpected keyword argument {name!r}{offer}")
    raise TypeError(
        f"{face} takes no {_listed(settings)}: settings stand in its configuration, "
        f"as in {face}(ClientConfig({_written(settings)}))"
    )


def check_config(config: object) -> None:
    """Refuse what is no configuration."""
    if config is not None and not isinstance(config, ClientConfig):
        raise TypeError(
            f"config is a {_kind_of(config)}: give a ClientConfig, as in ClientConfig(base_url=...)"
        )


def check_parts(
    module: ModuleType, transport: object, http_client: object, *, is_async: bool
) -> None:
    """Refuse a transport or httpx client of another kind, and both together."""
    if transport is not None and http_client is not None:
        raise ValueError("give transport or http_client, not both: a client has its transport")
    kind = module.AsyncClient if is_async else module.Client
    if http_client is not None and not isinstance(http_client, kind):
        wanted = f"{module.__name__}.{kind.__name__}"
        raise TypeError(f"http_client is a {_kind_of(http_client)}: give a {wanted}")
    base = module.AsyncBaseTransport if is_async else module.BaseTransport
    if transport is not None and not isinstance(transport, base):
        wanted = f"{module.__name__}.{base.__name__}"
        raise TypeError(f"transport is a {_kind_of(transport)}: give a {wanted}")


def _kind_of(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _settings_of_parts() -> dict[str, str]:
    """Return the part in which each setting below the top stands."""
    return {name: part for part, model in _PARTS.items() for name in model.model_fields}


def _listed(settings: Mapping[str, object]) -> str:
    return ", ".join(repr(name) for name in settings)


def _written(settings: Mapping[str, object]) -> str:
    """Return the arguments of `ClientConfig` that hold these settings; no value is shown."""
    below: dict[str, list[str]] = {}
    written = [f"{name}=..." for name in settings if name in ClientConfig.model_fields]
    for name in settings:
        if name not in ClientConfig.model_fields:
            below.setdefault(_settings_of_parts()[name], []).append(f"{name}=...")
    for part, inside in below.items():
        written.append(f"{part}={_PARTS[part].__name__}({', '.join(inside)})")
    return ", ".join(written)
