"""Several endpoints in place of one base URL, as a session has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ...errors.urls import mask_url
from ...exceptions import InvalidRequestError
from ...http.service import PLACEHOLDER, Service

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ...config.models import ClientConfig
    from ...engine.notifiers import Notifiers
    from ...engine.operation import Call
    from ...engine.ports import Ports, World
    from ...http.family import Family
    from ...http.headers import Pairs
    from ...metrics.aggregator import Aggregator

__all__ = ["Endpoints"]

_TIMEOUT: Final = "timeout"


class Endpoints:
    """The endpoints of one client: made once, asked by each call."""
