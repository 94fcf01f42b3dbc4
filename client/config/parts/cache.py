"""The settings of the response cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainValidator

from ..checks import check_callable, count
from ..settings import Flag, PositiveSeconds, Seconds, Settings

__all__ = ["CacheConfig"]


class CacheConfig(Settings):
    """What is kept of answers, for how long, and whose they are.

    Attributes:
        storage: Where they are kept; default None: a `MemoryStorage` of this configuration.
        max_entry_bytes: No longer body is kept; default 1 MiB.
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
        partition: `(request) -> str | None`, whose answer it is; None leaves the cache out.
            Default None: a request with credentials is neither stored nor served.
    """

    storage: Any = None
    max_entry_bytes: Annotated[int, BeforeValidator(count(1, 2**40))] = 1024 * 1024
    max_variants: Annotated[int, BeforeValidator(count(1, 100))] = 8
    stale_if_error: Seconds = 0.0
    stale_while_revalidate: Flag = True
    serve_stale_when_open: Flag = True
    max_stale_when_open: Seconds = 86400.0
    single_flight: Flag = True
    storage_timeout: PositiveSeconds = 0.05
    secret: bytes | str | None = None
    partition: Annotated[Callable[..., str | None] | None, PlainValidator(check_callable)] = None
