"""`python -m client watch`: a page elsewhere, once a second, as objects or as a picture."""

from __future__ import annotations

import asyncio
import io
import json
import re
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client.dashboard import dashboard
from client.program.cli import main
from client.program.live_page import watch
from client.program.live_page.picture import Picture
from client.program.live_page.remote import RemoteState
from client.program.live_page.serving import listen, served, url_of
from client.program.live_page.watch import Glance, JsonLines, glances
from tests.dashboard.asking import Servers, ask
from tests.eventually import PATIENCE_SECONDS
from tests.process_groups import process_group

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

pytestmark = pytest.mark.usefixtures("measured_programs")

ROOT = Path(__file__).parents[2]
URL = "http://127.0.0.1:8000/resilience"


def seen() -> tuple[Any, Any]:
    """Two states of a page of a client whose circuit opens between them."""
    servers = Servers()
    with servers.client(name="orders", retry={"max_attempts": 2, "min_wait_seconds": 0}) as client:
        page = dashboard(client)
        servers.call(client)
        servers.call(client, "b.test")
        before = ask(page).json
        servers.statuses["a.test"] = 404
        servers.call(client, times=3)
        servers.statuses["b.test"] = 500
        servers.call(client, "b.test")
        return before, ask(page).json


def looks(*given: Glance) -> Callable[..., AsyncIterator[Glance]]:
    """Stand in for what looks at a page."""

    async def looking(_remote: RemoteState) -> AsyncIterator[Glance]:
        for each in given:
            yield each

    return looking


def test_it_looks_once_a_second_and_an_outage_ends_nothing() -> None:
    """What comes after it is seen again."""
    answers = iter([200, 503, 200])
    state = ask(dashboard()).body
    waits: list[float] = []

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(next(answers), content=state)

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def looking() -> list[Glance]:
        async with RemoteState(URL, httpx.MockTransport(answer)) as remote:
            found = glances(remote, sleep, lambda: 7.0)
            return [await anext(found) for _ in range(3)]

    first, second, third = asyncio.run(looking())
    assert (first.at, first.error, third.error) == (7.0, None, None)
    assert (second.state, second.error) == (None, f"{URL} answers 503")
    assert waits == [1.0, 1.0]


def test_as_json_it_writes_an_object_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The state as the page says it, or why there is none."""
    state, _ = seen()
    monkeypatch.setattr(watch, "glances", looks(Glance(1.23456, state), Glance(2, None, "gone")))
    assert main(["watch", "--url", URL, "--json"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line) for line in lines] == [
        {"at": 1.235, "state": state},
        {"at": 2, "error": "gone"},
    ]


def test_a_page_that_was_never_there_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """At the first look."""
    monkeypatch.setattr(watch, "glances", looks(Glance(1, None, f"{URL} answers 404")))
    monkeypatch.setattr(watch, "can_draw", lambda _out: True)
    for options in ([], ["--json"]):
        assert main(["watch", "--url", URL, *options]) == 1
        printed = capsys.readouterr()
        assert (printed.out, printed.err) == ("", f"error: {URL} answers 404\n")
    assert main(["watch", "--url", "nowhere"]) == 2


def test_a_missing_rich_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the extra that has it, and the way without."""
    monkeypatch.setattr(watch, "can_draw", lambda _out: True)
    monkeypatch.delitem(sys.modules, "client.program.live_page.picture", raising=False)
    monkeypatch.setitem(sys.modules, "rich.live", None)
    assert main(["watch", "--url", URL]) == 1
    error = capsys.readouterr().err
    assert "pip install 'resilient-http-client[demo]', or write objects with --json" in error


def test_a_picture_needs_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Elsewhere nothing would be seen before the end."""
    assert main(["watch", "--url", URL]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "needs a terminal that shows UTF-8: write objects, with --json" in printed.err


def drawn(
    *given: Glance, monkeypatch: pytest.MonkeyPatch, width: int = 140, height: int = 40
) -> str:
    """Return what is drawn of some glances, the last of it on a plain terminal."""
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("LINES", str(height))
    monkeypatch.setenv("TERM", "dumb")
    out = io.StringIO()
    picture = Picture(out, URL)
    picture.end()  # nothing has begun
    for each in given:
        picture.show(each)
    picture.end()
    return out.getvalue()


def test_a_picture_shows_states_by_word_and_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    """And rates that come of what was seen before."""
    before, after = seen()
    text = drawn(Glance(100.0, before), Glance(102.0, after), monkeypatch=monkeypatch)
    assert f"{URL}  process {before['process']['pid']} (MainProcess)" in text
    assert "orders  SyncResilientClient  0 of 50 slots, 0 waiting  budget" in text
    assert "○ closed" in text
    assert "■ open" in text
    assert "1.5/s" in text
    assert "ServerError" in text
    assert "local  1 failures, last ServerError; for 30 s" in text


def test_a_picture_says_how_a_limit_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it was before, and why it is another; an older page does not tell."""
    state, _ = seen()
    [client] = state["clients"]
    client.update(slots=[1, 2, 18], limit=[1.0, 20, "drops"])
    text = drawn(Glance(100.0, state), monkeypatch=monkeypatch)
    assert "1 of 18 slots (limit was 20: drops), 2 waiting" in text
    del client["limit"]
    assert "1 of 18 slots, 2 waiting" in drawn(Glance(100.0, state), monkeypatch=monkeypatch)


def test_a_picture_that_is_old_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what was seen last, and without a rate of nothing."""
    state, _ = seen()
    text = drawn(Glance(100.0, state), Glance(101.0, None, "gone"), monkeypatch=monkeypatch)
    assert "stale since " in text
    assert ": gone" in text
    assert "https://a.test" in text


def test_a_picture_of_nothing_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever shows it without a first look."""
    assert drawn(Glance(1, None, "gone"), monkeypatch=monkeypatch).strip() == "gone"


def test_a_picture_shows_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """No slots, no budget, no circuit, a client that is closed, calls that take long."""
    servers = Servers()
    client = servers.client(bulkhead=None, circuit_breaker=None)
    page = dashboard(client)
    servers.call(client)
    client.close()
    state = ask(page).json
    state["clients"][0]["targets"][0][-2:] = [None, 2.5]
    state["clients"][0]["hedges"] = [12, 10]
    state["clients"][0]["cache"] = [9, 1, 2, 3, 4]
    state["clients"][0]["rate_limit"] = [3, 1, 1_800_000_000.0]
    text = drawn(Glance(1, state), monkeypatch=monkeypatch)
    assert "default  SyncResilientClient  closed" in text
    assert "hedges 12 sent, 10 won" in text
    cached = "cache 9 hits, 1 stale, 2 revalidated, 3 misses, 4 past it"
    assert cached in " ".join(text.split())
    assert "rate limit: 3 waiting, 1 paused" in text
    state["clients"][0]["rate_limit"] = [3, 0, None]
    assert "rate limit: 3 waiting  " in drawn(Glance(1, state), monkeypatch=monkeypatch)
    assert "no circuit" in text
    assert "2.5 s" in text


def test_a_picture_shows_endpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    """How many are in, and which are not; of a page of an earlier version nothing."""
    servers = Servers()
    client = servers.client()
    state = ask(dashboard(client)).json
    state["clients"][0]["endpoints"] = [
        ["http://a", "healthy", None, 1, 0, 5, 0, 0.1, 0.2],
        ["http://b", "ejected", "check", 1, 0, 5, 5, 0.1, 0.2],
        ["http://c", "drained", None, 0, 0, 0, 0, None, None],
    ]
    text = " ".join(drawn(Glance(1, state), monkeypatch=monkeypatch).split())
    assert "1 of 3 endpoints in; http://b ejected (check); http://c drained" in text
    del state["columns"]["endpoints"], state["clients"][0]["endpoints"]
    assert "endpoints" not in drawn(Glance(1, state), monkeypatch=monkeypatch)
    client.close()


def of_targets(*hosts: str) -> Any:
    """A state of a client of these hosts, of which the last has failed."""
    servers = Servers()
    servers.statuses[hosts[-1]] = 500
    with servers.client(name="orders") as client:
        page = dashboard(client)
        for host in hosts:
            servers.call(client, host)
        client.circuit.isolate("wrong totals", f"https://{hosts[0]}")
        return ask(page).json


def test_a_terminal_obeys_nothing_that_a_page_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever answers may write anything into its texts."""
    state = of_targets("a.test", "b.test")
    text = (
        json.dumps(state).replace("orders", "\\u001b]0;mine\\u0007").replace("b.test", "\\u009b2J")
    )
    state = json.loads(text.replace("wrong totals", "\\u202e[red]\\u001b[2J"))
    state["process"]["host"] = "\x1b[2J"
    text = drawn(Glance(1, state), monkeypatch=monkeypatch)
    assert [each for each in text if not each.isprintable() and each != "\n"] == []
    assert "[red]" in text, "nor does rich"


@pytest.mark.parametrize("width", [40, 80, 140])
def test_a_target_is_read_at_any_width(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    """Whatever has no room leaves before it; what is wrong with it stands below."""
    state = of_targets("search.test", "ledger.internal")
    text = drawn(Glance(1, state), monkeypatch=monkeypatch, width=width)
    lines = [line.rstrip() for line in text.splitlines()]
    assert max(map(len, lines)) <= width
    assert "https://" in text
    joined = "".join("".join(line[12:]) for line in lines).replace(" ", "")
    assert "…" not in joined
    assert ("since" in text, "p50" in text) == (width >= 70, width >= 100)
    if width > 40:
        assert "https://ledger.internal" in text
        assert "ServerError" in text
        assert "“wrong totals”" in text


def test_the_worst_stand_first_where_there_is_room_for_few(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And how many there are besides is told."""
    state = of_targets(*(f"h{number}.test" for number in range(40)))
    text = drawn(Glance(1, state), monkeypatch=monkeypatch, height=24)
    found = re.findall(r"https://(h\d+\.test)", text)
    assert found[:3] == ["h0.test", "h39.test", "h1.test"]
    [more] = re.findall(r"and (\d+) more targets", text)
    assert 10 < int(more) < 40
    assert len(text.splitlines()) <= 24


def test_clients_for_which_there_is_no_room_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first are those at which something is wrong."""
    state, other = of_targets("a.test", "b.test"), of_targets("a.test", "b.test")["clients"][0]
    calm = {**other, "name": "calm", "targets": [], "transitions": [], "circuit": None}
    state["clients"] = [*[calm] * 50, *state["clients"]]
    text = drawn(Glance(1, state), monkeypatch=monkeypatch, height=24)
    assert text.index("orders") < text.index("calm")
    assert "and 48 more clients" in text


def test_a_circuit_that_stands_for_all_is_told_beside_the_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also where nothing was called yet."""
    with Servers().client(name="orders", circuit_breaker={"failure_threshold": 1}) as client:
        page = dashboard(client)
        client.circuit.isolate("wrong totals")
        text = drawn(Glance(1, ask(page).json), monkeypatch=monkeypatch)
    assert "circuit ◆ isolated" in text


@pytest.mark.any_python
def test_the_program_writes_until_it_is_interrupted() -> None:
    """A real one, of a real page."""
    listener = listen("127.0.0.1", 0)
    with served(dashboard(), listener):
        command = [sys.executable, "-m", "client", "watch", "--json", "--url", url_of(listener)]
        with process_group(command, ROOT) as program:
            assert program.stdout is not None
            lines = [json.loads(program.stdout.readline()) for _ in range(2)]
            program.send_signal(signal.SIGINT)
            _, errors = program.communicate(timeout=PATIENCE_SECONDS)
    assert [line["state"]["clients"] for line in lines] == [[], []]
    assert (program.returncode, errors) == (130, "interrupted\n")


def test_lines_end_with_themselves() -> None:
    """There is nothing to clear up."""
    JsonLines(io.StringIO()).end()
