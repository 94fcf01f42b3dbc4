"""What undoes a content coding, and how much of it a step may make.

What comes is small and what it stands for may be huge, so no step makes more than `PIECE` bytes, of
any coding and in any layer, however the data is cut on its way. The codecs are those of the
libraries; what is added here is the bound, every member of a gzip body, and the end of the data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PIECE", "STEP", "BrokenError", "CutShortError", "Decoder", "OfOneCoding", "steps"]

PIECE: Final = 64 * 1024
"""The most bytes that one step makes."""
STEP: Final = 64 * 1024
"""The most bytes that a codec is given at once, since some copy what they do not use yet."""


class BrokenError(Exception):
    """The data is not encoded as it says."""


class CutShortError(Exception):
    """The data ends before its end."""


class Decoder(Protocol):
    """Undoes one coding. Data without a single byte is whole: a HEAD's answer, or a 304."""

    def decode(self, data: bytes) -> Iterator[bytes]:
        """Yield what some data stands for, `PIECE` bytes at most at a time.

        A step that makes nothing yields an empty piece, for there may be many in a row, and
        between any two of them a deadline may pass.

        Raises:
            BrokenError: It is not encoded so.
        """
        ...

    def finish(self) -> None:
        """Accept the end of the data.

        Raises:
            CutShortError: More is missing.
        """
        ...


class OfOneCoding(Decoder, Protocol):
    """A decoder that others may stand above and below."""

    has_begun: bool
    """Whether any data came."""


def steps(data: bytes, size: int = STEP) -> Iterator[bytes]:
    """Yield some data in pieces of a size, and nothing of none."""
    if len(data) <= size:
        return iter((data,) if data else ())
    return (data[start : start + size] for start in range(0, len(data), size))
