"""What clients look like in a debugger: their name, where they lead, whether they are open."""

from __future__ import annotations

__all__ = ["describe"]


def describe(client: object, name: str, base_url: str, *, is_closed: bool) -> str:
    """Return the text for a client; its URL is without secrets already."""
    at = f", base_url={base_url!r}" if base_url else ""
    return f"{type(client).__name__}({name!r}{at}, {'closed' if is_closed else 'open'})"
