"""Puts our HTTP/2 connections in the place of httpcore's own, in a pool that speaks HTTP/2.

Without ours, a cancelled call would cost its neighbours their connection.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from ...errors.httpcore_names import (
    CONNECT_FAILED,
    CONNECTION,
    FORWARDS,
    KEEPALIVE,
    OPENING_LOCKS,
    ORIGIN,
    SOCKET,
    check_http2,
)
from .h2_names import check_h2

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    Face = Callable[..., object]

__all__ = ["has_failed_to_connect", "put_in_place"]

_BELOW: Final = (ORIGIN, SOCKET, KEEPALIVE)
_ORIGINALS: Final = ("HTTP2Connection", "AsyncHTTP2Connection")


def put_in_place(pool: Any, face: Face, turn: Face) -> None:
    """Replace the HTTP/2 connections that a pool makes by ours.

    Args:
        pool: Of httpcore or httpcore2.
        face: The class of such a connection.
        turn: The class of the lock under which a connection is opened.

    Raises:
        RuntimeError: This httpcore, or h2, is built otherwise.
    """
    httpcore = sys.modules[type(pool).__module__.partition(".")[0]]
    check_http2(httpcore)
    check_h2()
    create = pool.create_connection

    def create_connection(origin: object) -> object:
        made = create(origin)
        if not _forwards(made):
            lock = next(name for name in OPENING_LOCKS if hasattr(made, name))
            setattr(made, lock, turn(httpcore, made, getattr(made, lock)))
            made.__class__ = _watched(made.__class__, httpcore, face, lock)
        return made

    pool.create_connection = create_connection


def has_failed_to_connect(connection: object) -> bool:
    """Whether a connection of a pool was to be opened, and could not be."""
    failed: bool = getattr(connection, CONNECT_FAILED)
    return failed


def _forwards(connection: object) -> bool:
    """Whether a connection to a proxy hands requests on as they are, which is HTTP/1.1."""
    return type(connection).__name__.endswith(FORWARDS)


@cache
def _watched(kind: type[object], httpcore: ModuleType, face: Face, lock: str) -> type[object]:
    """Return a class of connection that puts one of ours in place where it finds HTTP/2."""
    originals = tuple(getattr(httpcore, name) for name in _ORIGINALS)

    def get_connection(self: object) -> object:
        return self.__dict__[CONNECTION]

    def set_connection(self: object, value: object) -> None:
        if isinstance(value, originals):
            value = face(httpcore, *(getattr(value, name) for name in _BELOW))
        vars(self)[CONNECTION] = value

    def get_failed(self: object) -> bool:
        failed: bool = self.__dict__.get(CONNECT_FAILED, False)
        return failed

    def set_failed(self: object, value: bool) -> None:  # noqa: FBT001 - the setter of a property
        # Whoever gave up waiting for the lock has not failed to connect.
        own = self.__dict__
        is_open, is_opening = own[CONNECTION] is not None, own[lock].is_taken
        vars(self)[CONNECT_FAILED] = value and not (is_open or is_opening)

    return type(
        kind.__name__,
        (kind,),
        {
            CONNECTION: property(get_connection, set_connection),
            CONNECT_FAILED: property(get_failed, set_failed),
        },
    )
