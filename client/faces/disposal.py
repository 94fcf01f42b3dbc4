"""Lets go of answers whose body is still on the wire, so that their connection is not lost."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from ..http.bodies.response_body import MOST_KEPT, BodyLimit

if TYPE_CHECKING:
    from collections.abc import Generator

    from ..engine.operation import Call
    from ..engine.ports import HttpPort
    from ..http.shapes import Response
    from ..http.verdicts import Classifier

__all__ = ["Disposal"]

_SMALL: Final = 64 * 1024
"""A body up to this many bytes is drained, so that its connection can be used again."""
_DRAIN_SECONDS: Final = 1.0
_KEEP_SECONDS: Final = 5.0


class Disposal:
    """Drains, reads or closes the open answers of one operation."""

    def __init__(self, http: HttpPort, classifier: Classifier, call: Call) -> None:
        self._http = http
        self._classifier = classifier
        self._call = call

    async def drain(self, response: Response) -> None:
        """Read a small answer to its end, or close it."""
        announced = _announced(response)
        # Somebody's hook may have read it, or raised and had it closed.
        is_open = not (response.is_closed or response.is_stream_consumed)
        if is_open and announced is not None and announced <= _SMALL:
            # Decoded, for callbacks may look at it; what is small on the wire may then be huge.
            BodyLimit(_SMALL).install(response)
            await self._try_to_read(response, _DRAIN_SECONDS)
        await self.close(response)

    async def keep(self, response: Response) -> None:
        """Read an answer for whoever will look at it, unless it is large or slow."""
        if response.is_stream_consumed:
            return  # somebody has read it in pieces
        BodyLimit(MOST_KEPT).install(response)
        await self._try_to_read(response, _KEEP_SECONDS)

    async def close(self, response: Response) -> None:
        """Close an answer; what goes wrong with its connection now is nobody's concern."""
        with self._tolerance():
            await self._http.close_response(response)

    async def _try_to_read(self, response: Response, seconds: float) -> None:
        deadline, ports = self._call.deadline, self._call.host.ports
        left = seconds if deadline is None else min(seconds, deadline.left(ports.now()))
        with self._tolerance():
            await ports.within(left, lambda: self._http.read(response))

    @contextmanager
    def _tolerance(self) -> Generator[None]:
        try:
            yield
        except Exception as error:
            if self._classifier.verdict(error) is None:
                raise


def _announced(response: Response) -> int | None:
    """Return the announced length of a body, or None where there is none to be believed."""
    length = response.headers.get("content-length", "")
    return int(length) if re.fullmatch(r"[0-9]{1,10}", length) else None
