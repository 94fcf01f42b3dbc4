"""Sees to it that every attempt sends identical bytes, or that there is no further attempt.

Bytes, json and forms replay by themselves. A multipart body is given a boundary that stays the
same, a seekable file is read from where it stood each time, and what can be read only once is
watched: as long as nothing has been taken from it, another attempt may still send it.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from ...exceptions import InvalidRequestError
from ..headers import find_header, put_header, set_default, to_pairs
from ..verdicts import Refused, Verdict
from .request_content import check_body, check_part
from .sources import is_async, is_closed, is_file, is_read_once, is_seekable

if TYPE_CHECKING:
    from ..headers import Pairs
    from ..shapes import Options

    class Readable(Protocol):
        """A file that is read in plain steps."""

        def read(self, size: int, /) -> bytes: ...

    class Seekable(Readable, Protocol):
        """A file that knows where it stands."""

        def seek(self, offset: int, whence: int = ..., /) -> int: ...

        def tell(self) -> int: ...


__all__ = ["RequestBody"]

_CHUNK: Final = 64 * 1024
_MULTIPART: Final = "multipart/form-data"


class _Source(Protocol):
    def can_replay(self) -> bool: ...


class RequestBody:
    """The body of one operation, prepared for more than one attempt.

    Args:
        options: The keyword arguments for httpx; changed where a replay needs it.
        headers: Those of the request; likewise.
        needs_async: Whether the client is an async one, which reads no plain files.
    """

    __slots__ = ("_headers", "_sources")

    def __init__(self, options: Options, headers: Pairs, *, needs_async: bool) -> None:
        self._headers = headers
        self._sources: tuple[_Source, ...] = ()
        for name in ("content", "data"):
            body: Any = options.get(name)
            is_form = name == "data" and isinstance(body, Mapping)
            if body is not None and not is_form and not isinstance(body, str | bytes):
                check_body(cast("object", body), is_async=needs_async)
                options[name] = self._prepared(body, needs_async=needs_async)
        if options.get("files"):
            self._prepare_multipart(options)

    def can_replay(self) -> bool:
        """Return whether another attempt would send what the first one did."""
        return all(source.can_replay() for source in self._sources)

    @property
    def is_in_memory(self) -> bool:
        """Whether nothing of it is read from somewhere else."""
        return not self._sources

    def _prepared(self, body: Any, *, needs_async: bool) -> object:
        if is_seekable(body):
            file = _AsyncFile(body) if needs_async else _File(body)
            self._sources = (*self._sources, file)
            # httpx would announce the whole file, also where it stands in the middle.
            set_default(self._headers, "Content-Length", str(file.remaining()))
            return file
        if not is_file(body) and not is_read_once(body):
            return body
        once = _AsyncOnce(body) if needs_async else _SyncOnce(body)
        self._sources = (*self._sources, once)
        return once

    def _prepare_multipart(self, options: Options) -> None:
        named = to_pairs(options["files"])
        options["files"] = [(name, self._prepared_part(part)) for name, part in named]
        given = find_header(self._headers, "Content-Type")
        if given is None:
            put_header(self._headers, "Content-Type", _with_boundary(_MULTIPART))
            return
        text = given.decode("latin-1") if isinstance(given, bytes) else str(given)
        if text.partition(";")[0].strip().lower() == _MULTIPART:
            put_header(self._headers, "Content-Type", _with_boundary(text))
        else:
            # httpx reads no boundary from such a header, and draws one for each attempt.
            self._sources = (*self._sources, _Unsteady())

    def _prepared_part(self, part: object) -> object:
        if isinstance(part, tuple):
            filename, file, *rest = cast("tuple[object, ...]", part)
            return (filename, self._prepared_part(file), *rest)
        check_part(part)
        if not hasattr(part, "read"):
            return part
        if is_seekable(part):
            # httpx itself rewinds it, to its beginning.
            self._sources = (*self._sources, _Part(part))
            return part
        once = _OncePart(part)
        self._sources = (*self._sources, once)
        return once


def _with_boundary(content_type: str) -> str:
    """Return the type of a multipart form with a boundary, as httpx can read it."""
    _, *parameters = (each.strip() for each in content_type.split(";"))
    if not any(each.lower().startswith("boundary=") for each in parameters):
        parameters.append(f"boundary={os.urandom(16).hex()}")
    return "; ".join([_MULTIPART, *filter(None, parameters)])


class _Unsteady:
    """A body that would be another one in the next attempt."""

    def can_replay(self) -> bool:
        return False


class _Part:
    """A seekable file in a multipart body."""

    def __init__(self, file: object) -> None:
        self._file = file

    def can_replay(self) -> bool:
        return not is_closed(self._file)


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
        for chunk in _chunks(self._source) if hasattr(self._source, "read") else self._source:
            yield _checked(chunk)


class _AsyncOnce(_Once):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        self._begin()
        if is_async(self._source):
            async for chunk in self._source:
                yield _checked(chunk)
        elif hasattr(self._source, "aread"):
            while chunk := await self._source.aread(_CHUNK):
                yield _checked(chunk)
        else:
            for chunk in _chunks(self._source):
                yield _checked(chunk)


class _OncePart(_Once):
    """A part of a multipart body. httpx rewinds each part before it reads it: that tells when."""

    def __init__(self, source: Any) -> None:
        super().__init__(source)
        self.name = getattr(source, "name", "upload")

    def seek(self, _offset: int) -> None:
        self._begin()

    def read(self, size: int) -> bytes:
        return self._source.read(size)  # type: ignore[no-any-return] # of anybody


class _Rewinding:
    """A seekable file that is read from where it stood when the operation began."""

    def __init__(self, file: Seekable) -> None:
        self._file = file
        self._start = file.tell()

    def can_replay(self) -> bool:
        return not is_closed(self._file)

    def remaining(self) -> int:
        """Return how many bytes there are from there to the end."""
        end = self._file.seek(0, os.SEEK_END)
        start = self._file.seek(self._start)
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


def _checked(chunk: object) -> bytes:
    """Return a chunk, refuse what is none: the wire would take it for a fault of its own."""
    if not isinstance(chunk, bytes | bytearray | memoryview):
        raise TypeError(f"the body yields a {type(chunk).__qualname__} instead of bytes")
    return cast("bytes", chunk)


def _chunks(file: Readable) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk
