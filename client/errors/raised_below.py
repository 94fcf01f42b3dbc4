"""Where an exception was raised: below this library, or in code that the caller handed in.

Only a failure comes here. A traceback tells: its frames lead from the attempt down to the place.

Rule 1  Code of the standard library belongs to whoever called it.
Rule 2  Code of nobody known here is the caller's. Called by httpx as a hook, an auth flow or a
        body it stays his, whatever it calls in turn.
Rule 3  Such code in the place of a transport, or around one, is a way down: what it raises itself
        is its own, what comes from beneath it is from below.
Rule 4  Such code that a library of the network calls stands in for a part of that library, unless
        it is a signal handler.
"""

from __future__ import annotations

from enum import Enum
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from . import httpcore_names, httpx_names
from .owners import OURS, Owner, owner_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

__all__ = ["Origin", "Place", "is_an_interrupt", "origin_of_error", "was_born_below"]

_CALL_FLOWS_AND_HOOKS: Final = frozenset({httpx_names.WITH_AUTH, httpx_names.WITH_REDIRECTS})
# Modules of httpx and of this library that read a body or an auth flow of the caller's.
# What fails in a reader of bodies itself is the caller's too: files of the standard library, and
# flows that yield nothing, have no frames.
_READERS_OF_BODIES: Final = frozenset({httpx_names.CONTENT, httpx_names.MULTIPART})
_RUNS_A_FLOW: Final = ("Auth.", "FunctionAuth.")
_CALLERS_OF_CODE: Final = _READERS_OF_BODIES | {httpx_names.AUTH}
_OWN_READERS_OF_BODIES: Final = frozenset(
    {"http.bodies.request_body", "http.bodies.sent_request", "http.bodies.sources"}
)
_OWN_CALLERS_OF_CODE: Final = _OWN_READERS_OF_BODIES | {
    "http.bodies.auth_flows",
    "transports.aiohttp.exchange",
}
# Of httpcore: what runs before there is a connection, and what closes one.
_CONNECTING: Final = frozenset(
    {
        httpcore_names.CONNECT,
        httpcore_names.INIT_SOCKS,
        "connect_tcp",
        "connect_unix_socket",
        "start_tls",
    }
)
_CLOSING: Final = frozenset({"aclose", "close"})
_CHECKS_CHUNKS: Final = "h11"
"""What raises over a body that yields something else than bytes, before the network has it."""


# Of this library: what opens connections, what acts on them, what reads, what sends a body.
_OWN_SENDS_BODY: Final = "_chunks_of"
_OWN_READING: Final = frozenset({"_next_chunk", "_receive_head", "head", "read"})
_CHECKS_A_REQUEST: Final = "check"
"""Of the rules for redirects; the request may be what an auth flow of the caller's yields."""
_OWN_DIALING: Final = frozenset(
    {("transports.aiohttp.parts", "open"), ("transports.aiohttp.routes", "dial")}
)
_OWN_REDIRECTS: Final = "http.redirects"
_OWN_WIRE: Final = "transports."
_OWN_FRONT: Final = "transports.aiohttp.transport"
_NOT_YET_THE_WIRE: Final = frozenset(
    {_OWN_FRONT, "transports.aiohttp.exchange", "transports.aiohttp.request"}
)
_READS_A_BODY: Final = tuple(
    f"Response.{name}" for name in ("iter_", "aiter_", "read", "aread", "close", "aclose")
)
_KEEPS_COOKIES: Final = "Cookies.extract_cookies"
_TRANSPORTS: Final = frozenset(
    {httpx_names.ASGI, httpx_names.HTTP, httpx_names.MOCK, httpx_names.WSGI}
)


class Place(Enum):
    """Where, in the course of an attempt, an exception was raised."""

    CONNECTING = "connecting"
    SENDING = "sending"
    READING = "reading"
    CLOSING = "closing"
    ANSWER = "what an answer asked for: a redirect, a challenge, a coding"
    TRANSPORT = "a transport of somebody else's, by itself"
    CALLER = "a hook, an auth flow or a body of the caller's"
    ELSEWHERE = "elsewhere, as where an argument is checked"


_PHASES: Final = frozenset({Place.CLOSING, Place.CONNECTING, Place.READING})


class Origin(NamedTuple):
    """Where an exception was raised, and whether answers had come before it in its attempt."""

    place: Place
    was_answered: bool
    was_redirected: bool


def was_born_below(error: BaseException) -> bool:
    """Whether an exception was caught in a library before it came into anybody else's hands."""
    for frame in _frames(error):
        return owner_of(frame.f_globals.get("__name__", "")) is not Owner.FOREIGN
    return True


def is_an_interrupt(error: BaseException) -> bool:
    """Whether a signal handler raised it amid a call, as that of Celery's soft time limit does.

    An `OSError` says nothing of that: httpcore puts an exception of its own in the place of one.
    """
    if isinstance(error, OSError):
        return False
    return any(_is_handler(frame, before) for before, frame in pairwise(_frames(error)))


def _is_handler(frame: FrameType, interrupted: FrameType) -> bool:
    """Whether it has been given the very frame that it interrupts, as only Python itself does."""
    for value in frame.f_locals.values():
        handed = cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,)
        if any(each is interrupted for each in handed):
            return True
    return False


def origin_of_error(error: BaseException) -> Origin:
    """Return where an exception of an attempt was raised."""
    reader = _Reader()
    for frame in _frames(error):
        reader.read(frame)
    if error.__cause__ is not None and (reader.translates or _is_in_place_of_a_stop(error)):
        # httpx has put its own exception in the place of one of httpcore's, or Python one that
        # does not know the generator.
        for frame in _frames(error.__cause__):
            reader.read(frame)
    return Origin(reader.result(), reader.was_answered, reader.was_redirected)


def _is_in_place_of_a_stop(error: BaseException) -> bool:
    """Whether Python itself raised it: no `StopIteration` leaves a generator (PEP 479)."""
    is_a_stop = isinstance(error.__cause__, StopIteration | StopAsyncIteration)
    return is_a_stop and isinstance(error, RuntimeError)


def _frames(error: BaseException) -> Iterator[FrameType]:
    step = error.__traceback__
    while step is not None:
        yield step.tb_frame
        step = step.tb_next


class _Reader:
    """Follows the frames of one traceback from the outside in."""

    def __init__(self) -> None:
        self.was_answered = False
        self.was_redirected = False
        self._place = Place.ELSEWHERE
        self._is_refusal = False
        """Whether the last frame is one in which httpx itself refuses what it is asked for."""
        self._calls_caller = False
        """Whether the last frame calls hooks, auth flows or bodies of the caller's."""
        self._calls_wire = False
        """Whether the last frame calls what the libraries of the network are made of."""
        self.translates = False
        """Whether the last frame is one in which httpx translates httpcore's exceptions."""
        self._sends_body = False
        """Whether what the libraries of the network are given next are bytes of the caller's."""
        self._calls_app = False
        """Whether it calls what stands in the place of a server."""
        self._place_of_foreign = Place.CALLER
        self._in_transport = False
        self._in_caller = False
        self._is_sealed = False
        """Whether the caller's code has begun a request of its own."""

    def result(self) -> Place:
        if self._in_caller:
            return self._place_of_foreign
        if self._in_transport:
            return Place.TRANSPORT
        return Place.ELSEWHERE if self._is_refusal else self._place

    def read(self, frame: FrameType) -> None:
        module, code = frame.f_globals.get("__name__", ""), frame.f_code
        owner = owner_of(module)
        if owner is Owner.NEUTRAL:
            return
        if owner is Owner.FOREIGN:
            self._read_foreign()
            return
        if self._in_transport:
            self._calls_wire = False
        leaf = module.rpartition(".")[2]
        if self._in_caller and not self._leaves_caller(owner, leaf, code.co_name):
            return
        self._is_refusal = self._calls_caller = self._calls_app = self.translates = False
        if owner is Owner.HTTPX:
            self._read_httpx(frame, leaf)
        elif owner is Owner.WIRE:
            self._read_wire(module, leaf, code.co_name)
        else:
            self._read_own(module[len(OURS) + 1 :], code.co_name)

    def _read_foreign(self) -> None:
        self._in_caller |= self._calls_caller
        if not self._calls_wire:
            self._in_transport = True
        # An application, or a mock, in the place of a server: whatever it calls is its own.
        self._in_caller |= self._calls_app
        self._place_of_foreign = Place.TRANSPORT if self._calls_app else self._place_of_foreign

    def _leaves_caller(self, owner: Owner, leaf: str, name: str) -> bool:
        """Whether a frame goes on with the exchange, as where vcrpy stands around a function."""
        is_client = owner is Owner.HTTPX and leaf == httpx_names.CLIENT
        if not is_client or self._is_sealed or self._calls_app:
            return False
        self._is_sealed = name != httpx_names.ONE_EXCHANGE
        self._in_caller = self._is_sealed
        return not self._is_sealed

    def _read_httpx(self, frame: FrameType, leaf: str) -> None:
        name, whole_name = frame.f_code.co_name, frame.f_code.co_qualname
        self._calls_caller = leaf in _CALLERS_OF_CODE or name in _CALL_FLOWS_AND_HOOKS
        self._sends_body = False
        if leaf == httpx_names.CLIENT:
            self._is_refusal = True
            self._read_client(frame, name)
        elif leaf == httpx_names.MODELS:
            self._is_refusal = whole_name.startswith(_READS_A_BODY)
            if whole_name.startswith((*_READS_A_BODY, _KEEPS_COOKIES)):
                self._move_to(Place.READING)
        elif leaf in _READERS_OF_BODIES or whole_name.startswith(_RUNS_A_FLOW):
            self._move_to(Place.CALLER)
        elif leaf in {httpx_names.AUTH, httpx_names.DECODERS}:
            self._move_to(Place.ANSWER)
        elif leaf in _TRANSPORTS:
            self._calls_app = leaf != httpx_names.HTTP
            self.translates = leaf == httpx_names.HTTP
            self._move_to(Place.SENDING)

    def _read_client(self, frame: FrameType, name: str) -> None:
        if name in _CALL_FLOWS_AND_HOOKS:
            has_answer = frame.f_locals.get("response") is not None
            self.was_answered |= has_answer
            self.was_redirected |= has_answer and name == httpx_names.WITH_REDIRECTS
        elif name == httpx_names.ONE_EXCHANGE:
            self._move_to(Place.SENDING)
        elif name == httpx_names.TO_REDIRECT:
            self._move_to(Place.ANSWER)
        if self._place is Place.ANSWER:
            self._is_refusal = False

    def _read_wire(self, package: str, leaf: str, name: str) -> None:
        is_body = name == httpcore_names.SEND_BODY
        self._calls_caller = is_body or leaf == httpcore_names.TRACE
        self._sends_body |= is_body
        # The others may call anything: anyio runs whatever it is given.
        self._calls_wire |= package.startswith("httpcore")
        if self._sends_body and package.startswith(_CHECKS_CHUNKS):
            self._move_to(Place.CALLER)
        elif name in _CONNECTING:
            self._move_to(Place.CONNECTING)
        elif name.startswith(httpcore_names.RECEIVE):
            self._move_to(Place.READING)
        elif name in _CLOSING:
            self._move_to(Place.CLOSING)
        elif self._place not in _PHASES:
            self._move_to(Place.SENDING)
        self._in_transport = False

    def _read_own(self, module: str, name: str) -> None:
        self._calls_caller = module in _OWN_CALLERS_OF_CODE or name == _OWN_SENDS_BODY
        # The fast transport refuses arguments there, and leaves the rest to others.
        self._is_refusal = module == _OWN_FRONT
        is_wire = module.startswith(_OWN_WIRE) and module not in _NOT_YET_THE_WIRE
        if is_wire:
            self._calls_wire = True
            self._move_to(Place.SENDING if self._place is Place.ELSEWHERE else self._place)
        if module in _OWN_READERS_OF_BODIES:
            self._move_to(Place.CALLER)
        elif (module, name) in _OWN_DIALING:
            self._move_to(Place.CONNECTING)
        elif module == _OWN_REDIRECTS and (self.was_redirected or name != _CHECKS_A_REQUEST):
            self._move_to(Place.ANSWER)
        elif is_wire and name in _OWN_READING:
            self._move_to(Place.READING)

    def _move_to(self, place: Place) -> None:
        self._place = place
        self._in_transport = False
