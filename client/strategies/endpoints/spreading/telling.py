"""Counts and announces what happens to endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from ....engine.telling import tell_would_reject
from ....events import EndpointEjected, EndpointReturned, EndpointsChanged, EndpointsPanicked
from ....http.service import NAME
from ....metrics.strategy_instruments import ENDPOINT_EJECTIONS, WOULD_REJECT

if TYPE_CHECKING:
    from collections.abc import Collection

    from ....engine.notifiers import Notifiers
    from ....engine.operation import Call
    from ....metrics.aggregator import Aggregator
    from ..outliers import Transition

__all__ = ["Telling"]


class _About(TypedDict):
    """What every event says of the operation that brought it about, if there is one."""

    client: str
    operation_id: str | None
    request_id: str | None
    method: str | None
    url: str | None


class Telling:
    """Does so for one client.

    Args:
        notifiers: Told what happens.
        metrics: Where it is counted.
    """

    def __init__(self, notifiers: Notifiers, metrics: Aggregator) -> None:
        self._notifiers = notifiers
        self._metrics = metrics

    def label(self, url: str) -> str:
        """Return the label of an endpoint, which may be `_OTHER`."""
        return self._metrics.targets.label_of_endpoint(url)

    def would_reject(self, call: Call | None, by: str) -> None:
        """Count and announce what only observes: an operation would have gone elsewhere."""
        if call is None:
            self._metrics.add(WOULD_REJECT, (NAME, by))
        else:
            tell_would_reject(call, by)

    def transition(self, change: Transition, call: Call | None) -> None:
        """Count and announce an ejection, a return, or how many are ejected."""
        if change.is_observed:
            if change.kind == "ejected":
                self.would_reject(call, "outliers")
            return
        if change.kind == "ejected":
            self._ejected(change, call)
        elif change.kind == "returned":
            if (notify := self._notifiers[EndpointReturned]) is not None:
                notify(
                    EndpointReturned(
                        endpoint=change.url,
                        seconds=change.seconds,
                        ejected=change.gone,
                        total=change.total,
                        **self._about(call),
                    )
                )
        elif (notify := self._notifiers[EndpointsPanicked]) is not None:
            notify(
                EndpointsPanicked(
                    is_on=change.kind == "panic",
                    ejected=change.gone,
                    total=change.total,
                    **self._about(call),
                )
            )

    def _ejected(self, change: Transition, call: Call | None) -> None:
        self._metrics.add(ENDPOINT_EJECTIONS, (self.label(change.url), change.cause))
        if (notify := self._notifiers[EndpointEjected]) is not None:
            notify(
                EndpointEjected(
                    endpoint=change.url,
                    reason=change.cause,
                    seconds=change.seconds,
                    ejected=change.gone,
                    total=change.total,
                    **self._about(call),
                )
            )

    def changed(self, before: Collection[str], after: Collection[str]) -> None:
        """Announce another list."""
        if (notify := self._notifiers[EndpointsChanged]) is not None:
            notify(
                EndpointsChanged(
                    client=self._notifiers.client,
                    added=tuple(url for url in after if url not in before),
                    removed=tuple(url for url in before if url not in after),
                )
            )

    def _about(self, call: Call | None) -> _About:
        if call is not None:
            return {**call.about()}
        return {
            "client": self._notifiers.client,
            "operation_id": None,
            "request_id": None,
            "method": None,
            "url": None,
        }
