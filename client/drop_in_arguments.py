"""What may be written between the parentheses of the drop-in clients and functions.

They are written once for both families, so what is httpx's own stays unchecked here; httpx checks
it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from client.drop_in_options import ResilienceOptions

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

__all__ = [
    "BodyOptions",
    "BuildOptions",
    "CallOptions",
    "ClientOptions",
    "FunctionOptions",
    "SendOptions",
]


class ClientOptions(ResilienceOptions, total=False):
    """What the constructors take: httpx's arguments, of either family, and those added here."""

    auth: Any
    params: Any
    headers: Any
    cookies: Any
    verify: ssl.SSLContext | str | bool
    cert: str | tuple[str, str] | tuple[str, str, str] | None
    http1: bool
    http2: bool
    proxy: Any
    mounts: Mapping[str, Any] | None
    timeout: Any
    follow_redirects: bool
    limits: Any
    max_redirects: int
    event_hooks: Mapping[str, list[Callable[..., Any]]] | None
    base_url: Any
    transport: Any
    trust_env: bool
    default_encoding: str | Callable[[bytes], str]


class BuildOptions(TypedDict, total=False):
    """What `build_request` takes."""

    params: Any
    headers: Any
    cookies: Any
    timeout: Any
    extensions: Mapping[str, Any] | None
    content: Any
    data: Any
    files: Any
    json: Any


class SendOptions(ResilienceOptions, total=False):
    """What `send` takes besides the request and `stream`."""

    auth: Any
    follow_redirects: Any


class CallOptions(SendOptions, total=False):
    """What the verbs without a body take."""

    params: Any
    headers: Any
    cookies: Any
    timeout: Any
    extensions: Mapping[str, Any] | None


class BodyOptions(CallOptions, total=False):
    """What the verbs with a body take."""

    content: Any
    data: Any
    files: Any
    json: Any


class FunctionOptions(BodyOptions, total=False):
    """What the functions take: also what concerns the client they make, or the one they use."""

    client: Any
    verify: ssl.SSLContext | str | bool
    cert: str | tuple[str, str] | tuple[str, str, str] | None
    proxy: Any
    trust_env: bool
    http1: bool
    http2: bool
