"""What our own caller is answered when the upstream fails."""

from http import HTTPStatus
from math import ceil

from django.http import HttpRequest, JsonResponse
from django.utils.deprecation import MiddlewareMixin

from client import (
    APITimeoutError,
    CircuitOpenError,
    MyAPIError,
    NotFoundError,
    PoolTimeoutError,
    RateLimitError,
    RateLimitRejectedError,
    ServiceUnavailableError,
)

# The nearest class an error belongs to decides.
STATUS_FOR = {
    MyAPIError: HTTPStatus.BAD_GATEWAY,
    NotFoundError: HTTPStatus.NOT_FOUND,
    APITimeoutError: HTTPStatus.GATEWAY_TIMEOUT,
    ServiceUnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
    RateLimitError: HTTPStatus.SERVICE_UNAVAILABLE,
    RateLimitRejectedError: HTTPStatus.SERVICE_UNAVAILABLE,
    CircuitOpenError: HTTPStatus.SERVICE_UNAVAILABLE,
    PoolTimeoutError: HTTPStatus.SERVICE_UNAVAILABLE,
}


class UpstreamErrors(MiddlewareMixin):
    """Answers for an upstream that failed, without telling our caller where it lives."""

    def process_exception(self, _request: HttpRequest, error: Exception) -> JsonResponse | None:
        """Turn an error of the client into an answer; any other is Django's to handle."""
        if not isinstance(error, MyAPIError):
            return None
        status = next(STATUS_FOR[kind] for kind in type(error).__mro__ if kind in STATUS_FOR)
        body = {"detail": f"upstream: {type(error).__name__}", "request_id": error.request_id}
        response = JsonResponse(body, status=status)
        if status is HTTPStatus.SERVICE_UNAVAILABLE:
            response["Retry-After"] = str(ceil(error.retry_after or 1))
        return response
