"""Shows, on each drop-in client, the signatures of its httpx class with what is added to them.

The methods are written once for both families, with their arguments in a `TypedDict`: that is
what type checkers read. `inspect.signature`, and whatever leans on it, reads what is put here.
"""

from __future__ import annotations

from inspect import Parameter, Signature, signature
from types import FunctionType
from typing import Any, Final

from client.drop_in_options import ResilienceOptions, RetrySettings

__all__ = ["add_signatures"]

_AS_IN_HTTPX: Final = frozenset({"build_request"})


def add_signatures(face: type[Any], base: type[Any]) -> None:
    """Give a class its own copy of each method that widens one of httpx's, with its signature."""
    for name, theirs in _methods_of(base).items():
        ours = getattr(face, name)
        options = getattr(ours, "__annotations__", {}).get("options")
        if options is not None and ours is not theirs:
            setattr(face, name, _signed(ours, _widened(signature(theirs), name)))


def _methods_of(base: type[Any]) -> dict[str, Any]:
    named = {name: getattr(base, name) for name in dir(base) if not name.startswith("_")}
    return named | {"__init__": base.__init__}


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
    added = () if name in _AS_IN_HTTPX else _added()
    return shown.replace(parameters=[*shown.parameters.values(), *added])


def _added() -> list[Parameter]:
    # The values are as they were written, for annotations are not evaluated there.
    annotations = ResilienceOptions.__annotations__
    return [
        Parameter(
            name,
            Parameter.KEYWORD_ONLY,
            default=default,
            annotation=annotations[name].__forward_arg__,
        )
        for name, default in RetrySettings.defaults().items()
    ]
