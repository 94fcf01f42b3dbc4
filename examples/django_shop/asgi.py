"""For servers with an event loop: `uvicorn examples.django_shop.asgi:application`."""

import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "examples.django_shop.settings")
django = get_asgi_application()

from examples.django_shop.upstream import async_client  # noqa: E402 - needs Django's settings


async def application(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[Any]],
    send: Callable[[Mapping[str, Any]], Awaitable[None]],
) -> None:
    """Hand each request to Django, which itself knows of no lifespan, and close the client last."""
    if scope["type"] != "lifespan":
        await django(scope, receive, send)
        return
    await receive()  # the startup
    await async_client._ensure_initialized()  # noqa: SLF001 - public, underscore or not
    await send({"type": "lifespan.startup.complete"})
    await receive()  # the shutdown
    await async_client.close()
    await send({"type": "lifespan.shutdown.complete"})
