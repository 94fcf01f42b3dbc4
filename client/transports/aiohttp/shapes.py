"""What is used of aiohttp's classes, as types, for modules that do without aiohttp.

Nothing is done here; `parts` is what imports it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Message", "ReadHead"]


class Message(Protocol):
    """`aiohttp.http_parser.RawResponseMessage`: the head of an answer."""

    @property
    def code(self) -> int:
        """The status."""
        ...

    @property
    def reason(self) -> str:
        """What stands behind the status."""
        ...

    @property
    def version(self) -> tuple[int, int]:
        """Of HTTP."""
        ...

    @property
    def headers(self) -> Any:
        """A multidict, whose names are the same in any case."""
        ...

    @property
    def raw_headers(self) -> Sequence[tuple[bytes, bytes]]:
        """As they came."""
        ...

    @property
    def should_close(self) -> bool:
        """Whether the connection ends with it."""
        ...

    @property
    def chunked(self) -> bool:
        """Whether the body comes in chunks."""
        ...


ReadHead: TypeAlias = Callable[..., "tuple[Message, Any, Any]"]
"""`parts.read_head`."""
