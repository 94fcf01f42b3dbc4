"""How an error is pickled: with its chain of causes, once each, and without anybody's secrets.

A chain may be long, or a circle, so it is written as a list of links and nothing here recurses
along it. What refuses to be pickled is left out. Requests are written with their method and masked
URL alone, answers without their cookies, and what libraries quote is cut from their texts.
"""

from __future__ import annotations

import pickle
import threading
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, cast

from .owners import FAMILIES
from .safe_texts import safe_args
from .urls import mask_url

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Maker", "Pickled", "reduced"]

Maker = tuple["Callable[..., BaseException]", tuple[object, ...]]
"""What makes an error, without its state, and with what arguments."""

_PLAIN: Final = (str, bytes, int, float, type(None))
# The guards that a response has on it while its body is not read.
_GUARDS: Final = ("iter_raw", "iter_bytes", "aiter_raw", "aiter_bytes")


class Pickled(Protocol):
    """An error that says how it is made again."""

    def _maker(self) -> Maker: ...


class _Link(NamedTuple):
    """Stands for an error of the same chain."""

    number: int


class _Value(NamedTuple):
    """A pickled attribute."""

    data: bytes


class _Work(threading.local):
    """What this thread is pickling: attributes done by id, and errors that are under way."""

    def __init__(self) -> None:
        self.depth = 0
        self.done: dict[int, bytes | None] = {}
        self.under_way: set[int] = set()


_work: Final = _Work()


def reduced(error: Any) -> tuple[object, ...]:
    """Return what `__reduce__` of an error returns.

    Raises:
        PicklingError: The error is an attribute of itself, however deep.
    """
    if id(error) in _work.under_way:
        raise pickle.PicklingError("an error is part of itself")
    _work.depth += 1
    _work.under_way.add(id(error))
    try:
        return _restore, _chain_of(error)
    finally:
        _work.under_way.discard(id(error))
        _work.depth -= 1
        if not _work.depth:
            _work.done.clear()


def _chain_of(error: BaseException) -> tuple[list[bytes], int | None]:
    """Return the links of a chain, and the number of the one that the last is caused by."""
    chain, numbers = _walked(error)
    links: list[bytes] = []
    for each in chain:
        link = _link_of(each, numbers) if hasattr(each, "_maker") else _dumped(lightened(each))
        if link is None:
            if each is error:
                raise pickle.PicklingError(f"a {type(each).__qualname__} cannot be pickled")
            return links, None
        links.append(link)
    last_cause = chain[-1].__cause__
    return links, None if last_cause is None else numbers[id(last_cause)]


def _walked(error: BaseException) -> tuple[list[BaseException], dict[int, int]]:
    chain: list[BaseException] = []
    numbers: dict[int, int] = {}
    found: BaseException | None = error
    while found is not None and id(found) not in numbers:
        numbers[id(found)] = len(chain)
        chain.append(found)
        found = found.__cause__
    return chain, numbers


def _link_of(error: Any, numbers: dict[int, int]) -> bytes | None:
    state: dict[str, object] = {}
    own: dict[str, object] = error.__dict__
    for name, value in own.items():
        if id(value) in numbers and isinstance(value, BaseException):
            state[name] = _Link(numbers[id(value)])
        elif isinstance(value, _PLAIN):
            state[name] = value
        elif (data := _value_of(value)) is not None:
            state[name] = _Value(data)
    try:
        return pickle.dumps((*error._maker(), state))  # noqa: SLF001 - no name for users
    except Exception:  # noqa: BLE001 - a foreign argument, or a class nobody can import
        return None


def _value_of(value: object) -> bytes | None:
    done = _work.done
    if id(value) not in done:
        done[id(value)] = _dumped(lightened(value))
    return done[id(value)]


def _dumped(value: object) -> bytes | None:
    """Return a pickled value, or None for what cannot go there and back."""
    try:
        data = pickle.dumps(value)
        if not hasattr(value, "_maker"):
            # httpx.HTTPStatusError, for one, can be dumped and then not be loaded.
            pickle.loads(data)  # noqa: S301 - it was made in the line before
    except Exception:  # noqa: BLE001 - a foreign __reduce__ may raise anything
        return None
    return data


def _restore(links: list[bytes], back: int | None) -> BaseException:
    errors: list[BaseException] = []
    states: list[dict[str, object]] = []
    loaded_before: dict[int, object] = {}
    for link in links:
        loaded: Any = pickle.loads(link)  # noqa: S301 - part of a pickle that is being loaded already
        is_ours = loaded.__class__ is tuple
        errors.append(loaded[0](*loaded[1]) if is_ours else loaded)
        states.append(loaded[2] if is_ours else {})
    for error, state in zip(errors, states, strict=True):
        for name, value in state.items():
            if not isinstance(value, _Link):
                vars(error)[name] = _loaded(value, loaded_before)
            elif value.number < len(errors):
                vars(error)[name] = errors[value.number]
    for error, cause in pairwise(errors):
        error.__cause__ = cause
    if back is not None:
        errors[-1].__cause__ = errors[back]
    return errors[0]


def _loaded(value: object, before: dict[int, object]) -> object:
    """Return an attribute; what two have in common is one thing again, and loaded once."""
    if not isinstance(value, _Value):
        return value
    if id(value.data) not in before:
        before[id(value.data)] = pickle.loads(value.data)  # noqa: S301 - likewise
    return before[id(value.data)]


def lightened(value: Any) -> Any:
    """Return what of a value may be pickled: requests, answers and exceptions of libraries less."""
    try:
        if _is_of_httpx(value, "Request"):
            return type(value)(value.method, mask_url(str(value.url)))
        if _is_of_httpx(value, "Response"):
            return _light_response(value)
        if isinstance(value, BaseExceptionGroup):
            group = cast("BaseExceptionGroup[BaseException]", value)
            return group.derive([lightened(each) for each in group.exceptions])
        if isinstance(value, BaseException) and not hasattr(value, "_maker"):
            return _light_exception(value)
    except Exception:  # noqa: BLE001 - a foreign class may be made otherwise
        return _Refused()
    return value


class _Refused:
    """In place of what cannot be made lighter: it is left out."""

    def __reduce__(self) -> tuple[object, ...]:
        raise pickle.PicklingError


def _is_of_httpx(value: object, name: str) -> bool:
    return any(
        kind.__name__ == name and kind.__module__.partition(".")[0] in FAMILIES
        for kind in type(value).__mro__
    )


def _light_response(response: Any) -> Any:
    whole = response.__getstate__().items()
    state = {name: lightened(value) for name, value in whole if name not in _GUARDS}
    state["next_request"] = None
    state["history"] = [_light_response(each) for each in response.history]
    state["headers"] = headers = response.headers.copy()
    headers.pop("set-cookie", None)
    kind: Any = response.__class__
    light = kind.__new__(kind)
    light.__setstate__(state)
    return light


def _light_exception(error: BaseException) -> BaseException:
    how: tuple[Any, ...] = tuple(error.__reduce_ex__(2))
    light: BaseException = how[0](*safe_args(error, how[1]))
    state: dict[str, object] = (how[2] if len(how) > 2 else None) or {}  # noqa: PLR2004 - its place
    for name, value in state.items():
        vars(light)[name] = lightened(value)
    return light
