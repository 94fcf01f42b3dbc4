"""The controls of a running failure server, as a test works them."""

import base64
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypedDict, cast

from ..health import Health
from ..stores.fault_records import FaultsInForce
from ..stores.ledger import Ledger
from .channel import ControlChannel

UNSET: Any = object()  # None is JSON
Moment = Literal["before", "after"]
RetryAfter = str | float | None


class Answer(TypedDict, total=False):
    """One of the answers of a route; the arguments of `Controls.route` of the same names."""

    status: int
    """The HTTP status; default 200."""
    json: object
    """The body, as JSON."""
    text: str
    """The body, as text."""
    content: bytes
    """The body, as bytes."""
    headers: Mapping[str, str]
    """Headers of the answer."""
    delay_ms: float
    """Milliseconds by which it is later; default 0."""


class Controls(ABC):
    """The faults and the ledger of one server.

    Each method is one blocking call, answered within a millisecond or so by a server that has a
    thread or process of its own: an async test may make it too. A value out of bounds raises
    `ValueError`, a server that does not answer `FailureServerError`.

    All faults are off at first; they apply to `/msg`, to every route and to the app behind the
    server, not to the controls. Latency delays every call; of the failures count is asked
    first, then duration, then rate. Those share their options:

    - `status`: what a failed call is answered with, 300 to 599, default 500;
    - `retry_after`: its `Retry-After` header, sent as it is, sense or nonsense, if HTTP can carry
      it and it is no longer than 8,192 characters; by default none is sent;
    - `when`: `"before"` (default) fails a call in place of its effect, `"after"` lets it take
      effect and only then fails it, the case that idempotency keys exist for.
    """

    @abstractmethod
    def _channel(self) -> ControlChannel:
        """Return the way to the server."""

    def fail_count(
        self,
        n: int,
        *,
        status: int = 500,
        retry_after: RetryAfter = None,
        when: Moment = "before",
    ) -> None:
        """Fail the next `n` calls, 0 to 1,000,000; 0 switches this fault off."""
        self._post(f"/fail/count/{n}", status=status, retry_after=retry_after, when=when)

    def fail_duration(
        self,
        seconds: float,
        *,
        status: int = 500,
        retry_after: RetryAfter = None,
        when: Moment = "before",
    ) -> None:
        """Fail every call for `seconds`, 0 to 3,600; 0 switches this fault off."""
        self._post(f"/fail/duration/{seconds}", status=status, retry_after=retry_after, when=when)

    def fail_rate(
        self,
        percent: float,
        *,
        status: int = 500,
        retry_after: RetryAfter = None,
        when: Moment = "before",
        seed: int | None = None,
    ) -> None:
        """Fail `percent` of the calls, 0 to 100; 0 switches this fault off.

        The same `seed` fails the same calls in every run; without one, each run differs.
        """
        self._post(
            f"/fail/rate/{percent}",
            status=status,
            retry_after=retry_after,
            when=when,
            seed=seed,
        )

    def latency(self, ms: float) -> None:
        """Answer every call later by `ms`, 0 to 60,000; 0 switches this fault off."""
        self._post(f"/fail/latency/{ms}")

    def route(  # noqa: PLR0913 - what an answer has; all but the first go by name
        self,
        path: str,
        *,
        method: str | Iterable[str] | None = None,
        status: int = 200,
        json: object = UNSET,
        text: str | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        delay_ms: float = 0,
        answers: Iterable[Answer] | None = None,
        dedupe: bool = True,
    ) -> None:
        """Answer the calls of a path, in place of what answered them before.

        Faults and ledger apply to it as to `/msg`. An answer below 400 is an effect. Up to 100
        routes are held, until `clear`.

        Args:
            path: Begins with `/`; `{name}` stands for any one segment. `/fail`, `/ledger` and
                `/health` are the server's own.
            method: One or several; None (default) is all. A route with the same path and methods
                is replaced; of others that match, the one set last answers.
            status: 200 to 599; default 200.
            json: The body, as JSON; None is `null`. One of the three at most.
            text: The body, in UTF-8.
            content: The body, as it is.
            headers: Header fields.
            delay_ms: How late the answer is sent, 0 to 60,000; default 0.
            answers: In place of all these, one answer for each call in order, and the last for
                all after it: `[{"status": 503}, {"json": {"id": 1}}]`.
            dedupe: True (default) counts one effect for each request id, as a server does that
                recognises it; False counts each.

        Raises:
            ValueError: If a value is not allowed; says which, and what is.
            TypeError: If `answers` stand beside what they replace, or a body is no JSON.
        """
        one: dict[str, Any] = {"status": status, "delay_ms": delay_ms}
        bodies = {"text": text, "content": content, "headers": headers}
        one |= {name: value for name, value in bodies.items() if value is not None}
        if json is not UNSET:
            one["json"] = json
        if answers is not None and one != {"status": 200, "delay_ms": 0}:
            raise TypeError(f"answers stand alone; put {', '.join(one)} into each of them")
        given = [one] if answers is None else [dict(answer) for answer in answers]
        body: dict[str, Any] = {
            "path": path,
            "answers": [_sendable(answer) for answer in given],
            "dedupe": dedupe,
        }
        if method is not None:
            body["methods"] = [method] if isinstance(method, str) else list(method)
        self._channel().call("POST", "/fail/routes", body=body)

    def reset(self) -> None:
        """Switch every fault off; the ledger and the routes stay as they are."""
        self._post("/fail/reset")

    def clear(self) -> None:
        """Switch every fault off, forget the routes, empty the ledger: the server is as new.

        Calls still in flight stay out of the emptied ledger.
        """
        self.reset()
        self._channel().call("DELETE", "/fail/routes")
        self._channel().call("DELETE", "/ledger")

    def faults(self) -> FaultsInForce:
        """Return the faults in force."""
        return cast("FaultsInForce", self._get("/fail"))

    def ledger(self) -> Ledger:
        """Return what has arrived and taken effect since the ledger was last emptied."""
        return Ledger.from_json(self._get("/ledger"))

    def health(self) -> Health:
        """Return the server's status, version and uptime in seconds."""
        return cast("Health", self._get("/health"))

    def _get(self, path: str) -> dict[str, Any]:
        return self._channel().call("GET", path)

    def _post(self, path: str, **query: object) -> None:
        self._channel().call("POST", path, query)


def _sendable(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer with its bytes as text.

    Raises:
        TypeError: If what is to be JSON is none, or bytes are none.
    """
    if "content" in answer:
        content = answer.pop("content")
        if not isinstance(content, bytes | bytearray | memoryview):
            raise TypeError(f"content is {content!r}; give bytes, or text= or json=")
        answer["content_base64"] = base64.b64encode(cast("bytes", content)).decode()
    if "json" in answer:
        try:
            json.dumps(answer["json"], allow_nan=False)
        except (TypeError, ValueError) as error:
            raise TypeError(f"json cannot be sent ({error}); give what JSON can hold") from error
    return answer


class RemoteServer(Controls):
    """A failure server that runs elsewhere, such as one started on the command line.

    Args:
        url: Its base URL, `http://HOST:PORT`.

    Raises:
        ValueError: If the URL is another kind of thing.
    """

    def __init__(self, url: str) -> None:
        self._control_channel = ControlChannel.to(
            url, server="failure server", api="failure server"
        )
        self.url: str = self._control_channel.url

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    def _channel(self) -> ControlChannel:
        return self._control_channel
