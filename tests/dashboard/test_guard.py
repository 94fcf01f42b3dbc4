"""Who may read the page, and who may act on it: the attacks, each refused."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from client.dashboard import dashboard
from client.dashboard.guard import is_loopback
from tests.dashboard.asking import Servers, ask, order, token_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client.dashboard.app import Dashboard

RESET = {"action": "reset"}


class Steered:
    """A page of a client whose circuit is open, for attacks that would close it."""

    def __init__(self, **options: Any) -> None:
        servers = Servers()
        servers.statuses["a.test"] = 500
        self.client = servers.client(circuit_breaker={"failure_threshold": 1})
        servers.call(self.client)
        self.page: Dashboard = dashboard(self.client, **{"actions": ["reset"], **options})

    def was_reset(self) -> bool:
        """Whether somebody got through."""
        return self.client.stats().circuits["client"] == "closed"


@pytest.fixture
def steered() -> Iterator[Steered]:
    """One that may be reset."""
    made = Steered()
    yield made
    made.client.close()


def test_the_page_itself_may(steered: Steered) -> None:
    """Or all that is refused below would prove nothing."""
    assert order(steered.page, RESET).status == 200
    assert steered.was_reset()


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.nip.io"),
        *("localhost/x", "user@localhost", "[::1", "localhost:x", "local host", "", None),
    ],
)
def test_another_host_is_refused_for_reading_too(steered: Steered, host: str | None) -> None:
    """A name that its owner leads to 127.0.0.1; the refusal names the argument."""
    for path in ("/", "/state.json", "/static/app.js"):
        found = ask(steered.page, path, host=host)
        assert found.status == 403
        assert "dashboard(allowed_hosts=...)" in found.json["error"]
    assert order(steered.page, RESET, host=host).status == 403
    assert not steered.was_reset()


def test_two_hosts_are_none(steered: Steered) -> None:
    """Who knows which of them another reads."""
    assert ask(steered.page, host="localhost", headers={"host": "localhost"}).status == 403


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.:1", "127.0.0.1:8000", "[::1]:8000"])
def test_loopback_is_let_in(steered: Steered, host: str) -> None:
    """By any of its names."""
    assert ask(steered.page, host=host).status == 200


def test_a_host_that_is_named_is_let_in() -> None:
    """With any port."""
    page = dashboard(allowed_hosts=["Ops.Internal"])
    assert ask(page, host="ops.internal:8443").status == 200
    assert ask(page).status == 403
    assert ask(dashboard(allowed_hosts=["*"]), host="any.example").status == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
def test_only_a_post_acts(steered: Steered, method: str) -> None:
    """An image of another page is a GET."""
    found = ask(
        steered.page,
        "/control",
        method,
        body=b'{"action": "reset", "client": 1}',
        headers={
            "content-type": "application/json",
            "sec-fetch-site": "same-origin",
            "x-resilience-token": token_of(steered.page),
        },
    )
    assert (found.status, found.headers["allow"]) == (405, "POST")
    assert not steered.was_reset()


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "none"}, 403),
        ({"sec-fetch-site": "cross-site", "origin": "http://localhost:8000"}, 403),
        ({"sec-fetch-site": None, "origin": "http://evil.example"}, 403),
        ({"sec-fetch-site": None, "origin": "http://localhost:9000"}, 403),
        ({"sec-fetch-site": None, "origin": "null"}, 403),
        ({"x-resilience-token": None}, 403),
        ({"x-resilience-token": ""}, 403),
        ({"x-resilience-token": "wrong"}, 403),
        ({"x-resilience-token": "\xe9"}, 403),
        ({"content-type": None}, 415),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({"content-type": "application/jsonp"}, 415),
        ({"x-forwarded-for": "203.0.113.7"}, 403),
        ({"x-forwarded-host": "ops.example"}, 403),
        ({"x-forwarded-proto": "https"}, 403),
        ({"forwarded": "for=203.0.113.7"}, 403),
    ],
)
def test_another_page_does_not_act(
    steered: Steered, changes: dict[str, str | None], status: int
) -> None:
    """By whatever a browser lets it send."""
    assert order(steered.page, RESET, headers=changes).status == status
    assert not steered.was_reset()


@pytest.mark.parametrize(
    "changes",
    [
        {"sec-fetch-site": None},
        {"sec-fetch-site": None, "origin": "http://localhost:8000"},
        {"sec-fetch-site": None, "origin": "https://localhost:8000"},
        {"content-type": "application/json; charset=utf-8"},
    ],
)
def test_with_no_header_of_a_browser_the_token_decides(
    steered: Steered, changes: dict[str, str | None]
) -> None:
    """A program on this machine may act; an old browser says where its page is from."""
    assert order(steered.page, RESET, headers=changes).status == 200


@pytest.mark.parametrize("client", [("192.0.2.1", 1), ("testclient", 1), None, ("", 0)])
def test_another_machine_does_not_act_without_auth(steered: Steered, client: Any) -> None:
    """Whatever it calls this one."""
    found = order(steered.page, RESET, client=client)
    assert (found.status, "auth=" in found.json["error"]) == (403, True)
    assert not steered.was_reset()


def test_actions_off_loopback_need_auth() -> None:
    """Whoever reads the page can read the token."""
    with pytest.raises(ValueError, match=r"'ops.internal': .* give auth="):
        dashboard(actions=["reset"], allowed_hosts=["localhost", "ops.internal"])
    with pytest.raises(ValueError, match=r"allowed_hosts= has '\*'"):
        dashboard(actions=["reset"], allowed_hosts=["*"])
    dashboard(allowed_hosts=["ops.internal"])


async def let_in_later(scope: Any) -> bool:
    """Know somebody by a header, after a while."""
    return let_in(scope)


def let_in(scope: Any) -> bool:
    """Know somebody by a header."""
    return (b"x-user", b"ann") in scope["headers"]


@pytest.mark.parametrize("auth", [let_in, let_in_later])
def test_auth_decides_on_reading_and_acting(auth: Any) -> None:
    """From wherever it comes."""
    steered = Steered(auth=auth, allowed_hosts=["ops.internal"])
    far: dict[str, Any] = {"host": "ops.internal", "client": ("192.0.2.1", 1)}
    for path in ("/", "/state.json", "/static/app.js", "/control"):
        assert ask(steered.page, path, **far).status == 403
    assert ask(steered.page, headers={"x-user": "ann"}, **far).status == 200
    token = {"x-resilience-token": steered.page._guard.token}
    assert order(steered.page, RESET, headers=token, **far).status == 403
    assert not steered.was_reset()
    assert order(steered.page, RESET, headers={**token, "x-user": "ann"}, **far).status == 200
    assert steered.was_reset()
    steered.client.close()


def test_an_auth_that_raises_lets_nobody_in() -> None:
    """The error is the server's to tell."""

    def broken(_: Any) -> bool:
        raise LookupError("no users")

    with pytest.raises(LookupError):
        ask(dashboard(auth=broken))


def test_a_process_has_a_token_of_its_own(steered: Steered) -> None:
    """A forked child too."""
    before = token_of(steered.page)
    steered.page._guard.begin_anew()
    assert token_of(steered.page) != before
    assert order(steered.page, RESET, headers={"x-resilience-token": before}).status == 403


FORKING = """
import os
from client.dashboard import dashboard
page = dashboard(actions=["reset"])
if child := os.fork():
    os.waitpid(child, 0)
print(page._guard.token, page._local._process["pid"] == os.getpid())
"""


def test_a_forked_child_is_a_process_of_its_own() -> None:
    """As a worker is that was forked after the page was made."""
    lines = subprocess.check_output([sys.executable, "-c", FORKING], text=True).splitlines()
    tokens, are_right = zip(*(line.split() for line in lines), strict=True)
    assert (len(set(tokens)), are_right) == (2, ("True", "True"))


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"auth": 3}, TypeError, "auth is 3: give a callable"),
        ({"allowed_hosts": "ops"}, TypeError, r"give a collection of names, such as \['ops'\]"),
        ({"allowed_hosts": ["ops:80"]}, ValueError, "without port"),
        ({"allowed_hosts": ["http://ops"]}, ValueError, "'http://ops': give names"),
        ({"allowed_hosts": [3]}, ValueError, "has 3: give names"),
        ({"allowed_hosts": b"ops"}, TypeError, r"names, such as \['ops.internal'\]"),
        ({"allowed_hosts": None}, TypeError, r"is None: give a collection of names"),
        ({"allowed_hosts": []}, ValueError, "allowed_hosts is empty"),
        ({"actions": "reset"}, TypeError, r"give a collection of names, such as \['reset'\]"),
        ({"actions": None}, TypeError, r"is None: give a collection of names"),
        ({"actions": [["reset"]]}, ValueError, r"has \['reset'\]: there are isolate"),
        ({"actions": ["rest"]}, ValueError, "isolate, release, reset; did you mean 'reset'"),
    ],
)
def test_wrong_arguments_are_refused(options: Any, kind: type[Exception], text: str) -> None:
    """With what to give."""
    with pytest.raises(kind, match=text):
        dashboard(**options)


def test_loopback_is_what_leads_to_this_machine_alone() -> None:
    """By name or address."""
    assert [is_loopback(host) for host in ("localhost", "a.localhost", "127.9.9.9", "[::1]")] == [
        True
    ] * 4
    assert not any(is_loopback(host) for host in ("localhost.example", "10.0.0.1", "[::2]", "*"))
