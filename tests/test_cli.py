"""The command line: what it understands, what it shows of a configuration, and how it ends."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TextIO

import pytest

import client.program.cli
from client.program.cli import main
from client.program.demo.errors import CannotRunError
from client.version import __version__

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


class Configured:
    """Runs `config check` and reads what it prints."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.head = ""
        self.rows: dict[str, tuple[str, str]] = {}

    def __call__(self, *arguments: str) -> "Configured":
        """Run it; it must succeed."""
        assert main(["config", "check", *arguments]) == 0
        printed = self._capsys.readouterr()
        assert printed.err == ""
        self.head, blank, titles, *lines = printed.out.splitlines()
        assert (blank, titles.split()) == ("", ["setting", "value", "source"])
        starts = [titles.index(title) for title in ("value", "source")]
        for line in lines:
            value, source = line[starts[0] : starts[1]], line[starts[1] :]
            self.rows[line[: starts[0]].strip()] = (value.strip(), source)
        return self

    def refused(self, *arguments: str) -> list[str]:
        """Run it; it must fail. Returns the errors."""
        assert main(["config", "check", *arguments]) == 1
        printed = self._capsys.readouterr()
        assert printed.out == ""
        errors = printed.err.splitlines()
        assert all(error.startswith("error: ") for error in errors)
        return [error.removeprefix("error: ") for error in errors]


@pytest.fixture
def check(capsys: pytest.CaptureFixture[str]) -> Configured:
    """Run `config check`."""
    return Configured(capsys)


def variables(monkeypatch: pytest.MonkeyPatch, **given: str) -> None:
    """Set variables, by their names without the prefix."""
    for name, value in given.items():
        monkeypatch.setenv(f"RESILIENT_CLIENT_{name}", value)


# What it understands.


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["config"], "the following arguments are required: COMMAND"),
        (["dance"], "invalid choice: 'dance'"),
        (["demo", "--slow"], "unrecognized arguments: --slow"),
    ],
)
def test_a_misuse_is_answered_with_the_usage(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """And status 2."""
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code == 2
    errors = capsys.readouterr().err
    assert errors.startswith("usage: python -m client")
    assert complaint in errors


def test_it_tells_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    """Of the distribution."""
    with pytest.raises(SystemExit) as exit_:
        main(["--version"])
    assert exit_.value.code == 0
    assert capsys.readouterr().out == f"resilient-http-client {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--help"], ["demo", "dashboard", "watch", "config", "--version"]),
        (["demo", "--help"], ["--url", "--plain", "--fast", "--dashboard", "Exits 1"]),
        (["dashboard", "--help"], ["--url", "--host", "--port", "--token"]),
        (["watch", "--help"], ["--url", "--json", "until it is interrupted"]),
        (["config", "--help"], ["check", "where each value comes from"]),
        (["config", "check", "--help"], ["--prefix", "RESILIENT_CLIENT_", "--env-file"]),
    ],
)
def test_it_explains_itself(
    arguments: list[str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Each command its own options."""
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert [word for word in words if word not in shown] == []


@pytest.mark.usefixtures("measured_programs")
def test_it_runs_as_a_module_without_any_extra() -> None:
    """Neither rich nor what serves is needed to look at a configuration."""
    boot = (
        "import runpy, sys; sys.modules.update(fastapi=None, uvicorn=None, server=None); "
        "import structlog; sys.modules['rich'] = None; sys.argv[1:] = ['config', 'check']; "
        "runpy.run_module('client', run_name='__main__', alter_sys=True)"
    )
    result = subprocess.run(
        [sys.executable, "-c", boot], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert "retry.max_attempts" in result.stdout


# The demo's options and its ends.


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ([], {}),
        (["--url", "http://h:1"], {"url": "http://h:1"}),
        (["--plain"], {"plain": True}),
        (["--fast"], {"fast": True}),
        (["--dashboard"], {"dashboard": True}),
    ],
)
@pytest.mark.parametrize("status", [0, 1])
def test_the_demo_decides_the_status(
    arguments: list[str], options: dict[str, object], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is shown on the standard output."""
    calls: list[tuple[TextIO, dict[str, object]]] = []

    def run_demo(out: TextIO, **given: object) -> int:
        calls.append((out, given))
        return status

    monkeypatch.setattr(client.program.cli, "run_demo", run_demo)
    assert main(["demo", *arguments]) == status
    usual = {"url": None, "plain": False, "fast": False, "dashboard": False}
    assert calls == [(sys.stdout, {**usual, **options})]


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (CannotRunError("no server"), 1, "error: no server\n"),
        (CannotRunError("--url: what?", 2), 2, "error: --url: what?\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
    ],
)
def test_a_demo_that_does_not_end_well_says_why(
    error: BaseException,
    status: int,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without a traceback."""

    def run_demo(*_: object, **__: object) -> int:
        raise error

    monkeypatch.setattr(client.program.cli, "run_demo", run_demo)
    assert main(["demo"]) == status
    assert capsys.readouterr() == ("", message)


@pytest.mark.usefixtures("measured_programs")
def test_it_ends_when_nobody_reads_on() -> None:
    """With status 1, and no complaint from the interpreter on its way out."""
    with subprocess.Popen(
        [sys.executable, "-m", "client", "config", "check"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait() == 1


# The configuration in force.


def test_without_anything_given_all_is_default(check: Configured) -> None:
    """Every setting is shown, and none twice."""
    check()
    assert check.head == "prefix RESILIENT_CLIENT_, env file none"
    assert {source for _, source in check.rows.values()} == {"default"}
    values = {setting: value for setting, (value, _) in check.rows.items()}
    expected = {
        "base_url": "none",
        "timeout.connect": "60.0",
        "timeout.total": "none",
        "retry.max_attempts": "3",
        "retry.jitter": "true",
        "retry.backoff": "exponential",
        "retry.statuses": "408, 429, 500-599",
        "retry.methods": "none",
        "retry.retry_if": "none",
        "retry.budget.ratio": "0.2",
        "circuit_breaker.failure_threshold": "5",
        "circuit_breaker.expected_exception": "APIConnectionError",
        "circuit_breaker.listeners": "none",
        "circuit_breaker.scope": "client",
        "bulkhead.max_concurrency": "50",
        "logging.level": "INFO",
        "headers": "none",
        "http2": "false",
        "user_agent": f"resilient-http-client/{__version__}",
        "backend": "httpx",
    }
    assert expected.items() <= values.items()
    assert {"timeout", "retry", "retry.budget", "circuit_breaker", "bulkhead"}.isdisjoint(values)


def test_values_are_shown_as_they_are_in_force(
    check: Configured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not as they were written."""
    variables(
        monkeypatch,
        RETRY__STATUSES="503,500,502,429",
        RETRY__METHODS="put, get",
        RETRY__JITTER="off",
        TIMEOUT__TOTAL="30",
        LOGGING__LEVEL="debug",
        BASE_URL="https://server.example/v1",
    )
    rows = check().rows
    assert rows["retry.statuses"] == ("429, 500, 502-503", "environment")
    assert rows["retry.methods"] == ("GET, PUT", "environment")
    assert rows["retry.jitter"] == ("false", "environment")
    assert rows["timeout.total"] == ("30.0", "environment")
    assert rows["logging.level"] == ("DEBUG", "environment")
    assert rows["base_url"] == ("https://server.example/v1", "environment")


def test_no_statuses_at_all_are_none(check: Configured, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather than a blank."""
    variables(monkeypatch, RETRY__STATUSES="", RETRY__METHODS="")
    rows = check().rows
    assert rows["retry.statuses"] == ("none", "environment")
    assert rows["retry.methods"] == ("none", "environment")


def test_the_environment_wins_over_the_file(
    check: Configured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And each value says where it comes from."""
    Path(".env").write_text(
        "RESILIENT_CLIENT_RETRY__MAX_ATTEMPTS=4\nRESILIENT_CLIENT_RETRY__MULTIPLIER=3\n", "utf-8"
    )
    variables(monkeypatch, RETRY__MAX_ATTEMPTS="5")
    check("--env-file", ".env")
    assert check.head == "prefix RESILIENT_CLIENT_, env file .env"
    assert check.rows["retry.max_attempts"] == ("5", "environment")
    assert check.rows["retry.multiplier"] == ("3.0", ".env")
    assert check.rows["retry.min_wait_seconds"] == ("1.0", "default")


def test_only_the_file_that_is_named_is_read(check: Configured) -> None:
    """As by `from_env`: a check that read more would check something else."""
    Path(".env").write_text("RESILIENT_CLIENT_HTTP2=true\n", "utf-8")
    Path("other").write_text("RESILIENT_CLIENT_TRUST_ENV=false\n", "utf-8")
    check("--env-file", "other")
    assert check.head == "prefix RESILIENT_CLIENT_, env file other"
    assert check.rows["http2"] == ("false", "default")
    assert check.rows["trust_env"] == ("false", ".env")


def test_a_file_that_lies_here_is_not_read_by_itself(check: Configured) -> None:
    """No more than by `from_env`."""
    Path(".env").write_text("RESILIENT_CLIENT_HTTP2=true\n", "utf-8")
    assert check().head == "prefix RESILIENT_CLIENT_, env file none"
    assert check.rows["http2"] == ("false", "default")


def test_another_prefix_can_be_asked_for(
    check: Configured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And variables with the usual one are then nobody's business."""
    monkeypatch.setenv("PAYMENTS_RETRY__MAX_ATTEMPTS", "7")
    variables(monkeypatch, RETRI="1")
    check("--prefix", "PAYMENTS_")
    assert check.head == "prefix PAYMENTS_, env file none"
    assert check.rows["retry.max_attempts"] == ("7", "environment")


def test_a_layer_that_is_switched_off_is_shown_as_off(
    check: Configured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one line, and without the settings that no longer matter."""
    variables(monkeypatch, CIRCUIT_BREAKER="null", RETRY__BUDGET="null")
    rows = check().rows
    assert rows["circuit_breaker"] == ("off", "environment")
    assert rows["retry.budget"] == ("off", "environment")
    assert not any(setting.startswith("circuit_breaker.") for setting in rows)
    assert not any(setting.startswith("retry.budget.") for setting in rows)


def test_secrets_are_masked(
    check: Configured, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """That there are some is shown."""
    variables(
        monkeypatch,
        BASE_URL="https://user:secret@server.example/v1",
        HEADERS='{"Authorization": "Bearer secret", "X-Team": "secret"}',
    )
    rows = check().rows
    assert rows["base_url"] == ("https://***@server.example/v1", "environment")
    assert rows["headers"] == ("Authorization=***, X-Team=***", "environment")
    assert main(["config", "check"]) == 0
    assert "secret" not in capsys.readouterr().out


# Configurations that are refused.


def test_a_misspelt_variable_is_refused(check: Configured, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the nearest right name."""
    variables(monkeypatch, RETRY__MAX_ATTEMPT="5")
    (error,) = check.refused()
    assert "RESILIENT_CLIENT_RETRY__MAX_ATTEMPT names no setting" in error
    assert "did you mean RESILIENT_CLIENT_RETRY__MAX_ATTEMPTS?" in error


def test_each_refused_value_is_named_with_its_source(
    check: Configured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them at once, so that they can be mended at once."""
    Path(".env").write_text("RESILIENT_CLIENT_BULKHEAD__MAX_CONCURRENCY=0\n", "utf-8")
    variables(monkeypatch, RETRY__STATUSES="99", RETRY__MIN_WAIT_SECONDS="-1")
    errors = check.refused("--env-file", ".env")
    assert len(errors) == 3
    waits, statuses, slots = errors
    assert waits.startswith("retry.min_wait_seconds: '-1' is not allowed: give a number")
    assert waits.endswith(" (from environment)")
    assert statuses.startswith("retry.statuses: '99' is not allowed: give a whole number")
    assert statuses.endswith(" (from environment)")
    assert slots.startswith("bulkhead.max_concurrency: '0' is not allowed")
    assert slots.endswith(" (from .env)")


def test_settings_that_do_not_go_together_are_refused(
    check: Configured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under the name of the part that they belong to, or of the whole."""
    variables(monkeypatch, RETRY__MIN_WAIT_SECONDS="100")
    (error,) = check.refused()
    assert error == "retry: min_wait_seconds (100.0) must not be above max_wait_seconds (60.0)"
    monkeypatch.delenv("RESILIENT_CLIENT_RETRY__MIN_WAIT_SECONDS")
    variables(monkeypatch, HEADERS='{"x-request-id": "1"}')
    (error,) = check.refused()
    assert error.startswith("configuration: headers must not hold X-Request-ID")


def test_a_refused_secret_is_not_repeated(
    check: Configured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even to explain what is wrong with it."""
    variables(monkeypatch, BASE_URL="ftp://user:secret@h", HEADERS='{"A": "s\\u00e9cret"}')
    errors = check.refused()
    assert [error.partition(":")[0] for error in errors] == ["base_url", "headers"]
    assert not any("cret" in error for error in errors)


def test_a_file_that_is_not_there_is_refused(check: Configured) -> None:
    """It was asked for by name."""
    (error,) = check.refused("--env-file", "nowhere")
    assert error.startswith("env_file 'nowhere' ")


def test_a_file_that_cannot_be_read_is_refused(
    check: Configured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the system's reason."""

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", ".env")

    monkeypatch.setattr(client.program.cli, "read_environment", refuse)
    (error,) = check.refused()
    assert "Permission denied: '.env'" in error


# As JSON.


def test_the_configuration_can_be_read_by_a_program(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the same values and sources, secrets masked as well."""
    variables(monkeypatch, RETRY__MAX_ATTEMPTS="5", HEADERS='{"Authorization": "secret"}')
    assert main(["config", "check", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["prefix"], printed["env_file"]) == ("RESILIENT_CLIENT_", None)
    settings = printed["settings"]
    assert settings["retry.max_attempts"] == {"value": "5", "source": "environment"}
    assert settings["headers"] == {"value": "Authorization=***", "source": "environment"}
    assert settings["http2"] == {"value": "false", "source": "default"}
    Path("settings.env").write_text("RESILIENT_CLIENT_HTTP2=true\n", "utf-8")
    assert main(["config", "check", "--json", "--env-file", "settings.env"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["env_file"] == "settings.env"
    assert printed["settings"]["http2"] == {"value": "true", "source": ".env"}


def test_mistakes_can_be_read_by_a_program(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All of them, on stdout, with status 1."""
    variables(monkeypatch, RETRI="1", RETRY__MAX_ATTEMPTS="0")
    assert main(["config", "check", "--json"]) == 1
    printed = capsys.readouterr()
    misspelt, refused = json.loads(printed.out)["errors"]
    assert printed.err == ""
    assert misspelt.startswith("RESILIENT_CLIENT_RETRI names no setting")
    assert refused.startswith("retry.max_attempts: '0' is not allowed")
    assert main(["config", "check", "--json", "--env-file", "nowhere"]) == 1
    (error,) = json.loads(capsys.readouterr().out)["errors"]
    assert error.startswith("env_file 'nowhere'")
