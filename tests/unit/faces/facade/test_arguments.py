"""Settings given to a facade itself: refused, with what to write in their place."""

from collections.abc import Callable
from typing import Any

import pytest

from client import ClientConfig, ResilientClient, SyncResilientClient, create_resilient_client
from client import httpx2 as family2

FACES = {
    "async": ResilientClient,
    "blocking": SyncResilientClient,
    "made by a function": create_resilient_client,
    "async, httpx2": family2.ResilientClient,
    "blocking, httpx2": family2.SyncResilientClient,
}
URL = "https://user:hush@api.example"


@pytest.mark.parametrize("face", FACES.values(), ids=FACES)
@pytest.mark.parametrize("others", [{}, {"config": ClientConfig()}], ids=["alone", "and a config"])
def test_a_setting_stands_in_the_configuration(
    face: Callable[..., Any], others: dict[str, Any]
) -> None:
    """No value is shown: it may hold a password."""
    name = "SyncResilientClient" if "Sync" in face.__name__ else "ResilientClient"
    with pytest.raises(TypeError) as caught:
        face(base_url=URL, **others)
    assert str(caught.value) == (
        f"{name} takes no 'base_url': settings stand in its configuration, "
        f"as in {name}(ClientConfig(base_url=...))"
    )


def test_each_setting_is_shown_in_its_place() -> None:
    """Those of a part in that part."""
    settings: dict[str, Any] = {"max_attempts": 5, "total": 3, "headers": {}, "jitter": False}
    with pytest.raises(TypeError) as caught:
        ResilientClient(**settings)
    assert str(caught.value).endswith(
        "as in ResilientClient(ClientConfig(headers=..., "
        "retry=RetryConfig(max_attempts=..., jitter=...), timeout=TimeoutConfig(total=...)))"
    )


@pytest.mark.parametrize(
    ("name", "offer"),
    [
        ("base_ulr", "; did you mean 'base_url'?"),
        ("max_atempts", "; did you mean 'max_attempts'?"),
        ("transports", "; did you mean 'transport'?"),
        ("zzz", ""),
    ],
)
def test_what_is_no_setting_is_refused_with_the_nearest(name: str, offer: str) -> None:
    """Also beside one that is."""
    with pytest.raises(TypeError) as caught:
        ResilientClient(**{"timeout": 1, name: URL})  # type: ignore[arg-type] # wrong on purpose
    assert str(caught.value) == f"unexpected keyword argument {name!r}{offer}"


def test_a_url_in_place_of_the_configuration() -> None:
    """As many clients take it first."""
    with pytest.raises(TypeError) as caught:
        ResilientClient(URL)  # type: ignore[arg-type] # wrong on purpose
    assert str(caught.value) == (
        "config is a builtins.str: give a ClientConfig, as in ClientConfig(base_url=...)"
    )
