"""Where in what passes a fault strikes: offsets into pieces, and nothing of what it then does."""

from abc import ABC, abstractmethod

from .fault_models import Place
from .wire.messages import Part, Piece


class Trigger(ABC):
    """Watches one direction of one connection for one fault."""

    needs_plaintext = True
    strikes_at_end = False
    """Whether a message that the end of its connection ends is struck there."""

    @abstractmethod
    def offset(self, piece: Piece) -> int | None:
        """Return after how many bytes of this piece to strike, or None; asked once for each."""


class AtOffset(Trigger):
    """After so many bytes of all that passes, once."""

    needs_plaintext = False

    def __init__(self, after_bytes: int) -> None:
        self._left: int | None = after_bytes

    def offset(self, piece: Piece) -> int | None:
        """Count down."""
        if self._left is None:
            return None
        if self._left > len(piece.data):
            self._left -= len(piece.data)
            return None
        at, self._left = self._left, None
        return at


class BeforeMessage(Trigger):
    """Before each message, whatever the protocol."""

    needs_plaintext = False

    def offset(self, piece: Piece) -> int | None:
        """Strike before its first byte."""
        return 0 if piece.begins else None


class InHead(Trigger):
    """After so many bytes of each head, or its first line; before its last byte at the latest."""

    def __init__(self, after_bytes: int | None) -> None:
        self._after_bytes = after_bytes

    def offset(self, piece: Piece) -> int | None:
        """Strike once in each head."""
        if piece.part is not Part.HEAD:
            return None
        size = len(piece.data)
        if self._after_bytes is None:
            return size if piece.ends_line else None
        left = self._after_bytes - piece.offset
        if left <= 0:
            return None
        if piece.ends_head:
            return min(left, size - 1)
        return left if left <= size else None


class AfterHead(Trigger):
    """After each head, whether or not a body follows."""

    def offset(self, piece: Piece) -> int | None:
        """Strike after its last byte."""
        return len(piece.data) if piece.ends_head else None


class InBody(Trigger):
    """After so many bytes of each body, as it is transferred."""

    def __init__(self, after_bytes: int) -> None:
        self._after_bytes = after_bytes

    def offset(self, piece: Piece) -> int | None:
        """Strike once in each body that is long enough."""
        if piece.part is not Part.BODY:
            return None
        left = self._after_bytes - piece.offset
        return left if 0 < left <= len(piece.data) else None


class AfterMessage(Trigger):
    """After each message."""

    strikes_at_end = True

    def offset(self, piece: Piece) -> int | None:
        """Strike after its last byte."""
        return len(piece.data) if piece.ends else None


class OnReuse(Trigger):
    """Before each message but the first of the connection."""

    def __init__(self, *, is_used: bool) -> None:
        self._is_used = is_used

    def offset(self, piece: Piece) -> int | None:
        """Strike before its first byte."""
        strikes = piece.begins and self._is_used
        self._is_used = True
        return 0 if strikes else None


def at_place(place: Place, after_bytes: int | None) -> Trigger:
    """Make the trigger of a fault that strikes at this place."""
    match place:
        case "stream":
            return AtOffset(after_bytes or 0)
        case "before_head":
            return BeforeMessage()
        case "in_head":
            return InHead(after_bytes)
        case "after_head":
            return AfterHead()
        case "in_body":
            return InBody(after_bytes or 1)
