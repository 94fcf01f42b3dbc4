"""The errors for calls that are turned away, as a face wants them raised.

Which errors these are they say themselves, in `MyAPIError.as_httpx`: a strategy brings its own. The
drop-in clients need them to be errors of their httpx family too, so that code written for httpx
catches them.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from ..errors.httpx_names import REQUEST
from ..exceptions import MyAPIError, rebuild
from ..http.family import family_named

if TYPE_CHECKING:
    from typing import TypeGuard

    from ..errors.pickling import Maker
    from ..http.family import Family

__all__ = ["PLAIN", "Rejections", "is_rejection", "rejections_for"]

ErrorT = TypeVar("ErrorT", bound=MyAPIError)


class Rejections:
    """The classes that a face raises for calls that are turned away.

    Args:
        family: Whose errors they are besides, as a drop-in's; None for those of the tree alone.
    """

    def __init__(self, family: Family | None = None) -> None:
        self._family = family

    def kind(self, ours: type[ErrorT]) -> type[ErrorT]:
        """Return the class in which an error of the tree is raised, which may be that itself."""
        if self._family is None or ours.as_httpx is None:
            return ours
        return cast("type[ErrorT]", _joined(self._family.name, ours))

    def complete(self, error: MyAPIError, request: object) -> None:
        """Put the request into an error that is one of httpx's too, as those carry it."""
        if isinstance(error, _OfFamily):
            cast("Any", error).request = request


PLAIN = Rejections()


def is_rejection(error: object) -> TypeGuard[MyAPIError]:
    """Return whether an exception turned a call away, here or in a client further in."""
    return isinstance(error, MyAPIError) and error.as_httpx is not None


_made: Final[dict[tuple[str, type[MyAPIError]], type[MyAPIError]]] = {}


class _OfFamily(MyAPIError):  # noqa: N818 - one half of an error
    """A rejection that is an error of httpx or httpx2 as well; its class is made at run time."""

    _family_name: str
    _ours: type[MyAPIError]

    def _maker(self) -> Maker:
        """Return the names from which the class is made again."""
        return _restore, (self._family_name, self._ours, self.args)


@cache
def rejections_for(family: Family) -> Rejections:
    """Return the classes that are errors of a family too."""
    return Rejections(family)


def _joined(family_name: str, ours: type[MyAPIError]) -> type[MyAPIError]:
    """Return the one class that is both, made when it is asked for."""
    made = _made.get((family_name, ours))
    if made is None:
        made = _made.setdefault((family_name, ours), _join(family_name, ours))
    return made


def _join(family_name: str, ours: type[MyAPIError]) -> type[MyAPIError]:
    theirs: type[Exception] = getattr(family_named(family_name).module, str(ours.as_httpx))
    attributes = {
        "__doc__": ours.__doc__,
        "__module__": ours.__module__,
        "_family_name": family_name,
        "_ours": ours,
        REQUEST: None,
    }
    return type(ours.__name__, (_OfFamily, ours, theirs), attributes)


def _restore(family_name: str, ours: type[MyAPIError], args: tuple[object, ...]) -> MyAPIError:
    return rebuild(_joined(family_name, ours), args, {"response": None, REQUEST: None}, None)
