"""The settings of chaos: what a fault may be, in code, as a dict and in the environment."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from client.config.models import ClientConfig
from client.config.parts.chaos import AnswerFault, CallFault, ChaosConfig, DelayFault, RaiseFault
from tests.unit.config.configs import refusal_of


def nothing(_request: object) -> None:
    """A function that lets requests pass."""


def answered(status: int) -> ChaosConfig:
    """Chaos with one fault."""
    return ChaosConfig(faults=[AnswerFault(status)], injection_rate=0.5, seed=1)


DELAY: Any = DelayFault
ANSWER: Any = AnswerFault


def test_faults_are_given_by_position_or_by_name() -> None:
    """The same either way."""
    assert RaiseFault(httpx.ReadError).exception is httpx.ReadError
    assert RaiseFault(exception=httpx.ReadError) == RaiseFault(httpx.ReadError)
    assert DelayFault(2) == DelayFault(seconds=2.0)
    assert AnswerFault(503, {"a": "b"}, "x") == AnswerFault(
        status=503, headers={"a": "b"}, body=b"x"
    )
    assert CallFault(nothing) == CallFault(callable=nothing)
    assert (AnswerFault(503).headers, AnswerFault(503).body) == ({}, b"")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: DELAY(1, 2), "DelayFault takes seconds, and was given 2 arguments"),
        (lambda: ANSWER(503, {}, status=500), "AnswerFault was given status twice"),
    ],
    ids=["many", "twice"],
)
def test_what_python_would_refuse_is_refused(make: Callable[[], object], says: str) -> None:
    """As of any function."""
    with pytest.raises(TypeError, match=says):
        make()


def test_faults_may_be_dicts() -> None:
    """As from a file or the environment; each has one field that tells which it is."""
    faults = [
        {"status": 503, "headers": {"Retry-After": "1"}, "body": "busy"},
        {"seconds": "2"},
        {"exception": ConnectionResetError},
        {"callable": nothing},
        DelayFault(3),
    ]
    assert ChaosConfig.model_validate({"faults": faults}).faults == (
        AnswerFault(503, {"Retry-After": "1"}, b"busy"),
        DelayFault(2),
        RaiseFault(ConnectionResetError),
        CallFault(nothing),
        DelayFault(3),
    )


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([], "faults: [] is not allowed: give a list of faults: RaiseFault, DelayFault, Answ"),
        ({"status": 503}, "faults: {'status': 503} is not allowed: give a list of faults"),
        (None, "faults: None is not allowed: give a list of faults"),
        ([5], "faults: a int is no fault: give a RaiseFault, DelayFault, AnswerFault or CallFault"),
        ([{"satus": 5}], "faults: a dict is no fault: give a RaiseFault"),
        ([{"status": 199}], "faults.status: 199 is not allowed: give a whole number from 200 to"),
        ([{"status": 600}], "faults.status: 600 is not allowed"),
        ([{"status": 503, "x": 1}], "faults: there is no setting 'x'"),
        ([{"status": 503, "body": 5}], "faults.body: <class 'int'> is not allowed: give bytes or"),
        ([{"status": 503, "headers": {"a": "s3cret\n"}}], "faults.headers: the value of a is not"),
        ([{"seconds": -1}], "faults.seconds: -1 is not allowed: give a number of seconds from 0"),
        ([{"callable": None}], "faults.callable: None is not allowed: give a function that takes"),
        ([{"callable": 5}], "faults.callable: 5 is not allowed: give a function that takes the"),
    ],
)
def test_what_is_no_fault_is_refused(given: object, says: str) -> None:
    """With where it stands, and what is one."""
    refusal = refusal_of("chaos", {"faults": given})
    assert refusal.startswith(f"chaos.{says}")
    assert "s3cret" not in refusal


class Choosy(Exception):  # noqa: N818 - its class is what matters
    """An exception that wants more than a text."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one + two)


@pytest.mark.parametrize(
    "given",
    ["a text", KeyboardInterrupt, KeyboardInterrupt(), Choosy, int, None],
    ids=["text", "interrupt", "an-interrupt", "choosy", "number", "none"],
)
def test_what_is_no_exception_is_refused(given: object) -> None:
    """Nor is what only Python raises, and a class that cannot be made with a text."""
    says = "is not allowed: give an exception, or a class of exceptions that takes a text alone"
    assert says in refusal_of("chaos", {"faults": [{"exception": given}]})
    assert RaiseFault(Choosy("a", "b")).exception.args == ("ab",)


@pytest.mark.parametrize(
    ("name", "value"),
    [("injection_rate", 1.1), ("injection_rate", -0.1), ("injection_rate", True), ("seed", -1)],
)
def test_other_settings_have_bounds(name: str, value: object) -> None:
    """As all have."""
    given = {"faults": [{"seconds": 1}], name: value}
    assert refusal_of("chaos", given).startswith(f"chaos.{name}: {value!r} is not allowed")


def test_no_repr_shows_what_may_be_a_secret() -> None:
    """Neither values of headers nor a body."""
    fault = AnswerFault(503, {"Set-Cookie": "s3cret"}, "s3cret")
    config = ClientConfig(chaos=ChaosConfig(faults=[fault]))
    assert "AnswerFault(status=503, headers={'Set-Cookie': '***'}, body='***')" in repr(config)
    assert "s3cret" not in f"{fault} {config}"


def pickled(each: object) -> Any:
    """What comes out of a pickle."""
    return pickle.loads(pickle.dumps(each))  # noqa: S301 - our own


@pytest.mark.parametrize("again", [copy.deepcopy, pickled])
def test_settings_of_chaos_travel(again: Callable[[Any], Any]) -> None:
    """As all do."""
    assert again(answered(503)) == answered(503)
    assert again(answered(503)) != answered(500)


def test_chaos_is_merged() -> None:
    """Its faults are replaced as a whole."""
    config = ClientConfig(chaos=answered(503)).merged(chaos={"seed": 2})
    assert config.chaos == ChaosConfig(faults=[AnswerFault(503)], injection_rate=0.5, seed=2)
    config = config.merged(chaos={"faults": [{"seconds": 1}]})
    assert config.chaos == ChaosConfig(faults=[DelayFault(1)], injection_rate=0.5, seed=2)
    assert config.merged(chaos=None).chaos is None


def test_chaos_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """As far as text can say it. It takes more than that for a fault to be injected."""
    monkeypatch.setenv("RESILIENT_CLIENT_CHAOS__FAULTS", '[{"status": 503}, {"seconds": 1.5}]')
    monkeypatch.setenv("RESILIENT_CLIENT_CHAOS__INJECTION_RATE", "0.5")
    monkeypatch.setenv("RESILIENT_CLIENT_CHAOS__SEED", "1")
    expected = ChaosConfig(faults=[AnswerFault(503), DelayFault(1.5)], injection_rate=0.5, seed=1)
    assert ClientConfig.from_env().chaos == expected
    monkeypatch.setenv("RESILIENT_CLIENT_ALLOW_CHAOS", "1")
    with pytest.raises(ValueError, match="RESILIENT_CLIENT_ALLOW_CHAOS names no setting"):
        ClientConfig.from_env()


def test_faults_must_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rate alone says nothing."""
    with pytest.raises(ValidationError, match="faults"):
        ChaosConfig(injection_rate=1)  # type: ignore[call-arg] # which is what is tested
    monkeypatch.setenv("RESILIENT_CLIENT_CHAOS__INJECTION_RATE", "0.5")
    with pytest.raises(ValueError, match=r"chaos\.faults"):
        ClientConfig.from_env()
