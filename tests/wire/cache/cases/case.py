"""The form of a case. Header fields are lines of text; `{+60}` in one is the date in 60 seconds.

`{-60 obsolete}` is that date as RFC 850 writes it. All dates of a case are reckoned from one
moment, that of its beginning.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import formatdate
from time import gmtime, strftime
from typing import Any, Final, Literal

__all__ = ["Case", "Comes", "Step", "cache", "case", "checked", "fails", "filled", "origin"]

Comes = Literal["origin", "cache", "checked", "nowhere"]
"""From where an answer comes: `checked` is from the cache, after a 304 of the origin; `nowhere`
means that the request fails."""

_DATE: Final = re.compile(r"\{([+-]\d+)( obsolete)?\}")


@dataclass(frozen=True, kw_only=True)
class Step:
    """One request, what the origin would answer to it, and what has to come of it.

    Attributes:
        comes: From where its answer comes.
        says: The header fields of the origin's answer.
        status: The status of the origin's answer.
        text: Its body; by default one that names the step.
        breaks: Whether the origin closes the connection in place of an answer.
        method: The method of the request.
        path: What follows in its URL on the case's own part.
        sends: Its body.
        asks: Its header fields.
        number: Of which step the answer is, counted from 1, where it comes from the cache.
        gets: The status that the caller gets; by default that of the step whose answer it is.
        has: Header fields that the caller gets: lines, or names alone.
        lacks: Names of such that he does not get.
        sent: Header fields that reach the origin: lines, or names alone.
        asks_too: Whether the origin may be asked too although the cache answers.
        age: The age that the caller is told at least, in seconds.
    """

    comes: Comes
    says: tuple[str, ...] = ()
    status: int = 200
    text: str | None = None
    breaks: bool = False
    method: str = "GET"
    path: str = ""
    sends: bytes = b""
    asks: tuple[str, ...] = ()
    number: int | None = None
    gets: int | None = None
    has: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    sent: tuple[str, ...] = ()
    asks_too: bool = False
    age: int | None = None


@dataclass(frozen=True)
class Case:
    """Some requests, one after another."""

    name: str
    steps: tuple[Step, ...]

    @property
    def slug(self) -> str:
        """The name as a part of a path."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")


def case(name: str, *steps: Step) -> Case:
    """A case of its steps."""
    return Case(name, steps)


def origin(*says: str, **others: Any) -> Step:
    """A request that the origin answers."""
    return Step(comes="origin", says=says, **others)


def cache(*says: str, **others: Any) -> Step:
    """A request that the cache answers; the origin would say something else."""
    return Step(comes="cache", says=says, **others)


def checked(*says: str, **others: Any) -> Step:
    """A request that the cache answers once the origin has said 304 to a condition."""
    return Step(comes="checked", says=says, **others)


def fails(**others: Any) -> Step:
    """A request that gets no answer of a server's."""
    return Step(comes="nowhere", **others)


def filled(line: str, now: float) -> str:
    """Return a line with its dates."""
    return _DATE.sub(lambda found: _date(now + int(found[1]), obsolete=bool(found[2])), line)


def _date(moment: float, *, obsolete: bool) -> str:
    if obsolete:
        return strftime("%A, %d-%b-%y %H:%M:%S GMT", gmtime(moment))
    return formatdate(moment, usegmt=True)
