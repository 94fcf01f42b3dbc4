"""Refuses what cannot be sent as a body, before anything else is done for the call.

The classes are those that httpx raises, some of them only once it sends.
"""

from __future__ import annotations

import io
from collections.abc import AsyncIterable, Iterable, Mapping
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Final, cast

from ...errors.httpx_names import SOURCE

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["check_body", "check_part", "check_stream"]

_ALLOWED: Final = "give bytes, str, an open binary file or an iterable of bytes"
_NO_CHUNKS = (bytearray, memoryview, io.TextIOBase)
"""What can be iterated, and yields no bytes."""


def check_body(body: Any, *, is_async: bool) -> None:
    """Refuse a body that a facade cannot send; it reads files in both worlds.

    Raises:
        TypeError: It is no body at all.
        RuntimeError: It is one for clients of the other world.
    """
    kind, is_awaited = _kind(body), _is_awaited(body)
    is_mapping = isinstance(body, Mapping)
    is_readable = hasattr(body, "read") and not is_awaited
    is_iterable = isinstance(body, Iterable) or is_readable
    is_async_iterable = isinstance(body, AsyncIterable) or hasattr(cast("object", body), "aread")
    if is_mapping or not (is_iterable or is_async_iterable):
        raise TypeError(f"the body is a {kind}: {_ALLOWED}")
    if is_async and not (is_async_iterable or is_readable):
        raise _of_the_other_world(body, is_async=True)
    if not is_async and (is_awaited or not is_iterable):
        raise _of_the_other_world(body, is_async=False)
    _check_chunks(body)


def check_stream(stream: object, module: ModuleType, *, is_async: bool) -> None:
    """Refuse the body of a built request that its client cannot send.

    Raises:
        TypeError: It yields no bytes.
        RuntimeError: It is one for clients of the other world.
    """
    body = getattr(stream, SOURCE, stream)
    fits = isinstance(stream, module.AsyncByteStream if is_async else module.SyncByteStream)
    if not fits or (not is_async and _is_awaited(body)):
        raise _of_the_other_world(body, is_async=is_async)
    _check_chunks(body)


def check_part(part: object) -> None:
    """Refuse a part of a multipart form that must be awaited: httpx would read it for ever.

    Raises:
        TypeError: It is an async file.
    """
    if _is_awaited(part):
        raise TypeError(
            f"a part in files is a {_kind(part)}, which must be awaited: "
            "give bytes, str or an open binary file"
        )


def _is_awaited(source: object) -> bool:
    """Whether what its `read` returns must be awaited; httpx would call that for ever."""
    return iscoroutinefunction(getattr(source, "read", None))


def _check_chunks(body: Any) -> None:
    if isinstance(body, _NO_CHUNKS):
        raise TypeError(f"the body is a {_kind(body)}: {_ALLOWED}")
    if isinstance(body, list | tuple):
        for chunk in cast("list[object]", body):
            if not isinstance(chunk, bytes | bytearray | memoryview):
                raise TypeError(f"the body is a {_kind(body)} with a {_kind(chunk)}: {_ALLOWED}")


def _of_the_other_world(body: Any, *, is_async: bool) -> RuntimeError:
    if is_async:
        return RuntimeError(
            f"the body is a {_kind(body)}, which an async client cannot read: "
            "give bytes or an async iterable of bytes, or use a blocking client"
        )
    return RuntimeError(
        f"the body is a {_kind(body)}, which a blocking client cannot read: "
        "give bytes or an iterable of bytes, or use an async client"
    )


def _kind(given: Any) -> str:
    return type(given).__qualname__
