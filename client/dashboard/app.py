"""`dashboard(...)`: the live page as an ASGI app, to be mounted in any other under any path."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import quote

from .answers import Answer, Refused, read_body, refusal
from .control import LARGEST_ORDER, checked_actions, obey
from .files import index, static
from .guard import LOOPBACK, Guard
from .state import LocalState, tag_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .answers import Receive, Scope, Send
    from .guard import Auth

__all__ = ["Dashboard", "Page", "dashboard"]

_READING: Final = ("GET", "HEAD")
_TAG: Final = re.compile(rb'"[^"]*"')


def dashboard(
    *clients: Any,
    actions: Iterable[str] = (),
    auth: Auth | None = None,
    allowed_hosts: Iterable[str] = LOOPBACK,
    title: str = "Resilience",
) -> Dashboard:
    """Make a live page of clients, an ASGI app.

    Mount it where you like: `app.mount("/resilience", dashboard(client))`.

    Args:
        *clients: Clients and transports of this package, of any kind. None is kept alive; more
            can be given to `add` of what this returns.
        actions: What can be done on the page: of "isolate", "release" and "reset"; nothing by
            default.
        auth: A callable, plain or async, that is given the ASGI scope of each request and
            returns whether its sender is welcome. By default everybody is who reaches the page;
            `actions` then work on loopback alone.
        allowed_hosts: The names and addresses by which the page is reached, without ports; "*"
            for any. By default those of loopback. It keeps out pages that lead a name of
            theirs here.
        title: The heading.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: An action or a host is none, or `actions` lack an `auth`.
    """
    return Dashboard(clients, actions=actions, auth=auth, allowed_hosts=allowed_hosts, title=title)


class Source(Protocol):
    """Where the page gets what it shows."""

    async def read(self) -> bytes:
        """Return the state as JSON.

        Raises:
            Refused: There is none to be had.
        """
        ...


class Page:
    """The page, whatever it shows. It reads, and no more.

    Args:
        source: What it shows.
        guard: Who may see it.
        title: The heading.
    """

    actions: tuple[str, ...] = ()

    def __init__(self, source: Source, guard: Guard, title: object) -> None:
        if not isinstance(title, str):
            raise TypeError(f"title is {title!r}: give a text")
        self._source = source
        self._guard = guard
        self._title = title

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._title!r}>"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, as an ASGI app does."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            try:
                answer = await self._answer(scope, receive)
            except Refused as refused:
                answer = refused.answer
            await answer.send(send, without_body=scope["method"] == "HEAD")
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        await self._guard.check(scope)
        path = _path_below(scope)
        if path == "/control":
            return await self._control(scope, receive)
        if scope["method"] not in _READING:
            raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, "only to be read", ("allow", "GET, HEAD"))
        match path.split("/"):
            case [""]:  # the links of the page begin where it is
                here = quote((scope["path"] or scope["root_path"]).rpartition("/")[2])
                return refusal(HTTPStatus.TEMPORARY_REDIRECT, "see below", ("location", f"{here}/"))
            case ["", ""]:
                return self._index()
            case ["", "state.json"]:
                return await self._state(scope)
            case ["", "static", name] if found := static(name):
                return found
            case _:
                raise Refused(HTTPStatus.NOT_FOUND, "there is no such page")

    def _index(self) -> Answer:
        token = self._guard.token if self.actions else ""
        return index(title=self._title, token=token, actions=" ".join(self.actions))

    async def _state(self, scope: Scope) -> Answer:
        body = await self._source.read()
        tag = ("etag", tag_of(body))
        if _is_known(scope, tag[1].encode()):
            return Answer(HTTPStatus.NOT_MODIFIED, headers=(tag,))
        return Answer(HTTPStatus.OK, body, "application/json", (tag,))

    async def _control(self, scope: Scope, receive: Receive) -> Answer:  # noqa: ARG002 - see below
        """Do something, in a page that can do more than be read."""
        raise Refused(HTTPStatus.NOT_FOUND, "this page is read-only")


class Dashboard(Page):
    """The page of clients of this process; see `dashboard`.

    Attributes:
        actions: What may be done to circuits from the page.
    """

    def __init__(
        self,
        clients: Iterable[Any],
        *,
        actions: Iterable[str],
        auth: Auth | None,
        allowed_hosts: Iterable[str],
        title: str,
    ) -> None:
        self.actions: tuple[str, ...] = checked_actions(actions)
        guard = Guard(auth, allowed_hosts, has_actions=bool(self.actions))
        self._local = LocalState(clients)
        super().__init__(self._local, guard, title)

    def add(self, *clients: Any) -> None:
        """Show more clients; one that is shown already stays where it is.

        Raises:
            TypeError: One of them is no client of this package.
        """
        for client in clients:
            self._local.add(client)

    async def _control(self, scope: Scope, receive: Receive) -> Answer:
        """Do something to a circuit.

        Raises:
            Refused: It is not allowed, or not possible.
        """
        if scope["method"] != "POST":
            raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, "only by POST", ("allow", "POST"))
        if not self.actions:
            text = "nothing can be done here: name what may be in dashboard(actions=...)"
            raise Refused(HTTPStatus.FORBIDDEN, text)
        self._guard.check_action(scope)
        return obey(await read_body(receive, LARGEST_ORDER), self._local, self.actions)


def _is_known(scope: Scope, tag: bytes) -> bool:
    """Whether `If-None-Match` names a tag, also a weak one: such it is where a proxy packs."""
    given = [value for name, value in scope["headers"] if name == b"if-none-match"]
    return any(value.strip() == b"*" or tag in _TAG.findall(value) for value in given)


def _path_below(scope: Scope) -> str:
    """Return the path from where the app is mounted.

    What stands before it in `path` is all of `root_path`, as the specification has it, or none, or
    only its end, where a framework was told of a prefix that the proxy has taken away.
    """
    path: str = scope["path"]
    root: str = scope.get("root_path", "").rstrip("/")
    while root:
        if path == root or path.startswith(f"{root}/"):
            return path[len(root) :]
        _, slash, rest = root[1:].partition("/")
        root = slash + rest
    return path


async def _live(receive: Receive, send: Send) -> None:
    """Begin and end with the server, where this app is served by itself."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
