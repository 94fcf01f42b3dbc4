"""The tables of settings of the site are those of the models: names, defaults and bounds."""

import re
from collections.abc import Mapping

import pytest
from pydantic import BaseModel, ValidationError

import client
from client import (
    AdaptiveLimitConfig,
    AnswerFault,
    BalancingConfig,
    BulkheadConfig,
    CacheConfig,
    CallFault,
    ChaosConfig,
    CircuitBreakerConfig,
    ClientConfig,
    DelayFault,
    Endpoint,
    HedgeConfig,
    LoggingConfig,
    OutlierConfig,
    RaiseFault,
    RateLimitConfig,
    RetryBudgetConfig,
    RetryConfig,
    TimeoutConfig,
)
from client.runtime.seconds import MAX_SECONDS
from tests.docs.reading import Row, code_in, table

MODELS: list[type[BaseModel]] = [
    AdaptiveLimitConfig,
    BalancingConfig,
    BulkheadConfig,
    CacheConfig,
    ChaosConfig,
    CircuitBreakerConfig,
    ClientConfig,
    Endpoint,
    HedgeConfig,
    LoggingConfig,
    OutlierConfig,
    RateLimitConfig,
    RetryBudgetConfig,
    RetryConfig,
    TimeoutConfig,
]
FAULTS: list[type[BaseModel]] = [RaiseFault, DelayFault, AnswerFault, CallFault]
"""Each has a row of its own."""
# What must be given along with a setting for its bounds to be its own alone.
COMPANIONS: Mapping[str, Mapping[str, object]] = {
    "min_delay": {"max_delay": MAX_SECONDS},
    "max_delay": {"min_delay": 1e-9},
    "min_wait_seconds": {"max_wait_seconds": MAX_SECONDS},
    "max_wait_seconds": {"min_wait_seconds": 0},
    "max_recovery_timeout": {"recovery_timeout": 0},
    "window_seconds": {"failure_rate": 0.5},
    "minimum_calls": {"failure_rate": 0.5},
    "base_ejection": {"max_ejection": MAX_SECONDS},
    "injection_rate": {"faults": [{"seconds": 0}]},
    "seed": {"faults": [{"seconds": 0}]},
    "Endpoint.weight": {"url": "http://a"},
    "Endpoint.headers": {"url": "http://a"},
    "Endpoint.timeout": {"url": "http://a"},
    "Endpoint.bulkhead": {"url": "http://a"},
    "BalancingConfig.policy": {"balancing_key": str},
    "OutlierConfig.minimum_calls": {"failure_ratio": 0.5},
}
BOUNDS = re.compile(
    r"(?P<above>above )?(?P<low>[\d,.]+) to (?P<high>a year|[\d,.]+)(?P<each> each)?"
)
A_BIT = 1e-6

SETTINGS = [
    pytest.param(model, row, id=f"{model.__name__}.{row[0].strip('`')}")
    for model in MODELS
    for row in table(model.__name__, "setting")
]


@pytest.mark.parametrize("model", MODELS)
def test_every_setting_has_its_row(model: type[BaseModel]) -> None:
    """In the order of the model, where the most wanted come first."""
    rows = table(model.__name__, "setting")
    assert [row[0] for row in rows] == [f"`{name}`" for name in model.model_fields]


def test_every_model_has_its_table() -> None:
    """A part that is added gets one too."""
    parts = {
        value
        for value in vars(client).values()
        if isinstance(value, type) and issubclass(value, BaseModel)
    }
    assert parts == {*MODELS, *FAULTS}


def test_every_fault_has_its_row() -> None:
    """With what it takes, in order."""
    rows = {code_in(row[0])[0]: code_in(row[1]) for row in table("Chaos", "fault")}
    assert rows == {kind.__name__: list(kind.model_fields) for kind in FAULTS}


@pytest.mark.parametrize(("model", "row"), SETTINGS)
def test_the_default_is_as_stated(model: type[BaseModel], row: Row) -> None:
    """Each is written as the Python that makes it."""
    [name] = code_in(row[0])
    if row[1] == "must be given":
        assert model.model_fields[name].is_required()
        return
    [default] = code_in(row[1])
    public = {each: getattr(client, each) for each in client.__all__}  # imported at first use
    stated = eval(default, public)  # noqa: S307 - our own document
    assert model.model_fields[name].get_default(call_default_factory=True) == stated


@pytest.mark.parametrize(("model", "row"), SETTINGS)
def test_what_is_allowed_is_as_stated(model: type[BaseModel], row: Row) -> None:
    """The bounds are tried from both sides, the words one by one, and None."""
    [name], allowed = code_in(row[0]), row[2]
    accepted: list[object] = [None] if allowed.endswith("or None") else []
    refused: list[object] = [] if accepted else [None]
    if bounds := BOUNDS.match(allowed):
        low, high = _number(bounds["low"]), _number(bounds["high"])
        wrap = _in_a_set if bounds["each"] else _as_it_is
        accepted += [wrap(high), wrap(low + (A_BIT if bounds["above"] else 0))]
        refused += [wrap(high + 1), wrap(low if bounds["above"] else low - A_BIT)]
        refused += [wrap(float("nan")), wrap(True)]  # noqa: FBT003 - a value to be refused
    elif words := [code for code in code_in(allowed) if re.fullmatch(r'"\w+"|True|False', code)]:
        accepted += [eval(word, {}) for word in words]  # noqa: S307 - our own document
        refused += ["nonsense"]
    for value in accepted:
        assert _takes(model, name, value), f"{name} is said to take {value!r}"
    for value in refused:
        assert not _takes(model, name, value), f"{name} is not said to take {value!r}"


def _takes(model: type[BaseModel], name: str, value: object) -> bool:
    try:
        along = COMPANIONS.get(f"{model.__name__}.{name}") or COMPANIONS.get(name, {})
        model.model_validate({**along, name: value})
    except ValidationError:
        return False
    return True


def _number(text: str) -> float:
    return MAX_SECONDS if text == "a year" else float(text.replace(",", ""))


def _in_a_set(value: float) -> object:
    return {value}


def _as_it_is(value: float) -> object:
    return value
