"""What may be a middleware: looked at when a client is made, not when it is first called."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["check_colour", "handlers_of", "name_of"]

_SIGNATURE = "(request, call_next)"


def handlers_of(name: str, given: Iterable[object], *, is_async: bool) -> tuple[Any, ...]:
    """Return what is called of each middleware, in a client of one world.

    Args:
        name: Of the argument that they were given as.
        given: The middleware, the outermost first.
        is_async: Whether the client is an async one.

    Raises:
        TypeError: One cannot be called so, or only in clients of the other world.
    """
    return tuple(_handler_of(name, each, is_async=is_async) for each in given)


def _handler_of(argument: str, middleware: object, *, is_async: bool) -> Callable[..., object]:
    what = f"{argument} has {name_of(middleware)}"
    if isinstance(middleware, type):
        raise TypeError(f"{what}, a class: give an instance of it")
    wanted, other = ("handle_async", "handle") if is_async else ("handle", "handle_async")
    method = getattr(middleware, wanted, None)
    if method is not None:
        check_colour(f"{what}, whose {wanted}", method, 2, _SIGNATURE, is_async=is_async)
        return cast("Callable[..., object]", method)
    if callable(middleware):
        check_colour(f"{what}, which", middleware, 2, _SIGNATURE, is_async=is_async)
        return middleware
    if hasattr(middleware, other):
        kind = "an async" if is_async else "a blocking"
        raise TypeError(f"{what} without {wanted}: {kind} client needs that")
    raise TypeError(f"{what}: give a function {_SIGNATURE}, or an object with {wanted}")


def check_colour(
    what: str, function: object, arguments: int, signature: str, *, is_async: bool
) -> None:
    """Refuse a function that a client cannot call, or cannot await, or would have to.

    Args:
        what: How the text begins.
        function: The function.
        arguments: How many it is given.
        signature: How they are written.
        is_async: Whether the client is an async one.

    Raises:
        TypeError: It is such a one.
    """
    if not callable(function):
        raise TypeError(f"{what} is {function!r}: give it a method {signature}")
    if _is_async(function) != is_async:
        raise TypeError(
            f"{what} is a plain function: an async client needs an async def"
            if is_async
            else f"{what} is async: a blocking client needs a plain function"
        )
    try:
        shape = inspect.signature(function)
    except (TypeError, ValueError):
        return  # of C, say
    try:
        shape.bind(*(None,) * arguments)
    except TypeError as error:
        taken = shape.replace(return_annotation=inspect.Signature.empty)
        raise TypeError(f"{what} takes {taken}: it is called as {signature}") from error


def name_of(thing: object) -> str:
    """Return how to name an object in a text: as what it is called, or as its class."""
    name = getattr(thing, "__qualname__", None)
    whole = name if isinstance(name, str) else type(thing).__qualname__
    return whole.rpartition("<locals>.")[2]


def _is_async(function: object) -> bool:
    call = getattr(function, "__call__", None)  # noqa: B004 - the method itself is asked for
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)
