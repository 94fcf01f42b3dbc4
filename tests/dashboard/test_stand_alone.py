"""`python -m client dashboard`: a page elsewhere, only to be read, on this machine alone."""

from __future__ import annotations

import io
import json
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client.dashboard import dashboard
from client.program.cli import main
from client.program.demo.errors import CannotRunError
from client.program.live_page import serving, stand_alone
from client.program.live_page.remote import RemoteState
from client.program.live_page.serving import listen, served, url_of
from client.program.live_page.stand_alone import StandAlonePage, run_dashboard
from tests.dashboard.asking import ask
from tests.eventually import PATIENCE_SECONDS
from tests.process_groups import process_group

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("measured_programs")

ROOT = Path(__file__).parents[2]
URL = "http://127.0.0.1:8000/resilience"
TOKEN = "0123456789abcdef"  # noqa: S105 - of this test alone


@pytest.fixture
def mounted() -> Iterator[str]:
    """A page that is served; gives its URL."""
    listener = listen("127.0.0.1", 0)
    with served(dashboard(actions=["reset"]), listener):
        yield url_of(listener)


def page(**options: Any) -> StandAlonePage:
    """A page of another that has no clients."""
    mirror = httpx.ASGITransport(dashboard())
    remote = RemoteState("http://localhost/", mirror)
    return StandAlonePage(remote, **{"token": None, **options})


def test_it_shows_what_is_elsewhere() -> None:
    """And no more can be done than to read it."""
    shown = page()
    assert ask(shown).json["clients"] == []
    assert b"<h1>Resilience of http://localhost/</h1>" in ask(shown, "/").body
    assert ask(shown, "/control", "POST").status == 404
    assert ask(shown, host="evil.example").status == 403


def test_what_is_not_there_is_told() -> None:
    """So that the page says since when."""

    def fail(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    remote = RemoteState(URL, httpx.MockTransport(fail))
    found = ask(StandAlonePage(remote, token=None))
    assert found.status == 502
    assert "does not answer" in found.json["error"]


@pytest.mark.parametrize("host", ["127.0.0.2", "ops.localhost", "::1"])
def test_it_is_reached_by_the_address_it_is_served_at(host: str) -> None:
    """Whichever of loopback that is, and by no other name."""
    shown = page(host=host)
    given = f"[{host}]" if ":" in host else host
    assert ask(shown, host=f"{given}:8700").status == 200
    assert ask(shown, host="evil.example").status == 403


def test_with_a_token_nobody_sees_it_without() -> None:
    """Neither by a wrong one, nor by one in the address of something else."""
    shown = page(token=TOKEN, host="192.0.2.1")
    query = f"token={TOKEN}".encode()
    for headers in ({}, {"cookie": f"resilience_token={TOKEN}x"}, {"authorization": TOKEN}):
        assert ask(shown, headers=headers).status == 403
    assert ask(shown, "/", query_string=b"token=wrong").status == 403
    assert ask(shown, "/", query_string=b"token=%ff").status == 403
    assert ask(shown, "/state.json", query_string=query).status == 403


def test_a_token_in_the_address_becomes_a_cookie() -> None:
    """Where scripts do not see it, and other sites do not send it."""
    shown = page(token=TOKEN, host="192.0.2.1")
    found = ask(shown, "/", host="ops.internal:80", query_string=f"token={TOKEN}".encode())
    assert (found.status, found.headers["location"]) == (303, "./")
    cookie = found.headers["set-cookie"]
    assert cookie == f"resilience_token={TOKEN}; Path=/; HttpOnly; SameSite=Strict"
    sent = {"cookie": f"other=1; {cookie.partition(';')[0]}"}
    assert ask(shown, "/", host="ops.internal", headers=sent).status == 200
    assert ask(shown, headers={"authorization": f"Bearer {TOKEN}"}).status == 200


def test_a_token_that_is_not_asked_for_leaves_the_address() -> None:
    """Nobody keeps it."""
    found = ask(page(), "/", query_string=b"token=x")
    assert (found.status, "set-cookie" in found.headers) == (303, False)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--url", "nowhere"], "--url: 'nowhere' is no address of a page"),
        (
            ["--url", URL, "--host", "192.0.2.1"],
            "--host 192.0.2.1 is within reach of others: give --token",
        ),
        (["--url", URL, "--host", "ops.internal"], "give --token"),
        (["--url", URL, "--token", "short"], "--token: give at least 16 letters and digits"),
        (["--url", URL, "--token", f"{TOKEN};"], "--token: give at least 16 letters and digits"),
    ],
)
def test_wrong_options_are_refused(
    options: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With status 2."""
    assert main(["dashboard", *options]) == 2
    assert text in capsys.readouterr().err


def test_a_port_that_is_not_to_be_had_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """With the reason."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        number = other.getsockname()[1]
        assert main(["dashboard", "--url", URL, "--port", str(number)]) == 1
    assert f"cannot listen on 127.0.0.1, port {number}" in capsys.readouterr().err
    assert main(["dashboard", "--url", URL, "--port", "99999"]) == 1
    assert "there is no port 99999: give one from 0 to 65535" in capsys.readouterr().err


def test_the_address_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the token that it needs."""
    monkeypatch.setattr(stand_alone, "serve", lambda _page, _listener: None)
    for host, token, query in (("127.0.0.1", None, ""), ("::1", TOKEN, f"?token={TOKEN}")):
        out = io.StringIO()
        assert run_dashboard(out, url=URL, host=host, port=0, token=token) == 0
        shown = "[::1]" if ":" in host else host
        assert out.getvalue().startswith(f"the page of {URL} is at http://{shown}:")
        assert out.getvalue().endswith(f"/{query}\n")


def test_a_name_is_listened_on_too() -> None:
    """As well as an address."""
    with listen("localhost", 0) as listener:
        assert url_of(listener).startswith("http://127.0.0.1:")


def test_a_missing_uvicorn_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the extra that has it."""
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    listener = listen("127.0.0.1", 0)
    with (
        listener,
        pytest.raises(CannotRunError, match=r"pip install 'resilient-http-client\[server\]'"),
    ):
        serving.serve(page(), listener)


def test_without_uvicorn_no_address_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody would answer there."""
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert main(["dashboard", "--url", URL, "--port", "0"]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "pip install 'resilient-http-client[server]'" in shown.err


@pytest.mark.any_python
def test_the_program_serves_until_it_is_interrupted(mounted: str) -> None:
    """A real one, of a real page."""
    command = [sys.executable, "-m", "client", "dashboard", "--url", mounted, "--port", "0"]
    with process_group(command, ROOT) as program:
        assert program.stdout is not None
        address = program.stdout.readline().split()[-1]
        with httpx.Client(base_url=address, trust_env=False) as browser:
            assert "Resilience of" in browser.get("/").text
            assert json.loads(browser.get("/state.json").text)["clients"] == []
        program.send_signal(signal.SIGINT)
        _, errors = program.communicate(timeout=PATIENCE_SECONDS)
    assert (program.returncode, errors) == (130, "interrupted\n")
