"""Runs the demo: finds a server and a view, tells the story, and returns the exit status."""

from __future__ import annotations

import asyncio
import secrets
import sys
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, TextIO

from ...dashboard.app import dashboard as dashboard_of
from ...errors.urls import mask_url
from ...faces.facade.clients import ResilientClient
from ..live_page.serving import listen, served, url_of
from ..terminal import can_draw
from .caller import Caller
from .chapters import CHAPTERS
from .errors import FAILED, missing
from .failure_server import open_server
from .pace import FAST, LIVE, configure
from .plain import PlainView
from .proof import prove
from .record import Journal
from .report import Report, Scene

if TYPE_CHECKING:
    from collections.abc import Generator

    from ...dashboard.app import Dashboard
    from .failure_server import FailureServer
    from .pace import Pace
    from .report import View

__all__ = ["run_demo"]


def run_demo(
    out: TextIO,
    *,
    url: str | None = None,
    plain: bool = False,
    fast: bool = False,
    dashboard: bool = False,
) -> int:
    """Play the story and return the exit status: 0 if every check holds, 1 if one does not.

    Args:
        out: Where it is shown.
        url: The failure server to play against; None starts one.
        plain: Write plain lines even where a live display is possible.
        fast: Leave out the pauses that let a person follow.
        dashboard: Serve the live page of the story's client besides.

    Raises:
        CannotRunError: A package or the server is missing.
        KeyboardInterrupt: Somebody has seen enough.
    """
    is_live = not plain and can_draw(out)
    view = _live_view(out) if is_live else PlainView(out)
    pace = LIVE if is_live and not fast else FAST
    with open_server(url) as server, _page(out) if dashboard else nullcontext() as page:
        view.begin(mask_url(server.url))
        report = asyncio.run(tell(server, view, pace, page))
        view.end(report)
        if page is not None and sys.stdin.isatty():
            out.write("Press Enter to end the page.\n")
            out.flush()
            sys.stdin.readline()
    return FAILED if report.failed else 0


@contextmanager
def _page(out: TextIO) -> Generator[Dashboard]:
    """Serve a live page until the end of the block, and say where."""
    page = dashboard_of(title="The demo")
    listener = listen("127.0.0.1", 0)
    with served(page, listener):
        out.write(f"the live page: {url_of(listener)}\n")
        out.flush()
        yield page


async def tell(
    server: FailureServer, view: View, pace: Pace, page: Dashboard | None = None
) -> Report:
    """Play every chapter, with one client, and judge the run.

    Args:
        server: Its faults are worked.
        view: Shows it.
        pace: How fast.
        page: Shows the client besides.
    """
    journal = Journal(secrets.token_hex(4))
    evicted_before = server.ledger().evicted
    scenes: list[Scene] = []
    async with ResilientClient(configure(server.url, pace), listeners=[journal]) as client:
        if page is not None:
            page.add(client)
        caller = Caller(client, journal, pace, view.show)
        for number, chapter in enumerate(CHAPTERS, 1):
            scene = Scene(
                number=number,
                of=len(CHAPTERS),
                chapter=chapter,
                record=journal.begin_chapter(),
                journal=journal,
                client=client,
            )
            scenes.append(scene)
            with view.chapter(scene):
                await _play(scene, caller, server)
    return Report(scenes, prove(journal.operations, server.ledger(), evicted_before))


async def _play(scene: Scene, caller: Caller, server: FailureServer) -> None:
    await asyncio.sleep(caller.pace.reading)
    # The controls block, but for milliseconds, and while no call is under way.
    await scene.chapter.play(caller, server)
    scene.checks.extend(scene.chapter.promises(scene.record, server.ledger()))


def _live_view(out: TextIO) -> View:
    try:
        from .live import live_view  # noqa: PLC0415 - needs rich, which is an extra
    except ImportError as error:
        raise missing(error.name or "rich") from error
    return live_view(out)
