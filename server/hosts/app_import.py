"""The app that a server stands in front of: an ASGI callable, or where to import one."""

import importlib
from collections.abc import Callable
from typing import Any, TypeGuard

from ..errors import BadAppError

Asgi = Callable[..., Any]  # starlette's own type of it is part of the extra
_HOW = "give an ASGI application, or where to import one as 'module:attribute'"


def check_app(app: object, *, subprocess: bool = False) -> None:
    """Check, without importing anything, what was given as an app.

    Raises:
        BadAppError: It is no app, or none that another process can import.
    """
    if isinstance(app, str):
        module, _, attribute = app.partition(":")
        names = [*module.split("."), *attribute.split(".")]
        if not all(name.isidentifier() for name in names):
            raise BadAppError(f"app is {app!r}; {_HOW}, such as 'shop.main:app'")
    elif not _is_callable(app):
        raise BadAppError(f"app is {app!r}, which cannot be called; {_HOW}")
    elif subprocess:
        raise BadAppError(
            f"app is {app!r}, which another process cannot have; with subprocess=True give where "
            "to import it, as 'module:attribute'"
        )


def import_app(app: Asgi | str) -> Asgi:
    """Return the app, imported if need be.

    Raises:
        BadAppError: There is no such app; what the module itself raises passes.
    """
    check_app(app)
    if not isinstance(app, str):
        return app
    name, _, attributes = app.partition(":")
    try:
        found: object = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        raise BadAppError(
            f"app is {app!r}, but there is no module {error.name!r} on sys.path; "
            "give one that can be imported from here"
        ) from error
    for attribute in attributes.split("."):
        try:
            found = getattr(found, attribute)
        except AttributeError:
            raise BadAppError(
                f"app is {app!r}, but {found!r} has no attribute {attribute!r}; {_HOW}"
            ) from None
    if not _is_callable(found):
        raise BadAppError(f"app is {app!r}, which is {found!r} and cannot be called; {_HOW}")
    return found


def _is_callable(app: object) -> TypeGuard[Asgi]:
    return callable(app)
