"""Undoes the content codings of an answer in bounded steps, in place of httpx's own way.

httpx unpacks what came in one step, so that some hundred bytes become hundreds of mebibytes before
anybody can count them; it ends in the middle of data that is cut short as if it were whole, and
after the first member of a gzip body.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache, partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from ...errors.httpx_names import READ_BODY
from ...runtime.coroutines import run_to_end
from ..family import request_of
from .codings.decoder import BrokenError, CutShortError
from .codings.layers import decoder_of
from .response_body import MOST_KEPT, ClosedAfter, RedirectCut

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterator

    from ..family import Family
    from ..shapes import Response
    from .codings.decoder import Decoder

__all__ = ["Decoding"]

_PACKAGES: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "httpx": {"br": ("brotli", "brotlicffi"), "zstd": ("zstandard",)},
    "httpx2": {"br": ("brotli", "brotlicffi"), "zstd": ("compression", "backports.zstd")},
}
"""What has to be installed so that a family asks for a coding."""
_PARTIAL_CONTENT: Final = 206
"""The status of a part of the packed bytes, which ends where it was asked to."""
_REDIRECT_CUT: Final = RedirectCut(MOST_KEPT)
_PAUSE_AFTER: Final = 16
"""Steps in a row: at most a mebibyte, which takes about a millisecond."""


class Decoding:
    """Stands in front of `iter_bytes` and `aiter_bytes`, through which httpx reads every body.

    Args:
        family: Of the answers.
        pause: Lets others run, and ends a call whose deadline has passed.
    """

    def __init__(self, family: Family, pause: Callable[[], Coroutine[object, None, None]]) -> None:
        self._family = family
        self._pause = pause

    def install(self, response: Response) -> bool:
        """Install the bounded unpacking of an answer; return whether it is packed.

        A redirect that is followed is cut short besides. An answer that has been read is left
        alone, and so is one of another make.
        """
        is_packed = "content-encoding" in getattr(response, "headers", ())
        if not is_packed and not getattr(response, "has_redirect_location", False):
            return False
        if "iter_bytes" not in vars(response) and not hasattr(response, READ_BODY):
            if is_packed:
                response.__dict__.update(
                    iter_bytes=partial(self._read, response),
                    aiter_bytes=partial(self._read_async, response),
                )
            if response.has_redirect_location:
                _REDIRECT_CUT.install(response)
        return is_packed

    def _read(self, response: Response, chunk_size: int | None = None) -> Iterator[bytes]:
        with self._errors(response):
            decoder, chunks = self._decoder_for(response), _Chunks(chunk_size)
            for data in response.iter_raw():
                for count, piece in enumerate(decoder.decode(data) if decoder else (data,), 1):
                    if not count % _PAUSE_AFTER:
                        run_to_end(self._pause())
                    yield from chunks.of(piece)
            if decoder and response.status_code != _PARTIAL_CONTENT:
                decoder.finish()
            yield from chunks.rest()

    async def _read_async(
        self, response: Response, chunk_size: int | None = None
    ) -> AsyncGenerator[bytes]:
        with self._errors(response):
            decoder, chunks = self._decoder_for(response), _Chunks(chunk_size)
            async with ClosedAfter(response.aiter_raw()) as raw:
                async for data in raw:
                    for count, piece in enumerate(decoder.decode(data) if decoder else (data,), 1):
                        if not count % _PAUSE_AFTER:
                            await self._pause()
                        for chunk in chunks.of(piece):
                            yield chunk
            if decoder and response.status_code != _PARTIAL_CONTENT:
                decoder.finish()
            for chunk in chunks.rest():
                yield chunk

    @contextmanager
    def _errors(self, response: Response) -> Generator[None]:
        """Say in the family's words what is wrong with a body, and leave once it is read."""
        module, request = self._family.module, request_of(response)
        try:
            yield
        except BrokenError as error:
            raise module.DecodingError(str(error), request=request) from error
        except CutShortError as error:
            text = "the compressed body ends before its end"
            raise module.RemoteProtocolError(text, request=request) from error
        finally:
            # What stands in front could not be pickled.
            for name in ("iter_bytes", "aiter_bytes"):
                response.__dict__.pop(name, None)

    def _decoder_for(self, response: Response) -> Decoder | None:
        named = response.headers.get_list("content-encoding", split_commas=True)
        known = _known_codings(self._family.name)
        codings = [name for name in (each.strip().lower() for each in named) if name in known]
        return decoder_of(codings, self._family.name)


@cache
def _known_codings(family: str) -> frozenset[str]:
    """Return the codings that a family unpacks here; it leaves all others as they are."""
    packages = _PACKAGES[family].items()
    return frozenset(
        {"gzip", "deflate"} | {coding for coding, names in packages if any(map(_is_there, names))}
    )


def _is_there(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:  # nor is the package around it
        return False


class _Chunks:
    """Cuts a body into chunks of a size, as httpx does; without a size it stays as it comes."""

    def __init__(self, size: int | None) -> None:
        self._size = size
        self._held = b""

    def of(self, piece: bytes) -> Iterator[bytes]:
        """Yield the chunks that are full."""
        if self._size is None:
            yield from filter(None, (piece,))
            return
        data = self._held + piece
        whole = len(data) - len(data) % self._size
        self._held = data[whole:]
        for start in range(0, whole, self._size):
            yield data[start : start + self._size]

    def rest(self) -> Iterator[bytes]:
        """Yield what is left."""
        if self._held:
            yield self._held
