"""What the environment sets for httpx: unusable proxies and certificates are explained here."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from ..errors.safe_texts import own_words, scrub, text_of
from ..exceptions import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Generator

    from .family import Family

__all__ = ["environment_explained"]

_PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_CERTIFICATES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")


@contextmanager
def environment_explained(family: Family, *, is_trusted: bool = True) -> Generator[None]:
    """Raise an error of the tree where a client cannot be built for what the environment says.

    Args:
        family: Of the client.
        is_trusted: Whether the client takes anything from the environment.

    Raises:
        InvalidRequestError: A variable is unusable.
        Exception: What building the client raises else.
    """
    try:
        yield
    except Exception as error:
        found = _to_blame(error, family) if is_trusted else []
        if not found:
            raise
        raise _explained(error, found) from error


def _to_blame(error: Exception, family: Family) -> list[str]:
    """Return the variables that are set and can be the reason."""
    module = family.module
    is_socks = isinstance(error, ImportError) and "socks" in text_of(error).lower()
    names: tuple[str, ...] = ()
    if is_socks or isinstance(error, ValueError | module.InvalidURL | module.HTTPError):
        names = _PROXIES
    elif isinstance(error, OSError):
        names = _CERTIFICATES
    given = {name.upper() for name, value in os.environ.items() if value}
    return [name for name in names if name in given]


def _explained(error: Exception, found: list[str]) -> InvalidRequestError:
    made = InvalidRequestError(
        f"the client cannot be built with what the environment says in {', '.join(found)}: "
        f"{own_words(text_of(error)) or type(error).__name__}; mend it, or set trust_env=False",
        request_sent=False,
    )
    made.__cause__ = error
    scrub(made)
    return made
