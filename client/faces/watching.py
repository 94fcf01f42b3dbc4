"""Settings that are read again and again while a client is at work, from a file or a function."""

from __future__ import annotations

import json
import threading
import tomllib
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from ..config.checks import seconds

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    Settings = Mapping[str, object]
    Source = str | PathLike[str] | Callable[[], Settings]

__all__ = ["ConfigWatch", "watch_config"]

_READERS: Final[dict[str, Callable[[str], object]]] = {".toml": tomllib.loads, ".json": json.loads}
_SETTLES: Final = 0.1
"""Seconds after which a file that somebody writes is read once more."""
_check_every: Final = seconds(above=True)


class _Inside(Protocol):
    """What stands behind the face of a client."""

    config: Any

    def reconfigure(self, overrides: Settings, base: Any) -> None: ...
    def at_home(self, work: Callable[[], object]) -> None: ...
    def warn(self, what: str, **fields: object) -> None: ...


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
    inside: _Inside | None = None
    parts: dict[str, Any] = getattr(client, "__dict__", {})
    inside = parts.get("_session") or parts.get("_drop_in")
    if inside is None:
        raise TypeError(f"client is {client!r}: give a client or transport of this package")
    watch = ConfigWatch(client, inside, _reader_of(source), float(_check_every(every)))
    watch.begin()
    return watch


class ConfigWatch:
    """What `watch_config` returns: reads settings until it is stopped, or the client is closed.

    A forked child has none: it calls `watch_config` itself.
    """

    def __init__(
        self, client: object, inside: _Inside, read: Callable[[], Settings], every: float
    ) -> None:
        self._client = weakref.ref(client)
        self._inside = weakref.ref(inside)
        self._base = inside.config
        self._read = read
        self._every = every
        self._seen: object = None
        self._said: str | None = None
        self._is_stopped = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name="resilient-client-config", daemon=True
        )

    def begin(self) -> None:
        """Read the settings for the first time, and have them read again."""
        inside = self._inside()
        if inside is not None:
            settings = self._read()
            inside.reconfigure(settings, self._base)
            self._seen = settings
        self._thread.start()

    def stop(self) -> None:
        """Read nothing any more; the client goes on by what it has. A second time does nothing."""
        self._is_stopped.set()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join()

    @property
    def is_stopped(self) -> bool:
        """Whether it has ended."""
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._is_stopped.wait(self._every) and self._is_wanted():
            self._look()

    def _is_wanted(self) -> bool:
        client = self._client()
        return client is not None and not getattr(client, "is_closed", False)

    def _look(self) -> None:
        inside = self._inside()
        if inside is None:
            return
        try:
            settings = self._read()
            # Twice the same: a file that is being written looks shorter than it will be.
            if settings != self._seen and (
                self._is_stopped.wait(min(self._every, _SETTLES)) or self._read() != settings
            ):
                return
        except Exception as error:  # noqa: BLE001 - it is told
            self._complain(inside, error)
            return
        if settings != self._seen:
            self._seen = settings
            inside.at_home(lambda: self._apply(inside, settings))

    def _apply(self, inside: _Inside, settings: Settings) -> None:
        try:
            inside.reconfigure(settings, self._base)
        except Exception as error:  # noqa: BLE001 - it is told
            self._complain(inside, error)
        else:
            self._said = None

    def _complain(self, inside: _Inside, error: Exception) -> None:
        """Log what is wrong, unless that was the last thing said."""
        said = f"{type(error).__name__}: {error}"
        if said != self._said:
            self._said = said
            inside.warn("configuration refused", error=said)


def _reader_of(source: Any) -> Callable[[], Settings]:
    if callable(source):
        return lambda: _checked(source())
    try:
        path = Path(source)
    except TypeError:
        raise TypeError(
            f"source is {source!r}: give the path of a file, or a function that returns a mapping"
        ) from None
    read = _READERS.get(path.suffix.lower())
    if read is None:
        raise ValueError(f"source is {str(path)!r}: give a file of TOML (.toml) or JSON (.json)")
    return lambda: _checked(read(path.read_text("utf-8")))


def _checked(settings: object) -> Settings:
    if not isinstance(settings, Mapping):
        raise ValueError(f"the settings are a {type(settings).__name__}: give a mapping")  # noqa: TRY004 - as all settings do
    return dict(cast("Settings", settings))
