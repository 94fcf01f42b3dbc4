"""A built httpx request on its way through several attempts: can its body be sent again?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from client.sources import is_file, is_read_once, is_seekable

if TYPE_CHECKING:
    from client.family import Family

__all__ = ["ReplayableRequest"]


class ReplayableRequest:
    """Knows the kinds of bodies that httpx builds.

    Bytes and multipart forms replay by themselves, and a seekable file from where it stood. What
    can be read only once replays as long as it was not touched: where httpx cannot tell, as long
    as every failure so far came before anything was sent.
    """

    __slots__ = ("_file", "_is_untouched", "_replays", "_start", "_stream", "request")

    def __init__(self, request: Any, family: Family) -> None:
        self.request = request
        self._stream = request.stream
        self._file: Any = None
        self._start = 0
        self._is_untouched = True
        self._replays = isinstance(self._stream, family.module.ByteStream) or self._look()

    def can_replay(self) -> bool:
        """Tell whether another attempt would send the same bytes."""
        if self._replays or self._is_untouched:
            return True
        return getattr(self._stream, "_is_stream_consumed", True) is False

    def rewind(self) -> None:
        """Go back to where the body began; called before each attempt."""
        if self._file is not None:
            self._file.seek(self._start)

    def note_outcome(self, *, is_unsent: bool) -> None:
        """Remember whether some of the body may have been taken."""
        self._is_untouched &= is_unsent

    def copy_with(self, **extensions: Any) -> Any:
        """Return a copy of the request that shares all but its extensions."""
        kind: Any = self.request.__class__
        # Not `copy.copy`: a request leaves its body behind there.
        twin = kind.__new__(kind)
        twin.__dict__.update(self.request.__dict__)
        twin.extensions = {**self.request.extensions, **extensions}
        return twin

    def _look(self) -> bool:
        fields = getattr(self._stream, "fields", None)
        if fields is not None:
            return all(_is_reusable(getattr(field, "file", b"")) for field in fields)
        # httpx keeps what it was given here; a stream of another make is read once.
        source: Any = getattr(self._stream, "_stream", None)
        if source is None:
            return False
        if is_seekable(source):
            self._file, self._start = source, source.tell()
            return True
        return not is_file(source) and not is_read_once(source)


def _is_reusable(part: Any) -> bool:
    return isinstance(part, str | bytes) or is_seekable(part)
