"""Finds protection inside protection, whose attempts would multiply in silence."""

from __future__ import annotations

from typing import Any, cast

from ..errors.httpx_names import MOUNTS, TRANSPORT

__all__ = ["check_client", "check_transports"]


def check_client(client: object, plain: str) -> None:
    """Refuse a client that protects its calls already, in the place of a plain one.

    Args:
        client: What was given.
        plain: The class of httpx that is wanted.

    Raises:
        TypeError: It is one of ours, or goes through a transport of ours that retries.
    """
    if _protection_of(client) is not None:
        kind = type(client).__name__
        raise TypeError(
            f"http_client is a protected {kind} already, and their attempts would multiply: give "
            f"a plain {plain}, or use the {kind} by itself"
        )
    check_transports({"http_client": client})


def check_transports(given: dict[str, object]) -> None:
    """Refuse transports of ours that retry, below something that retries too.

    Args:
        given: Transports, clients and mounts, by the names of the arguments.

    Raises:
        TypeError: One of them is one.
    """
    for name, value in given.items():
        for part in _parts(value):
            protection = _protection_of(part)
            if protection is not None and protection.settings.max_retries:
                raise TypeError(
                    f"{name} goes through a {type(part).__name__}, which retries already, and the "
                    f"attempts would multiply: make that with max_retries=0, or give the transport "
                    f"inside it"
                )


def _parts(value: object) -> list[object]:
    """Return a transport, the values of mounts, or what a client goes through."""
    if isinstance(value, dict):
        return list(cast("dict[str, object]", value).values())
    inside: dict[str, object] = getattr(value, "__dict__", {})
    mounts: Any = inside.get(MOUNTS, {})
    return [value, inside.get(TRANSPORT), *(mounts.values() if isinstance(mounts, dict) else ())]


def _protection_of(thing: object) -> Any:
    # Not by `getattr`: a test's stand-in has every attribute.
    return getattr(thing, "__dict__", {}).get("_drop_in")
