"""The paths that a test has given answers, and whose turn it is among them."""

import re
from dataclasses import dataclass
from typing import TypedDict

from ..limits import MAX_ROUTES
from .canned_answers import CannedAnswer, CannedRoute


class TooManyRoutesError(Exception):
    """There is no room for another route."""


class RouteInForce(TypedDict):
    """A route as `GET /fail/routes` shows it."""

    path: str
    methods: list[str] | None
    answers: int
    answered: int


@dataclass(slots=True)
class ActiveRoute:
    """A route that has been set, and how often it has been answered."""

    route: CannedRoute
    pattern: re.Pattern[str]
    answered: int = 0

    def next_answer(self) -> CannedAnswer:
        """Return the answer whose turn it is."""
        return self.route.answers[min(self.answered, len(self.route.answers) - 1)]

    def shown(self) -> RouteInForce:
        """Return what there is to say of it."""
        return {
            "path": self.route.path,
            "methods": self.route.methods,
            "answers": len(self.route.answers),
            "answered": self.answered,
        }


class RouteTable:
    """The routes of one server; used from one event loop. Those set later are asked first."""

    def __init__(self) -> None:
        self._routes: dict[tuple[str, frozenset[str] | None], ActiveRoute] = {}

    def add(self, route: CannedRoute) -> None:
        """Set a route, in place of one with the same path and methods.

        Raises:
            TooManyRoutesError: If there are as many as there can be.
        """
        key = route.path, None if route.methods is None else frozenset(route.methods)
        self._routes.pop(key, None)
        if len(self._routes) == MAX_ROUTES:
            raise TooManyRoutesError(f"there are {MAX_ROUTES} routes, the most allowed; clear them")
        self._routes[key] = ActiveRoute(route, route.pattern())

    def find(self, method: str, path: str) -> ActiveRoute | None:
        """Return the route that answers a call, None if there is none."""
        for active in reversed(self._routes.values()):
            methods = active.route.methods
            if (methods is None or method in methods) and active.pattern.fullmatch(path):
                return active
        return None

    def methods_of(self, path: str) -> list[str]:
        """Return the methods that routes answer at a path."""
        found = (active.route for active in self._routes.values() if active.pattern.fullmatch(path))
        return sorted({method for route in found for method in route.methods or ()})

    def clear(self) -> None:
        """Forget them all."""
        self._routes.clear()

    def shown(self) -> list[RouteInForce]:
        """Return what there is to say of each."""
        return [active.shown() for active in self._routes.values()]
