"""`from_env`: variables and `.env` files, what wins, and how a mistake is told."""

import os
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from client.config.environment import Environment, Mistakes, read_environment
from client.config.environment_names import settings_of
from client.config.merging import given_settings
from client.config.models import ClientConfig, RetryConfig, TimeoutConfig
from tests.unit.config.configs import DEFAULTS, OFF, OFF_DEFAULTS, PARTS

PREFIX = "RESILIENT_CLIENT_"
Write = Callable[[str], Path]


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of the machine's own variables are in the way."""
    for name in os.environ:
        if name.upper().startswith((PREFIX, "APP_")):
            monkeypatch.delenv(name)


@pytest.fixture
def env_file(tmp_path: Path) -> Write:
    """Write a `.env` file."""

    def write(text: str) -> Path:
        path = tmp_path / "settings.env"
        path.write_text(text)
        return path

    return write


def set_all(monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str]) -> None:
    """Set variables, named without their prefix."""
    for name, value in variables.items():
        monkeypatch.setenv(f"{PREFIX}{name}", value)


def given_by(monkeypatch: pytest.MonkeyPatch, **variables: str) -> dict[str, Any]:
    """The settings that these variables give."""
    set_all(monkeypatch, variables)
    return given_settings(ClientConfig.from_env())


# Reading.


def test_an_empty_environment_gives_the_defaults() -> None:
    """All of them."""
    assert ClientConfig.from_env() == ClientConfig()


def test_variables_are_nested_by_two_underscores(monkeypatch: pytest.MonkeyPatch) -> None:
    """At any depth."""
    monkeypatch.setenv("RESILIENT_CLIENT_BASE_URL", "https://api.example")
    monkeypatch.setenv("RESILIENT_CLIENT_RETRY__MAX_ATTEMPTS", "5")
    monkeypatch.setenv("RESILIENT_CLIENT_RETRY__BUDGET__RATIO", "0.5")
    assert given_settings(ClientConfig.from_env()) == {
        "base_url": "https://api.example",
        "retry": {"max_attempts": 5, "budget": {"ratio": 0.5}},
    }


EXAMPLES: dict[str, tuple[str, object]] = {
    "base_url": ("https://api.example", "https://api.example"),
    "timeout.connect": ("1.5", 1.5),
    "timeout.total": ("30", 30.0),
    "retry.jitter": ("no", False),
    "retry.backoff": ("fibonacci", "fibonacci"),
    "retry.statuses": ("500, 503", {500, 503}),
    "retry.methods": ("get,put", {"GET", "PUT"}),
    "circuit_breaker.scope": ("origin", "origin"),
    "circuit_breaker.failure_rate": ("0.5", 0.5),
    "logging.level": ("debug", "DEBUG"),
    "headers": ('{"X-A": "1", "X.B": "{2}"}', {"X-A": "1", "X.B": "{2}"}),
    "user_agent": ("[bot] {x}", "[bot] {x}"),
    "logging.logger_name": ("null and void", "null and void"),
    "max_body_bytes": ("1024", 1024),
    "verify_ssl": ("0", False),
}


@pytest.mark.parametrize("path", EXAMPLES)
def test_every_kind_of_setting_can_be_given(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As text."""
    text, expected = EXAMPLES[path]
    monkeypatch.setenv(PREFIX + path.replace(".", "__").upper(), text)
    found: Any = given_settings(ClientConfig.from_env())
    for name in path.split("."):
        found = found[name]
    assert found == expected


def test_names_may_be_written_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the prefix, too."""
    monkeypatch.setenv("Resilient_Client_retry__Max_Attempts", "5")
    assert ClientConfig.from_env().retry == RetryConfig(max_attempts=5)


@pytest.mark.parametrize("prefix", ["APP_", "app_", "APP__HTTP_"])
def test_the_prefix_can_be_another(prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the usual one is none."""
    monkeypatch.setenv(f"{prefix}RETRY__MAX_ATTEMPTS", "5")
    monkeypatch.setenv("RESILIENT_CLIENT_HTTP2", "true")
    assert given_settings(ClientConfig.from_env(prefix)) == {"retry": {"max_attempts": 5}}


def test_without_a_prefix_nothing_is_read() -> None:
    """PATH and HOME would be settings."""
    with pytest.raises(ValueError, match="prefix '' is not allowed: without one, every variable"):
        ClientConfig.from_env("")


def test_other_programs_variables_are_left_alone(
    monkeypatch: pytest.MonkeyPatch, env_file: Write
) -> None:
    """In the environment and in the file, which they share."""
    monkeypatch.setenv("RETRY__MAX_ATTEMPTS", "9")
    monkeypatch.setenv("RESILIENT_CLIENTELE", "9")
    text = "DATABASE_URL=x\nbase_url=x\nRESILIENT_CLIENTELE=9\nRESILIENT_CLIENT_HTTP2=true\n"
    found = ClientConfig.from_env(env_file=env_file(text))
    assert given_settings(found) == {"http2": True}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("RETRY", {"retry": None}),
        ("CIRCUIT_BREAKER", {"circuit_breaker": None}),
        ("BULKHEAD", {"bulkhead": None}),
        ("RETRY__BUDGET", {"retry": {"budget": None}}),
        ("RETRY__METHODS", {"retry": {"methods": None}}),
        ("TIMEOUT__READ", {"timeout": {"read": None}}),
        ("MAX_BODY_BYTES", {"max_body_bytes": None}),
    ],
)
def test_null_is_none(name: str, expected: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """It switches a layer off, or a bound."""
    assert given_by(monkeypatch, **{name: "null"}) == expected


def test_a_layer_that_is_off_stays_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever else is said about it in the same place."""
    found = given_by(monkeypatch, RETRY="null", RETRY__MAX_ATTEMPTS="5", RETRY__BUDGET__RATIO="0.5")
    assert found == {"retry": None}


def test_a_part_may_be_given_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a JSON object, of JSON's own types."""
    text = '{"max_attempts": 5, "jitter": false, "statuses": [500], "budget": {"ratio": 0.5}}'
    assert given_by(monkeypatch, RETRY=text) == {
        "retry": {"max_attempts": 5, "jitter": False, "statuses": {500}, "budget": {"ratio": 0.5}}
    }


def test_a_single_setting_wins_over_its_part_given_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the rest of the part stays."""
    found = given_by(
        monkeypatch,
        RETRY='{"max_attempts": 5, "multiplier": 3, "budget": {"ratio": 0.5}}',
        RETRY__MAX_ATTEMPTS="7",
        RETRY__BUDGET='{"minimum_per_second": 1}',
        RETRY__BUDGET__RATIO="0.25",
    )
    budget = {"ratio": 0.25, "minimum_per_second": 1.0}
    assert found == {"retry": {"max_attempts": 7, "multiplier": 3.0, "budget": budget}}


@pytest.mark.parametrize("text", ['{"a"', '{"a": }', "[1, 2", "{a: 1}", " { not json"])
@pytest.mark.parametrize("name", ["HEADERS", "RETRY", "RETRY__STATUSES"])
def test_broken_json_is_told_by_the_variable(
    name: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With an example of how it is written."""
    set_all(monkeypatch, {name: text})
    with pytest.raises(ValueError, match="is not valid JSON") as caught:
        ClientConfig.from_env()
    expected = f'RESILIENT_CLIENT_{name} is not valid JSON: give it like {{"name": "value"}}'
    assert str(caught.value) == expected


# What wins.


def test_arguments_win_over_the_environment_over_the_file_over_the_defaults(
    monkeypatch: pytest.MonkeyPatch, env_file: Write
) -> None:
    """Setting by setting."""
    path = env_file(
        "RESILIENT_CLIENT_TIMEOUT__READ=1\n"
        "RESILIENT_CLIENT_TIMEOUT__WRITE=1\n"
        "RESILIENT_CLIENT_TIMEOUT__POOL=1\n"
        "export RESILIENT_CLIENT_USER_AGENT='from the file' # a comment\n"
    )
    set_all(monkeypatch, {"TIMEOUT__WRITE": "2", "TIMEOUT__POOL": "2"})
    found = ClientConfig.from_env(env_file=path, timeout={"pool": 3})
    assert found.timeout == TimeoutConfig(read=1, write=2, pool=3)
    assert found.user_agent == "from the file"


@pytest.mark.parametrize(
    "overrides",
    [{"retry.jitter": False}, {"retry": {"jitter": False}}],
    ids=["dotted", "nested"],
)
def test_arguments_are_laid_over_as_by_merged(
    overrides: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They leave their neighbours alone."""
    set_all(monkeypatch, {"RETRY__MAX_ATTEMPTS": "5"})
    found = ClientConfig.from_env(**overrides)
    assert given_settings(found) == {"retry": {"max_attempts": 5, "jitter": False}}


def test_an_object_as_an_argument_replaces_the_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole."""
    set_all(monkeypatch, {"RETRY__MAX_ATTEMPTS": "5"})
    assert ClientConfig.from_env(retry=RetryConfig(jitter=False)).retry == RetryConfig(jitter=False)


def test_headers_of_several_places_are_merged(
    monkeypatch: pytest.MonkeyPatch, env_file: Write
) -> None:
    """By name, in any case."""
    path = env_file("""RESILIENT_CLIENT_HEADERS='{"X-A": "file", "X-B": "file"}'\n""")
    set_all(monkeypatch, {"HEADERS": '{"x-b": "environment", "X-C": "environment"}'})
    found = ClientConfig.from_env(env_file=path, headers={"X-c": "argument"})
    assert found.headers == {"X-A": "file", "x-b": "environment", "X-c": "argument"}


def test_the_environment_can_switch_off_what_the_file_sets(
    monkeypatch: pytest.MonkeyPatch, env_file: Write
) -> None:
    """And on what the file switches off."""
    path = env_file("RESILIENT_CLIENT_RETRY__MAX_ATTEMPTS=5\nRESILIENT_CLIENT_BULKHEAD=null\n")
    set_all(monkeypatch, {"RETRY": "null", "BULKHEAD__MAX_CONCURRENCY": "9"})
    found = ClientConfig.from_env(env_file=path)
    assert given_settings(found) == {"retry": None, "bulkhead": {"max_concurrency": 9}}


@pytest.mark.parametrize("kind", [str, Path])
def test_a_file_may_be_named_by_text_or_path(kind: Callable[[Path], Any], env_file: Write) -> None:
    """As everywhere."""
    path = kind(env_file("RESILIENT_CLIENT_HTTP2=true\n"))
    assert ClientConfig.from_env(env_file=path).http2 is True


def test_no_file_is_read_unless_it_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Not even one that stands where the program was started."""
    (tmp_path / ".env").write_text("RESILIENT_CLIENT_HTTP2=true\n")
    monkeypatch.chdir(tmp_path)
    assert ClientConfig.from_env() == ClientConfig()


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """It was named, so it was meant; a folder is no file either."""
    for path in (tmp_path / "none.env", tmp_path):
        with pytest.raises(FileNotFoundError) as caught:
            ClientConfig.from_env(env_file=path)
        assert str(caught.value) == f"env_file '{path}' is not there, or not a file"


# Mistakes.


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("RETRY__MAX_ATEMPTS", "RETRY__MAX_ATTEMPTS"),
        ("RETRIES__JITTER", "RETRY__JITTER"),
        ("BASEURL", "BASE_URL"),
        ("BULKHED", "BULKHEAD"),
        ("TIMEOUT__REED", "TIMEOUT__READ"),
        ("RETRY__BUDGET__RATE", "RETRY__BUDGET__RATIO"),
    ],
)
def test_a_misspelt_variable_is_refused_with_the_nearest(
    name: str, nearest: str, monkeypatch: pytest.MonkeyPatch, env_file: Write
) -> None:
    """Wherever it stands; nobody would notice that it does nothing."""
    path = env_file(f"{PREFIX.lower()}{name.lower()}=5\n")
    with pytest.raises(ValueError, match="names no setting") as caught:
        ClientConfig.from_env(env_file=path)
    rest = f"names no setting: did you mean {PREFIX}{nearest}?"
    assert str(caught.value) == f"{PREFIX}{name} in {path} {rest}"
    set_all(monkeypatch, {name: "5"})
    with pytest.raises(ValueError, match="names no setting") as caught:
        ClientConfig.from_env()
    assert str(caught.value) == f"{PREFIX}{name} {rest}"


@pytest.mark.parametrize("name", ["", "Q", "XYZZY__XYZZY", "HEADERS__AUTHORIZATION"])
def test_something_is_offered_for_any_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However far it is."""
    set_all(monkeypatch, {name: "5"})
    with pytest.raises(ValueError, match=r"names no setting: did you mean RESILIENT_CLIENT_[A-Z]"):
        ClientConfig.from_env()


@pytest.mark.parametrize(
    "name",
    [
        *("RETRY__RETRY_IF", "RETRY__STOP"),
        *("CIRCUIT_BREAKER__EXPECTED_EXCEPTION", "CIRCUIT_BREAKER__LISTENERS"),
        "CIRCUIT_BREAKER__STORAGE",
    ],
)
def test_what_is_an_object_cannot_be_given_by_text(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is never offered for another name."""
    set_all(monkeypatch, {name: "x"})
    with pytest.raises(ValueError, match="cannot be given by environment") as caught:
        ClientConfig.from_env()
    expected = "cannot be given by environment: it is an object, give it in code"
    assert str(caught.value) == f"{PREFIX}{name} {expected}"
    monkeypatch.delenv(f"{PREFIX}{name}")
    set_all(monkeypatch, {f"{name}S": "x"})
    with pytest.raises(ValueError, match="names no setting") as caught:
        ClientConfig.from_env()
    assert not str(caught.value).endswith(f"{PREFIX}{name}?")


def test_a_name_without_a_value_is_refused(env_file: Write) -> None:
    """A line of a file may be just that."""
    name = f"{PREFIX}RETRY__MAX_ATTEMPTS"
    path = env_file(f"{name}\n")
    with pytest.raises(ValueError, match="has no value") as caught:
        ClientConfig.from_env(env_file=path)
    expected = f"has no value: write {name}=..., or {name}=null for none"
    assert str(caught.value) == f"{name} in {path} {expected}"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("RETRY__MAX_ATTEMPTS", "0", "retry.max_attempts\n  '0' is not allowed: give a whole"),
        ("TIMEOUT__TOTAL", "", "timeout.total\n  '' is not allowed: give a number of seconds"),
        ("RETRY", '{"max_atempts": 5}', "retry\n  there is no setting 'max_atempts': did you"),
        ("HTTP2", "maybe", "http2\n  'maybe' is not allowed: give True or False"),
        ("HEADERS", "null", "headers\n  give a mapping of header names to texts"),
    ],
)
def test_a_value_is_checked_like_all_else(
    name: str, value: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the path of its setting."""
    set_all(monkeypatch, {name: value})
    with pytest.raises(ValidationError) as caught:
        ClientConfig.from_env()
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("RETRY_MAX_ATTEMPTS", "RETRY__MAX_ATTEMPTS"),
        ("RETRY_BUDGET_RATIO", "RETRY__BUDGET__RATIO"),
        ("TIMEOUT_TOTAL", "TIMEOUT__TOTAL"),
        ("RETRY___JITTER", "RETRY__JITTER"),
        ("_RETRY__JITTER", "RETRY__JITTER"),
    ],
)
def test_a_name_with_too_few_underscores_is_explained(
    name: str, right: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commonest mistake of all."""
    set_all(monkeypatch, {name: "5"})
    with pytest.raises(ValueError, match="names no setting") as caught:
        ClientConfig.from_env()
    assert str(caught.value) == (
        f"{PREFIX}{name} names no setting: did you mean {PREFIX}{right}?"
        " Each step down is written with two underscores"
    )


def test_a_prefix_that_lacks_its_underscore_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    """A prefix may end as it likes, though."""
    monkeypatch.setenv("APP_RETRY__MAX_ATTEMPTS", "5")
    with pytest.raises(ValueError, match="names no setting") as caught:
        ClientConfig.from_env("APP")
    assert str(caught.value) == (
        "APP_RETRY__MAX_ATTEMPTS names no setting: did you mean the prefix 'APP_'?"
    )
    monkeypatch.setenv("APPRETRY__MAX_ATTEMPTS", "5")
    monkeypatch.delenv("APP_RETRY__MAX_ATTEMPTS")
    assert given_settings(ClientConfig.from_env("APP")) == {"retry": {"max_attempts": 5}}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        (
            "TIMEOUT",
            "5",
            (
                "TIMEOUT__TOTAL=... for the whole operation, {0}TIMEOUT__READ=... and its like for "
                "a phase, or a JSON object"
            ),
        ),
        (
            "RETRY",
            "null ",
            (
                "RETRY__MAX_ATTEMPTS=... and its like, {0}RETRY=null to switch it off, "
                "or a JSON object"
            ),
        ),
        (
            "BULKHEAD",
            "false",
            (
                "BULKHEAD__MAX_CONCURRENCY=... and its like, {0}BULKHEAD=null to switch it off, or"
                " a JSON object"
            ),
        ),
    ],
)
def test_a_single_value_for_a_part_is_refused_with_its_settings(
    name: str, value: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And where it can be switched off, with the way to do that."""
    set_all(monkeypatch, {name: value})
    with pytest.raises(ValueError, match="is a part") as caught:
        ClientConfig.from_env()
    given = f"{PREFIX}{name} is a part, not a single setting: give {PREFIX}"
    assert str(caught.value) == given + expected.format(PREFIX)


def test_all_mistakes_are_told_at_once(monkeypatch: pytest.MonkeyPatch, env_file: Write) -> None:
    """Of names, of JSON and of values, from the file and from the environment."""
    path = env_file("RESILIENT_CLIENT_BULKHED=1\nRESILIENT_CLIENT_HTTP2=maybe\n")
    set_all(monkeypatch, {"RETRY": "{", "BASEURL": "x", "TIMEOUT__READ": "-1"})
    with pytest.raises(Mistakes) as caught:
        ClientConfig.from_env(env_file=path)
    starts = [
        f"{PREFIX}BULKHED in {path} names no setting: did you mean {PREFIX}BULKHEAD?",
        f"{PREFIX}BASEURL names no setting: did you mean {PREFIX}BASE_URL?",
        f"{PREFIX}RETRY is not valid JSON",
        "timeout.read: '-1' is not allowed",
        "http2: 'maybe' is not allowed",
    ]
    lines = str(caught.value).splitlines()
    assert tuple(lines) == caught.value.lines
    assert len(lines) == len(starts)
    assert all(line.startswith(start) for line, start in zip(lines, starts, strict=True))
    assert lines[-1].endswith("(from .env)")
    assert pickle.loads(pickle.dumps(caught.value)).lines == caught.value.lines  # noqa: S301 - ours


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[" * 100_000, "is nested too deep: at most 8 objects and lists inside one another"),
        ('{"a":' * 9 + "1" + "}" * 9, "is nested too deep: at most 8 objects and lists inside"),
        ("[" * 500 + "]" * 500, "is nested too deep: at most 8 objects and lists inside"),
        ('{"x": ' + "9" * 5000 + "}", "is not valid JSON: give it like"),
        ('{"jitter": true, "jitter": false}', "names something twice in a JSON object: leave"),
    ],
    ids=["endless", "nine objects", "500 lists", "a huge number", "twice"],
)
def test_absurd_json_is_refused_without_being_shown(
    text: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may hold a secret, and it must not end in a traceback."""
    set_all(monkeypatch, {"RETRY": text})
    with pytest.raises(Mistakes) as caught:
        ClientConfig.from_env()
    assert str(caught.value).startswith(f"{PREFIX}RETRY {expected}")
    assert len(str(caught.value)) < 150


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """By its name."""
    path = tmp_path / "settings.env"
    path.write_bytes(b"RESILIENT_CLIENT_USER_AGENT=\xff\n")
    with pytest.raises(ValueError, match="is not a text in UTF-8") as caught:
        ClientConfig.from_env(env_file=path)
    assert str(caught.value) == f"env_file '{path}' is not a text in UTF-8"


# Kubernetes.

KUBERNETES = {
    "SERVICE_HOST": "10.0.0.1",
    "SERVICE_PORT": "80",
    "SERVICE_PORT_HTTP": "80",
    "PORT": "tcp://10.0.0.1:80",
    "PORT_80_TCP": "tcp://10.0.0.1:80",
    "PORT_80_TCP_PROTO": "tcp",
    "PORT_80_TCP_PORT": "80",
    "PORT_80_TCP_ADDR": "10.0.0.1",
}


@pytest.mark.parametrize("service", ["", "CACHE_", "RETRY_"])
def test_what_kubernetes_sets_for_a_service_is_passed_over(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For one with the prefix's name, and for one whose name begins with it."""
    set_all(monkeypatch, {f"{service}{name}": value for name, value in KUBERNETES.items()})
    assert given_by(monkeypatch, RETRY__MAX_ATTEMPTS="5") == {"retry": {"max_attempts": 5}}


@pytest.mark.parametrize("name", ["SUPPORT", "CACHE_PORT", "SERVICE_HOSTS", "PORTS"])
def test_what_only_looks_like_it_is_a_mistake(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelling must not hide behind it."""
    set_all(monkeypatch, {name: "8080"})
    with pytest.raises(ValueError, match="names no setting"):
        ClientConfig.from_env()


def test_kubernetes_writes_no_files(env_file: Write) -> None:
    """There somebody has written it."""
    with pytest.raises(ValueError, match=r"RESILIENT_CLIENT_SERVICE_HOST in .* names no setting"):
        ClientConfig.from_env(env_file=env_file("RESILIENT_CLIENT_SERVICE_HOST=10.0.0.1\n"))


# Where from.


def test_the_source_of_every_setting_is_known(
    monkeypatch: pytest.MonkeyPatch, env_file: Write
) -> None:
    """By its dotted path; headers are one setting."""
    path = env_file(
        "RESILIENT_CLIENT_HTTP2=true\n"
        "RESILIENT_CLIENT_TIMEOUT__READ=1\n"
        "RESILIENT_CLIENT_TIMEOUT__POOL=1\n"
        "RESILIENT_CLIENT_BULKHEAD__MAX_CONCURRENCY=5\n"
        """RESILIENT_CLIENT_RETRY='{"max_attempts": 5, "jitter": false}'\n"""
    )
    set_all(
        monkeypatch,
        {
            "TIMEOUT__POOL": "2",
            "RETRY__JITTER": "true",
            "BULKHEAD": "null",
            "HEADERS": '{"X-A": "1"}',
        },
    )
    assert read_environment(ClientConfig, PREFIX, path) == Environment(
        settings={
            "http2": "true",
            "timeout": {"read": "1", "pool": "2"},
            "retry": {"max_attempts": 5, "jitter": "true"},
            "bulkhead": None,
            "headers": {"X-A": "1"},
        },
        sources={
            "http2": ".env",
            "timeout.read": ".env",
            "timeout.pool": "environment",
            "retry.max_attempts": ".env",
            "retry.jitter": "environment",
            "bulkhead": "environment",
            "headers": "environment",
        },
    )


def test_every_setting_has_its_path_parts_before_their_own() -> None:
    """In the order of the configuration."""
    found = settings_of(ClientConfig)
    assert set(found) == DEFAULTS.keys() | PARTS.keys() | OFF_DEFAULTS.keys() | OFF.keys()
    assert len(found) == len(set(found))
    for path in found:
        part = path.rpartition(".")[0]
        assert not part or found.index(part) < found.index(path)
