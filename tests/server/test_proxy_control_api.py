"""The control API of the wire proxy: HTTP and JSON, and what it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from server.testing import FailureServerError, RemoteProxy, WireProxy
from tests.eventually import eventually
from tests.server.proxy_peers import ANSWER, Client, answering, get
from tests.wire.scripted_server import ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def running() -> Iterator[WireProxy]:
    """A proxy in front of a service."""
    with ScriptedServer(answering) as server, WireProxy(server.url) as proxy:
        yield proxy


@pytest.fixture
def proxy(running: WireProxy) -> WireProxy:
    """The same, as new."""
    running.clear()
    return running


@pytest.fixture
def api(proxy: WireProxy) -> Iterator[httpx.Client]:
    """A plain client of its control API."""
    with httpx.Client(base_url=proxy.control_url, trust_env=False) as client:
        yield client


def test_faults_are_set_listed_and_removed(api: httpx.Client, proxy: WireProxy) -> None:
    """By their ids."""
    fault = api.post("/faults", json={"kind": "reset", "at": "in_head", "count": 3}).json()
    assert fault == {
        "id": fault["id"],
        "fault": {"kind": "reset", "at": "in_head", "stream": "downstream", "count": 3},
        "remaining": 3,
        "connections": 0,
    }
    assert api.get("/faults").json() == {"faults": [fault]}
    get(proxy)
    assert api.get("/faults").json()["faults"][0]["remaining"] == 2
    assert api.delete(f"/faults/{fault['id']}").json() == {"faults": []}
    assert get(proxy) == (ANSWER, "fin")


def test_reset_and_clear(api: httpx.Client, proxy: WireProxy) -> None:
    """The one keeps the statistics, the other does not."""
    api.post("/faults", json={"kind": "garbage"})
    get(proxy)
    assert api.post("/reset").json() == {"faults": []}
    counted = api.get("/statistics").json()
    assert (counted["accepted"], counted["applied"]) == (1, {"garbage": 1})
    assert api.post("/clear").json() == {
        "accepted": 0,
        "refused": 0,
        "unreachable": 0,
        "turned_away": 0,
        "open": 0,
        "bytes_up": 0,
        "bytes_down": 0,
        "applied": {},
        "skipped": {},
    }


def test_health_tells_what_stands_where(api: httpx.Client, proxy: WireProxy) -> None:
    """The port for clients, and the service behind it."""
    assert api.get("/health").json() == {
        "status": "ok",
        "port": proxy.port,
        "upstream": proxy.upstream,
    }


def test_connections_are_closed(api: httpx.Client) -> None:
    """None is open here."""
    answer = api.post("/connections/close?by=rst&idle_only=false")
    assert answer.json() == {"closed": 0}
    assert api.post("/connections/close?by=force").status_code == 422


def test_only_idle_connections_are_closed_unless_told_otherwise(
    api: httpx.Client, proxy: WireProxy
) -> None:
    """One with an answer under way is left."""
    proxy.fault("stall")
    with Client(proxy) as busy:
        busy.ask()
        eventually(lambda: proxy.statistics().applied == {"stall": 1})
        assert api.post("/connections/close").json() == {"closed": 0}
        assert api.post("/connections/close?idle_only=false").json() == {"closed": 1}


@pytest.mark.parametrize(
    ("kind", "options", "complaint"),
    [
        ("cute", {}, "kind is 'cute': give one of refuse, reset, cut, stall, drip, bandwidth"),
        ("reset", {"count": 0}, "count is 0: .*greater than or equal to 1"),
        ("reset", {"count": 1.5}, "count is '1.5': .*valid integer"),
        ("reset", {"count": "1"}, "count is '1': .*valid integer"),
        ("reset", {"count": 10**7}, "count is 10000000: .*less than or equal to 1000000"),
        ("reset", {"percent": 0}, "percent is 0: .*greater than 0"),
        ("reset", {"percent": 101}, "percent is 101: .*less than or equal to 100"),
        ("reset", {"percent": float("nan")}, "percent is 'nan': .*finite number"),
        ("reset", {"count": 1, "percent": 2}, "count=1 and percent=2 exclude each other"),
        ("reset", {"seed": 2**63}, "seed is 9223372036854775808: .*less than"),
        ("reset", {"at": "nowhere"}, "at is 'nowhere': .*'before_head'"),
        ("reset", {"after_bytes": -1}, "after_bytes is -1: .*greater than or equal to 0"),
        ("reset", {"at": "after_head", "after_bytes": 1}, "after_bytes is 1: .*at='stream'"),
        ("reset", {"at": "in_body", "after_bytes": 0}, "after_bytes is 0: .*at='after_head'"),
        ("reset", {"at": "in_head", "after_bytes": 0}, "after_bytes is 0: .*at='before_head'"),
        ("reset", {"stream": "sideways"}, "stream is 'sideways': .*'downstream' or 'upstream'"),
        ("reset", {"secs": 1}, "secs is 1: a reset fault has no such option; it has count, "),
        ("cut", {"by": "axe"}, "by is 'axe': .*'fin' or 'rst'"),
        ("stall", {"seconds": 3_601}, "seconds is 3601: .*less than or equal to 3600"),
        ("drip", {"size": 0}, "size is 0: .*greater than or equal to 1"),
        ("drip", {"interval_ms": 60_001}, "interval_ms is 60001: .*less than or equal to 60000"),
        ("bandwidth", {}, "bytes_per_second is None: Field required"),
        ("bandwidth", {"bytes_per_second": 0}, "bytes_per_second is 0: .*greater"),
        ("latency", {"ms": -1}, "ms is '?-1'?: .*greater than or equal to 0"),
        ("garbage", {"size": 1_048_577}, "size is 1048577: .*less than or equal to 1048576"),
        ("garbage", {"text": ""}, "text is '': .*at least 1 character"),
        ("surplus", {"at": "in_body"}, "at is 'in_body': a surplus fault has no such option"),
        ("close_idle", {"on": "whim"}, "on is 'whim': .*'idle' or 'reuse'"),
    ],
    ids=str,
)
def test_bad_input_is_named(
    proxy: WireProxy, kind: Any, options: dict[str, Any], complaint: str
) -> None:
    """The field, the value, and what is allowed; nothing comes into force."""
    with pytest.raises(ValueError, match=complaint):
        proxy.fault(kind, **options)
    assert proxy.faults() == []


@pytest.mark.parametrize("after_bytes", [1, -1])
def test_a_complaint_tells_the_place_of_the_field(api: httpx.Client, after_bytes: int) -> None:
    """Whether it is wrong by itself, or beside another."""
    fault = {"kind": "reset", "at": "after_head", "after_bytes": after_bytes}
    [complaint] = api.post("/faults", json=fault).json()["detail"]
    assert complaint["loc"] == ["body", "reset", "after_bytes"]
    assert complaint["input"] == after_bytes


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"1", b"null", b"[" * 10_000, b" " * 2_097_153])
def test_a_body_that_is_no_fault_is_refused(api: httpx.Client, body: bytes) -> None:
    """With the form of one that is."""
    answer = api.post("/faults", content=body)
    assert answer.status_code == 422
    assert "a JSON object with the kind of a fault" in answer.text


def test_a_fault_that_is_not_in_force_cannot_be_removed(proxy: WireProxy) -> None:
    """Those that are, are named."""
    fault = proxy.fault("reset")
    with pytest.raises(FailureServerError, match=f"no fault has id 99999; in force: {fault['id']}"):
        proxy.remove(99_999)


def test_a_proxy_that_runs_elsewhere(proxy: WireProxy) -> None:
    """It has the same methods."""
    remote = RemoteProxy(proxy.control_url)
    remote.fault("garbage", text="a")
    assert get(proxy) == (b"a", "fin")
    assert remote.statistics() == proxy.statistics()
    with pytest.raises(ValueError, match="give http://HOST:PORT"):
        RemoteProxy("127.0.0.1:80")


def test_a_proxy_that_is_gone_is_reported() -> None:
    """By what it was."""
    with WireProxy("127.0.0.1:1") as proxy:
        remote = RemoteProxy(proxy.control_url)
    with pytest.raises(FailureServerError, match="is the wire proxy still running"):
        remote.statistics()


@pytest.mark.parametrize(
    "body",
    [
        rb'{"kind": "\ud800"}',
        rb'{"kind": "garbage", "\ud800": 1}',
        rb'{"kind": "garbage", "text": "\ud800"}',
    ],
)
def test_half_a_character_is_refused(api: httpx.Client, body: bytes) -> None:
    """JSON can hold it, and nothing else can."""
    answer = api.post("/faults", content=body)
    assert answer.status_code == 422
    assert "ud800" in answer.text
