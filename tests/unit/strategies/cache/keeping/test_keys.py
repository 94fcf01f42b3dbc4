"""Keys: equal where they must be, different where they must be, and silent."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from client.strategies.cache.keeping.keys import Keys

URL = "http://server.test/a?b=c"
SECRET = b"0123456789abcdef"
TEXTS = st.text(max_size=8)
PROGRAM = f"""
from client.strategies.cache.keeping.keys import Keys
for secret in (None, {SECRET!r}):
    keys = Keys(secret)
    print(keys.resource("GET", {URL!r}))
    print(keys.part("r1", b"g", "me"))
    print(keys.variant("r1", [("accept", "a")]))
"""


def all_of(keys: Keys) -> list[str]:
    """Return a key of each kind."""
    return [
        keys.resource("GET", URL),
        keys.part("r1", b"g", "me"),
        keys.variant("r1", [("accept", "a")]),
    ]


def test_other_processes_have_the_same_keys_for_what_is_nobodys() -> None:
    """And for all else only by a secret that they share."""
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    theirs = told.stdout.split()
    mine, shared = all_of(Keys()), all_of(Keys(SECRET))
    assert theirs[0] == mine[0]
    assert theirs[1] != mine[1]
    assert theirs[2] != mine[2]
    assert theirs[3:] == shared
    assert set(mine).isdisjoint(shared)


def test_a_text_is_a_secret_as_its_bytes_are() -> None:
    """And two secrets have no key in common."""
    assert all_of(Keys(SECRET)) == all_of(Keys(SECRET.decode()))
    assert set(all_of(Keys(SECRET))).isdisjoint(all_of(Keys(SECRET + b"x")))
    assert all_of(Keys(b"x" * 200)) != all_of(Keys(b"x" * 201))


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=2, max_size=2, unique=True))
def test_different_parts_have_different_keys(pairs: list[tuple[str, str]]) -> None:
    """Whatever stands in the name of a partition, and on which side of it."""
    keys = Keys()
    one, other = (keys.part(f"r{first}", b"", f"{second}") for first, second in pairs)
    if " " not in pairs[0][0] + pairs[1][0]:  # no key of a resource has any
        assert one != other


VALUES = st.lists(st.tuples(st.sampled_from(["a", "b", "a-b"]), st.none() | TEXTS), max_size=3).map(
    tuple
)


@given(VALUES, VALUES)
def test_different_values_have_different_keys(one: Any, other: Any) -> None:
    """A missing field differs from an empty one, and no value can pass for two."""
    keys = Keys()
    assert (keys.variant("r", one) == keys.variant("r", other)) == (one == other)


def test_keys_are_short_and_plain() -> None:
    """They say their kind, and nothing of what they are made of; surrogates do no harm."""
    for key in (*all_of(Keys()), Keys().part("r", b"", "\ud800")):
        assert key[0] in "rpv"
        assert len(key) == 41
        assert key.isascii()
        assert key.isalnum()
    assert SECRET.decode() not in repr(Keys(SECRET))
