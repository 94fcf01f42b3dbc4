"""`watch_config`: the settings of a client, kept as a file or a function says."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import threading
from typing import TYPE_CHECKING, Any
from weakref import ref

import httpx
import pytest

from client import (
    AsyncClient,
    Client,
    ClientClosedError,
    ClientConfig,
    ConfigWatch,
    ResilientClient,
    ResilientTransport,
    SyncResilientClient,
    watch_config,
)
from client.events import Reconfigured
from client.faces import watching
from client.testing import EventRecorder
from tests.eventually import PATIENCE_SECONDS, eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LONG = 3_000.0
"""Seconds between two readings where a test reads by itself."""
TOML = '[retry]\nmax_attempts = {}\n[circuit_breaker]\nmode = "observe"\n'


@pytest.fixture(autouse=True)
def _settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody writes files slowly here, but for those who say so."""
    monkeypatch.setattr(watching, "_SETTLES", 0.001)


@pytest.fixture
def recorder() -> EventRecorder:
    """Told of other settings."""
    return EventRecorder(Reconfigured)


@pytest.fixture
def client(recorder: EventRecorder) -> Iterator[SyncResilientClient]:
    """A client that nobody calls."""
    with SyncResilientClient(ClientConfig(name="ledger"), listeners=[recorder]) as made:
        yield made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of settings."""
    path = tmp_path / "settings.toml"
    path.write_text(TOML.format(5), "utf-8")
    return path


def attempts(client: SyncResilientClient) -> int:
    """How often the client tries."""
    assert client.config.retry is not None
    return client.config.retry.max_attempts


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged of settings that were refused."""
    texts = [record.getMessage() for record in caplog.records]
    return [text for text in texts if "configuration refused" in text]


def look(watch: ConfigWatch) -> None:
    """Read as its thread does from time to time."""
    watch._look()


def test_a_file_is_read_at_once(client: SyncResilientClient, file: Path) -> None:
    """As a whole it is laid over what the client has."""
    watch = watch_config(client, file, LONG)
    assert attempts(client) == 5
    assert client.config.circuit_breaker is not None
    assert (client.config.circuit_breaker.mode, client.config.name) == ("observe", "ledger")
    assert watch.is_stopped is False
    watch.stop()
    assert watch.is_stopped is True


@pytest.mark.parametrize("name", ["settings.json", "SETTINGS.JSON", "settings.TOML"])
def test_a_file_is_toml_or_json(client: SyncResilientClient, tmp_path: Path, name: str) -> None:
    """By its name, given as a path or a text."""
    path = tmp_path / name
    is_json = name.lower().endswith("json")
    path.write_text(json.dumps({"retry": None}) if is_json else "bulkhead.mode = 'off'", "utf-8")
    watch_config(client, str(path), LONG).stop()
    if is_json:
        assert client.config.retry is None
    else:
        assert client.stats().slots_limit is None


def test_what_changes_is_taken_over(
    client: SyncResilientClient, file: Path, recorder: EventRecorder
) -> None:
    """What is no longer in the file is as it was before."""
    watch = watch_config(client, file, LONG)
    file.write_text(TOML.format(6), "utf-8")
    look(watch)
    assert attempts(client) == 6
    look(watch)
    file.write_text("", "utf-8")
    look(watch)
    assert client.config == ClientConfig(name="ledger")
    assert [event.changed for event in recorder.of(Reconfigured)] == [
        ("circuit_breaker.mode", "retry.max_attempts"),
        ("retry.max_attempts",),
        ("circuit_breaker.mode", "retry.max_attempts"),
    ]
    watch.stop()


def test_a_relative_path_stays_where_it_was(
    client: SyncResilientClient, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the program goes."""
    monkeypatch.chdir(file.parent)
    watch = watch_config(client, file.name, LONG)
    monkeypatch.chdir("/")
    file.write_text(TOML.format(6), "utf-8")
    look(watch)
    assert attempts(client) == 6
    watch.stop()


BAD: dict[str, tuple[bytes, str]] = {
    "no toml": (b"[retry", "TOMLDecodeError"),
    "no text": (b"\xff\xfe", "UnicodeDecodeError"),
    "unknown": (b"nonsense = 1", "there is no setting 'nonsense'"),
    "bound": (b"retry.max_attempts = 0", "0 is not allowed"),
    "nan": (b"timeout.total = nan", "nan is not allowed"),
    "fixed": (b"name = 'other'", "name of a client cannot be changed"),
    "secret": (b'headers = { "X-Key" = "s3cret" }', "headers of a client cannot be changed"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_told_once_and_changes_nothing(
    client: SyncResilientClient, file: Path, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    """Once it is good again, and bad again, it is told again."""
    watch = watch_config(client, file, LONG)
    before = client.config
    text, says = BAD[kind]
    for times in (1, 2):
        file.write_bytes(text)
        look(watch)
        look(watch)
        assert len(complaints(caplog)) == times
        assert says in complaints(caplog)[0]
        assert client.config is before
        file.write_text(TOML.format(5), "utf-8")
        look(watch)
    assert "s3cret" not in caplog.text
    assert client.config is before
    watch.stop()


@pytest.mark.parametrize("kind", BAD)
def test_a_file_that_is_bad_at_first_is_refused(
    client: SyncResilientClient, file: Path, kind: str
) -> None:
    """Whoever makes the mistake is there."""
    before, known = client.config, set(threading.enumerate())
    file.write_bytes(BAD[kind][0])
    with pytest.raises(ValueError, match=r"."):
        watch_config(client, file)
    assert client.config is before
    assert set(threading.enumerate()) <= known


def test_a_file_that_is_gone_is_told_once(
    client: SyncResilientClient, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """And read again when it is there."""
    watch = watch_config(client, file, LONG)
    file.unlink()
    look(watch)
    look(watch)
    assert len(complaints(caplog)) == 1
    assert "FileNotFoundError" in complaints(caplog)[0]
    file.write_text(TOML.format(6), "utf-8")
    look(watch)
    assert attempts(client) == 6
    watch.stop()
    with pytest.raises(FileNotFoundError):
        watch_config(client, file.with_name("other.toml"))


def test_a_file_that_is_put_in_place_of_another_is_read(
    client: SyncResilientClient, file: Path
) -> None:
    """As a careful program does, and what mounts settings into containers."""
    data = file.with_name("data")
    data.mkdir()
    (data / "settings.toml").write_text(TOML.format(7), "utf-8")
    file.unlink()
    file.symlink_to(data / "settings.toml")
    watch = watch_config(client, file, LONG)
    assert attempts(client) == 7
    other = file.with_name("other.toml")
    other.write_text(TOML.format(8), "utf-8")
    other.replace(file)
    look(watch)
    assert attempts(client) == 8
    watch.stop()


class Slow:
    """A file that somebody is writing: each reading finds the next of its contents."""

    def __init__(self, *contents: bytes | OSError) -> None:
        self.contents = list(contents)

    def __call__(self) -> bytes:
        """Read it."""
        content = self.contents.pop(0) if len(self.contents) > 1 else self.contents[0]
        if isinstance(content, OSError):
            raise content
        return content


@pytest.mark.parametrize(
    "half", [b"", b"[retry]\nmax_att", OSError("gone")], ids=["empty", "half", "gone"]
)
def test_half_a_file_is_not_taken(
    client: SyncResilientClient,
    file: Path,
    caplog: pytest.LogCaptureFixture,
    half: bytes | OSError,
    recorder: EventRecorder,
) -> None:
    """Nor told of: a moment later there is more in it."""
    watch = watch_config(client, file, LONG)
    recorder.clear()
    reader: Any = watch._reader
    reader.read = Slow(half, TOML.format(6).encode())
    look(watch)
    assert (attempts(client), len(recorder), complaints(caplog)) == (5, 0, [])
    look(watch)
    assert (attempts(client), len(recorder), complaints(caplog)) == (6, 1, [])
    watch.stop()


def test_a_function_is_called(
    client: SyncResilientClient, caplog: pytest.LogCaptureFixture
) -> None:
    """What it returns is taken as it is then, once it is another."""
    settings: dict[str, Any] = {"retry": {"max_attempts": 5}}
    watch = watch_config(client, lambda: settings, LONG)
    assert attempts(client) == 5
    settings["retry"]["max_attempts"] = 6
    look(watch)
    assert attempts(client) == 6
    for value in (float("nan"), 0):
        settings["retry"]["max_attempts"] = value
        look(watch)
        look(watch)
        assert attempts(client) == 6
    assert len(complaints(caplog)) == 2
    watch.stop()


def test_a_function_that_raises_is_told_once(
    client: SyncResilientClient, caplog: pytest.LogCaptureFixture
) -> None:
    """And asked again."""
    answers: list[Any] = [{"retry": None}]

    def read() -> Any:
        if isinstance(answers[0], Exception):
            raise answers[0]
        return answers[0]

    watch = watch_config(client, read, LONG)
    then: list[Any] = [LookupError("no answer"), LookupError("no answer"), 5, {"retry": {}}]
    for answer in then:
        answers[0] = answer
        look(watch)
    assert len(complaints(caplog)) == 2
    assert "LookupError: no answer" in complaints(caplog)[0]
    assert "the settings are a int: give a mapping" in complaints(caplog)[1]
    assert attempts(client) == 3
    watch.stop()


def test_a_function_that_would_end_the_program_is_told(
    client: SyncResilientClient, caplog: pytest.LogCaptureFixture
) -> None:
    """As `argparse` does; nothing else would say that the watch has ended with it."""
    answers: list[dict[str, Any] | None] = [{"retry": None}]

    def read() -> dict[str, Any]:
        if answers[0] is None:
            raise SystemExit(2)
        return answers[0]

    watch = watch_config(client, read, LONG)
    then: list[dict[str, Any] | None] = [None, {"retry": {}}]
    for answer in then:
        answers[0] = answer
        look(watch)
    assert len(complaints(caplog)) == 1
    assert "SystemExit: 2" in complaints(caplog)[0]
    assert attempts(client) == 3
    watch.stop()


async def _later() -> dict[str, object]:
    raise AssertionError


@pytest.mark.parametrize(
    ("source", "kind", "says"),
    [
        (5, TypeError, "source is 5: give the path of a file, or a function that returns"),
        ("settings.yaml", ValueError, r"source is 'settings.yaml': give a file of TOML \(.toml\)"),
        (_later, TypeError, "which is async: give a plain function"),
        (lambda: 5, ValueError, "the settings are a int: give a mapping"),
    ],
    ids=["number", "yaml", "async", "no mapping"],
)
def test_what_is_no_source_is_refused(
    client: SyncResilientClient, source: Any, kind: type[Exception], says: str
) -> None:
    """At once."""
    with pytest.raises(kind, match=says):
        watch_config(client, source)


@pytest.mark.parametrize("every", [0, -1, float("nan"), "often", True])
def test_what_is_no_time_is_refused(client: SyncResilientClient, file: Path, every: Any) -> None:
    """Seconds above 0."""
    with pytest.raises(ValueError, match="give a number of seconds above 0"):
        watch_config(client, file, every)


@pytest.mark.parametrize("wrong", [None, 5, httpx.Client], ids=["none", "number", "class"])
def test_what_is_no_client_is_refused(file: Path, wrong: object) -> None:
    """Of this package."""
    with pytest.raises(TypeError, match="give a client or transport of this package"):
        watch_config(wrong, file)


def test_it_is_read_again_and_again(client: SyncResilientClient, file: Path) -> None:
    """By a thread, until it is stopped; once that is so nothing changes any more."""
    watch = watch_config(client, file, 0.001)
    for number in (6, 7):
        file.write_text(TOML.format(number), "utf-8")
        eventually(lambda number=number: attempts(client) == number)  # type: ignore[misc] # as a default
    watch.stop()
    watch.stop()
    thread = watch._thread
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()
    file.write_text(TOML.format(8), "utf-8")
    look(watch)
    assert attempts(client) == 7


def test_stopped_in_the_middle_it_changes_nothing(client: SyncResilientClient, file: Path) -> None:
    """What was read before is not taken after."""
    watches: list[ConfigWatch] = []
    contents = [TOML.format(5).encode(), TOML.format(6).encode()]
    settings: list[dict[str, object]] = [{"retry.max_attempts": 5}, {"retry.max_attempts": 6}]

    def stopping() -> Any:
        for watch in watches:
            watch.stop()
        return contents.pop(0) if is_file else settings.pop(0)

    for is_file in (True, False):
        watch = watch_config(client, file if is_file else stopping, LONG)
        reader: Any = watch._reader
        if is_file:
            contents.pop(0)
            reader.read = stopping
        watches[:] = [watch]
        look(watch)
        assert watch.is_stopped
        assert attempts(client) == 5
    assert (contents, settings) == ([], [])


def test_it_ends_with_its_client(file: Path) -> None:
    """Where that is closed, and where nobody has it any more; at once, not at the next reading."""
    for end in ("close", "forget"):
        made: SyncResilientClient | None = SyncResilientClient()
        watch = watch_config(made, file, LONG)
        kept = ref(made)
        if made is not None and end == "close":
            made.close()
        made = None
        gc.collect()
        assert kept() is None
        watch._thread.join(PATIENCE_SECONDS)
        assert watch.is_stopped
        look(watch)


@pytest.mark.parametrize("kind", [Client, AsyncClient, ResilientTransport])
def test_drop_ins_are_watched_too(kind: Callable[..., Any], tmp_path: Path) -> None:
    """By the names of their own arguments; a transport goes on after it was closed."""
    path = tmp_path / "settings.json"
    path.write_text('{"max_retries": 1, "hedge": {"delay": 2}}', "utf-8")
    made = kind(max_retries=2)
    watch = watch_config(made, path, LONG)
    assert (made._drop_in.config.max_retries, made._drop_in.config.hedge.delay) == (1, 2)
    path.write_text("{}", "utf-8")
    look(watch)
    assert (made._drop_in.config.max_retries, made._drop_in.config.hedge) == (2, None)
    path.write_text('{"max_retries": 3}', "utf-8")
    if isinstance(made, AsyncClient):
        asyncio.run(made.aclose())
    else:
        made.close()
    look(watch)
    is_over = not isinstance(made, ResilientTransport)
    assert made._drop_in.config.max_retries == (2 if is_over else 3)
    assert watch.is_stopped is is_over
    watch.stop()


def test_a_closed_client_is_refused(file: Path) -> None:
    """As to every use."""
    made = SyncResilientClient()
    made.close()
    with pytest.raises(ClientClosedError):
        watch_config(made, file)


def test_settings_of_an_async_client_change_in_its_loop(file: Path) -> None:
    """Where its slots belong; without a loop, or when that has ended, where they are read."""
    where: list[int] = []

    def note(_event: object) -> None:
        where.append(threading.get_ident())

    made = ResilientClient(
        ClientConfig(base_url="http://server.test"),
        transport=httpx.MockTransport(lambda _: httpx.Response(200)),
        listeners=[EventListener(note)],
    )
    watch = watch_config(made, file, LONG)

    def write(number: int) -> None:
        file.write_text(TOML.format(number), "utf-8")

    async def story() -> None:
        await made.get("/")
        for number in (6, 7):
            write(number)
            await asyncio.to_thread(look, watch)
            await asyncio.sleep(0)
            assert made.config.retry is not None
            assert made.config.retry.max_attempts == number
        write(8)
        look(watch)

    asyncio.run(story())
    assert made.config.retry is not None
    assert made.config.retry.max_attempts == 8
    write(9)
    look(watch)
    assert made.config.retry.max_attempts == 9
    assert where == [threading.get_ident()] * 5
    watch.stop()


class EventListener:
    """Told of other settings alone."""

    listens_to = (Reconfigured,)

    def __init__(self, tell: Callable[[object], None]) -> None:
        self._tell = tell

    def __call__(self, event: object) -> None:
        """Tell."""
        self._tell(event)


def test_a_log_that_raises_ends_nothing(
    client: SyncResilientClient, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Structlog's processors are the caller's code."""
    logged = threading.Event()

    def fail(*_: object, **__: object) -> None:
        logged.set()
        raise LookupError

    watch = watch_config(client, file, 0.001)
    monkeypatch.setattr(client._session, "warn", fail)
    file.write_text("nonsense", "utf-8")
    assert logged.wait(PATIENCE_SECONDS)
    file.write_text(TOML.format(6), "utf-8")
    eventually(lambda: attempts(client) == 6)
    watch.stop()


def test_a_forked_child_has_none(client: SyncResilientClient, file: Path) -> None:
    """Its thread stays in the parent."""
    watch = watch_config(client, file, LONG)
    if (child := os.fork()) == 0:
        watch.stop()
        os._exit(0 if watch.is_stopped else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert watch.is_stopped is False
    watch.stop()


def test_closing_stops_all_that_watch(client: SyncResilientClient, file: Path) -> None:
    """Two of them may do so."""
    watches = [watch_config(client, file, LONG) for _ in range(2)]
    client.close()
    assert [each.is_stopped for each in watches] == [True, True]
