"""Shows, on each drop-in client, the signatures of its httpx class with what is added to them.

The methods are written once for both families, with their arguments in a `TypedDict`: that is
what type checkers read. `inspect.signature`, and whatever leans on it, reads what is put here.
"""

from __future__ import annotations

from inspect import Parameter, Signature, signature
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

from ..shown import documented
from .options import IdentityOptions, ResilienceOptions, RetrySettings

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

__all__ = ["add_signatures", "arguments_of"]

_CONSTRUCTED: Final[dict[str, object]] = {
    "name": "default",
    "listeners": (),
    "telemetry": (),
    "plugins": (),
    "allow_chaos": False,
}
_AS_IN_HTTPX: Final = frozenset({"build_request"})


def add_signatures(face: type[object], base: type[object]) -> None:
    """Give a class its own copy of each method that widens one of httpx's, with its signature."""
    for name, theirs in _methods_of(base).items():
        ours = getattr(face, name)
        options = getattr(ours, "__annotations__", {}).get("options")
        if options is not None and ours is not theirs:
            signed = _signed(ours, _widened(_signature_of(theirs), name))
            if name not in _AS_IN_HTTPX:
                signed.__doc__ = documented(signed.__doc__, *_words_about(name))
            setattr(face, name, signed)


def _words_about(name: str) -> list[type[object]]:
    return [ResilienceOptions, IdentityOptions] if name == "__init__" else [ResilienceOptions]


def _methods_of(base: type[Any]) -> dict[str, Any]:
    named = {name: getattr(base, name) for name in dir(base) if not name.startswith("_")}
    return named | {"__init__": base.__init__}


def arguments_of(method: Callable[..., object], ours: Collection[str]) -> Collection[str]:
    """Return the names of the arguments that one of httpx's methods takes.

    Args:
        method: The method, or what a tool has put in its place.
        ours: The names as they stand in our own declarations, in case it takes any.
    """
    theirs = _signature_of(method).parameters
    takes_any = any(each.kind is Parameter.VAR_KEYWORD for each in theirs.values())
    return {*theirs, *ours} if takes_any else theirs.keys()


def _signature_of(method: Callable[..., object]) -> Signature:
    """Return the signature of one of httpx's methods, or of what a tool has put in its place.

    sentry-sdk, instrumentations and test doubles leave methods with other parameters, mostly
    `(*args, **kwargs)`; that is assumed, too, of what has no signature at all.
    """
    try:
        return signature(method)
    except (TypeError, ValueError):
        return signature(_taking_anything)


def _taking_anything(*args: object, **kwargs: object) -> None:
    """Show what is assumed of a method without a signature."""


def _signed(method: FunctionType, shown: Signature) -> FunctionType:
    copy = FunctionType(
        method.__code__,
        method.__globals__,
        method.__name__,
        method.__defaults__,
        method.__closure__,
    )
    copy.__kwdefaults__ = method.__kwdefaults__
    copy.__dict__.update(method.__dict__, __signature__=shown)
    for attribute in ("__annotations__", "__doc__", "__module__", "__qualname__"):
        setattr(copy, attribute, getattr(method, attribute))
    return copy


def _widened(shown: Signature, name: str) -> Signature:
    ours = [] if name in _AS_IN_HTTPX else _added()
    if name == "__init__":
        ours += _only_in_constructors()
    added = {each.name: each for each in ours}
    theirs = [each for each in shown.parameters.values() if each.name not in added]
    # Python wants `**kwargs` last. httpx's own methods have none, a tool's may.
    rest = [each for each in theirs if each.kind is Parameter.VAR_KEYWORD]
    named = [each for each in theirs if each.kind is not Parameter.VAR_KEYWORD]
    return shown.replace(parameters=[*named, *added.values(), *rest])


def _added() -> list[Parameter]:
    return _parameters(ResilienceOptions, RetrySettings.defaults())


def _only_in_constructors() -> list[Parameter]:
    return _parameters(IdentityOptions, _CONSTRUCTED)


def _parameters(options: Any, defaults: dict[str, object]) -> list[Parameter]:
    # The values are as they were written, for annotations are not evaluated there.
    annotations = options.__annotations__
    return [
        Parameter(
            name,
            Parameter.KEYWORD_ONLY,
            default=default,
            annotation=annotations[name].__forward_arg__,
        )
        for name, default in defaults.items()
    ]
