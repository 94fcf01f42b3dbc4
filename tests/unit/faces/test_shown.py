"""What `help()`, editors and a debugger show of the clients and of what stands around them."""

import inspect
import pydoc
from collections.abc import Callable
from typing import Any, TypedDict

import pytest

import client
import client.httpx2
from client.dashboard import dashboard
from client.faces.facade.call_options import CallOptions
from client.faces.shown import documented, parameters_of, show
from client.telemetry import OpenTelemetryMetrics, OpenTelemetryTracing, PrometheusMetrics, StatsD
from server.testing import FailureServer, RemoteProxy, RemoteServer, WireProxy

VERBS = ("get", "post", "put", "patch", "delete", "head", "options", "request", "stream")
FACADES = [
    client.ResilientClient,
    client.SyncResilientClient,
    client.httpx2.ResilientClient,
    client.httpx2.SyncResilientClient,
]
DROP_INS = [client.Client, client.AsyncClient, client.httpx2.Client, client.httpx2.AsyncClient]
FUNCTIONS = [getattr(client, name) for name in client._NAMES_OF["faces.drop_in.functions"]]
each_verb = pytest.mark.parametrize("verb", VERBS)


def name_of(kind: type[object]) -> str:
    """With its package, for two families have one name."""
    return f"{kind.__module__}.{kind.__qualname__}"


def keywords(function: Callable[..., object]) -> set[str]:
    """What can be given by name alone; nothing is hidden behind stars."""
    parameters = inspect.signature(function).parameters.values()
    assert all(each.kind is not each.VAR_KEYWORD for each in parameters)
    return {each.name for each in parameters if each.kind is each.KEYWORD_ONLY}


def has_words_about(names: set[str], function: Callable[..., object]) -> None:
    """Hold that the arguments added to httpx's are explained in its documentation."""
    text = pydoc.plain(pydoc.render_doc(function))
    assert [name for name in sorted(names) if f" {name}: " not in text.partition("\n\n")[2]] == []
    assert "All others are httpx's own." in text
    assert "**options" not in text


ADDED_BY_FACADE = {
    *("request_id", "retry", "deadline", "priority", "rate_limit", "hedge", "chaos", "cache"),
    *("fallback", "middleware", "attempt_middleware", "operation"),
}
ADDED_BY_DROP_IN = {"max_retries", "backoff_factor", "max_total_time", "circuit_breaker", "hedge"}


@each_verb
@pytest.mark.parametrize("kind", FACADES, ids=name_of)
def test_a_verb_of_the_facade_shows_its_arguments(kind: type[object], verb: str) -> None:
    """Each of them, and a word about those that are not httpx's."""
    method = getattr(kind, verb)
    assert keywords(method) == CallOptions.__optional_keys__
    has_words_about(ADDED_BY_FACADE, method)


@each_verb
@pytest.mark.parametrize("kind", DROP_INS, ids=name_of)
def test_a_verb_of_a_drop_in_shows_its_arguments(kind: type[object], verb: str) -> None:
    """Those of httpx and those that are added."""
    method = getattr(kind, verb)
    assert keywords(method) >= {"headers", "timeout", *ADDED_BY_DROP_IN}
    has_words_about(ADDED_BY_DROP_IN, method)


@pytest.mark.parametrize("kind", DROP_INS, ids=name_of)
def test_a_constructor_of_a_drop_in_shows_its_arguments(kind: Any) -> None:
    """Those of its own, too."""
    assert keywords(kind) >= {"base_url", "name", "listeners", *ADDED_BY_DROP_IN}
    has_words_about({"name", "listeners", "telemetry", *ADDED_BY_DROP_IN}, kind.__init__)


@pytest.mark.parametrize(
    "function", [*dict.fromkeys(FUNCTIONS)], ids=lambda function: str(function.__name__)
)
def test_a_function_shows_its_arguments(function: Callable[..., object]) -> None:
    """Those of httpx, of the drop-ins, and the client that it may use."""
    assert keywords(function) >= {"client", "headers", "verify", *ADDED_BY_DROP_IN}
    has_words_about({"client", *ADDED_BY_DROP_IN}, function)


def test_what_a_verb_raises_stands_last() -> None:
    """Below its arguments."""
    text = client.SyncResilientClient.request.__doc__ or ""
    assert text.index("Args:") < text.index("All others") < text.index("Raises:")


def test_the_module_shows_public_names_alone() -> None:
    """And finds each of them."""
    assert set(dir(client)) == {*client.__all__, *client._PUBLIC_MODULES}
    assert all(hasattr(client, name) for name in dir(client))


def test_a_client_shows_public_names() -> None:
    """In an editor that leaves out what begins with an underscore."""
    shown = {name for name in dir(client.SyncResilientClient()) if not name.startswith("_")}
    assert shown == {
        *VERBS,
        *("attempt_middleware", "circuit", "circuit_state", "close", "config", "health"),
        *("is_closed", "middleware", "reconfigure", "stats"),
    }


class Few(TypedDict, total=False):
    """A few.

    one: The first,
        on two lines.
    """

    one: "int"


def with_args(first: str, **options: object) -> None:
    """Do something.

    Args:
        first: What is given.
        **options: More,
            on two lines.

    Raises:
        ValueError: It is refused.
    """


def without_args(first: str, **options: object) -> None:
    """Do something."""


def test_words_take_the_place_of_options() -> None:
    """Where a docstring has a section for arguments."""
    assert documented(with_args.__doc__, Few) == (
        "Do something.\n\n"
        "Args:\n    first: What is given.\n    one: The first,\n        on two lines.\n"
        "    All others are httpx's own.\n\n"
        "Raises:\n    ValueError: It is refused."
    )


def test_words_stand_below_a_short_docstring() -> None:
    """In a section of their own; where Python leaves docstrings out, there is nothing else."""
    section = "Args:\n    one: The first,\n        on two lines.\n    All others are httpx's own."
    assert documented(without_args.__doc__, Few) == f"Do something.\n\n{section}"
    assert documented(None, Few) == section


def test_a_default_that_is_no_value_is_shown_as_one() -> None:
    """What is not given is left to the client."""
    parameters = parameters_of(Few, {})
    show(without_args, parameters, Few)
    text = str(inspect.signature(without_args))
    assert text == "(first: str, *, one: 'int' = <default>) -> None"
    assert parameters_of(Few, {"one": 1})[0].default == 1


REPRS: list[tuple[object, str]] = [
    (client.SyncResilientClient().circuit, "<CircuitControl closed>"),
    (client.Client().circuit, "<CircuitControl None>"),
    (PrometheusMetrics(), "PrometheusMetrics()"),
    (OpenTelemetryMetrics(), "OpenTelemetryMetrics()"),
    (OpenTelemetryTracing(), "OpenTelemetryTracing()"),
    (StatsD(), "StatsD('127.0.0.1', 8125)"),
    (StatsD(socket_path="/run/statsd.sock"), "StatsD('/run/statsd.sock')"),
    (dashboard(title="orders"), "<Dashboard 'orders'>"),
    (FailureServer(), "<FailureServer stopped>"),
    (WireProxy("127.0.0.1:9"), "<WireProxy stopped>"),
    (RemoteServer("http://127.0.0.1:9"), "RemoteServer('http://127.0.0.1:9')"),
    (RemoteProxy("http://127.0.0.1:9"), "RemoteProxy('http://127.0.0.1:9')"),
]


@pytest.mark.parametrize(("thing", "text"), REPRS, ids=[text for _, text in REPRS])
def test_a_repr_is_short(thing: object, text: str) -> None:
    """It says what it is and how it stands, without an address in memory."""
    assert repr(thing) == text


def test_the_repr_of_what_runs_says_where() -> None:
    """So that a test that stops there can be followed."""
    with FailureServer() as server:
        assert repr(server) == f"<FailureServer at {server.url}>"
