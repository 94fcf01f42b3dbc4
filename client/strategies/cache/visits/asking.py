"""What an operation asks the cache for: its request, as it will be sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ....http.bodies.sent_request import copy_request
from ....http.credentials import is_credential, name_credential
from ..fields import Fields
from ..rules.directives import of_request
from ..rules.storing import is_for_all
from ..rules.urls import normalised
from ..rules.validating import is_answerable

if TYPE_CHECKING:
    from collections.abc import Callable

    from ....engine.layer import Exchange, Outlook
    from ....engine.operation import Call
    from ....http.shapes import Request
    from ..entry import Entry
    from ..rules.directives import Directives

__all__ = ["Asked", "asked_for"]

_CONDITIONS: Final = ("if-none-match", "if-modified-since")
_FORESEEN: Final = frozenset({"accept", "accept-encoding", "accept-language", "user-agent"})
"""What an auth flow or a hook leaves as it is."""
_FOLLOWED: Final = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, as the cache sees it.

    Attributes:
        request: As it was built.
        url: In the form that all its equals have.
        fields: Its header fields as they will be sent, as far as that can be told.
        wanted: What it says of caching.
        outlook: What else becomes of it.
        partition: Whose answers it may have; None where nobody says.
        has_credentials: Whether something in it says whose it is.
        is_hidden: Whether it gets more than the cache can see.
        past: Why the cache has no part in it, or None.
    """

    request: Request
    url: str
    fields: Fields
    wanted: Directives
    outlook: Outlook
    partition: str | None
    has_credentials: bool
    is_hidden: bool
    past: str | None

    @property
    def is_conditional(self) -> bool:
        """Whether its caller has an answer already, and asks whether that still holds."""
        return any(name in self.fields for name in _CONDITIONS)

    def why_not(self, entry: Entry) -> str | None:
        """Return why an answer must not be kept of, or given to, this request, or None."""
        if self.has_credentials and self.partition is None and not is_for_all(entry):
            return "credentials, and neither public nor s-maxage"
        if self.is_hidden and not all(map(self._is_foreseen, entry.vary)):
            return "Vary names what cannot be foreseen"
        if self.outlook.follows and entry.status in _FOLLOWED and "location" in entry.fields:
            return "a redirect, which is followed"
        return None

    def _is_foreseen(self, name: str) -> bool:
        return name in _FORESEEN or (self.partition is not None and is_credential(name))


def asked_for(
    request: Request,
    call: Call,
    exchange: Exchange,
    partition: Callable[[Request], str | None] | None,
) -> Asked:
    """Return what a request asks for.

    Args:
        request: As it was built.
        call: The operation.
        exchange: Its way to the wire.
        partition: Says whose answers it may have.

    Raises:
        TypeError: The partition is neither a text nor None.
        Exception: What finding it raises: that is the caller's.
    """
    outlook = exchange.outlook(request)
    is_hidden = outlook.is_hidden or any(each.adds_credentials for each in call.plan.sendings)
    fields = _fields_of(request, outlook)
    wanted = of_request(fields)
    past = "no-store" if wanted.no_store else _reason_to_pass(request, fields)
    whose = None
    if past is None and partition is not None:
        whose = _whose(request, outlook, partition)
        past = "no partition" if whose is None else None
    return Asked(
        request=request,
        url=normalised(str(request.url)),
        fields=fields,
        wanted=wanted,
        outlook=outlook,
        partition=whose,
        has_credentials=is_hidden or name_credential(fields) is not None,
        is_hidden=is_hidden,
        past=past,
    )


def _fields_of(request: Request, outlook: Outlook) -> Fields:
    raw = request.headers.raw
    if outlook.cookie is None:
        return Fields(raw)
    others = [pair for pair in raw if pair[0].lower() != b"cookie"]
    return Fields([*others, (b"cookie", outlook.cookie.encode("latin-1", "replace"))])


def _reason_to_pass(request: Request, fields: Fields) -> str | None:
    if "range" in fields or not is_answerable(fields):
        return "Range, or a condition that only a server can answer"
    if "transfer-encoding" in fields or (fields.get("content-length") or "0") != "0":
        return "a body"
    host = (fields.get("host") or "").lower()
    return "another Host" if host != request.url.netloc.decode("ascii").lower() else None


def _whose(
    request: Request, outlook: Outlook, partition: Callable[[Request], str | None]
) -> str | None:
    shown = request
    if outlook.cookie is not None:
        shown = copy_request(request, {"Cookie": outlook.cookie})
    found: Any = partition(shown)
    if found is None or isinstance(found, str):
        return found
    raise TypeError(f"partition returned a {type(found).__qualname__}: return a text, or None")
