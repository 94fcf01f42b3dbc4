"""An attribute that is worked out at its first use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from functools import cached_property as once
else:

    class once:  # noqa: N801 - a decorator, named as such
        """`functools.cached_property` without the lock that Python 3.11 takes for it.

        For objects that belong to one task or thread. A child that is forked while another thread
        holds that lock would wait for it for ever.
        """

        def __init__(self, work: Callable[[Any], Any]) -> None:
            self._work = work
            self._name = work.__name__
            self.__doc__ = work.__doc__

        def __get__(self, owner: Any, _kind: type[Any]) -> Any:
            value = owner.__dict__[self._name] = self._work(owner)
            return value


__all__ = ["once"]
