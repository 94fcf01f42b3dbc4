"""The configuration: its defaults, what it accepts, and how it refuses the rest."""

import pickle
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from client.config.environment_names import settings_of
from client.config.models import (
    ClientConfig,
    RetryConfig,
)
from tests.unit.config.configs import (
    DEFAULTS,
    OFF,
    OFF_DEFAULTS,
    PARTS,
    config_with,
    nested,
    refusal_of,
    setting_of,
)

YEAR = 31_536_000
MILLION = 1_000_000


@pytest.mark.parametrize("path", DEFAULTS)
def test_the_defaults_are_the_contract_s(path: str) -> None:
    """Each as it stands there."""
    assert setting_of(ClientConfig(), path) == DEFAULTS[path]


def test_nothing_but_the_contract_s_settings_is_there() -> None:
    """Here are all of them."""
    of_all = DEFAULTS.keys() | PARTS.keys() | OFF_DEFAULTS.keys() | OFF.keys()
    assert set(settings_of(ClientConfig)) == of_all


@pytest.mark.parametrize("part", OFF)
def test_the_others_are_off(part: str) -> None:
    """Until they are given."""
    assert setting_of(ClientConfig(), part) is None


@pytest.mark.parametrize("path", OFF_DEFAULTS)
def test_their_defaults_are_those_of_the_contract_where_they_are_on(path: str) -> None:
    """One by one."""
    part, _, name = path.rpartition(".")
    given: dict[str, Any] = {"faults": [{"seconds": 0}]} if part == "chaos" else {}
    assert getattr(OFF[part](**given), name) == OFF_DEFAULTS[path]


def test_the_environment_is_never_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only `from_env` does."""
    monkeypatch.setenv("RESILIENT_CLIENT_RETRY__MAX_ATTEMPTS", "7")
    monkeypatch.setenv("RETRY", '{"max_attempts": 7}')
    assert ClientConfig() == ClientConfig.model_validate({})
    assert ClientConfig().retry == RetryConfig(max_attempts=3)


# Settings together.


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (
            {"retry": {"min_wait_seconds": 5, "max_wait_seconds": 4.5}},
            "retry: min_wait_seconds (5.0) must not be above max_wait_seconds (4.5)",
        ),
        (
            {"retry": {"min_wait_seconds": 61}},
            "retry: min_wait_seconds (61.0) must not be above max_wait_seconds (60.0)",
        ),
        (
            {"circuit_breaker": {"window_seconds": 5}},
            (
                "circuit_breaker: window_seconds (5.0) has no effect without failure_rate: "
                "give that too"
            ),
        ),
        (
            {"circuit_breaker": {"minimum_calls": 5}},
            "circuit_breaker: minimum_calls (5) has no effect without failure_rate: give that too",
        ),
        (
            {"circuit_breaker": {"recovery_timeout": 5, "max_recovery_timeout": 4}},
            "circuit_breaker: recovery_timeout (5.0) must not be above max_recovery_timeout (4.0)",
        ),
        (
            {"hedge": {"min_delay": 2, "max_delay": 1}},
            "hedge: min_delay (2.0) must not be above max_delay (1.0)",
        ),
        (
            {"hedge": {"methods": []}},
            "hedge.methods: [] is not allowed: give HTTP methods, at least one",
        ),
        (
            {"headers": {"x-request-id": "1"}},
            (
                ": headers must not hold X-Request-ID: it is made for each operation; "
                "give request_id= per call for one of your own"
            ),
        ),
        (
            {"headers": {"X-Trace": "1"}, "request_id_header": "x-trace"},
            (
                ": headers must not hold x-trace: it is made for each operation; "
                "give request_id= per call for one of your own"
            ),
        ),
    ],
    ids=["waits", "default-wait", "window", "calls", "breaks", "delays", "methods", "id", "own-id"],
)
def test_settings_that_contradict_each_other_are_refused(
    settings: dict[str, Any], expected: str
) -> None:
    """By both of their names and values."""
    with pytest.raises(ValidationError) as caught:
        ClientConfig.model_validate(settings)
    [error] = caught.value.errors()
    assert f"{'.'.join(map(str, error['loc']))}: {error['msg']}" == expected


@pytest.mark.parametrize(
    "settings",
    [
        {"retry": {"min_wait_seconds": 5, "max_wait_seconds": 5}},
        {"circuit_breaker": {"failure_rate": 0.5, "window_seconds": 5, "minimum_calls": 5}},
        {"circuit_breaker": {"recovery_timeout": 5, "max_recovery_timeout": 5}},
        {"circuit_breaker": {"recovery_timeout": 5000}},
        {"timeout": {"total": 1, "connect": 60, "read": 60}},
        {"headers": {"X-Trace": "1"}},
    ],
    ids=["waits", "rate", "breaks", "long-break", "total", "header"],
)
def test_settings_that_only_seem_to_are_fine(settings: dict[str, Any]) -> None:
    """Phases are cut to the total."""
    assert ClientConfig.model_validate(settings) == ClientConfig(**settings)


# Parts and names.


@pytest.mark.parametrize("path", PARTS)
def test_a_part_may_be_an_object_or_a_dict(path: str) -> None:
    """To the same effect."""
    kind = PARTS[path]
    assert setting_of(config_with(path, kind()), path) == kind()
    assert setting_of(config_with(path, {}), path) == kind()


def test_an_object_is_taken_as_it_is() -> None:
    """Some releases of pydantic show it to this check, which is about dicts, and others do not."""
    config = RetryConfig()
    check: Any = RetryConfig._refuse_unknown_names
    assert check(config) is config


@pytest.mark.parametrize("path", PARTS)
@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (5, "5"),
        (True, "True"),
        ("fast", "'fast'"),
        ([1], "<class 'list'>"),
        (ClientConfig(), "<class 'client.config.models.ClientConfig'>"),
    ],
    ids=["number", "flag", "text", "list", "other-part"],
)
def test_a_part_of_another_kind_is_refused(path: str, value: object, shown: str) -> None:
    """Which is shown where it can hold no secret."""
    expected = f"{shown} is not allowed: give a {PARTS[path].__name__}, or a dict of its settings"
    assert refusal_of(path, value) == f"{path}: {expected}"


@pytest.mark.parametrize("path", ["retry", "retry.budget", "circuit_breaker", "bulkhead"])
def test_a_layer_can_be_switched_off(path: str) -> None:
    """By None."""
    assert setting_of(config_with(path, None), path) is None


@pytest.mark.parametrize("path", ["timeout", "logging"])
def test_other_parts_cannot(path: str) -> None:
    """There is no client without them."""
    assert refusal_of(path, None).startswith(f"{path}: None is not allowed: give a ")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("timout", ": there is no setting 'timout': did you mean 'timeout'?"),
        ("retry.max_atempts", "retry: there is no setting 'max_atempts': did you mean"),
        ("retry.budget.rate", "retry.budget: there is no setting 'rate': did you mean 'ratio'?"),
        ("bulkhead.zzz", "bulkhead: there is no setting 'zzz': allowed are acquisition_timeout, a"),
        ("Retry", ": there is no setting 'Retry': did you mean 'retry'?"),
        ("retry.5", "retry: there is no setting '5': allowed are backoff, budget, jitter, max_a"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(path: str, expected: str) -> None:
    """Or with all there are, where none is near."""
    assert refusal_of(path, 5).startswith(expected)


def test_a_name_that_is_no_text_is_refused_too() -> None:
    """Somebody's YAML has a number there."""
    with pytest.raises(ValidationError, match="there is no setting '5'"):
        ClientConfig.model_validate({5: 1})


@pytest.mark.parametrize("kind", [ClientConfig, *PARTS.values()])
def test_nothing_can_be_changed_afterwards(kind: type[BaseModel]) -> None:
    """A client would not notice."""
    config = kind()
    for name in kind.model_fields:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(config, name, getattr(config, name))


@pytest.mark.parametrize("kind", [ClientConfig, *PARTS.values()])
def test_configurations_compare_by_value_and_can_be_pickled(kind: type[BaseModel]) -> None:
    """For caches, and for other processes."""
    assert kind() == kind()
    assert pickle.loads(pickle.dumps(kind())) == kind()  # noqa: S301 - our own


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"http2": 5}, "not_allowed"),
        ({"retry": 5}, "not_allowed"),
        ({"timout": 5}, "unknown"),
        ({"headers": 5}, "headers"),
        ({"headers": {"X-A": 5}}, "headers"),
        ({"headers": {"X-Request-ID": "1"}}, "request_id"),
        ({"retry": {"min_wait_seconds": 61}}, "order"),
        ({"circuit_breaker": {"recovery_timeout": 5, "max_recovery_timeout": 4}}, "order"),
        ({"circuit_breaker": {"minimum_calls": 5}}, "needs_rate"),
    ],
    ids=str,
)
def test_a_refusal_has_a_code_for_programs(settings: dict[str, Any], code: str) -> None:
    """As every error of pydantic's."""
    with pytest.raises(ValidationError) as caught:
        ClientConfig.model_validate(settings)
    assert [error["type"] for error in caught.value.errors()] == [code]


def test_every_error_is_told_at_once() -> None:
    """Not one after the other."""
    settings = {
        **nested("retry.max_attempts", 0),
        **nested("timeout.read", -1),
        **nested("http2", "x"),
    }
    with pytest.raises(ValidationError) as caught:
        ClientConfig.model_validate(settings)
    paths = {".".join(map(str, error["loc"])) for error in caught.value.errors()}
    assert paths == {"retry.max_attempts", "timeout.read", "http2"}
