"""The clients are httpx clients: by class, by signature, and by what they refuse."""

import inspect
from typing import Any

import pytest

import client
from client import CircuitBreaker, ConstantBackoff
from client.faces.drop_in.options import ResilienceOptions, RetrySettings
from tests.drop_in.kits import ON_EACH_KIT, URL, Kit

ADDED = set(RetrySettings.defaults())
ONLY_IN_CONSTRUCTORS = {"name", "listeners", "telemetry", "plugins", "allow_chaos"}
VERBS = ("delete", "get", "head", "options", "patch", "post", "put")
WIDENED = ("__init__", "request", "send", "stream", *VERBS)


def parameters_of(function: Any) -> dict[str, inspect.Parameter]:
    """The parameters by their names."""
    return dict(inspect.signature(function).parameters)


@ON_EACH_KIT
async def test_a_client_is_an_httpx_client(kit: Kit) -> None:
    """Real SDKs ask with `isinstance`."""
    made = kit.client(200)
    assert isinstance(made.real, kit.theirs_of)
    assert issubclass(kit.ours_of, kit.theirs_of)


@ON_EACH_KIT
@pytest.mark.parametrize("name", WIDENED)
def test_a_signature_is_that_of_httpx_with_the_added_arguments(kit: Kit, name: str) -> None:
    """By name, kind, default and order; what is added comes last and by keyword."""
    theirs = parameters_of(getattr(kit.theirs_of, name))
    ours = parameters_of(getattr(kit.ours_of, name))
    assert list(ours.items())[: len(theirs)] == list(theirs.items())
    added = {name: each for name, each in ours.items() if name not in theirs}
    only_in_constructors = ONLY_IN_CONSTRUCTORS if name == "__init__" else set[str]()
    assert set(added) == ADDED | only_in_constructors
    assert {each.kind for each in added.values()} == {inspect.Parameter.KEYWORD_ONLY}
    assert added["max_retries"].default == 3
    assert added["max_retries"].annotation == "int"


@ON_EACH_KIT
def test_all_other_methods_have_the_very_signature_of_httpx(kit: Kit) -> None:
    """None is missing, and none takes less."""
    public = [name for name in dir(kit.theirs_of) if not name.startswith("_")]
    others = set(public) - set(WIDENED) - {"query", "sse"}
    for name in sorted(others):
        theirs = getattr(kit.theirs_of, name)
        if callable(theirs):
            ours = getattr(kit.ours_of, name)
            assert parameters_of(ours) == parameters_of(theirs), name
        else:
            assert getattr(kit.ours_of, name) is theirs, name


@ON_EACH_KIT
def test_the_class_itself_shows_the_signature_of_its_constructor(kit: Kit) -> None:
    """Editors and `help` look at the class."""
    shown = parameters_of(kit.ours_of)
    theirs = set(parameters_of(kit.theirs_of))
    assert set(shown) == theirs | ADDED | ONLY_IN_CONSTRUCTORS


def test_a_subclass_with_a_constructor_of_its_own_shows_that(kit: Kit) -> None:
    """A dependency injector must not believe that it takes what its base takes."""

    class Mine(kit.ours_of):  # type: ignore[name-defined,misc] # the class is a value
        def __init__(self, tenant: str) -> None:
            super().__init__(headers={"X-Tenant": tenant})

    assert list(parameters_of(Mine)) == ["tenant"]
    kit.face(made := Mine("blue"))
    assert made.headers["X-Tenant"] == "blue"
    assert list(parameters_of(Mine.get)) == list(parameters_of(kit.ours_of.get))


def test_async_methods_are_still_coroutine_functions(kit: Kit) -> None:
    """Frameworks ask."""
    for name in (*VERBS, "send", "request"):
        assert inspect.iscoroutinefunction(getattr(kit.ours_of, name)) is kit.is_async


def test_a_method_says_where_it_comes_from(kit: Kit) -> None:
    """With a name, a module and a docstring."""
    method = kit.ours_of.get
    assert method.__name__ == "get"
    assert method.__qualname__.endswith("DropIn.get")
    assert method.__module__ == "client.faces.drop_in.clients"
    assert (method.__doc__ or "").startswith("Send a GET request.\n\nArgs:\n    max_retries: ")
    assert method.__annotations__["options"] == "Unpack[VerbOptions[RequestT, DefaultT]]"


def test_the_two_families_have_signatures_of_their_own() -> None:
    """A default of httpx must not show up in httpx2."""
    ours = Kit("httpx", is_async=False), Kit("httpx2", is_async=False)
    defaults = [parameters_of(kit.ours_of.get)["auth"].default for kit in ours]
    assert defaults == [kit.module.USE_CLIENT_DEFAULT for kit in ours]


def test_every_added_argument_is_typed_documented_and_checked() -> None:
    """The three lists of them agree."""
    assert set(ResilienceOptions.__annotations__) == ADDED
    assert all(name in str(ResilienceOptions.__doc__) for name in ADDED)


def test_the_package_hands_out_the_httpx_family() -> None:
    """At first use; the names are in `__all__`, and no others are invented."""
    ours = Kit("httpx", is_async=True).ours
    for name in ("AsyncClient", "AsyncResilientTransport", "Client", "ResilientTransport"):
        assert getattr(client, name) is getattr(ours, name)
        assert name in client.__all__
    assert all(hasattr(client, name) for name in client.__all__)
    with pytest.raises(AttributeError, match="module 'client' has no attribute 'Cleint'"):
        _ = vars(client)["__getattr__"]("Cleint")


async def test_an_argument_nobody_knows_is_refused_like_httpx_does(kit: Kit) -> None:
    """With a `TypeError`, in the constructor with the nearest name."""
    with pytest.raises(TypeError, match="'max_retires'; did you mean 'max_retries'"):
        kit.real_client(max_retires=1)
    with pytest.raises(TypeError, match="'http3'; did you mean 'http2'"):
        kit.real_client(http3=True)
    with pytest.raises(TypeError, match=r"'zzz'$"):
        kit.real_client(zzz=True)
    made = kit.client(200)
    for method in ("get", "post"):
        with pytest.raises(TypeError, match="max_retires"):
            await getattr(made, method)(URL, max_retires=1)
    with pytest.raises(TypeError, match="max_retires"):
        await made.send(kit.request(), max_retires=1)
    assert made._transport.arrivals == []


WRONG = {
    "max_retries": (-1, 100, 1.5, True, "many", None),
    "backoff_factor": (-1, float("nan"), float("inf"), True, None),
    "backoff_strategy": ("exponential", ConstantBackoff, 3),
    "jitter_factor": (-0.1, 10.1, None),
    "max_wait_time": (-1, float("nan")),
    "max_total_time": (0, -1, float("inf")),
    "status_forcelist": ([99], [600], ["bad"], 503),
    "retry_methods": (["GE T"], 3),
    "idempotency_headers": (None, 3, ["X ID"], [3]),
    "retry_if": (True,),
    "circuit_breaker": (object(), 5),
    "on_request": ("print",),
    "on_retry": (1,),
    "on_success": (1,),
    "on_failure": (1,),
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in WRONG.items() for value in values]
)
async def test_a_value_that_is_not_allowed_is_refused_before_anything_is_sent(
    kit: Kit, name: str, value: Any
) -> None:
    """In the constructor and per call, with the argument's name in the error."""
    with pytest.raises(ValueError, match=name):
        kit.real_client(**{name: value})
    made = kit.client(200)
    with pytest.raises(ValueError, match=name):
        await made.get(URL, **{name: value})
    with pytest.raises(ValueError, match=name):
        await made.send(kit.request(), **{name: value})
    with pytest.raises(ValueError, match=name):
        made.real.stream("GET", URL, **{name: value})
    assert made._transport.arrivals == []


async def test_an_async_function_is_refused_where_it_would_never_be_awaited(kit: Kit) -> None:
    """A callback runs in the middle of a call, also of a blocking one."""

    async def never(*_args: Any) -> bool:
        return True

    for name in ("retry_if", "on_request", "on_retry", "on_success", "on_failure"):
        with pytest.raises(ValueError, match=f"(?s){name}.*not an async one"):
            kit.real_client(**{name: never})


async def test_collections_of_any_kind_are_taken(kit: Kit) -> None:
    """Whatever a user has at hand: lists, sets, ranges."""
    for statuses in ([418], {418}, (418,), frozenset({418}), range(418, 419)):
        made = kit.client(418, 200, status_forcelist=statuses)
        assert (await made.get(URL)).status_code == 200
    for methods in (["get"], {"GET"}, "GET, PUT"):
        made = kit.client(503, 200, retry_methods=methods)
        assert (await made.get(URL)).status_code == 200


async def test_nothing_of_httpx_is_taken_away(kit: Kit) -> None:
    """Properties read and set, with every constructor argument in place."""
    made = kit.real_client(
        auth=("u", "p"),
        params={"q": "1"},
        headers={"X-A": "b"},
        cookies={"c": "d"},
        verify=False,
        cert=None,
        http1=True,
        http2=False,
        proxy=None,
        mounts={"http://other": None},
        timeout=3,
        follow_redirects=True,
        limits=kit.module.Limits(max_connections=1),
        max_redirects=7,
        event_hooks={"request": [], "response": []},
        base_url="http://server.test/api",
        trust_env=False,
        default_encoding="ascii",
        max_retries=1,
        circuit_breaker=CircuitBreaker(),
    ).real
    assert made.timeout == kit.module.Timeout(3)
    assert made.params["q"] == "1"
    assert made.headers["X-A"] == "b"
    assert made.cookies["c"] == "d"
    assert str(made.base_url) == "http://server.test/api/"
    assert (made.max_redirects, made.follow_redirects, made.trust_env) == (7, True, False)
    assert made.is_closed is False
    made.timeout = 5
    made.auth = ("x", "y")
    made.headers = {"X-C": "d"}
    made.event_hooks = {"request": [print]}
    assert made.timeout == kit.module.Timeout(5)
    assert isinstance(made.auth, kit.module.BasicAuth)
    assert made.headers["X-C"] == "d"
    assert made.event_hooks["request"] == [print]
