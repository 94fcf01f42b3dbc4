"""The httpx module that a client speaks."""

from unittest.mock import Mock

import httpx
import httpx2
import pytest

from client.http.family import family_named


def test_a_family_has_its_module() -> None:
    """By its name."""
    family = family_named("httpx")
    assert family.name == "httpx"
    assert family.module is httpx


def test_both_families_are_served() -> None:
    """The other is another, with classes of its own."""
    assert family_named("httpx2").module is httpx2


def test_a_family_is_made_once() -> None:
    """Tables are bound to it."""
    assert family_named("httpx") is family_named("httpx")


@pytest.mark.parametrize(
    ("value", "expected"),
    [(httpx.Response(200), True), (httpx2.Response(200), False), (Mock(status_code=200), False)],
    ids=["own", "other", "mock"],
)
def test_a_response_is_told_from_what_only_looks_like_one(value: object, *, expected: bool) -> None:
    """A test's stand-in has no headers, and the families do not mix."""
    assert family_named("httpx").is_response(value) is expected


def test_a_module_that_is_not_there_is_an_import_error() -> None:
    """Named by Python."""
    with pytest.raises(ImportError, match="httpx_of_tomorrow"):
        family_named("httpx_of_tomorrow")
