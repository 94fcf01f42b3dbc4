"""Servers that are something else than they seem."""

from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI

from tests.served_apps import served_apps

Serve = Callable[[FastAPI], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve an app of the test's own for as long as the test lasts; gives its URL."""
    with served_apps() as serve_app:
        yield serve_app
