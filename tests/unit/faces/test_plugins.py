"""What of plugins needs no client: who waits while somebody else starts them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from client.faces.plugins import Plugins
from client.ports.blocking_ports import BLOCKING
from client.runtime.coroutines import run_to_end

if TYPE_CHECKING:
    from client.runtime.coroutines import Waking


class Plugin:
    """Wants to be started."""

    def start(self, _client: object) -> None:
        """Do nothing."""


def test_who_comes_to_wait_too_late_does_not_wait() -> None:
    """The start may end between the look at it and the wait."""
    warnings: list[str] = []
    plugins = Plugins([Plugin()], BLOCKING, warnings.append)
    woken: list[bool] = []

    class Ports:
        """Lets the other end its start before anybody waits."""

        async def sleep(self, _seconds: float, waking: Waking) -> None:
            """Be woken at once."""
            plugins._starters.clear()
            with waking(lambda: woken.append(True)):
                pass

    plugins._starters[None] = "somebody else"
    ports: Any = Ports()
    assert run_to_end(plugins.start(ports)) is True
    assert woken == [True]
