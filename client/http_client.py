"""Builds the one long-lived httpx client that a session speaks through."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from client.cookies import BoundedCookies, sparing_cookies
from client.headers import set_default, to_pairs
from client.redirects import RedirectRules
from client.response_body import BodyLimit

if TYPE_CHECKING:
    from client.config import ClientConfig, TimeoutConfig
    from client.family import Family

__all__ = ["build_client", "check_backend", "check_foreign_client", "to_timeout"]

# What only the owner of a client can set, in that client.
_OWNERS: Final = ("verify_ssl", "http2", "trust_env", "max_body_bytes")


def build_client(
    family: Family,
    config: ClientConfig,
    *,
    is_async: bool,
    transport: Any = None,
) -> Any:
    """Build the client a configuration asks for.

    Raises:
        ImportError: HTTP/2 or aiohttp is asked for and its extra is not installed.
    """
    module = family.module
    limits = _limits(family, config)
    if config.http2 and find_spec("h2") is None:
        raise ImportError(
            "http2=True needs the package h2: pip install 'resilient-http-client[http2]'"
        )
    kind = module.AsyncClient if is_async else module.Client
    headers = to_pairs(config.headers)
    set_default(headers, "User-Agent", config.user_agent)
    mounts: dict[str, Any] | None = None
    if config.backend == "aiohttp":
        from client.aiohttp_transport import make_transports  # noqa: PLC0415 - only when asked for

        transport, mounts = make_transports(
            family, verify=config.verify_ssl, trust_env=config.trust_env, limits=limits
        )
    client = kind(
        base_url=config.base_url,
        headers=headers,
        timeout=to_timeout(family, config.timeout),
        limits=limits,
        follow_redirects=config.follow_redirects,
        verify=config.verify_ssl,
        http2=config.http2,
        trust_env=config.trust_env,
        cookies=BoundedCookies(),
        event_hooks=_hooks(family, config, is_async=is_async),
        transport=transport,
        mounts=mounts,
    )
    client._cookies = sparing_cookies(module, client.cookies)  # noqa: SLF001 - the setter would copy
    return client


def check_backend(config: ClientConfig, *, is_async: bool, **parts: Any) -> None:
    """Refuse what does not go together with the backend; before anything is opened.

    Args:
        config: The configuration.
        is_async: Whether the client is an async one.
        **parts: What the caller gave for the client to speak through, or None.

    Raises:
        ValueError: The client is a blocking one, or has what it speaks through already.
        ImportError: The extra `fast` is not installed.
    """
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
    from client.aiohttp_transport import check_installed  # noqa: PLC0415 - only when asked for

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


def _limits(family: Family, config: ClientConfig) -> Any:
    """Size the pool by the bulkhead.

    The number of connections is left open, because the bulkhead bounds it already, and a pool
    that is never full has no queue in which a cancelled request could be lost.
    """
    if config.bulkhead is None:
        return family.module.Limits(max_connections=100, max_keepalive_connections=20)
    slots = config.bulkhead.max_concurrency
    return family.module.Limits(max_connections=None, max_keepalive_connections=slots)


def _hooks(family: Family, config: ClientConfig, *, is_async: bool) -> dict[str, list[Any]]:
    rules = RedirectRules(family, config.headers)
    hooks: dict[str, list[Any]] = {
        "request": [rules.check_async if is_async else rules.check],
        "response": [rules.check_answer_async if is_async else rules.check_answer],
    }
    if config.max_body_bytes is not None:
        limit = BodyLimit(config.max_body_bytes)
        hooks["response"].append(limit.install_async if is_async else limit.install)
    return hooks
