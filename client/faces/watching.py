"""Settings that are read again and again while a client is at work, from a file or a function."""

from __future__ import annotations

import inspect
import json
import threading
import tomllib
import weakref
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from ..config.checks import seconds
from ..errors.complaints import complain
from ..runtime.forking import fork_safe

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike
    from weakref import WeakSet

    Settings = Mapping[str, object]
    Source = str | PathLike[str] | Callable[[], Settings]

__all__ = ["ConfigWatch", "watch_config"]

_READERS: Final[dict[str, Callable[[str], object]]] = {".toml": tomllib.loads, ".json": json.loads}
_SETTLES: Final = 0.1
"""Seconds after which a file that somebody writes is read once more."""
_check_every: Final = seconds(above=True)


class _Inside(Protocol):
    """What stands behind the face of a client."""

    watches: WeakSet[ConfigWatch]

    @property
    def config(self) -> Any: ...
    def reconfigure(self, overrides: Settings, base: Any) -> None: ...
    def at_home(self, work: Callable[[], object]) -> None: ...
    def warn(self, what: str, **fields: object) -> None: ...


class _Reader(Protocol):
    """Where settings come from."""

    settles: bool
    """Whether what is read may be half of what somebody is about to write."""

    def read(self) -> object:
        """Return what is there now: by it is seen whether it has changed."""
        ...

    def parse(self, found: Any) -> Settings:
        """Return the settings that it stands for."""
        ...


def watch_config(client: object, source: Source, every: float = 5.0) -> ConfigWatch:
    """Keep the settings of a client as a file, or a function, says.

    It is read now, and then again and again in a thread. What it says is laid over the settings
    that the client has now: a setting that is no longer in it is what it was before. What cannot
    be read or is refused then is logged, once, and changes nothing.

    Args:
        client: A client or transport of this package. It is not kept alive, and ends this.
        source: The path of a file of TOML (`.toml`) or JSON (`.json`), or a function that returns
            a mapping; in either of them as `client.reconfigure` takes it.
        every: Seconds between two readings; above 0, default 5.0.

    Returns:
        What can be stopped.

    Raises:
        TypeError: It is no client, or `source` is neither.
        ValueError: What is read now is refused, or the file is of another kind.
        FileNotFoundError: The file is not there.
    """
    # Not by `getattr`: a test's stand-in has every attribute.
    parts: dict[str, Any] = getattr(client, "__dict__", {})
    inside: _Inside | None = parts.get("_session") or parts.get("_drop_in")
    if inside is None:
        raise TypeError(f"client is {client!r}: give a client or transport of this package")
    watch = ConfigWatch(client, inside, _reader_of(source), float(_check_every(every)))
    watch.begin(inside)
    return watch


class ConfigWatch:
    """What `watch_config` returns: reads settings until it is stopped, or the client is closed.

    A forked child has none: it calls `watch_config` itself.
    """

    def __init__(self, client: object, inside: _Inside, reader: _Reader, every: float) -> None:
        self._client = weakref.ref(client)
        self._inside = weakref.ref(inside)
        self._base = inside.config
        self._reader = reader
        self._every = every
        self._seen: object = None
        self._said: str | None = None
        self._is_over = False
        self._lock = fork_safe(threading.RLock())
        # No event of threading's: the garbage collector may come for the client in the middle of
        # one, and would wait for it for ever.
        self._bell = threading.Lock()
        self._bell.acquire()
        weakref.finalize(client, _ring, self._bell).atexit = False
        self._thread = threading.Thread(
            target=self._run, name="resilient-client-config", daemon=True
        )

    def begin(self, inside: _Inside) -> None:
        """Read the settings for the first time, and have them read again."""
        found = self._reader.read()
        inside.reconfigure(self._reader.parse(found), self._base)
        self._seen = found
        inside.watches.add(self)
        self._thread.start()

    def stop(self) -> None:
        """Change nothing any more; the client goes on by what it has. A second time does nothing.

        A reading that is under way is not waited for.
        """
        with self._lock:
            self._is_over = True
        _ring(self._bell)

    @property
    def is_stopped(self) -> bool:
        """Whether it has ended."""
        return self._is_over or not self._thread.is_alive()

    def _run(self) -> None:
        while self._rests(self._every) and self._is_wanted():
            try:
                self._look()
            except Exception:  # noqa: BLE001 - as a processor of structlog's may raise: it is told
                complain("a watch over a configuration raised")
        self._is_over = True

    def _rests(self, seconds: float) -> bool:
        """Wait; return whether it goes on after that."""
        self._is_over |= self._bell.acquire(timeout=seconds)
        return not self._is_over

    def _is_wanted(self) -> bool:
        client = self._client()
        return client is not None and not getattr(client, "is_closed", False)

    def _look(self) -> None:
        inside = self._inside()
        if inside is None:
            return
        try:
            found = self._read()
            if found is None:
                return
            if found == self._seen:
                self._said = None
                return
            settings = self._reader.parse(found)
        # A program that reads its arguments leaves by the second, of which a thread says nothing.
        except (Exception, SystemExit) as error:  # noqa: BLE001 - it is told
            self._complain(inside, error)
            return
        inside.at_home(lambda: self._take(inside, found, settings))

    def _read(self) -> object:
        """Return what is there, or None where somebody is writing it, or it is over."""
        reader = self._reader
        if not reader.settles:
            return reader.read()
        found: object = None
        with suppress(OSError):  # it is being replaced, perhaps
            found = reader.read()
        if found is not None and found == self._seen:
            return found
        if not self._rests(min(self._every, _SETTLES)):
            return None
        again = reader.read()
        return again if again == found else None

    def _take(self, inside: _Inside, found: object, settings: Settings) -> None:
        with self._lock:
            if self._is_over or not self._is_wanted():
                return
            self._seen = found
            try:
                inside.reconfigure(settings, self._base)
            except Exception as error:  # noqa: BLE001 - it is told
                self._complain(inside, error)
            else:
                self._said = None

    def _complain(self, inside: _Inside, error: BaseException) -> None:
        """Log what is wrong, unless that was the last thing said."""
        said = f"{type(error).__name__}: {error}"
        if said != self._said:
            self._said = said
            inside.warn("configuration refused", error=said)


class _File:
    """A file of TOML or JSON."""

    settles = True

    def __init__(self, path: Path) -> None:
        parse = _READERS.get(path.suffix.lower())
        if parse is None:
            raise ValueError(
                f"source is {str(path)!r}: give a file of TOML (.toml) or JSON (.json)"
            )
        self._path = path.absolute()
        self._parse = parse

    def read(self) -> bytes:
        return self._path.read_bytes()

    def parse(self, found: bytes) -> Settings:
        return _checked(self._parse(found.decode("utf-8")))


class _Function:
    """A function of the caller's."""

    settles = False

    def __init__(self, function: Callable[[], object]) -> None:
        self._function = function

    def read(self) -> Settings:
        return _checked(self._function())

    def parse(self, found: Settings) -> Settings:
        return found


def _reader_of(source: Source) -> _Reader:
    if callable(source):
        if inspect.iscoroutinefunction(source):
            raise TypeError(f"source is {source!r}, which is async: give a plain function")
        return _Function(source)
    try:
        path = Path(source)
    except TypeError:
        raise TypeError(
            f"source is {source!r}: give the path of a file, or a function that returns a mapping"
        ) from None
    return _File(path)


def _checked(settings: object) -> Settings:
    if not isinstance(settings, Mapping):
        raise ValueError(f"the settings are a {type(settings).__name__}: give a mapping")  # noqa: TRY004 - as all settings do
    return {name: _copied(value) for name, value in cast("Settings", settings).items()}


def _copied(value: object) -> object:
    """Return a mapping with all those in it as they are now: the caller may change them."""
    if not isinstance(value, Mapping):
        return value
    return {name: _copied(each) for name, each in cast("Settings", value).items()}


def _ring(bell: threading.Lock) -> None:
    """Wake whoever waits; a second time does nothing."""
    with suppress(RuntimeError):
        bell.release()
