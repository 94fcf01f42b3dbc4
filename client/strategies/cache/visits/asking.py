"""What an operation asks the cache for: its request, as it will be sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ....http.bodies.sent_request import detached_copy
from ....http.credentials import is_credential, name_credential
from ....http.extensions import goes_elsewhere
from ....http.service import is_undirected
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

__all__ = ["Asked", "adds_credentials", "asked_for", "kept_as"]

_CONDITIONS: Final = ("if-none-match", "if-modified-since")
_FORESEEN: Final = frozenset({"accept", "accept-encoding", "accept-language", "user-agent"})
"""What an auth flow leaves as it is."""
_CODINGS: Final = "accept-encoding"
"""What a hook leaves as it is, or does no harm by: what comes is unpacked. Others it may set."""
_OVERRIDES: Final = frozenset(
    {
        "x-http-method-override",
        "x-http-method",
        "x-method-override",
        "x-original-url",
        "x-rewrite-url",
        "x-forwarded-host",
        "x-host",
    }
)
"""Header fields by which some servers take a request for another, and say nothing of it in `Vary`:
whoever may set one could put the answer to that into everybody's cache."""
_FOLLOWED: Final = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, as the cache sees it.

    Attributes:
        request: As it was built.
        shown: As it is shown to whoever is answered.
        url: Under which its answers are kept, in the form that all its equals have.
        fields: Its header fields as they will be sent, as far as that can be told.
        wanted: What it says of caching.
        outlook: What else becomes of it.
        partition: Whose answers it may have; None where nobody says.
        has_credentials: Whether something in it says whose it is.
        is_hidden: Whether it gets more than the cache can see.
        is_open: Whether that may be anything.
        past: Why the cache has no part in it, or None.
    """

    request: Request
    shown: Request
    url: str
    fields: Fields
    wanted: Directives
    outlook: Outlook
    partition: str | None
    has_credentials: bool
    is_hidden: bool
    is_open: bool
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
        is_left = name == _CODINGS if self.is_open else name in _FORESEEN
        return is_left or (self.partition is not None and is_credential(name))


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
    is_open = outlook.is_open or adds_credentials(call)
    is_hidden = outlook.is_hidden or is_open
    fields = _fields_of(request, outlook)
    wanted = of_request(fields)
    service = call.service
    shown = request if service is None else service.shown(request)
    past = "no-store" if wanted.no_store else _reason_to_pass(request, fields)
    if past is None and service is not None and not is_undirected(request.url):
        past = "one endpoint alone is asked"
    whose = None
    if past is None and partition is not None:
        whose = _whose(shown, outlook, partition)
        past = "no partition" if whose is None else None
    return Asked(
        request=request,
        shown=shown,
        url=kept_as(call, str(request.url)),
        fields=fields,
        wanted=wanted,
        outlook=outlook,
        partition=whose,
        has_credentials=is_hidden or name_credential(fields) is not None,
        is_hidden=is_hidden,
        is_open=is_open,
        past=past,
    )


def adds_credentials(call: Call) -> bool:
    """Whether what is further in may add some."""
    return any(each.adds_credentials for each in call.plan.sendings)


def kept_as(call: Call, url: str) -> str:
    """Return under which URL answers are kept, in the form that all its equals have.

    Args:
        call: The operation, which may go to one of several endpoints.
        url: What is asked for, absolute.
    """
    return normalised(url if call.service is None else call.service.known_as(url))


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
    if not _OVERRIDES.isdisjoint(fields):
        return "a header that makes it another request"
    if goes_elsewhere(request.extensions):
        return "an extension that sends it elsewhere"
    host = (fields.get("host") or "").lower()
    return "another Host" if host != request.url.netloc.decode("ascii").lower() else None


def _whose(
    request: Request, outlook: Outlook, partition: Callable[[Request], str | None]
) -> str | None:
    added = {} if outlook.cookie is None else {"Cookie": outlook.cookie}
    shown = detached_copy(request, added)  # which may be changed there
    found: Any = partition(shown)
    if found is None or isinstance(found, str):
        return found
    raise TypeError(f"partition returned a {type(found).__qualname__}: return a text, or None")
