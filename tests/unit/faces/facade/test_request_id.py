"""Request ids: fresh ones, and the caller's own, checked."""

import ast
import string
import subprocess
import sys
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.faces.facade.request_id import check_request_id, new_request_id

ALLOWED = string.ascii_letters + string.digits + "._~-"


def test_a_fresh_id_is_a_random_uuid() -> None:
    """Version 4, in its usual form."""
    made = new_request_id()
    assert UUID(made).version == 4
    assert str(UUID(made)) == made


def test_every_fresh_id_is_another() -> None:
    """Chance would have to be very unkind."""
    assert len({new_request_id() for _ in range(1000)}) == 1000


FORKS = """
import os
from client.faces.facade.request_id import new_request_id
new_request_id()
child = os.fork()
os.write(1, f"{[new_request_id() for _ in range(3)]}\\n".encode())
if child:
    os.waitpid(child, 0)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork on Windows")
def test_parent_and_child_make_other_ids() -> None:
    """What was asked of the system for later belongs to the parent."""
    done = subprocess.run([sys.executable, "-c", FORKS], capture_output=True, text=True, check=True)
    parents, childs = done.stdout.splitlines()
    assert not set(ast.literal_eval(parents)) & set(ast.literal_eval(childs))


@given(st.text(ALLOWED, min_size=1, max_size=128))
def test_what_is_allowed_is_kept(text: str) -> None:
    """Letters, digits and four signs, up to 128 characters."""
    assert check_request_id(text) == text


@given(
    st.text(ALLOWED, max_size=20),
    st.characters(exclude_characters=ALLOWED),
    st.text(ALLOWED, max_size=20),
)
def test_one_wrong_character_is_enough(before: str, wrong: str, after: str) -> None:
    """Wherever it stands: a line break at the end would split the header."""
    with pytest.raises(ValueError, match="is not allowed: give 1-128 characters of A-Z a-z 0-9"):
        check_request_id(f"{before}{wrong}{after}")


@pytest.mark.parametrize("value", ["", "a" * 129, 5, b"abc", None, ["a"]])
def test_a_wrong_length_or_kind_is_refused(value: object) -> None:
    """A number is not turned into a text in silence."""
    with pytest.raises(ValueError, match="is not allowed"):
        check_request_id(value)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a b", "request id 'a b' is not allowed"),
        ("é" * 38, f"request id '{'é' * 38}' is not allowed"),
        ("é" * 39, f"request id '{'é' * 39}... (39 characters) is not allowed"),
        ("a" * 500, f"request id '{'a' * 39}... (500 characters) is not allowed"),
        (list(range(99)), f"request id {str(list(range(99)))[:40]} is not allowed"),
    ],
    ids=["short", "just-short", "just-long", "long", "no-text"],
)
def test_the_error_shows_what_was_given_without_its_length(value: object, shown: str) -> None:
    """Somebody may have passed a whole body."""
    with pytest.raises(ValueError, match="is not allowed") as caught:
        check_request_id(value)
    assert str(caught.value).startswith(shown)
