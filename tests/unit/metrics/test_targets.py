"""Which target a call is counted under, and how many there are at most."""

from types import ModuleType

import httpx
import httpx2
import pytest

from client.metrics.targets import MOST_TARGETS, OTHER, Targets
from tests.unit.threads import together

BASE = "https://api.example:443/v1/"


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("", "https://api.example"),
        ("items/1", "https://api.example"),
        ("/items?next=https://b.example/", "https://api.example"),
        ("//b.example/x", "https://api.example"),
        ("items?next=https://b.example/", "https://api.example"),
        ("https://b.example/x", "https://b.example"),
        ("https://b.example:8443/x", "https://b.example:8443"),
        ("HTTP://B.example:80?a=/x", "http://b.example"),
        ("http://user:secret@b.example/x", "http://b.example"),
        ("http://[::1]:8080/x", "http://[::1]:8080"),
        ("http://b.example", "http://b.example"),
        ("ftp://b.example/x", OTHER),
        ("http://[::1/x", OTHER),
        ("http://\ud800.example/x", OTHER),
        ("http://a\x7fb.example/x", OTHER),
        (f"http://{'x.' * 126}x:65535/", f"http://{'x.' * 126}x:65535"),
        (f"http://{'x' * 300}/", OTHER),
    ],
)
def test_the_target_is_the_origin_of_the_whole_url(url: str, target: str) -> None:
    """Without a default port; what cannot be one is like all others. Twice: it is kept."""
    targets = Targets()
    assert [targets(BASE, url), targets(BASE, url)] == [target, target]


def test_without_a_base_a_path_has_no_target() -> None:
    """Httpx refuses it."""
    assert Targets()("", "/items") == OTHER


@pytest.mark.parametrize("family", [httpx, httpx2], ids=["httpx", "httpx2"])
def test_a_url_that_was_taken_apart_has_the_same_target(family: ModuleType) -> None:
    """Of a request that is built already."""
    targets = Targets()
    url = family.URL("https://b.example:443/x?y#z")
    assert [targets("", url), targets("http://c.example", url)] == ["https://b.example"] * 2
    assert targets("", family.URL("http://b.example:81")) == "http://b.example:81"
    assert targets("http://c.example", family.URL("/x")) == "http://c.example"


def test_beyond_the_first_hundred_all_are_one() -> None:
    """For the life of the client, so that no series changes its meaning."""
    targets = Targets()
    urls = [f"http://host-{number}.example/" for number in range(2 * MOST_TARGETS)]
    found = [targets("", url) for url in urls]
    assert found[:MOST_TARGETS] == [url.rstrip("/") for url in urls[:MOST_TARGETS]]
    assert set(found[MOST_TARGETS:]) == {OTHER}
    assert [targets("", url) for url in urls] == found


def test_endpoints_are_targets_too() -> None:
    """By their whole URL, and no more than fit."""
    targets = Targets()
    assert targets.label_of_endpoint("http://a/api") == "http://a/api"
    for number in range(MOST_TARGETS):
        targets.label_of_endpoint(f"http://{number}.example")
    assert targets.label_of_endpoint("http://b") == OTHER
    assert targets.label_of_endpoint("http://a/api") == "http://a/api"


def test_what_is_remembered_of_urls_is_bounded() -> None:
    """A caller may make up hosts for ever."""
    targets = Targets()
    for number in range(5000):
        targets("", f"http://host-{number}.example/")
    assert len(targets._known) <= 1000
    assert targets("", "http://host-1.example/") == "http://host-1.example"


def test_threads_name_no_more_than_a_hundred() -> None:
    """All at once."""
    targets = Targets()

    def call_many() -> None:
        for number in range(300):
            targets("", f"http://host-{number}.example/")

    together(call_many, threads=8)
    assert len(targets._labels) == MOST_TARGETS
