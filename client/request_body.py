"""Sees to it that every attempt sends identical bytes, or that there is no further attempt.

Bytes, json and forms replay by themselves. A multipart body is given a boundary that stays the
same, a seekable file is read from where it stood each time, and what can be read only once is
watched: as long as nothing has been taken from it, another attempt may still send it.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Final, Protocol, cast

from client.classify import Refused, Verdict
from client.exceptions import InvalidRequestError
from client.headers import set_default, to_pairs
from client.sources import is_async, is_file, is_read_once, is_seekable

__all__ = ["RequestBody"]

_CHUNK: Final = 64 * 1024


class _Source(Protocol):
    def can_replay(self) -> bool: ...


class RequestBody:
    """The body of one operation, prepared for more than one attempt.

    Args:
        options: The keyword arguments for httpx, with `headers` in place; changed where a
            replay needs it.
        needs_async: Whether the client is an async one, which reads no plain files.
    """

    __slots__ = ("_sources",)

    def __init__(self, options: dict[str, Any], *, needs_async: bool) -> None:
        self._sources: tuple[_Source, ...] = ()
        for name in ("content", "data"):
            body = options.get(name)
            if body is not None and not isinstance(body, str | bytes | Mapping):
                options[name] = self._prepared(body, options, needs_async=needs_async)
        if options.get("files"):
            self._prepare_multipart(options)

    def can_replay(self) -> bool:
        """Tell whether another attempt would send what the first one did."""
        return all(source.can_replay() for source in self._sources)

    def _prepared(self, body: Any, options: dict[str, Any], *, needs_async: bool) -> Any:
        if is_seekable(body):
            file = _AsyncFile(body) if needs_async else _File(body)
            # httpx would announce the whole file, also where it stands in the middle.
            set_default(options["headers"], "Content-Length", str(file.remaining()))
            return file
        if not is_file(body) and not is_read_once(body):
            return body
        reads_async = is_async(body) or (is_file(body) and needs_async)
        once = _AsyncOnce(body) if reads_async else _SyncOnce(body)
        self._sources = (*self._sources, once)
        return once

    def _prepare_multipart(self, options: dict[str, Any]) -> None:
        named = to_pairs(options["files"])
        options["files"] = [(name, self._prepared_part(part)) for name, part in named]
        content_type = f"multipart/form-data; boundary={os.urandom(16).hex()}"
        set_default(options["headers"], "Content-Type", content_type)

    def _prepared_part(self, part: Any) -> Any:
        if isinstance(part, tuple):
            filename, file, *rest = cast("tuple[Any, ...]", part)
            return (filename, self._prepared_part(file), *rest)
        # httpx itself rewinds what can be rewound, to its beginning.
        if not hasattr(part, "read") or is_seekable(part):
            return part
        once = _OncePart(part)
        self._sources = (*self._sources, once)
        return once


class _Once:
    """A body that can be read once, and knows whether reading has begun."""

    def __init__(self, source: Any) -> None:
        self._source = source
        self._was_begun = False

    def can_replay(self) -> bool:
        return not self._was_begun

    def _begin(self) -> None:
        """Begin reading; refuse to begin again, which would send an empty body."""
        if self._was_begun:
            reason = "its body can be read only once, and a redirect or an auth flow needs it again"
            raise Refused(Verdict(InvalidRequestError, request_sent=True, reason=reason))
        self._was_begun = True


class _SyncOnce(_Once):
    def __iter__(self) -> Iterator[bytes]:
        self._begin()
        yield from _chunks(self._source) if hasattr(self._source, "read") else self._source


class _AsyncOnce(_Once):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        self._begin()
        if is_async(self._source):
            async for chunk in self._source:
                yield chunk
        elif hasattr(self._source, "aread"):
            while chunk := await self._source.aread(_CHUNK):
                yield chunk
        else:
            for chunk in _chunks(self._source):
                yield chunk


class _OncePart(_Once):
    """A part of a multipart body. httpx rewinds each part before it reads it: that tells when."""

    def __init__(self, source: Any) -> None:
        super().__init__(source)
        self.name = getattr(source, "name", "upload")

    def seek(self, _offset: int) -> None:
        self._begin()

    def read(self, size: int) -> bytes:
        return self._source.read(size)  # type: ignore[no-any-return]


class _Rewinding:
    """A seekable file that is read from where it stood when the operation began."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._start = file.tell()

    def remaining(self) -> int:
        """Return how many bytes there are from there to the end."""
        end: int = self._file.seek(0, os.SEEK_END)
        start: int = self._file.seek(self._start)
        return max(0, end - start)

    def _chunks(self) -> Iterator[bytes]:
        self._file.seek(self._start)
        return _chunks(self._file)


class _File(_Rewinding):
    def __iter__(self) -> Iterator[bytes]:
        return self._chunks()


class _AsyncFile(_Rewinding):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks():
            yield chunk


def _chunks(file: Any) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk
