"""What is started and stopped: by name, or by a `with` or `async with` statement around its use."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Startable(ABC):
    """Runs from `start` to `stop`, or within its statement. Both block, also in async code."""

    @abstractmethod
    def start(self) -> Self:
        """Begin to run, and return once it does."""

    @abstractmethod
    def stop(self) -> None:
        """End it, if it runs."""

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return self.start()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
