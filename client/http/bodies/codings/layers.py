"""Several content codings on top of one another, and which decoder undoes which."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from .brotli import Brotli
from .decoder import BrokenError, CutShortError
from .deflate import Deflate, Gzip
from .zstd import BuiltInZstandard, Zstandard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from .decoder import Decoder, OfOneCoding

__all__ = ["MOST_LAYERS", "TOO_MANY", "decoder_of"]

MOST_LAYERS: Final = 5
"""The most codings on top of one another; httpx2 allows as many."""
TOO_MANY: Final = f"more than {MOST_LAYERS} content codings on top of one another"


class Layers:
    """Several codings, the one that was applied last first.

    Each is given the pieces that the one before it makes, one by one, so that what is in memory
    is a piece a layer.
    """

    def __init__(self, decoders: Sequence[OfOneCoding]) -> None:
        self._decoders = decoders

    def decode(self, data: bytes) -> Iterator[bytes]:
        """Yield what some data stands for."""
        pieces: Iterable[bytes] = (data,)
        for decoder in self._decoders:
            pieces = _decoded(decoder, pieces)
        yield from pieces

    def finish(self) -> None:
        """Accept the end of the data.

        Where anything came, something stands in every layer: an empty body is packed as well.
        """
        self._decoders[0].finish()
        for outer, inner in pairwise(self._decoders):
            if outer.has_begun and not inner.has_begun:
                raise CutShortError
            inner.finish()


def _decoded(decoder: Decoder, pieces: Iterable[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        if piece:
            yield from decoder.decode(piece)
        else:
            yield piece


_DECODERS: Final[dict[str, Callable[[], OfOneCoding]]] = {
    "gzip": Gzip,
    "deflate": Deflate,
    "br": Brotli,
}


def decoder_of(codings: Sequence[str], family: str) -> Decoder | None:
    """Return what undoes some codings, or None where there are none.

    Args:
        codings: Of gzip, deflate, br and zstd, in the order in which they were applied.
        family: "httpx" or "httpx2", which take zstd from different packages.

    Raises:
        BrokenError: There are more than `MOST_LAYERS`.
    """
    if len(codings) > MOST_LAYERS:
        raise BrokenError(TOO_MANY)
    zstd = Zstandard if family == "httpx" else BuiltInZstandard
    decoders = [_DECODERS.get(coding, zstd)() for coding in reversed(codings)]
    return Layers(decoders) if len(decoders) > 1 else next(iter(decoders), None)
