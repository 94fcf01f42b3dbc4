"""What may be given in place of a list of endpoints is looked at when a client is made."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from client.strategies.endpoints.listing import check_read


class Registry:
    """Something that can be called."""

    def __call__(self) -> list[str]:
        """Return endpoints."""
        return []


class AsyncRegistry:
    """Something that can be called and awaited."""

    async def __call__(self) -> list[str]:
        """Return endpoints."""
        return []


async def reads() -> list[str]:
    """Return endpoints."""
    return []


def takes(name: str, *, port: int = 80) -> list[str]:
    """Return endpoints of a name."""
    return [f"http://{name}:{port}"]


@pytest.mark.parametrize("is_async", [True, False], ids=["async", "blocking"])
@pytest.mark.parametrize(
    "read",
    [Registry(), list, partial(takes, "a.test"), lambda: ["http://a.test"], dict],
    ids=["object", "class", "partial", "lambda", "of-c"],
)
def test_a_plain_function_will_do(read: Any, *, is_async: bool) -> None:
    """In both worlds, and where Python cannot say what it takes."""
    check_read(read, is_async=is_async)


@pytest.mark.parametrize(
    "read", [reads, AsyncRegistry(), partial(reads)], ids=["function", "object", "partial"]
)
def test_an_async_one_is_for_async_clients(read: Any) -> None:
    """A blocking client could not await it."""
    check_read(read, is_async=True)
    with pytest.raises(TypeError) as refused:
        check_read(read, is_async=False)
    assert str(refused.value) == (
        "endpoints is an async function: a blocking client needs a plain one, or a list"
    )


def test_one_that_wants_arguments_is_refused() -> None:
    """There are none to give."""
    with pytest.raises(TypeError) as refused:
        check_read(takes, is_async=True)
    text = "endpoints takes (name: str, *, port: int = 80): it is called without arguments"
    assert str(refused.value) == text.replace("name: str", "name: 'str'").replace(
        "port: int", "port: 'int'"
    )
