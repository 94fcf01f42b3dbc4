"""httpx and httpx2: served by one implementation, and never mixed."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import httpx
import httpx2
import pytest

from client import ClientConfig, RetryConfig
from client.http.family import family_named, family_of
from tests.drop_in.kits import KITS, URL, Kit

OTHER: dict[str, Any] = {"httpx": httpx2, "httpx2": httpx}

IN_CONSTRUCTOR: dict[str, Callable[[Any], Any]] = {
    "auth": lambda module: module.BasicAuth("u", "p"),
    "params": lambda module: module.QueryParams(q="1"),
    "headers": lambda module: module.Headers({"a": "b"}),
    "cookies": lambda module: module.Cookies({"a": "b"}),
    "proxy": lambda module: module.Proxy("http://proxy.test"),
    "timeout": lambda module: module.Timeout(3),
    "limits": lambda module: module.Limits(),
    "base_url": lambda module: module.URL(URL),
    "transport": lambda module: module.MockTransport(print),
}
PER_CALL = ("auth", "params", "headers", "cookies", "timeout")
SETTABLE = ("auth", "params", "headers", "cookies", "timeout", "base_url")


def refused(kit: Kit, name: str) -> Any:
    """Expect that an argument of the other family is refused, and both families are named."""
    theirs = OTHER[kit.family].__name__
    said = rf"^{name} is a {theirs}\.\w+, but this client is of {kit.family}: give one of "
    return pytest.raises(TypeError, match=rf"{said}{kit.family}$")


@pytest.mark.parametrize("name", IN_CONSTRUCTOR)
async def test_a_constructor_refuses_the_other_family(kit: Kit, name: str) -> None:
    """Some of it httpx would take, and be wrong. Its own kind is taken."""
    with refused(kit, name):
        kit.real_client(**{name: IN_CONSTRUCTOR[name](OTHER[kit.family])})
    kit.real_client(**{name: IN_CONSTRUCTOR[name](kit.module)})


async def test_mounts_are_looked_into(kit: Kit) -> None:
    """One transport of the other family among them is one too many."""
    with refused(kit, "mounts"):
        kit.real_client(mounts={"http://a": None, "http://b": OTHER[kit.family].MockTransport(1)})
    kit.real_client(mounts={"http://a": None, "http://b": kit.wire(200)})


async def test_a_protected_transport_of_the_other_family_is_one_too(kit: Kit) -> None:
    """It has the other family among its bases."""
    other = Kit(OTHER[kit.family].__name__, is_async=False)
    transport = other.ours.ResilientTransport(other.wire(200))
    with pytest.raises(TypeError, match=r"transport is a client\.ResilientTransport"):
        kit.real_client(transport=transport)


@pytest.mark.filterwarnings("ignore:Setting per-request cookies:DeprecationWarning")
@pytest.mark.parametrize("name", PER_CALL)
async def test_a_call_refuses_the_other_family(kit: Kit, name: str) -> None:
    """Every way to make one; before anything is sent."""
    client = kit.client(200)
    wrong = {name: IN_CONSTRUCTOR[name](OTHER[kit.family])}
    with refused(kit, name):
        await client.get(URL, **wrong)
    with refused(kit, name):
        await client.request("POST", URL, **wrong)
    with refused(kit, name):
        async with client.stream(**wrong):
            pass
    if name == "auth":
        with refused(kit, name):
            await client.send(kit.request(), **wrong)
    else:
        with refused(kit, name):
            client.build_request("GET", URL, **wrong)
    assert client._transport.arrivals == []
    await client.get(URL, **{name: IN_CONSTRUCTOR[name](kit.module)})


async def test_requests_and_urls_of_the_other_family_are_refused(kit: Kit) -> None:
    """As any other object."""
    client, other = kit.client(200), OTHER[kit.family]
    with refused(kit, "request"):
        await client.send(other.Request("GET", URL))
    with refused(kit, "url"):
        await client.get(other.URL(URL))
    await client.get(kit.module.URL(URL))


@pytest.mark.parametrize("name", SETTABLE)
async def test_a_property_refuses_the_other_family(kit: Kit, name: str) -> None:
    """Also when it is set later."""
    client = kit.client(200).real
    with refused(kit, name):
        setattr(client, name, IN_CONSTRUCTOR[name](OTHER[kit.family]))
    setattr(client, name, IN_CONSTRUCTOR[name](kit.module))


async def test_objects_of_neither_family_are_no_concern(kit: Kit) -> None:
    """Tuples, dicts, functions, and whatever users have."""
    client = kit.client(200, auth=("u", "p"), timeout=(1, 2, 3, 4), mounts={}, headers={})
    client.real.anything = object()
    await client.get(URL, params={"q": 1}, auth=lambda request: request)


def test_a_client_tells_its_family() -> None:
    """Also a subclass of the user's; whatever is no client counts as httpx."""
    for family, is_async in KITS.values():
        kit = Kit(family, is_async=is_async)
        for kind in (kit.theirs_of, kit.ours_of, type("Mine", (kit.ours_of,), {})):
            assert family_of(object.__new__(kind)) is family_named(family)
    assert family_of(None) is family_of(5) is family_named("httpx")


def run(program: str, *blocked: str) -> Any:
    """Run a program with some packages out of reach; return what it prints, from JSON."""
    block = f"import sys; sys.modules.update(dict.fromkeys({blocked!r}))\n"
    show = "\nimport json; print(json.dumps(result))"
    done = subprocess.run(
        [sys.executable, "-c", block + program + show], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return json.loads(done.stdout)


TRY_IMPORT = """
try:
    import client.httpx2
except ImportError as error:
    result = str(error), isinstance(error.__cause__, ImportError)
"""
USE = """
import {module}, client
from {ours} import AsyncClient, AsyncResilientTransport, Client, ResilientTransport
from client import CircuitBreaker
calls = []
def handler(request):
    calls.append(request.method)
    if len(calls) == 1:
        raise {module}.ConnectError("nobody")
    return {module}.Response(503 if len(calls) == 2 else 200)
with Client(transport={module}.MockTransport(handler), backoff_factor=0) as used:
    status = used.get("http://server.test", circuit_breaker=CircuitBreaker()).status_code
try:
    used = Client(transport={module}.MockTransport(handler), max_total_time=1e-9)
    used.get("http://server.test")
except {module}.TimeoutException as error:
    name = type(error).__name__
result = status, calls, name, [each for each in {blocked!r} if sys.modules.get(each)]
"""
ONLY = {
    "httpx": ("httpx", "client", ["httpx2", "httpcore2"]),
    "httpx2": ("httpx2", "client.httpx2", ["httpx", "httpcore"]),
}


@pytest.mark.usefixtures("measured_programs")
def test_without_httpx2_its_module_says_what_to_install() -> None:
    """A line to copy, with the failed import as the cause."""
    text, has_cause = run(TRY_IMPORT, "httpx2")
    assert "pip install 'resilient-http-client[httpx2]'" in text
    assert has_cause is True


@pytest.mark.parametrize("family", ONLY)
def test_either_family_works_without_the_other(family: str) -> None:
    """The clients, their circuits and their rejections."""
    module, ours, blocked = ONLY[family]
    program = USE.format(module=module, ours=ours, blocked=blocked)
    expected = [200, ["GET"] * 3, "DeadlineExceededError", []]
    assert run(program, *blocked) == expected


@pytest.mark.parametrize("family", ONLY)
def test_neither_family_imports_the_other(family: str) -> None:
    """Where both are installed."""
    module, ours, blocked = ONLY[family]
    program = USE.format(module=module, ours=ours, blocked=blocked)
    assert run(program)[-1] == []


def test_importing_the_package_imports_neither_family() -> None:
    """Each is imported when it is used first."""
    program = "import client\nresult = [n for n in ('httpx', 'httpx2') if n in sys.modules]"
    assert run(program) == []


async def test_a_patch_does_not_change_what_is_ours(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody may put our class in the place of one of either family."""
    other = OTHER[kit.family]
    mine = type(kit.name, (kit.ours_of,), {"__module__": kit.ours_of.__module__})
    monkeypatch.setattr(other, kit.name, mine)
    assert family_of(object.__new__(mine)) is family_named(kit.family)


RENAMED = """
import client, client.httpx2, httpx, httpx2
for module in (httpx, httpx2):
    module.Timeout.__module__ = module.BaseTransport.__module__ = "sdk"
theirs = type("Mine", (httpx.BaseTransport,), {})()
result = []
for make, timeout, transport in (
    (client.Client, httpx2.Timeout(3), None),
    (client.httpx2.Client, httpx.Timeout(3), None),
    (client.httpx2.Client, None, theirs),
    (client.Client, httpx.Timeout(3), theirs),
):
    try:
        make(timeout=timeout, transport=transport)
    except TypeError as error:
        result.append(str(error).partition(",")[0])
"""


@pytest.mark.usefixtures("measured_programs")
def test_an_sdk_that_calls_a_class_its_own_changes_nothing() -> None:
    """Some write their name over that of httpx, in what they hand on."""
    assert run(RENAMED) == [
        "timeout is a httpx2.Timeout",
        "timeout is a httpx.Timeout",
        "transport is a __main__.Mine",
    ]


ALIASED = """
import httpx2
httpx2.alias_httpx()
import httpx
import client
made = client.Client(transport=httpx.MockTransport(lambda request: httpx.Response(200)))
with made:
    response = made.get("http://server.test", timeout=httpx.Timeout(3))
result = isinstance(made, httpx2.Client), type(response).__module__
"""


def test_httpx2_may_stand_in_for_httpx_by_its_own_alias() -> None:
    """Then `import httpx` is httpx2 everywhere, here too."""
    assert run(ALIASED) == [True, "httpx2"]


def test_the_facade_speaks_httpx2_too() -> None:
    """`ResilientClient` and its blocking twin, from the same module."""
    kit = Kit("httpx2", is_async=False)
    wire = kit.wire(503, 200)
    at_once = RetryConfig(min_wait_seconds=0, max_wait_seconds=0)
    with kit.ours.SyncResilientClient(ClientConfig(retry=at_once), transport=wire) as facade:
        assert type(facade.get(URL)) is httpx2.Response
    with pytest.raises(TypeError, match="httpx2"):
        kit.ours.SyncResilientClient(transport=httpx.MockTransport(lambda _: httpx.Response(200)))
    assert kit.ours.ResilientClient._family_name == "httpx2"
