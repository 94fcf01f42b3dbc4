"""Where a chunked body ends (RFC 9112, section 7.1): it counts, and changes nothing."""

import re

MAX_LINE_BYTES = 65_536
_SIZE = re.compile(rb"[0-9A-Fa-f]{1,16}")


class BadChunkError(ValueError):
    """The body is not chunked after all."""


class ChunkedBody:
    """Follows one chunked body, however it is cut into pieces."""

    def __init__(self) -> None:
        self._left = 0  # of the chunk at hand, its line end included
        self._line = bytearray()
        self._in_trailers = False

    def take(self, data: bytes) -> tuple[int, bool]:
        """Return how many bytes of `data` belong to the body, and whether it ends with them.

        Raises:
            BadChunkError: If they cannot be part of one.
        """
        at = 0
        while at < len(data):
            if self._left:
                step = min(self._left, len(data) - at)
                self._left -= step
                at += step
                continue
            end = data.find(b"\n", at) + 1
            self._line += data[at : end or len(data)]
            if not end and len(self._line) <= MAX_LINE_BYTES:
                return len(data), False
            at = end
            if self._ends_with_line():
                return at, True
        return at, False

    def _ends_with_line(self) -> bool:
        line = bytes(self._line).rstrip(b"\r\n")
        self._line.clear()
        if self._in_trailers:
            return not line
        size = line.partition(b";")[0].strip()
        if not _SIZE.fullmatch(size):
            raise BadChunkError(f"{size[:20]!r} is not the size of a chunk")
        length = int(size, 16)
        self._in_trailers = length == 0
        self._left = length + 2 if length else 0
        return False
