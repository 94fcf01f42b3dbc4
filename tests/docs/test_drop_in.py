"""The tables about the drop-in clients of the site are those of the code."""

from contextlib import suppress
from dataclasses import fields
from inspect import getsource, signature
from typing import Any

import httpx
import pytest

from client import (
    CircuitBreaker,
    Client,
    FailureInfo,
    RequestInfo,
    ResponseInfo,
    RetryInfo,
    exceptions,
)
from client.engine.rejections import rejections_for
from client.faces.drop_in import functions
from client.faces.drop_in.options import RetrySettings
from client.faces.drop_in.policy import _LONGEST_RETRY_AFTER
from client.http.family import family_named
from tests.docs.reading import Row, code_in, pages_text, table
from tests.sdks import calls

ADDED = "The arguments added"
CASES = table("What is retried", "what happened")


def test_the_arguments_are_those_listed() -> None:
    """With their defaults, in the order of the settings."""
    rows = table(ADDED, "argument")
    stated = {code_in(row[0])[0]: code_in(row[1])[0] for row in rows}
    in_code = {name: repr(default) for name, default in RetrySettings.defaults().items()}
    assert stated == in_code


def test_the_records_are_those_listed() -> None:
    """With their fields, in order."""
    stated = {code_in(row[0])[0]: code_in(row[1]) for row in table("Callbacks of a call", "record")}
    kinds = (RequestInfo, RetryInfo, ResponseInfo, FailureInfo)
    assert stated == {kind.__name__: [field.name for field in fields(kind)] for kind in kinds}


def test_the_rejections_are_those_listed() -> None:
    """Each is of the class of httpx that is named."""
    rows = table("What comes back, what is raised", "rejection")
    made = rejections_for(family_named("httpx"))
    errors = [getattr(exceptions, name) for name in exceptions.__all__]
    kinds = {each.__name__: made.kind(each) for each in errors if getattr(each, "as_httpx", None)}
    assert {code_in(row[0])[0] for row in rows} == kinds.keys()
    for name, theirs, _ in rows:
        kind = getattr(httpx, code_in(theirs)[0].removeprefix("httpx."))
        assert kind in kinds[code_in(name)[0]].__bases__


def failures(what: str) -> list[Any]:
    """What a server does in the case of a row."""
    if "never sent" in what:
        return [httpx.ConnectError("x"), httpx.ConnectTimeout("x"), httpx.PoolTimeout("x")]
    if "fate is unknown" in what:
        return [httpx.ReadTimeout("x"), httpx.ReadError("x"), httpx.RemoteProtocolError("x")]
    if "any other" in what:
        return [400, 404, 501, 505]
    return [int(status) for status in what.split(", ")]


def attempts(method: str, failure: int | Exception, headers: dict[str, str]) -> int:
    """How often a call is made that always fails the same way."""
    made: list[httpx.Request] = []

    def fail(request: httpx.Request) -> httpx.Response:
        made.append(request)
        if isinstance(failure, Exception):
            raise failure
        return httpx.Response(failure)

    transport = httpx.MockTransport(fail)
    http = Client(transport=transport, max_retries=1, backoff_factor=0)
    with http, suppress(httpx.TransportError):
        http.request(method, "http://server.test/", headers=headers)
    return len(made)


@pytest.mark.parametrize("row", CASES, ids=lambda row: row[0])
def test_what_is_retried_is_as_stated(row: Row) -> None:
    """For every column of the table."""
    idempotent = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "QUERY"]
    columns: list[tuple[list[str], list[dict[str, str]]]] = [
        (idempotent, [{}]),
        (["POST", "PATCH", "LOCK"], [{}, {"X-Request-ID": "1"}]),
        (["POST", "PATCH", "LOCK"], [{"Idempotency-Key": "1"}]),
    ]
    what, *cells = row
    assert len(cells) == len(columns)
    for cell, (methods, kinds_of_headers) in zip(cells, columns, strict=True):
        expected = {"again": 2, "not": 1}[cell.strip("*")]
        for failure in failures(what):
            for method in methods:
                for headers in kinds_of_headers:
                    assert attempts(method, failure, headers) == expected, (method, failure)


def test_the_numbers_are_as_stated() -> None:
    """Those that stand in sentences."""
    settings = RetrySettings()
    waits = [settings.backoff.delay(attempt) for attempt in (1, 2, 3)]
    assert waits == [0.3, 0.6, 1.2]
    assert _LONGEST_RETRY_AFTER == 60
    assert signature(CircuitBreaker).parameters["recovery_timeout"].default == 60.0
    text = " ".join(pages_text().split())
    for sentence in (
        "three retries after 0.3, 0.6 and 1.2 seconds",
        "no bound but a minute for `Retry-After`",
        "`recovery_timeout` is 60.0",
    ):
        assert sentence in text


def test_the_functions_are_those_listed() -> None:
    """Each with its twin, and each under its long name."""
    text = " ".join(pages_text().split())
    begin = text.index("For one call there are functions")
    named = code_in(text[begin : text.index("each with an `_async` twin", begin)])
    names = [f"{verb}{long}" for verb in named for long in ("", "_with_automatic_retry")]
    assert {*names, *(f"{name}_async" for name in names)} == set(functions.__all__)


def test_the_sdks_are_those_under_test() -> None:
    """And our client goes where their tests put it."""
    source = getsource(calls)
    rows = table("Inside an SDK", "SDK")
    tested = {sdk.module.split(".")[0] for sdk in calls.SDKS.values()} - {"google"}
    assert {row[0] for row in rows} == tested | {"google-genai"}
    for name, _, given, _ in rows:
        [code] = code_in(given)
        _, _, arguments = code.rstrip(")").partition("(")
        assert all(f"{each}http" in source for each in arguments.split(", ")), name
