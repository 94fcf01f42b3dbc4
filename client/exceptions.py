"""The one tree of errors that reaches a caller; nothing here decides anything.

MyAPIError
+- APIConnectionError            worth retrying
|  +- APITimeoutError            any timeout of httpx
|  |  +- DeadlineExceededError   the operation's total was used up
|  +- APINetworkError            connect, read, write, close and protocol failures
|  |  +- TLSVerificationError    the peer's certificate was refused: never retried
|  +- ServerTimeoutError         408
|  +- RateLimitError             429, and with a rate limit a 403 that asks to come back
|  +- ServerError                any 5xx
|  |  +- ServiceUnavailableError 502, 503, 504
|  +- CircuitOpenError           turned away by the circuit
|  |  +- CircuitIsolatedError    turned away because somebody isolated it
+- APIStatusError                not worth retrying
|  +- AuthenticationError        401, 403
|  +- NotFoundError              404
|  +- InvalidRequestError        400, 422, and what httpx refuses to send
|  +- UnexpectedStatusError      every other status that is an error
+- PoolTimeoutError              the bulkhead is full
+- RateLimitRejectedError        the rate limit would have let it wait for too long
+- ResponseError                 undecodable or oversized body, refused or endless redirect
+- ClientClosedError             the client was closed
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from .errors.pickling import reduced
from .errors.private_names import WeakenedProtectionWarning

if TYPE_CHECKING:
    from .errors.pickling import Maker

__all__ = [
    "APIConnectionError",
    "APINetworkError",
    "APIStatusError",
    "APITimeoutError",
    "AuthenticationError",
    "CircuitIsolatedError",
    "CircuitOpenError",
    "ClientClosedError",
    "DeadlineExceededError",
    "HttpRequestError",
    "InsecureTLSWarning",
    "InvalidRequestError",
    "MyAPIError",
    "NotFoundError",
    "PoolTimeoutError",
    "RateLimitError",
    "RateLimitRejectedError",
    "ResponseError",
    "ServerError",
    "ServerTimeoutError",
    "ServiceUnavailableError",
    "TLSVerificationError",
    "UnexpectedStatusError",
    "WeakenedProtectionWarning",
]

ErrorT = TypeVar("ErrorT", bound="MyAPIError")


class MyAPIError(Exception):
    """Base of every error this library raises for an operation.

    Args:
        message: What happened, in one line without secrets.
        client: The name of the client, or None where no client's operation failed.
        method: The HTTP method.
        url: The URL, without credentials, query and fragment.
        request_id: The operation's request id.
        status_code: The status of the answer, or None where none arrived.
        response: The last answer, or None. Its body has been read.
        attempts: HTTP exchanges begun; 0 where the operation was turned away.
        elapsed: Seconds since the operation began.
        retry_after: Seconds that the server, or the open circuit, asks the caller to wait.
        request_sent: False where the request provably never left this machine, True where it
            may have reached the server, None where that was never a question.

    Attributes:
        as_httpx: Of an error that turns a call away: the name of httpx's class that it also is
            where a drop-in client raises it. None for every other.
    """

    as_httpx: ClassVar[str | None] = None

    def __init__(  # noqa: PLR0913 - the context of a failure, all by keyword, all optional
        self,
        message: str = "",
        *,
        client: str | None = None,
        method: str | None = None,
        url: str | None = None,
        request_id: str | None = None,
        status_code: int | None = None,
        response: Any = None,
        attempts: int = 0,
        elapsed: float = 0.0,
        retry_after: float | None = None,
        request_sent: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.client = client
        self.method = method
        self.url = url
        self.request_id = request_id
        self.status_code = status_code
        self.response = response
        self.attempts = attempts
        self.elapsed = elapsed
        self.retry_after = retry_after
        self.request_sent = request_sent

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle with context and causes, leaving out secrets and what refuses to be pickled."""
        return reduced(self)

    def _maker(self) -> Maker:
        """Return what makes an error of this class again, without its state."""
        return _blank, (type(self), self.args)

    def __copy__(self) -> Self:
        """Copy without the traceback, so that the copy keeps no frame alive."""
        return rebuild(type(self), self.args, dict(self.__dict__), self.__cause__)

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        """Copy the context too, without the traceback.

        The cause, and what refuses to be copied, stay the same objects.
        """
        copied = rebuild(type(self), self.args, {}, self.__cause__)
        memo[id(self)] = copied  # before its attributes, which may lead back to it
        for name, value in self.__dict__.items():
            copied.__dict__[name] = _deep_copy(value, memo)
        return copied


HttpRequestError = MyAPIError


def rebuild(
    kind: type[ErrorT],
    args: tuple[object, ...],
    state: dict[str, object],
    cause: BaseException | None,
) -> ErrorT:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    if cause is not None:
        error.__cause__ = cause
    return error


def _blank(kind: type[ErrorT], args: tuple[object, ...]) -> ErrorT:
    return rebuild(kind, args, {"response": None}, None)


def _deep_copy(value: object, memo: dict[int, object]) -> object:
    try:
        return copy.deepcopy(value, memo)
    except Exception:  # noqa: BLE001 - likewise a foreign __deepcopy__
        return value


class APIConnectionError(MyAPIError):
    """The exchange failed in a way another attempt may cure."""


class APITimeoutError(APIConnectionError):
    """A phase of the exchange (connect, read, write, pool) took longer than its timeout."""


class DeadlineExceededError(APITimeoutError):
    """The operation used up its total time: queueing, attempts, waits and body together."""

    as_httpx: ClassVar[str | None] = "TimeoutException"


class APINetworkError(APIConnectionError):
    """Connecting, reading, writing or closing failed, or the peer broke the protocol."""


class TLSVerificationError(APINetworkError):
    """The peer's certificate was refused; neither retried nor counted by the circuit."""


class ServerTimeoutError(APIConnectionError):
    """The server answered 408: it got tired of waiting for the request."""


class RateLimitError(APIConnectionError):
    """The server answered 429, or with a rate limit 403, and asks to come back later."""


class ServerError(APIConnectionError):
    """The server answered with a 5xx status."""


class ServiceUnavailableError(ServerError):
    """The server answered 502, 503 or 504: it, or what stands behind it, is away."""


class CircuitOpenError(APIConnectionError):
    """Turned away by the circuit, without reaching the server.

    `retry_after` holds the seconds until the circuit lets a probe through; 0.0 while a probe is
    already out.

    Attributes:
        last_error: The failure that opened the circuit, without its response and traceback;
            None where the circuit was opened by hand or by another process.
    """

    as_httpx: ClassVar[str | None] = "TransportError"
    last_error: BaseException | None = None


class CircuitIsolatedError(CircuitOpenError):
    """Turned away because somebody isolated the circuit; see `client.circuit.isolate`.

    `retry_after` holds the seconds until the isolation ends by itself; None where it does not.

    Attributes:
        reason: Why it was isolated, as it was given.
    """

    reason: str = ""


class APIStatusError(MyAPIError):
    """The server, httpx or a proxy refused the request; sending it again would not help."""


class AuthenticationError(APIStatusError):
    """The server answered 401 or 403."""


class NotFoundError(APIStatusError):
    """The server answered 404."""


class InvalidRequestError(APIStatusError):
    """The server answered 400 or 422, or httpx refused the URL, the scheme or a header."""


class UnexpectedStatusError(APIStatusError):
    """The server answered with a status no caller should have to expect."""


class PoolTimeoutError(MyAPIError):
    """No slot of the bulkhead came free in time; never retried, never counted by the circuit."""

    as_httpx: ClassVar[str | None] = "PoolTimeout"


class RateLimitRejectedError(MyAPIError):
    """Turned away by the rate limit: its turn would come too late; never retried.

    `retry_after` holds the seconds until its turn would have come.
    """

    as_httpx: ClassVar[str | None] = "TransportError"


class ResponseError(MyAPIError):
    """An answer arrived that cannot be used.

    Its body cannot be decoded or is larger than `max_body_bytes`, or its redirect loops or
    leads where this client does not follow.
    """


class ClientClosedError(MyAPIError, RuntimeError):
    """The client was closed; make a new one."""

    as_httpx: ClassVar[str | None] = "TransportError"


class InsecureTLSWarning(UserWarning):
    """Certificates are not verified: anyone on the path can read and change the traffic."""


def __dir__() -> list[str]:
    return sorted(__all__)
