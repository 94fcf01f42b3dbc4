"""The settings of the response cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BeforeValidator, PlainValidator

from ..checks import check_callable, count, not_the_kind, refuse
from ..settings import Flag, PositiveSeconds, Seconds, Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["CacheConfig"]

_METHODS: Final = ("get", "set", "delete", "close")
_LEAST_SECRET: Final = 16
"""Bytes; a shorter one can be guessed."""


def _check_storage(value: object) -> object:
    is_whole = all(callable(getattr(value, name, None)) for name in _METHODS)
    if value is None or (is_whole and not isinstance(value, type)):
        return value
    what = "a storage, such as MemoryStorage(), with get, set, delete and close; or None"
    raise not_the_kind(value, what)


def _check_secret(value: object) -> object:
    """Accept a secret, and never quote it."""
    if value is None:
        return None
    if not isinstance(value, str | bytes):
        raise refuse("secret", "secret is neither bytes nor a text: give 16 bytes at least")
    length = len(value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value)
    if length >= _LEAST_SECRET:
        return value
    raise refuse(
        "secret",
        "secret has {length} bytes: give {least} at least, as secrets.token_bytes(32) makes them",
        length=length,
        least=_LEAST_SECRET,
    )


class CacheConfig(Settings):
    """What is kept of answers, for how long, and whose they are.

    A shared cache by RFC 9111, whose stale answers go by RFC 5861.

    Attributes:
        storage: Where they are kept; default None: a `MemoryStorage` of this configuration, which
            all clients that are given it share. Given in code only.
        max_entry_bytes: No longer body is kept, as it came from the wire; 1 to 2**40, default
            1 MiB.
        max_variants: Answers kept of one URL side by side, by `Vary`; 1 to 100, default 8.
        stale_if_error: Seconds for which a stale answer stands in for an error, where the server
            says nothing else (RFC 5861); default 0.0.
        stale_while_revalidate: Whether a server may have a stale answer served while a new one is
            fetched (RFC 5861); default True.
        serve_stale_when_open: Whether a stale answer stands in where the circuit is open, or the
            call is turned away or out of time; default True.
        max_stale_when_open: For how many seconds after it was fresh; default 86400.0.
        single_flight: Whether of many equal calls one is sent, and answers all; default True.
        storage_timeout: Seconds that the storage may take, beyond which the call goes on without
            it; default 0.05.
        secret: With what keys are hashed, 16 bytes at least, so that processes that share a
            storage share what is by `Vary` or partition, too; default None: the process's own.
        partition: `(request) -> str | None`, whose answers a request may have, as a tenant's or a
            user's name; None leaves the cache out. What it raises is its caller's. Default None:
            what answers a request with credentials is neither stored nor served, unless the server
            says `public` or `s-maxage`. Given in code only.
    """

    storage: Annotated[Any, PlainValidator(_check_storage)] = None
    max_entry_bytes: Annotated[int, BeforeValidator(count(1, 2**40))] = 1024 * 1024
    max_variants: Annotated[int, BeforeValidator(count(1, 100))] = 8
    stale_if_error: Seconds = 0.0
    stale_while_revalidate: Flag = True
    serve_stale_when_open: Flag = True
    max_stale_when_open: Seconds = 86400.0
    single_flight: Flag = True
    storage_timeout: PositiveSeconds = 0.05
    secret: Annotated[bytes | str | None, PlainValidator(_check_secret)] = None
    partition: Annotated[Callable[..., str | None] | None, PlainValidator(check_callable)] = None

    def __repr_args__(self) -> Iterable[tuple[str | None, object]]:
        """Return what was given, but for the secret."""
        for name, value in super().__repr_args__():
            yield name, "***" if name == "secret" and value is not None else value
