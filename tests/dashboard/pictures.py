"""`python -m tests.dashboard.pictures`: makes the pictures of the live page in `docs/`."""

from __future__ import annotations

import io
import random
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx
from PIL import Image

from client import CircuitBreaker, Client, ClientConfig, MyAPIError, SyncResilientClient
from client.dashboard import dashboard
from client.program.live_page.serving import listen, served, url_of
from tests.dashboard.browser import open_browser

if TYPE_CHECKING:
    from collections.abc import Generator

DOCS: Final = Path(__file__).parents[2] / "docs"
SIZES: Final = ((1600, 760), (360, 1100))
COLOURS: Final = 255
CALLING_SECONDS: Final = 0.05


class Scene:
    """Three servers, of which one fails, one has failed, and one was isolated by hand."""

    def __init__(self) -> None:
        hosts = ("ledger.internal", "mail.internal", "search.internal")
        self.statuses: dict[str, int] = dict.fromkeys(hosts, 200)
        transport = httpx.MockTransport(self._answer)
        breaker = {"scope": "origin", "failure_threshold": 5, "recovery_timeout": 3}
        retry = {"max_attempts": 2, "min_wait_seconds": 0.001, "max_wait_seconds": 0.01}
        settings = {"name": "orders", "retry": retry, "circuit_breaker": breaker}
        config = ClientConfig.model_validate(settings)
        self.orders = SyncResilientClient(config, transport=transport)
        circuit = CircuitBreaker(name="reports")
        self.reports = Client(name="reports", transport=transport, circuit_breaker=circuit)
        self._is_over = threading.Event()

    def _answer(self, request: httpx.Request) -> httpx.Response:
        time.sleep(random.uniform(0.002, 0.02))  # noqa: S311 - a server takes its time
        return httpx.Response(self.statuses[request.url.host])

    @contextmanager
    def under_load(self) -> Generator[None]:
        """Call all of them until the end of the block."""
        caller = threading.Thread(target=self._call)
        caller.start()
        try:
            yield
        finally:
            self._is_over.set()
            caller.join()
            self.orders.close()
            self.reports.close()

    def _call(self) -> None:
        while not self._is_over.wait(random.uniform(0, CALLING_SECONDS)):  # noqa: S311 - likewise
            for host in self.statuses:
                with suppress(MyAPIError):
                    self.orders.get(f"https://{host}/")
            self.reports.get("https://search.internal/")

    def play(self) -> None:
        """Let one fail and recover, isolate one, and let one fail."""
        time.sleep(8)
        self.statuses["ledger.internal"] = 503
        time.sleep(5)
        self.statuses["ledger.internal"] = 200
        time.sleep(8)
        self.orders.circuit.isolate("wrong totals since the release", "https://search.internal")
        time.sleep(3)
        self.statuses["mail.internal"] = 500
        time.sleep(5)


def main() -> None:
    """Make them."""
    DOCS.mkdir(exist_ok=True)
    scene = Scene()
    page = dashboard(scene.orders, scene.reports, title="Orders service")
    listener = listen("127.0.0.1", 0)
    with open_browser() as browser, served(page, listener), scene.under_load():
        browser.open(url_of(listener))
        scene.play()
        for width, height in SIZES:
            for scheme in ("light", "dark"):
                browser.look(width=width, height=height, scheme=scheme)
                browser.wait("return innerWidth === arguments[0]", width)
                picture = Image.open(io.BytesIO(browser.driver.get_screenshot_as_png()))
                small = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
                small.save(DOCS / f"live-page-{scheme}-{width}.png", optimize=True)


if __name__ == "__main__":
    main()
