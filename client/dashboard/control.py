"""What can be done on the page, where it was asked for: to isolate, release and reset circuits."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, cast

from ..config.did_you_mean import did_you_mean
from .answers import Answer, Refused
from .guard import checked_names
from .watched import knows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .state import LocalState

__all__ = ["ACTIONS", "LARGEST_ORDER", "checked_actions", "obey"]

ACTIONS: Final = ("isolate", "release", "reset")
_PARTS: Final = frozenset({"action", "client", "scope", "reason", "seconds"})
LARGEST_ORDER: Final = 4096
"""Bytes of a request's body."""


def checked_actions(actions: Iterable[str]) -> tuple[str, ...]:
    """Return the actions that somebody asked for, in the order in which they are shown.

    Raises:
        TypeError: They are no collection.
        ValueError: There is none of that name.
    """
    given = checked_names("actions", actions, "isolate")
    for each in given:
        if each not in ACTIONS:
            hint = did_you_mean(str(each), ACTIONS)
            raise ValueError(f"actions has {each!r}: there are {', '.join(ACTIONS)}{hint}")
    return tuple(each for each in ACTIONS if each in given)


def obey(body: bytes, state: LocalState, actions: tuple[str, ...]) -> Answer:
    """Do what an order says, and answer it.

    Raises:
        Refused: It is none, or of something that is not there.
    """
    order = _read(body)
    action, scope = order.get("action"), order.get("scope")
    if not isinstance(action, str) or action not in actions:
        text = (
            f"no such action here: name it in dashboard(actions=...), one of {', '.join(ACTIONS)}"
        )
        raise Refused(HTTPStatus.FORBIDDEN, text)
    client = state.find(order.get("client"))
    if client is None:
        raise Refused(HTTPStatus.NOT_FOUND, "there is no such client, or no longer")
    if scope is not None and not (isinstance(scope, str) and knows(client, scope)):
        raise Refused(HTTPStatus.NOT_FOUND, "the client has no such circuit or target")
    _act(client.circuit, action, scope, order)
    done = {"done": action, "client": order["client"], "scope": scope}
    return Answer(HTTPStatus.OK, json.dumps(done).encode(), "application/json")


def _act(circuit: Any, action: str, scope: str | None, order: dict[str, Any]) -> None:
    try:
        if action == "isolate":
            circuit.isolate(order.get("reason"), scope=scope, seconds=order.get("seconds"))
        else:
            getattr(circuit, action)(scope=scope)
    except (ValueError, RuntimeError) as error:
        raise Refused(HTTPStatus.BAD_REQUEST, str(error)) from error


def _read(body: bytes) -> dict[str, Any]:
    try:
        order: Any = json.loads(body, object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError) as error:
        raise Refused(HTTPStatus.BAD_REQUEST, "the body is no JSON") from error
    if not isinstance(order, dict):
        raise Refused(HTTPStatus.BAD_REQUEST, "the body is no JSON object")
    if order.keys() - _PARTS:  # a scope that is misspelt must not mean everything
        text = f"an order has {', '.join(sorted(_PARTS))}, and nothing else"
        raise Refused(HTTPStatus.BAD_REQUEST, text)
    return cast("dict[str, Any]", order)


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; one that says something twice is read differently by everybody."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands there twice")
    return found
