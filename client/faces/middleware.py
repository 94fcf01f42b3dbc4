"""The parts of a pipeline that middleware stands in: made once, and anew only for other middleware.

They are imported where somebody has any: most clients have none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..engine.layer import Layer, Sending
    from ..http.family import Family
    from ..strategies.middleware.chain import Chain

__all__ = ["MiddlewareParts"]


class MiddlewareParts:
    """Makes them for one client.

    Args:
        family: httpx or httpx2.
        is_async: Whether the client is an async one.
        id_header: Where its requests carry the id of their operation.
    """

    def __init__(self, family: Family, *, is_async: bool, id_header: str) -> None:
        self._family = family
        self._is_async = is_async
        self._id_header = id_header
        self._calls: tuple[object, Layer | None] = (), None
        self._attempts: tuple[object, Sending | None] = (), None

    def with_id_header(self, name: str) -> MiddlewareParts:
        """Return what makes them for requests that carry their id elsewhere."""
        if name == self._id_header:
            return self
        return MiddlewareParts(self._family, is_async=self._is_async, id_header=name)

    def around_calls(self, given: tuple[object, ...]) -> Layer | None:
        """Return what takes calls through middleware, or None where there is none.

        Raises:
            TypeError: Something is none, or is for clients of the other world.
        """
        if not given:
            return None
        if self._calls[0] is not given:
            from ..strategies.middleware.calls import CallMiddleware  # noqa: PLC0415 - see above

            self._calls = given, CallMiddleware(self._chain("middleware", given))
        return self._calls[1]

    def around_attempts(self, given: tuple[object, ...]) -> Sending | None:
        """Return what takes attempts through middleware, likewise."""
        if not given:
            return None
        if self._attempts[0] is not given:
            from ..strategies.middleware.attempts import AttemptMiddleware  # noqa: PLC0415 - likewise

            self._attempts = given, AttemptMiddleware(self._chain("attempt_middleware", given))
        return self._attempts[1]

    def _chain(self, name: str, given: tuple[object, ...]) -> Chain:
        from ..strategies.middleware.chain import Chain  # noqa: PLC0415 - likewise

        is_async, id_header = self._is_async, self._id_header
        return Chain.of(name, given, self._family, is_async=is_async, id_header=id_header)
