"""The live page: an ASGI app that shows what clients do, for people who run them.

It shows; what it shows was counted elsewhere. Nothing of it is imported unless it is used.
"""

from .app import Dashboard, dashboard

__all__ = ["Dashboard", "dashboard"]


def __dir__() -> list[str]:
    return sorted(__all__)
