"""Views of both kinds: plain ones for WSGI, async ones for ASGI."""

from http import HTTPStatus

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_GET, require_POST

from examples.django_shop import upstream


@require_GET
def message(_request: HttpRequest) -> JsonResponse:
    """Read something; an attempt that fails is made again."""
    return JsonResponse(upstream.client.get("/msg").json())


@require_GET
async def message_async(_request: HttpRequest) -> JsonResponse:
    """Read it without keeping a thread busy."""
    response = await upstream.async_client.get("/msg")
    return JsonResponse(response.json())


@require_POST
def place_order(_request: HttpRequest, order_id: int) -> JsonResponse:
    """Write something; the upstream knows a repeated call by its request id."""
    order = {"order": order_id}
    response = upstream.client.post("/msg", json=order, request_id=f"order-{order_id}")
    return JsonResponse(response.json())


@require_GET
def live(_request: HttpRequest) -> JsonResponse:
    """Say that this process is well: an upstream's outage is no reason to restart it."""
    return JsonResponse({"status": "ok"})


@require_GET
def ready(_request: HttpRequest) -> JsonResponse:
    """Say whether to send work here. An open circuit alone is no reason not to."""
    health = upstream.client.health()
    status = HTTPStatus.OK if health["ready"] else HTTPStatus.SERVICE_UNAVAILABLE
    return JsonResponse(health, status=status)
