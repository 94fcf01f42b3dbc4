"""What an operation asks the cache for: its request, as it will be sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ...http.bodies.sent_request import copy_request
from .credentials import is_credential, name_credential
from .fields import Fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...engine.layer import Exchange, Outlook
    from ...engine.operation import Call
    from ...http.shapes import Request
    from .entry import Entry

__all__ = ["Asked", "asked_for"]

_PAST_THE_CACHE: Final = ("range", "if-range", "if-match", "if-unmodified-since")
_CONDITIONS: Final = ("if-none-match", "if-modified-since")
_FORESEEN: Final = frozenset({"accept", "accept-encoding", "accept-language", "user-agent"})
"""What an auth flow or a hook leaves as it is."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, as the cache sees it.

    Attributes:
        request: As it was built.
        fields: Its header fields as they will be sent, as far as that can be told.
        outlook: What else becomes of it.
        partition: Whose answers it may have; None where nobody says.
        has_credentials: Whether something in it says whose it is, and no partition does.
        is_hidden: Whether it gets more than the cache can see.
        past: Why the cache has no part in it, or None.
    """

    request: Request
    fields: Fields
    outlook: Outlook
    partition: str | None
    has_credentials: bool
    is_hidden: bool
    past: str | None

    @property
    def is_conditional(self) -> bool:
        """Whether its caller has an answer already, and asks whether that still holds."""
        return any(name in self.fields for name in _CONDITIONS)

    def may_have(self, entry: Entry, vary: tuple[str, ...], *, is_public: bool) -> str | None:
        """Return why an answer must not be kept of, or given to, this request, or None."""
        if self.has_credentials and not is_public:
            return "credentials"
        if self.is_hidden and not all(map(self._is_foreseen, vary)):
            return "unforeseen vary"
        if self.outlook.follows and entry.status in _REDIRECTS and "location" in entry.fields:
            return "redirect"
        return None

    def _is_foreseen(self, name: str) -> bool:
        return name in _FORESEEN or (self.partition is not None and is_credential(name))


_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


def asked_for(
    request: Request,
    call: Call,
    exchange: Exchange,
    partition: Callable[[Request], str | None] | None,
) -> Asked:
    """Return what a request asks for.

    Raises:
        TypeError: The partition is neither a text nor None.
        Exception: What finding it raises: that is the caller's.
    """
    outlook = exchange.outlook(request)
    is_hidden = outlook.is_hidden or any(each.adds_credentials for each in call.plan.sendings)
    fields = _fields_of(request, outlook)
    past = _reason_to_pass(request, fields)
    whose = None
    if past is None and partition is not None:
        whose = _whose(request, outlook, partition)
        past = "no partition" if whose is None else None
    has_credentials = partition is None and (is_hidden or name_credential(fields) is not None)
    return Asked(request, fields, outlook, whose, has_credentials, is_hidden, past)


def _fields_of(request: Request, outlook: Outlook) -> Fields:
    raw = request.headers.raw
    if outlook.cookie is None:
        return Fields(raw)
    others = [pair for pair in raw if pair[0].lower() != b"cookie"]
    return Fields([*others, ("cookie", outlook.cookie)])


def _reason_to_pass(request: Request, fields: Fields) -> str | None:
    for name in _PAST_THE_CACHE:
        if name in fields:
            return name
    if "transfer-encoding" in fields or (fields.get("content-length") or "0") != "0":
        return "body"
    host = (fields.get("host") or "").lower()
    return "host" if host != request.url.netloc.decode("ascii").lower() else None


def _whose(
    request: Request, outlook: Outlook, partition: Callable[[Request], str | None]
) -> str | None:
    shown = request
    if outlook.cookie is not None:
        shown = copy_request(request, {"Cookie": outlook.cookie})
    found: Any = partition(shown)
    if found is None or isinstance(found, str):
        return found
    raise TypeError(f"partition returned {type(found).__name__}: return a text, or None")
