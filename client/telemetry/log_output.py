"""Where lines of the log go: through structlog, with whatever the application set up.

Where the application configured structlog, its processors and its loggers are used. Where it did
not, the records go to the standard library's logger of the configured name, so that they show up
under `logging.basicConfig`.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from importlib import import_module
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, NamedTuple

from ..runtime.lazy_imports import require

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

__all__ = ["Line", "LogOutput"]

require("structlog")


class Line(NamedTuple):
    """A line on its way to where it is written."""

    level: str
    event: str
    fields: Mapping[str, object]
    """What else it says."""


def _span_under_way() -> Mapping[str, str]:
    """Return by what a line is joined to a trace of OpenTelemetry, where one is under way.

    Whoever has a span has imported it.
    """
    trace: Any = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return {}
    span = trace.get_current_span().get_span_context()
    if not span.is_valid:
        return {}
    return {"trace_id": f"{span.trace_id:032x}", "span_id": f"{span.span_id:016x}"}


class LogOutput:
    """Writes lines to one logger.

    Args:
        name: The logger's.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._under_way: set[asyncio.Future[None]] = set()

    def load(self) -> None:
        """Import structlog now, which takes long, and not when a circuit opens."""
        import_module("structlog")

    def is_enabled(self, level: str) -> bool:
        """Whether the standard library's logger of this name lets a level through."""
        return logging.getLogger(self._name).isEnabledFor(getattr(logging, level))

    def write(self, line: Line) -> None:
        """Write one line."""
        fields = {**line.fields, **_span_under_way()}
        written = getattr(self._logger(), line.level.lower())(line.event, **fields)
        if isawaitable(written):
            self._finish(written)

    def _logger(self) -> Any:
        # Here, because it takes half as long to import as httpx, and a client without a circuit
        # has mostly nothing to log.
        import structlog  # noqa: PLC0415 - see above

        # Asked each time: the application may configure structlog after this client was made.
        if structlog.is_configured():
            kind = structlog.get_config()["wrapper_class"]
            if not isinstance(kind, type) or not issubclass(
                kind, structlog.stdlib.AsyncBoundLogger
            ):
                return structlog.get_logger(self._name)
            # Its lines would have to be awaited, so what it wraps is used, as itself does.
            plain = structlog.stdlib.BoundLogger
            return structlog.wrap_logger(
                None, wrapper_class=plain, logger_factory_args=(self._name,)
            )
        return structlog.wrap_logger(
            logging.getLogger(self._name),
            processors=[
                structlog.stdlib.filter_by_level,
                structlog.processors.KeyValueRenderer(key_order=["event"], drop_missing=True),
            ],
            wrapper_class=structlog.stdlib.BoundLogger,
            context_class=dict,
        )

    def _finish(self, line: Awaitable[object]) -> None:
        """Await a line of some other async logger: in the loop that runs, or in one of its own."""

        async def written() -> None:
            await line

        try:
            task = asyncio.get_running_loop().create_task(written())
        except RuntimeError:
            asyncio.run(written())
            return
        self._under_way.add(task)  # the loop itself holds a task but weakly
        task.add_done_callback(self._under_way.discard)
