"""A built httpx request on its way through several attempts: can its body be sent again?"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, Self

from ...errors.httpx_names import FIELDS, FILE, SOURCE, WAS_BEGUN
from ...exceptions import InvalidRequestError
from ..verdicts import Refused, Verdict
from .request_content import check_part, check_stream
from .shared_body import is_shareable
from .sources import is_closed, is_file, is_read_once, is_seekable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..family import Family
    from ..shapes import Request

__all__ = ["ReplayableRequest", "copy_request", "detached_copy"]


class ReplayableRequest:
    """Knows the kinds of bodies that httpx builds.

    Bytes and multipart forms replay by themselves, and a seekable file from where it stood. What
    can be read only once replays as long as it was not touched: where httpx cannot tell, as long
    as every failure so far came before anything was sent.
    """

    __slots__ = (
        "_file",
        "_files",
        "_is_untouched",
        "_module",
        "_replays",
        "_start",
        "_stream",
        "request",
    )

    def __init__(self, request: Request, family: Family, *, is_async: bool) -> None:
        self.request: Request = request
        self._stream = request.stream
        self._module = family.module
        self._file: Any = None
        self._start = 0
        self._files: tuple[object, ...] = ()
        self._is_untouched = True
        self._replays = isinstance(self._stream, self._module.ByteStream)
        if not self._replays:
            check_stream(self._stream, self._module, is_async=is_async)
            self._replays = self._look()

    def followed_by(self, request: Request, family: Family, *, is_async: bool) -> ReplayableRequest:
        """Return what knows of a request that is sent in place of this; it may have the same body.

        Raises:
            TypeError: Its body yields no bytes.
            RuntimeError: It is one for clients of the other world.
        """
        if request.stream is not self._stream:
            return ReplayableRequest(request, family, is_async=is_async)
        self.request = request
        return self

    def can_replay(self) -> bool:
        """Return whether another attempt would send the same bytes."""
        if any(map(is_closed, self._files)):
            return False
        if self._replays:
            return True
        was_begun: bool | None = getattr(self._stream, WAS_BEGUN, None)
        return self._is_untouched if was_begun is None else not was_begun

    def can_share(self, most: int) -> bool:
        """Return whether several attempts at once would send the same bytes, no more than that."""
        return is_shareable(self._stream, self._module, most)

    def fork(self) -> Self:
        """Return one for an attempt beside another: its request has headers of its own."""
        twin = copy(self)
        twin.request = self.copy_with(headers={})
        return twin

    def rewind(self) -> None:
        """Go back to where the body began; called before each attempt."""
        if any(map(is_closed, self._files)):
            reason = "a file of its body was closed before the next attempt"
            raise Refused(Verdict(InvalidRequestError, request_sent=True, reason=reason))
        if self._file is not None:
            self._file.seek(self._start)

    def note_outcome(self, *, is_unsent: bool) -> None:
        """Remember whether some of the body may have been taken."""
        self._is_untouched &= is_unsent

    def copy_with(self, headers: Mapping[str, str] | None = None, **extensions: object) -> Request:
        """Return a copy of the request with more extensions, and with more headers.

        Where `headers` are given, be it none, its headers are its own. It shares the rest.
        """
        return copy_request(self.request, headers, **extensions)

    def _look(self) -> bool:
        fields = getattr(self._stream, FIELDS, None)
        if fields is not None:
            self._files = tuple(getattr(field, FILE) for field in fields if hasattr(field, FILE))
            for file in self._files:
                check_part(file)
            return all(map(_is_reusable, self._files))
        # A stream of another make is read once.
        source: Any = getattr(self._stream, SOURCE, None)
        if source is None:
            return False
        if is_seekable(source):
            self._file, self._start = source, source.tell()
            self._files = (source,)
            return True
        return not is_file(source) and not is_read_once(source)


def copy_request(
    request: Request, headers: Mapping[str, str] | None = None, **extensions: object
) -> Request:
    """Return a copy of a request; see `ReplayableRequest.copy_with`."""
    kind: Any = request.__class__
    # Not `copy.copy`: a request leaves its body behind there.
    twin: Any = kind.__new__(kind)
    state = twin.__dict__
    state.update(request.__dict__)
    state["extensions"] = {**request.extensions, **extensions}
    if headers is not None:
        twin.headers = type(twin.headers)(twin.headers)
        for name, value in headers.items():  # faster than `update`
            twin.headers[name] = value
    copied: Request = twin
    return copied


def detached_copy(request: Request, headers: Mapping[str, str]) -> Request:
    """Return a copy of a request, with more headers, that may be changed and nobody else sees it.

    But for its body.
    """
    twin = copy_request(request, headers)
    timeouts = twin.extensions.get("timeout")
    if timeouts is not None:
        twin.extensions["timeout"] = dict(timeouts)
    return twin


def _is_reusable(part: object) -> bool:
    return isinstance(part, str | bytes) or is_seekable(part)
