"""The controls of a running wire proxy, as a test works them."""

from abc import ABC, abstractmethod
from typing import Any, Literal, cast

from ..proxy.armed_faults import FaultInForce
from ..proxy.fault_models import AnyFault, FaultName
from ..proxy.statistics import ProxyStatistics
from .channel import ControlChannel


class ProxyControls(ABC):
    """The faults and the statistics of one proxy.

    Each method is one blocking call, answered within a millisecond or so from a thread or process
    of its own: an async test may make it too. A value out of bounds raises `ValueError`, a proxy
    that does not answer `FailureServerError`.
    """

    @abstractmethod
    def _channel(self) -> ControlChannel:
        """Return the way to the proxy."""

    def fault(self, fault: FaultName | AnyFault, /, **options: object) -> FaultInForce:
        """Put a fault in force; it is, when this returns.

        Args:
            fault: Its kind, such as `"reset"`, or a model of `server.proxy.fault_models`.
            options: Its options, and `count`, `percent` or neither, to strike the next so many
                connections, a share of them, or all until it is removed.

        Returns:
            The fault with its `id`.
        """
        given = {"kind": fault} if isinstance(fault, str) else fault.model_dump(exclude_unset=True)
        kind = fault if isinstance(fault, str) else fault.kind
        answer = self._channel().call("POST", "/faults", body={**given, "kind": kind, **options})
        return cast("FaultInForce", answer)

    def remove(self, fault: FaultInForce | int) -> None:
        """Lift one fault, given as `fault` returned it or by its id."""
        number = fault if isinstance(fault, int) else fault["id"]
        self._channel().call("DELETE", f"/faults/{number}")

    def faults(self) -> list[FaultInForce]:
        """Return the faults in force."""
        return cast("list[FaultInForce]", self._get("/faults")["faults"])

    def reset(self) -> None:
        """Lift every fault; connections and statistics stay as they are."""
        self._channel().call("POST", "/reset")

    def clear(self) -> None:
        """Lift every fault, cut every connection and begin to count anew: the proxy is as new."""
        self._channel().call("POST", "/clear")

    def close_connections(
        self, *, by: Literal["fin", "rst"] = "fin", idle_only: bool = True
    ) -> int:
        """Close the connections that are open now, and return how many.

        Args:
            by: `fin` (default) or `rst`.
            idle_only: True (default) spares those where an answer is under way or awaited.
        """
        query = {"by": by, "idle_only": idle_only}
        return int(self._channel().call("POST", "/connections/close", query)["closed"])

    def statistics(self) -> ProxyStatistics:
        """Return what has been counted since the start, or since `clear`."""
        return ProxyStatistics.from_json(self._get("/statistics"))

    def _get(self, path: str) -> dict[str, Any]:
        return self._channel().call("GET", path)


class RemoteProxy(ProxyControls):
    """A wire proxy that runs elsewhere, such as one started on the command line.

    Args:
        control_url: The URL of its control API, `http://HOST:PORT`.

    Raises:
        ValueError: If the URL is another kind of thing.
    """

    def __init__(self, control_url: str) -> None:
        self._control_channel = ControlChannel.to(
            control_url, server="wire proxy", api="control API"
        )
        self.control_url: str = self._control_channel.url

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.control_url!r})"

    def _channel(self) -> ControlChannel:
        return self._control_channel
