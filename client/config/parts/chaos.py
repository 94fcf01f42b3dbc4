"""The settings of chaos: faults that are injected on purpose."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, TypeAlias, cast

from pydantic import BeforeValidator, Field, PlainValidator

from ..checks import check_headers, count, not_allowed, refuse
from ..settings import Seconds, Settings, Share

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["AnswerFault", "CallFault", "ChaosConfig", "DelayFault", "Fault", "RaiseFault"]


def _check_exception(value: object) -> object:
    if isinstance(value, Exception) or _takes_a_text(value):
        return value
    raise not_allowed(value, "an exception, or a class of exceptions that takes a text alone")


def _takes_a_text(kind: object) -> bool:
    if not isinstance(kind, type):
        return False
    try:
        return isinstance(kind(""), Exception)
    except Exception:  # noqa: BLE001 - a foreign class may do anything
        return False


def _check_body(value: object) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bytes):
        return value
    raise not_allowed(type(value), "bytes or a text")


def _check_function(value: object) -> object:
    if value is not None and callable(value):
        return value
    raise not_allowed(value, "a function that takes the request")


class _Fault(Settings):
    """What all faults are: they may also be given by position, in the order of their fields."""

    def __init__(self, *given: object, **settings: object) -> None:
        names = tuple(type(self).model_fields)
        if len(given) > len(names):
            takes = f"{type(self).__name__} takes {', '.join(names)}"
            raise TypeError(f"{takes}, and was given {len(given)} arguments")
        twice = [name for name in names[: len(given)] if name in settings]
        if twice:
            raise TypeError(f"{type(self).__name__} was given {twice[0]} twice")
        super().__init__(**dict(zip(names, given, strict=False)), **settings)


class RaiseFault(_Fault):
    """Raises an exception in place of an attempt, as if the network had.

    Attributes:
        exception: An exception of httpx, or its class; one of the operating system, such as
            `ConnectionResetError`, comes as that of httpx. Any other is a bug in the client's eyes.
    """

    exception: Annotated[Exception | type[Exception], PlainValidator(_check_exception)]

    if TYPE_CHECKING:

        def __init__(self, exception: Exception | type[Exception]) -> None: ...


class DelayFault(_Fault):
    """Waits before an attempt is sent; no longer than the deadline allows.

    Attributes:
        seconds: How long.
    """

    seconds: Seconds

    if TYPE_CHECKING:

        def __init__(self, seconds: float) -> None: ...


class AnswerFault(_Fault):
    """Answers an attempt without sending it.

    Attributes:
        status: Of the answer; 200 to 599.
        headers: Of the answer.
        body: Of the answer.
    """

    status: Annotated[int, BeforeValidator(count(200, 599))]
    headers: Annotated[dict[str, str], BeforeValidator(check_headers)] = Field(default_factory=dict)
    body: Annotated[bytes | str, PlainValidator(_check_body)] = b""

    if TYPE_CHECKING:

        def __init__(
            self, status: int, headers: Mapping[str, str] = ..., body: bytes | str = ...
        ) -> None: ...

    def __repr_args__(self) -> Iterable[tuple[str | None, object]]:
        """Return what was given, but for what may be a secret."""
        for name, value in super().__repr_args__():
            if name == "headers":
                yield name, dict.fromkeys(self.headers, "***")
            else:
                yield name, "***" if name == "body" else value


class CallFault(_Fault):
    """Calls a function before an attempt is sent.

    Attributes:
        callable: Takes the request. Returns None to let it be sent, or a response in place of it;
            what it raises is raised. It may be async in an async client.
    """

    callable: Annotated[Callable[..., object], PlainValidator(_check_function)]

    if TYPE_CHECKING:

        def __init__(self, callable: Callable[..., object]) -> None: ...  # noqa: A002 - its name


Fault: TypeAlias = RaiseFault | DelayFault | AnswerFault | CallFault


def _check_faults(value: object) -> tuple[Fault, ...]:
    faults = cast("list[object]", value) if isinstance(value, list | tuple) else []
    if not faults:
        what = "a list of faults: RaiseFault, DelayFault, AnswerFault, CallFault; one at least"
        raise not_allowed(cast("object", value), what)
    return tuple(map(_check_fault, faults))


def _check_fault(value: object) -> Fault:
    if isinstance(value, RaiseFault | DelayFault | AnswerFault | CallFault):
        return value
    if isinstance(value, Mapping):
        given = cast("Mapping[str, object]", value)
        for kind in (DelayFault, AnswerFault, RaiseFault, CallFault):
            if next(iter(kind.model_fields)) in given:
                return kind.model_validate(given)
    raise refuse(
        "fault",
        "a {given} is no fault: give a RaiseFault, DelayFault, AnswerFault or CallFault",
        given=type(cast("object", value)).__name__,
    )


class ChaosConfig(Settings):
    """Faults that are injected into attempts, to see that what is around them holds.

    Nothing happens unless the client was also made with `allow_chaos=True`.

    Attributes:
        faults: Of which one is drawn each time; also as dicts, such as `{"status": 503}` or
            `{"seconds": 2}`. At least one.
        injection_rate: The share of attempts that get a fault; 0 to 1, default 0.0.
        seed: Makes the same draws each time; a whole number from 0 to 4,294,967,295,
            default None.
    """

    faults: Annotated[Sequence[Fault], PlainValidator(_check_faults)]
    injection_rate: Share = 0.0
    seed: Annotated[int, BeforeValidator(count(0, 2**32 - 1))] | None = None
