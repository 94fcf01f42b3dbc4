"""The wire between a test and its server: `http.client`, whatever the test has patched."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlencode, urlsplit

from ..errors import FailureServerError

TIMEOUT_SECONDS = 10.0  # of each read and write


class ControlChannel:
    """Calls to one server, each on a connection of its own.

    Args:
        host: Where the server listens.
        port: Likewise.
        server: What it is, for errors to say.
    """

    def __init__(self, host: str, port: int, *, server: str = "failure server") -> None:
        self.host = host
        self.port = port
        self.url: str = f"http://{host}:{port}"
        self._server = server

    @classmethod
    def to(cls, url: str, *, server: str, api: str) -> "ControlChannel":
        """Return the way to a server that runs elsewhere.

        Args:
            url: `http://HOST:PORT`.
            server: As for the class.
            api: Whose URL it is, for an error to say.

        Raises:
            ValueError: If the URL is another kind of thing.
        """
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname or parts.path.strip("/"):
            raise ValueError(f"{url!r} is not a {api}'s URL; give http://HOST:PORT")
        channel = cls(parts.hostname, parts.port or 80, server=server)
        channel.url = f"http://{parts.netloc}"
        return channel

    def call(
        self,
        method: str,
        path: str,
        query: Mapping[str, object] | None = None,
        *,
        body: Mapping[str, object] | None = None,
        timeout: float = TIMEOUT_SECONDS,
    ) -> dict[str, Any]:
        """Make one call and return the JSON it is answered with.

        Args:
            method: The HTTP method.
            path: The path.
            query: Query parameters; those that are None are left out.
            body: Sent as JSON; None sends none.
            timeout: Seconds to wait for each read and write.

        Raises:
            ValueError: If the server refuses a value; says which, and what is allowed.
            FailureServerError: If there is no answer, or not that of a failure server.
        """
        given = {name: value for name, value in (query or {}).items() if value is not None}
        target = f"{path}?{urlencode(given)}" if given else path
        status, answer = self._exchange(method, target, body, timeout)
        if status == HTTPStatus.UNPROCESSABLE_ENTITY:
            raise ValueError(f"{method} {path} was refused: {_complaints(answer)}")
        if status != HTTPStatus.OK:
            raise FailureServerError(f"{method} {path} was answered {status}: {answer}")
        return answer

    def _exchange(
        self, method: str, target: str, body: Mapping[str, object] | None, timeout: float
    ) -> tuple[int, dict[str, Any]]:
        content = None if body is None else json.dumps(body)
        headers = {} if body is None else {"Content-Type": "application/json"}
        connection = HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            connection.request(method, target, content, headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        except (OSError, HTTPException, ValueError) as error:
            raise FailureServerError(
                f"no answer to {method} {target} from {self.host}:{self.port} ({error!r}); "
                f"is the {self._server} still running?"
            ) from error
        finally:
            connection.close()


def _complaints(answer: dict[str, Any]) -> str:
    return "; ".join(
        f"{complaint['loc'][-1]} is {complaint['input']!r}: {complaint['msg']}"
        for complaint in answer["detail"]
    )
