"""A stand-in for the rules and the store, until they are there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

READ = frozenset({"GET", "HEAD"})
SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "QUERY", "PROPFIND"})


def directives(fields: Any) -> dict[str, str]:
    found = {}
    for each in (fields.get("cache-control") or "").split(","):
        name, _, value = each.strip().partition("=")
        if name:
            found[name.lower()] = value.strip('"')
    return found


@dataclass
class Decision:
    kind: str
    why: str


def lifetime(entry: Any) -> float:
    found = directives(entry.fields)
    for name in ("s-maxage", "max-age"):
        if name in found and found[name].isdigit():
            return float(found[name])
    return 0.0


def age_of(entry: Any, wall: float, mono: float, token: bytes) -> float:
    given = entry.fields.get("age") or "0"
    first = float(given) if given.isdigit() else 0.0
    if entry.stamp is not None and entry.stamp[0] == token:
        return first + mono - entry.stamp[1]
    return first + wall - entry.received


def decide(entry: Any, asked: Any, age: float) -> Decision:
    theirs, ours = directives(entry.fields), directives(asked)
    if "no-cache" in theirs or "no-cache" in ours:
        return Decision("revalidate", "no-cache")
    if age < lifetime(entry):
        return Decision("fresh", "fresh")
    return Decision("revalidate", "stale")


def storable(asked: Any, entry: Any) -> str | None:
    theirs, ours = directives(entry.fields), directives(asked)
    for name in ("no-store", "private"):
        if name in theirs:
            return name
    if "no-store" in ours:
        return "no-store"
    if "set-cookie" in entry.fields:
        return "set-cookie"
    if "*" in (entry.fields.get("vary") or ""):
        return "vary"
    if entry.status in (206, 304):
        return "status"
    if entry.status >= 400 and not lifetime(entry):
        return "error"
    if not lifetime(entry) and not validators(entry):
        return "nothing to go by"
    return None


def validators(entry: Any) -> dict[str, str]:
    found = {}
    if "etag" in entry.fields:
        found["If-None-Match"] = entry.fields.get("etag")
    if "last-modified" in entry.fields:
        found["If-Modified-Since"] = entry.fields.get("last-modified")
    return found


def freshened(entry: Any, headers: Any) -> Any:
    names = {name.lower() for name, _ in headers} - {b"content-length", b"content-encoding"}
    kept = [pair for pair in entry.headers if pair[0].lower() not in names]
    new = [pair for pair in headers if pair[0].lower() in names]
    return replace(entry, headers=tuple(kept + new))


def not_modified(asked: Any, entry: Any) -> bool:
    tags = asked.get("if-none-match")
    if tags is not None:
        return entry.fields.get("etag") in [each.strip() for each in tags.split(",")]
    since = asked.get("if-modified-since")
    return since is not None and since == entry.fields.get("last-modified")


def vary_of(entry: Any) -> tuple[str, ...]:
    return tuple(
        each.strip().lower() for each in (entry.fields.get("vary") or "").split(",") if each.strip()
    )


class PlainStore:
    def __init__(self) -> None:
        self._kept: dict[Any, list[Any]] = {}
        self._forgotten: dict[Any, float] = {}

    async def find(self, primary: Any, asked: Any) -> Any:
        for values, entry in self._kept.get(primary, []):
            if values == tuple(asked.get(name) for name in entry.vary):
                return entry
        return None

    async def keep(self, primary: Any, asked: Any, entry: Any, began: float) -> bool:
        if self._forgotten.get(primary[1], -1.0) >= began:
            return False
        values = tuple(asked.get(name) for name in entry.vary)
        others = [each for each in self._kept.get(primary, []) if each[0] != values]
        self._kept[primary] = [(values, entry), *others]
        return True

    async def forget(self, url: Any, now: float) -> None:
        self._forgotten[url] = now
        for primary in [each for each in self._kept if each[1] == url]:
            del self._kept[primary]
