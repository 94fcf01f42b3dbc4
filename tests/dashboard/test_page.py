"""What the page answers: itself, its files, its state; under any path."""

import asyncio
import re
from typing import Any

import pytest
from fastapi import FastAPI

from client.dashboard import dashboard
from client.dashboard.answers import Message
from client.dashboard.app import Page
from tests.dashboard.asking import Servers, ask, token_of

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


@pytest.fixture
def page() -> Page:
    """A page of one client."""
    return dashboard(title="<Orders> & more")


@pytest.mark.parametrize(
    ("root", "front"),
    [("", ""), ("/r", "/r"), ("/r", ""), ("/a/b", "/a/b"), ("/a/b", "/b"), ("/a/b/", "/a/b")],
)
def test_it_answers_under_any_path(page: Page, root: str, front: str) -> None:
    """Frameworks hand over the whole path, what is below the mount, or something between."""
    for path, kind in (
        ("/", "text/html; charset=utf-8"),
        ("/static/app.js", "text/javascript; charset=utf-8"),
        ("/static/style.css", "text/css; charset=utf-8"),
        ("/static/icon.svg", "image/svg+xml"),
        ("/state.json", "application/json"),
    ):
        found = ask(page, front + path, root_path=root)
        assert (found.status, found.headers["content-type"]) == (200, kind)
        assert found.headers["content-length"] == str(len(found.body))


@pytest.mark.parametrize("path", ["/ops/a b:c", ""])
def test_without_the_slash_it_leads_to_where_its_links_begin(page: Page, path: str) -> None:
    """Relative to the address that the browser shows, which no proxy has changed."""
    found = ask(page, path, root_path="/ops/a b:c")
    assert (found.status, found.headers["location"]) == (307, "a%20b%3Ac/")


@pytest.mark.parametrize("prefix", ["", "/api"])
def test_it_is_mounted_in_fastapi(page: Page, prefix: str) -> None:
    """Also behind a proxy that takes a prefix away."""
    app: Any = FastAPI()
    app.mount("/resilience", page)
    for path, status in (("/", 200), ("/state.json", 200), ("/static/app.js", 200), ("", 307)):
        given = ask(
            app, f"/resilience{path}", root_path=prefix, query_string=b"", http_version="1.1"
        )
        assert given.status == status


def test_no_link_leads_to_a_path_of_its_own(page: Page) -> None:
    """It may be anywhere."""
    text = ask(page, "/").body.decode()
    script = ask(page, "/static/app.js").body.decode()
    links = re.findall(r'(?:href|src)="([^"]*)"', text) + re.findall(r'fetch\("([^"]*)"', script)
    assert len(links) == 6
    assert [link for link in links if link.startswith(("/", "http"))] == []


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/static/", "/static/index.html", "/static/../app.py", "//", "/static//app.js"],
)
def test_there_is_nothing_else(page: Page, path: str) -> None:
    """No file of anybody."""
    assert ask(page, path).status == 404


@pytest.mark.parametrize("path", ["/", "/state.json", "/static/app.js", "/nothing", "/control"])
def test_every_answer_tells_the_browser_what_not_to_do(page: Page, path: str) -> None:
    """Refusals too."""
    headers = ask(page, path).headers
    assert headers["content-security-policy"] == POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"


def test_the_title_is_text(page: Page) -> None:
    """And so is a mark of a place in it."""
    text = ask(page, "/").body.decode()
    assert "<h1>&lt;Orders&gt; &amp; more</h1>" in text
    marked = ask(dashboard(title="{{token}}", actions=["reset"]), "/").body.decode()
    assert "<h1>{{token}}</h1>" in marked


def test_a_page_that_is_only_read_has_no_token(page: Page) -> None:
    """There is nothing to be done with one."""
    assert token_of(page) == ""
    assert len(token_of(dashboard(actions=["reset"]))) > 30


def test_a_head_is_answered_without_a_body(page: Page) -> None:
    """With the headers of the GET."""
    found = ask(page, "/", "HEAD")
    assert (found.status, found.body) == (200, b"")
    assert found.headers["content-length"] == str(len(ask(page, "/").body))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_what_is_to_be_read_is_not_written(page: Page, method: str) -> None:
    """Whatever it is."""
    found = ask(page, "/state.json", method)
    assert (found.status, found.headers["allow"]) == (405, "GET, HEAD")


def test_an_answer_that_is_known_is_not_sent_again() -> None:
    """As long as nothing has happened."""
    servers = Servers()
    client = servers.client()
    page = dashboard(client)
    tag = ask(page).headers["etag"]
    again = ask(page, headers={"if-none-match": tag})
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
    assert "content-type" not in again.headers
    for known in (f"W/{tag}", f'"old", {tag}', f'W/"old" ,W/{tag}', "*"):
        assert ask(page, headers={"if-none-match": known}).status == 304
    for unknown in (tag.strip('"'), f"{tag[:-1]}x{tag[-1]}", ""):
        assert ask(page, headers={"if-none-match": unknown}).status == 200
    servers.call(client)
    assert ask(page, headers={"if-none-match": tag}).status == 200
    client.close()


async def _live(page: Page, messages: list[Message]) -> list[Message]:
    got: list[Message] = []

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        got.append(message)

    scope: Any = {"type": "lifespan"}
    await page(scope, receive, send)
    return got


def test_it_can_be_served_by_itself(page: Page) -> None:
    """Then it is asked to begin and to end."""
    ends = [{"type": f"lifespan.{each}"} for each in ("startup", "shutdown")]
    got = asyncio.run(_live(page, [*ends]))
    assert [each["type"] for each in got] == [f"{each['type']}.complete" for each in ends]


def test_a_websocket_is_closed(page: Page) -> None:
    """There is none."""
    got: list[Message] = []

    async def send(message: Message) -> None:
        got.append(message)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    asyncio.run(page({"type": "websocket", "headers": []}, receive, send))
    assert got == [{"type": "websocket.close", "code": 1000}]


def test_wrong_arguments_are_refused() -> None:
    """With what to give."""
    wrong: Any = 3
    with pytest.raises(TypeError, match="title is 3: give a text"):
        dashboard(title=wrong)
    with pytest.raises(TypeError, match="give clients or transports of this package"):
        dashboard(wrong)
    with pytest.raises(TypeError, match="give clients or transports of this package"):
        dashboard().add(wrong)
