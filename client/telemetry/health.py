"""`client.health()`: whether a client can do its work, for probes and for people.

An open circuit is an outage of somebody else. By default it leaves a client ready: where every
instance of a service called itself unready for it, all of them would leave at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict, cast

from ..errors.urls import mask_url, origin_of
from ..metrics.targets import shown_origin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..metrics.stats import EndpointStats

__all__ = ["CombinedHealth", "Health", "assess", "combined_health", "plain_origin"]

_ORIGIN: Final = re.compile(r"https?://[^\s/?#@\\]+/?", re.IGNORECASE)
_CLOSED: Final = "closed"
_ISOLATED: Final = "isolated"
_KEEPS_OUT: Final = frozenset({"open", _ISOLATED})
"""The states of a circuit in which no call goes through."""
_ONLY: Final = ", which only observes,"


class Health(TypedDict):
    """How a client stands; JSON can hold it.

    Attributes:
        client: The client's name.
        status: "degraded" where a circuit is not closed, an endpoint is ejected, or the client is
            closed.
        ready: Whether to send work here: False for a client that is closed, and where a circuit
            lets nothing through to an origin that `ready_requires` names.
        reasons: A sentence for each thing that is not as it should be.
        circuits: The state of each circuit that is not closed, by its scope.
        endpoints: The state of each endpoint that is ejected, by its URL.
    """

    client: str
    status: Literal["ok", "degraded"]
    ready: bool
    reasons: list[str]
    circuits: dict[str, str]
    endpoints: dict[str, str]


class CombinedHealth(TypedDict):
    """How several clients stand together.

    Attributes:
        status: "degraded" where one of them is.
        ready: Whether all of them are.
        reasons: Theirs, each with the name of its client.
        clients: What each of them says, in the order in which they were given.
    """

    status: Literal["ok", "degraded"]
    ready: bool
    reasons: list[str]
    clients: list[Health]


def assess(  # noqa: PLR0913 - what a client is judged by
    client: str,
    circuits: Mapping[str, str],
    required: Iterable[str],
    *,
    is_closed: bool,
    observes: bool = False,
    endpoints: Mapping[str, EndpointStats] | None = None,
) -> Health:
    """Return how a client stands.

    Args:
        client: Its name.
        circuits: The state of each circuit by its scope; one that is no origin stands for all.
        required: The origins without which it is not ready.
        is_closed: Whether it was closed.
        observes: Whether a circuit keeps out nobody, unless it is isolated.
        endpoints: How each endpoint stands, by its URL; None where there are none.

    Raises:
        TypeError: `required` is a text and no collection of them.
        ValueError: Something in it is no origin.
    """
    needed = _plain_origins(required)
    troubled = {_shown(scope): state for scope, state in circuits.items() if state != _CLOSED}
    keeps_out = {_ISOLATED} if observes else _KEEPS_OUT
    missed = [
        scope
        for scope, state in troubled.items()
        if state in keeps_out and needed and ("://" not in scope or scope in needed)
    ]
    reasons = [
        f"the circuit of {scope}{_ONLY if observes and state != _ISOLATED else ''} is {state}"
        for scope, state in troubled.items()
    ]
    gone = {url: each for url, each in (endpoints or {}).items() if each.cause is not None}
    reasons += [f"the endpoint {url} is {each.state} ({each.cause})" for url, each in gone.items()]
    return Health(
        client=client,
        status="degraded" if is_closed or troubled or gone else "ok",
        ready=not is_closed and not missed,
        reasons=["the client is closed", *reasons] if is_closed else reasons,
        circuits={scope: str(state) for scope, state in troubled.items()},
        endpoints={url: each.state for url, each in gone.items()},
    )


def combined_health(*clients: Any, ready_requires: Iterable[str] = ()) -> CombinedHealth:
    """Return how several clients stand together: ready if all are, "ok" if all are.

    Args:
        *clients: Clients or transports of this package.
        ready_requires: As for `health` of each of them.

    Raises:
        TypeError: `ready_requires` is a text and no collection of them.
        ValueError: Something in it is no origin.
    """
    required = _plain_origins(ready_requires)
    each: list[Health] = [client.health(ready_requires=required) for client in clients]
    return CombinedHealth(
        status="ok" if all(one["status"] == "ok" for one in each) else "degraded",
        ready=all(one["ready"] for one in each),
        reasons=[f"{one['client']}: {reason}" for one in each for reason in one["reasons"]],
        clients=each,
    )


def plain_origin(url: object) -> str | None:
    """Return "scheme://host" of an origin, with the port where it is another than usual, or None.

    None too for a URL that says more than its origin.
    """
    if not isinstance(url, str) or not _ORIGIN.fullmatch(url):
        return None
    origin = origin_of(url)
    return shown_origin(origin) if origin and "://:" not in origin else None


def _plain_origins(required: object) -> set[str]:
    if isinstance(required, str | bytes) or not isinstance(required, Iterable):
        shown = repr(mask_url(required)) if isinstance(required, str) else type(required).__name__
        raise TypeError(
            f"ready_requires is {shown}: give a collection of origins, such as "
            "{'https://ledger.internal'}"
        )
    return {_checked(each) for each in cast("Iterable[object]", required)}


def _checked(given: object) -> str:
    origin = plain_origin(given)
    if origin is None:
        shown = mask_url(given) if isinstance(given, str) else given
        raise ValueError(
            f"ready_requires has {shown!r}, which is no origin: give scheme, host and port, such "
            "as 'https://ledger.internal' or 'http://127.0.0.1:8000'"
        )
    return origin


def _shown(scope: str) -> str:
    return plain_origin(scope) or scope
