"""What is used of OpenTelemetry's API, and the cure where it is missing."""

from __future__ import annotations

import sys
from typing import Any, Final

try:
    from opentelemetry import context, metrics, propagate, trace
except ModuleNotFoundError as _missing:
    raise ImportError(
        "OpenTelemetry is not installed: pip install 'resilient-http-client[opentelemetry]'"
    ) from _missing

__all__ = [
    "OURS",
    "context",
    "is_of_httpx_instrumentation",
    "is_suppressed",
    "metrics",
    "others_are_there",
    "propagate",
    "trace",
    "without_other_spans",
]

OURS: Final = context.create_key("resilient_http")
"""Where a context says what of ours it was made for."""

_SUPPRESS: Final[Any] = getattr(context, "_SUPPRESS_HTTP_INSTRUMENTATION_KEY", None)
"""By this opentelemetry-instrumentation-httpx and its like see that somebody else is at it."""

_SILENCE: Final[Any] = getattr(context, "_SUPPRESS_INSTRUMENTATION_KEY", None)
"""By this an exporter that sends spans by HTTP says that it makes none itself."""


def is_suppressed(within: context.Context) -> bool:
    """Whether somebody wants no span to be made of what is done in a context."""
    return bool(within.get(_SILENCE) or within.get(_SUPPRESS))


def others_are_there() -> bool:
    """Whether instrumentations could be at work besides: all of them are in one package."""
    return "opentelemetry.instrumentation" in sys.modules


def is_of_httpx_instrumentation(span: trace.Span) -> bool:
    """Whether opentelemetry-instrumentation-httpx made a span: around a client's transport."""
    scope: Any = getattr(span, "instrumentation_scope", None)
    name: str = getattr(scope, "name", "")
    return name.startswith("opentelemetry.instrumentation.httpx")


def without_other_spans(within: context.Context) -> context.Context:
    """Return a context in which instrumentations of HTTP clients make no span of their own."""
    return within if _SUPPRESS is None else context.set_value(_SUPPRESS, True, within)  # noqa: FBT003 - its own signature
