"""A real browser over the live page: Debian's chromium, driven by selenium."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["Browser", "open_browser"]

_PROGRAMS: Final = ("chromium", "chromedriver")
_OPTIONS: Final = (
    "--headless=new",
    "--no-sandbox",  # it shows our own page alone, and a container's root has no sandbox
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--no-proxy-server",
)
PATIENCE_SECONDS: Final = 60.0


class Browser:
    """What the tests ask of it.

    Args:
        driver: Selenium's.
    """

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(self, url: str) -> None:
        """Go to a page."""
        self.driver.get(url)

    def run(self, script: str, *values: object) -> Any:
        """Return what a script in the page returns."""
        return self.driver.execute_script(script, *values)

    def wait(self, script: str, *values: object) -> Any:
        """Return what a script returns, once that is true."""
        from selenium.webdriver.support.ui import WebDriverWait  # noqa: PLC0415 - may be absent

        return WebDriverWait(self.driver, PATIENCE_SECONDS, poll_frequency=0.1).until(
            lambda _: self.run(script, *values)
        )

    def wait_for_text(self, selector: str, text: str) -> None:
        """Wait until some element of that kind says so."""
        self.wait(
            "return [...document.querySelectorAll(arguments[0])]"
            ".some((each) => each.textContent.includes(arguments[1]))",
            selector,
            text,
        )

    def texts(self, selector: str) -> list[str]:
        """Return what the elements of a kind say."""
        texts: list[str] = self.run(
            "return [...document.querySelectorAll(arguments[0])].map((each) => each.textContent)",
            selector,
        )
        return texts

    def press(self, keys: str) -> None:
        """Press keys, in whatever has the focus."""
        self.driver.switch_to.active_element.send_keys(keys)

    def requested(self) -> list[str]:
        """Return every URL that was asked for since the last time, by the page or the browser."""
        messages = [json.loads(each["message"]) for each in self.driver.get_log("performance")]
        return [
            each["message"]["params"]["request"]["url"]
            for each in messages
            if each["message"]["method"] == "Network.requestWillBeSent"
        ]

    def complaints(self) -> list[str]:
        """Return what the browser has logged since the last time, of the page's errors."""
        return [each["message"] for each in self.driver.get_log("browser")]

    def look(self, *, width: int, height: int, scheme: str = "light") -> None:
        """Show the page in a size, light or dark."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


@contextmanager
def open_browser() -> Generator[Browser]:
    """Lend a browser until the end of the block.

    Where there is none the tests are skipped.
    """
    absent = [each for each in _PROGRAMS if shutil.which(each) is None]
    if absent:
        text = (
            f"no {absent[0]}: the live page is untested; apt-get install chromium chromium-driver"
        )
        pytest.skip(text)
    webdriver: Any = pytest.importorskip("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for each in _OPTIONS:
        options.add_argument(each)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(
        options=options, service=webdriver.ChromeService(shutil.which("chromedriver"))
    )
    try:
        yield Browser(driver)
    finally:
        driver.quit()
