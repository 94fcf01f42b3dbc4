"""What OpenTelemetry's conventions for HTTP clients call things, in spans as in metrics."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from ...errors.urls import mask_url, origin_of
from ...exceptions import MyAPIError
from ...metrics.targets import METHODS, OTHER

if TYPE_CHECKING:
    from ...engine.operation import Attempt
    from ...http.shapes import Response

    Attributes = dict[str, str | int | float | bool]

__all__ = ["begun_with", "class_of", "ended_with", "error_type", "is_of_status"]

_FIRST_ERROR: Final = 400
_LONGEST_SCHEME: Final = len("https://")
_SIGNATURES: Final = frozenset({"AWSAccessKeyId", "Signature", "sig", "X-Goog-Signature"})
"""Parameters of a query that are secret wherever they stand."""
_HTTP: Final = b"HTTP/"


def error_type(status: int | None, error: BaseException | None) -> str | None:
    """Return the attribute `error.type`, or None where there is no error.

    Args:
        status: Of the answer, or None.
        error: What came of it besides, or None.
    """
    if is_of_status(status, error):
        return str(status)
    return None if error is None else class_of(error)


def is_of_status(status: int | None, error: BaseException | None) -> bool:
    """Whether it is the status of an answer that makes it an error, which says enough."""
    is_error_status = status is not None and status >= _FIRST_ERROR
    return is_error_status and (error is None or getattr(error, "status_code", None) is not None)


def class_of(error: BaseException) -> str:
    """Name the class of an error, of what httpx raised where that is behind it."""
    cause = error.__cause__ if isinstance(error, MyAPIError) else None
    kind = type(cause if cause is not None else error)
    name = kind.__qualname__
    return name if kind.__module__ == "builtins" else f"{kind.__module__}.{name}"


def begun_with(attempt: Attempt, *, shows_query: bool) -> Attributes:
    """Return the attributes that the span of an attempt begins with, for samplers to see."""
    call = attempt.call
    method = call.method
    address, port = _server_of(_head_of(attempt.url))
    attributes: Attributes = {
        "http.request.method": method if method in METHODS else OTHER,
        "url.full": _shown(attempt.url) if shows_query else attempt.shown_url,
        "server.address": address,
        "server.port": port,
    }
    if method not in METHODS:
        attributes["http.request.method_original"] = method
    if attempt.number > 1:
        attributes["http.request.resend_count"] = attempt.number - 1
        if attempt.is_hedge:
            attributes["resilient_http.is_hedge"] = True
    return attributes


def ended_with(response: Response | None, status: int | None) -> Attributes:
    """Return the attributes that an answer adds to them."""
    attributes: Attributes = {}
    if status is not None:
        attributes["http.response.status_code"] = status
    if (version := _version_of(response)) is not None:
        attributes["network.protocol.version"] = version
    return attributes


def _version_of(response: Any) -> str | None:
    """Return the version of HTTP, where the transport tells it: httpx itself would guess."""
    said: Any = getattr(response, "extensions", {}).get("http_version")
    if isinstance(said, bytes) and said.startswith(_HTTP):
        return said[len(_HTTP) :].decode("ascii", "replace")
    return None


def _head_of(url: str) -> str:
    """Return what stands before the path, by which servers are told apart."""
    return url[: url.find("/", _LONGEST_SCHEME) + 1] or url


@lru_cache(maxsize=256)  # asked before every attempt
def _server_of(head: str) -> tuple[str, int]:
    parts = urlsplit(origin_of(head))
    return parts.hostname or "", parts.port or 0


def _shown(url: str) -> str:
    """Return a URL with its query, in which signatures are redacted, and without credentials."""
    query = url.partition("#")[0].partition("?")[2]
    pairs = parse_qsl(query, keep_blank_values=True)
    if not pairs:
        return mask_url(url)
    shown = [(name, "REDACTED" if name in _SIGNATURES else value) for name, value in pairs]
    return f"{mask_url(url)}?{urlencode(shown)}"
