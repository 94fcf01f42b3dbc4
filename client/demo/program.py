"""Runs the demo: finds a server and a view, tells the story, and returns the exit status."""

from __future__ import annotations

import asyncio
import codecs
import os
import secrets
from typing import TYPE_CHECKING, TextIO

from client.demo.caller import Caller
from client.demo.chapters import CHAPTERS
from client.demo.errors import FAILED, missing
from client.demo.failure_server import open_server
from client.demo.pace import FAST, LIVE, configure
from client.demo.plain import PlainView
from client.demo.proof import prove
from client.demo.record import Journal
from client.demo.report import Report, Scene
from client.facade import ResilientClient
from client.urls import mask_url

if TYPE_CHECKING:
    from client.demo.failure_server import FailureServer
    from client.demo.pace import Pace
    from client.demo.report import View

__all__ = ["run_demo"]


def run_demo(
    out: TextIO, *, url: str | None = None, plain: bool = False, fast: bool = False
) -> int:
    """Tell the story and return the exit status: 0 if every check holds, 1 if one does not.

    Args:
        out: Where it is shown.
        url: The failure server to play against; None starts one.
        plain: Write plain lines even where a live display is possible.
        fast: Leave out the pauses that let a person follow.

    Raises:
        CannotRunError: A package or the server is missing.
        KeyboardInterrupt: Somebody has seen enough.
    """
    is_live = not plain and can_draw(out)
    view = _live_view(out) if is_live else PlainView(out)
    pace = LIVE if is_live and not fast else FAST
    with open_server(url) as server:
        view.begin(mask_url(server.url))
        report = asyncio.run(tell(server, view, pace))
        view.end(report)
    return FAILED if report.failed else 0


async def tell(server: FailureServer, view: View, pace: Pace) -> Report:
    """Play every chapter, with one client, and judge the run."""
    journal = Journal(secrets.token_hex(4))
    evicted_before = server.ledger().evicted
    scenes: list[Scene] = []
    async with ResilientClient(configure(server.url, pace), listeners=[journal]) as client:
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


def can_draw(out: TextIO) -> bool:
    """Tell whether a live display would be readable there."""
    is_dumb = os.environ.get("TERM", "") in {"dumb", "unknown"}
    return out.isatty() and not is_dumb and codecs.lookup(out.encoding).name == "utf-8"


def _live_view(out: TextIO) -> View:
    try:
        from client.demo.live import live_view  # noqa: PLC0415 - needs rich, which is an extra
    except ImportError as error:
        raise missing(error.name or "rich") from error
    return live_view(out)
