"""Bodies in each content coding, bombs among them."""

from __future__ import annotations

import gzip
import zlib
from functools import cache
from typing import TYPE_CHECKING, Final

import brotli
import zstandard

if TYPE_CHECKING:
    from collections.abc import Callable

MEBIBYTE: Final = 2**20


def bare_deflate(data: bytes) -> bytes:
    """Deflate without zlib's header, as some servers send it."""
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


def members(data: bytes) -> bytes:
    """Gzip in two members."""
    return gzip.compress(data[: len(data) // 2]) + gzip.compress(data[len(data) // 2 :])


def frames(data: bytes) -> bytes:
    """Zstd in two frames."""
    half = len(data) // 2
    return zstandard.compress(data[:half]) + zstandard.compress(data[half:])


def brotli_compress(data: bytes) -> bytes:
    """Brotli as a server packs what it makes, not what it keeps: the best takes long."""
    packed: bytes = brotli.compress(data, quality=4)
    return packed


ENCODERS: Final[dict[str, tuple[str, Callable[[bytes], bytes]]]] = {
    "gzip": ("gzip", gzip.compress),
    "gzip in members": ("gzip", members),
    "deflate": ("deflate", zlib.compress),
    "bare deflate": ("deflate", bare_deflate),
    "br": ("br", brotli_compress),
    "zstd": ("zstd", zstandard.compress),
    "zstd in frames": ("zstd", frames),
}
"""The coding, and what encodes, by a name for a test."""


@cache
def bomb(coding: str, mebibytes: int = 100) -> bytes:
    """So many mebibytes of zeros, in one coding or in several, such as "gzip, gzip"."""
    first, *more = coding.split(", ")
    if first == "gzip":
        compressor = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
        zeros = bytes(MEBIBYTE)
        body = b"".join([compressor.compress(zeros) for _ in range(mebibytes)])
        body += compressor.flush()
    else:
        body = ENCODERS[first][1](bytes(mebibytes * MEBIBYTE))
    for each in more:
        body = ENCODERS[each][1](body)
    return body
