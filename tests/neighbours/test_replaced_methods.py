"""Tools put functions that take anything in place of httpx's methods; ours keep their arguments."""

import subprocess
import sys

import pytest

BEFORE = """
from unittest import mock

import httpx


def taking_anything(real):
    return lambda self, *args, **kwargs: real(self, *args, **kwargs)


for kind in (httpx.Client, httpx.AsyncClient):
    for name in ("__init__", "build_request", "send", "request", "get", "post", "stream"):
        setattr(kind, name, taking_anything(getattr(kind, name)))
httpx.Client.options = mock.Mock(return_value=httpx.Response(204))  # without a signature of its own
"""
PROGRAM = """
from inspect import signature

import client

answers = iter([503, 200])
transport = httpx.MockTransport(lambda request: httpx.Response(next(answers)))
with client.Client(transport=transport, backoff_factor=0.0, http2=False) as http:
    print(http.get("http://a.test/", max_retries=1, headers={"a": "b"}).status_code)
for kind in (client.Client, client.AsyncClient):
    for name in ("__init__", "send", "request", "get", "stream"):
        names = list(signature(getattr(kind, name)).parameters)
        assert names.count("max_retries") == 1, (kind, name, names)
    assert "max_retries" not in signature(kind.build_request).parameters
    try:
        kind(max_retry=1)
    except TypeError as error:
        print(error)
"""
EXPECTED = "200\n" + "unexpected keyword argument 'max_retry'; did you mean 'max_retries'?\n" * 2


@pytest.mark.parametrize(
    "program",
    [
        BEFORE + PROGRAM,
        "import httpx\nimport client.faces.drop_in.httpx_clients\n" + BEFORE + PROGRAM,
    ],
    ids=["before our import", "after our import"],
)
def test_methods_that_take_anything_in_place_of_httpx_own(program: str) -> None:
    """The drop-in imports, takes its arguments, refuses others, and shows its signatures."""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.stderr, done.stdout) == ("", EXPECTED)


@pytest.mark.usefixtures("measured_programs")
def test_a_method_without_a_signature_is_taken_to_take_anything() -> None:
    """Not everything that can be called can be asked what it takes."""
    program = """
import httpx


class NoSignature:
    __signature__ = "nonsense"

    def __call__(self, *args, **kwargs):
        return httpx.Response(204)


httpx.Client.get = NoSignature()
import client
from inspect import signature

print([*signature(client.Client.get).parameters][:2], client.Client().get("x", max_retries=0))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    expected = "['args', 'max_retries'] <Response [204 No Content]>\n"
    assert (done.stderr, done.stdout) == ("", expected)
