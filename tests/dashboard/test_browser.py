"""The page in a real browser: what it shows as it happens, what it does, and what it never does."""

from __future__ import annotations

from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import httpx
import pytest

from client import CircuitBreaker, Client
from client.dashboard import dashboard
from client.dashboard.answers import Refused
from client.program.live_page.serving import listen, served, url_of
from tests.dashboard.asking import Servers
from tests.dashboard.browser import Browser, open_browser

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

pytestmark = pytest.mark.any_python

HOST: Final = "ledger.test"
ENTER: Final = "\ue007"
"""As WebDriver writes the key."""
STATE: Final = ".targets .state"
LABEL: Final = "return document.querySelector('.spark.calls').ariaLabel"
SCRIPT: Final = (
    "<img src=x onerror=\"document.title='mine'\"><script>document.title='mine'</script>"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all."""
    with open_browser() as made:
        yield made


class Mounted:
    """A page below a path of another app, of one client."""

    def __init__(self, **options: Any) -> None:
        self.servers = Servers()
        self.client = self.servers.client(
            name="orders",
            circuit_breaker={
                "failure_threshold": 1,
                "recovery_timeout": 2,
                "success_threshold": 2,
                "scope": "origin",
            },
        )
        self.page = dashboard(self.client, **options)
        self.url = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Hand over what is below the path, as a framework does."""
        await self.page({**scope, "root_path": "/ops/resilience"}, receive, send)

    def call(self, status: int) -> None:
        """Make a call that is answered so."""
        self.servers.statuses[HOST] = status
        self.servers.call(self.client, HOST)


@contextmanager
def mounted(browser: Browser, **options: Any) -> Generator[Mounted]:
    """Serve a page, and open it in the browser."""
    app: Any = Mounted(**options)
    listener = listen("127.0.0.1", 0)
    with served(app, listener):
        app.url = f"{url_of(listener)}ops/resilience"
        browser.requested()
        browser.complaints()
        browser.open(app.url)  # without the slash: it finds its way
        browser.wait_for_text("#process", "Process ")
        yield app
        browser.open("about:blank")
    app.client.close()


def test_a_circuit_is_shown_as_it_happens(browser: Browser) -> None:
    """Closed, open, half-open, and closed again, without a hand on the page."""
    with mounted(browser) as app:
        browser.wait_for_text(".empty", "No call yet.")
        app.call(200)
        browser.wait_for_text(STATE, "closed")
        app.call(500)
        browser.wait_for_text(STATE, "open")
        browser.wait_for_text("[data-head='Last error']", "ServerError")
        browser.wait_for_text(STATE, "half-open")
        app.call(200)
        browser.wait_for_text(".transitions .state", "half-open")
        app.call(200)
        browser.wait_for_text(STATE, "closed")
        assert browser.texts(".transitions .state") == ["closed", "half-open", "open"]
        assert browser.texts(".transitions tbody td:nth-child(4)") == ["local"] * 3
        assert browser.texts(".targets th[scope=row]") == [f"https://{HOST}"]


def test_other_settings_are_shown(browser: Browser) -> None:
    """Among the transitions, and told to those who do not see the page."""
    with mounted(browser) as app:
        app.call(200)
        browser.wait_for_text(STATE, "closed")
        app.client.reconfigure(timeout={"total": 5})
        browser.wait_for_text(".transitions .state", "reconfigured")
        assert browser.texts(".transitions tbody td")[1:] == [
            "",
            "reconfigured",
            "manual",
            "timeout.total",
        ]
        [news] = browser.texts("#news")
        assert news.endswith(": reconfigured")


def test_nothing_is_fetched_from_elsewhere(browser: Browser) -> None:
    """And nothing breaks the policy, which the browser would say."""
    with mounted(browser, actions=["reset"]) as app:
        app.call(200)
        browser.wait_for_text(STATE, "closed")
        asked = [url for url in browser.requested() if not url.startswith(("about:", "data:"))]
        home = urlsplit(app.url)
        assert {urlsplit(url)[:2] for url in asked} == {(home.scheme, home.netloc)}
        paths = {urlsplit(url).path.removeprefix("/ops/resilience") for url in asked}
        files = {"/static/app.js", "/static/style.css", "/static/icon.svg"}
        assert paths - {"", "/", "/state.json"} <= files
        assert {"/static/app.js", "/static/style.css"} <= paths
        assert browser.complaints() == []


def test_rates_come_of_counters(browser: Browser) -> None:
    """As a number and as a line."""
    with mounted(browser) as app:
        app.call(200)
        browser.wait_for_text(STATE, "closed")
        browser.wait(f"{LABEL}.startsWith('calls a second: 0 now')")
        for _ in range(30):
            app.call(200)
        browser.wait(f"{LABEL}.endsWith(', 0 at most in the last minute') === false")
        browser.wait(
            "return document.querySelector('.calls .line').getAttribute('d').includes('L')"
        )


def test_a_script_in_a_name_is_text(browser: Browser) -> None:
    """Of a circuit, in its state, among the transitions and in the title."""
    inner = httpx.MockTransport(lambda _: httpx.Response(500))
    breaker = CircuitBreaker(failure_threshold=1, name=SCRIPT)
    with (
        Client(transport=inner, max_retries=0, circuit_breaker=breaker) as client,
        mounted(browser, title=SCRIPT) as app,
    ):
        app.page.add(client)
        client.get("http://a.test/")
        browser.wait_for_text(".transitions td", SCRIPT)
        assert browser.texts("h1") == [SCRIPT]
        assert browser.run("return document.title") == SCRIPT
        assert browser.run("return document.querySelectorAll('img, body script').length") == 0
        assert browser.complaints() == []


def test_another_worker_at_the_same_address_is_told_of(browser: Browser) -> None:
    """Its numbers are its own."""
    with mounted(browser) as app:
        app.call(200)
        browser.wait_for_text(STATE, "closed")
        before = app.page._local._process
        app.page._local._process = {**before, "pid": 4711, "worker": "SpawnProcess-2"}
        browser.wait_for_text("#process", "Process 4711 (SpawnProcess-2)")
        browser.wait_for_text("#workers", f"{before['pid']} besides 4711, which is shown")


def test_a_server_that_is_gone_leaves_what_was_seen(browser: Browser) -> None:
    """Marked as old."""
    with mounted(browser) as app:
        app.call(200)
        browser.wait_for_text(STATE, "closed")
        app.page._source = Gone()
        browser.wait_for_text("#stale", "Stale since ")
        assert browser.texts("#stale")[0].endswith(": gone")
        assert browser.texts(".targets th[scope=row]") == [f"https://{HOST}"]
        app.page._source = app.page._local
        browser.wait("return document.getElementById('stale').hidden")


class Gone:
    """A source that has nothing any more."""

    async def read(self) -> bytes:
        """Refuse."""
        raise Refused(HTTPStatus.BAD_GATEWAY, "gone")


def test_a_circuit_is_steered_by_keyboard(browser: Browser) -> None:
    """Isolated with a reason, and released."""
    with mounted(browser, actions=["isolate", "release"]) as app:
        app.call(200)
        browser.wait_for_text(STATE, "closed")
        browser.run("document.querySelector('td.buttons button').focus()")
        browser.press(ENTER)
        browser.wait("return document.getElementById('order').open")
        browser.press(ENTER)  # no reason yet
        browser.wait_for_text("#order-error", "reason")
        browser.press("bad figures")
        browser.press(ENTER)
        browser.wait_for_text(STATE, "isolated")
        browser.wait_for_text("[data-head='Last error']", "bad figures")
        assert not browser.run("return document.getElementById('order').open")
        assert app.client.circuit.state == "isolated"
        browser.run("document.querySelectorAll('td.buttons button')[1].focus()")
        browser.press(ENTER)
        browser.wait("return document.getElementById('order').open")
        browser.press(ENTER)
        browser.wait_for_text(STATE, "closed")
        causes = browser.texts(".transitions tbody td:nth-child(4)")
        assert set(causes) == {"manual"}


def test_another_page_cannot_steer(browser: Browser) -> None:
    """A form, a fetch and a frame of it are all refused, by the browser or by the page."""
    with mounted(browser, actions=["reset"]) as app:
        app.call(500)
        listener = listen("127.0.0.1", 0)
        evil: Any = Evil(app.url)
        with served(evil, listener):
            browser.open(url_of(listener))
            browser.wait("return document.title === 'done'")
            browser.open("about:blank")
        assert evil.read == [], "no answer of the page could be read"
        assert app.client.circuit.state != "closed"


class Evil:
    """A page of somebody else, which tries to close the circuit."""

    def __init__(self, url: str) -> None:
        self.read: list[bytes] = []
        self._html = f"""<!doctype html><title>evil</title>
<iframe src="{url}/"></iframe>
<form target="hidden" method="post" enctype="text/plain" action="{url}/control">
<input name='{{"action": "reset", "client": 1, "x": "' value='"}}'></form>
<iframe name="hidden"></iframe>
<script>
const tell = (what) => fetch("/read", {{method: "POST", body: what}});
const order = {{action: "reset", client: 1, scope: null}};
(async () => {{
  document.forms[0].submit();
  for (const path of ["/", "/state.json", "/control"]) {{
    await fetch("{url}" + path).then((answer) => answer.text()).then(tell).catch(() => 0);
  }}
  for (const type of ["application/json", "text/plain"]) for (const mode of ["cors", "no-cors"]) {{
    await fetch("{url}/control", {{method: "POST", mode, credentials: "include",
      headers: {{"Content-Type": type}}, body: JSON.stringify(order)}}).catch(() => 0);
  }}
  await new Promise((done) => setTimeout(done, 500));
  try {{ await tell(frames[0].document.body.textContent || "nothing"); }} catch {{}}
  document.title = "done";
}})();
</script>""".encode()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer with the page, and note what it has read."""
        if scope["method"] == "POST":
            message = await receive()
            self.read.append(message["body"])
        headers = [(b"content-type", b"text/html")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self._html})


@pytest.mark.parametrize("width", [360, 700, 1024, 1280, 1440, 1600])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_readable_in_any_width(browser: Browser, width: int, scheme: str) -> None:
    """Nothing is cut off, or under something else, and text stands out from what is behind it."""
    with mounted(browser, actions=["isolate", "release", "reset"]) as app:
        app.call(200)
        app.call(503)
        app.client.circuit.isolate("a" * 200, f"https://{HOST}")
        browser.wait_for_text(STATE, "isolated")
        browser.look(width=width, height=900, scheme=scheme)
        browser.wait("return innerWidth === arguments[0]", width)
        assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
        assert browser.run(OUTSIDE) == []
        assert browser.run(CONTRAST) == []


OUTSIDE: Final = """
return [...document.querySelectorAll("section *")]
  .filter((each) => each.checkVisibility() && !each.closest(".past, svg"))
  .filter((each) => {
    const edge = each.closest("section").getBoundingClientRect().right;
    const range = document.createRange();
    range.selectNodeContents(each);
    return Math.max(range.getBoundingClientRect().right, each.getBoundingClientRect().right) > edge;
  })
  .map((each) => each.outerHTML.slice(0, 80));
"""
# By WCAG 2: 4.5 to 1 for text.
CONTRAST: Final = """
const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
const light = (colour) => parts(colour).slice(0, 3).map((each) => each / 255)
  .map((each) => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
  .reduce((sum, each, at) => sum + each * [0.2126, 0.7152, 0.0722][at], 0);
const behind = (element) => {
  for (let each = element; each; each = each.parentElement) {
    const colour = getComputedStyle(each).backgroundColor;
    if ((parts(colour)[3] ?? 1) > 0) return colour;
  }
  return "rgb(255, 255, 255)";
};
return [...document.querySelectorAll("body *")]
  .filter((each) => [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
  .filter((each) => each.checkVisibility())
  .filter((each) => {
    const [one, other] = [getComputedStyle(each).color, behind(each)].map(light);
    return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05) < 4.5;
  })
  .map((each) => each.outerHTML.slice(0, 80));
"""
