"""A program that renames names in a library, one after the other, and says what comes of it.

`python -m tests.wire.renaming URL CASES` takes a JSON list of uses, libraries and names, and prints
for each a line of JSON: what the first clients say that are made and used over the library without
that name. Each is a process of its own. The renaming is that of a maintainer: wherever the
library's source has the name.
"""

import asyncio
import json
import os
import re
import sys
import warnings
from collections.abc import AsyncIterator, Callable, Sequence
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import spec_from_file_location
from types import CodeType, ModuleType
from typing import Any

import client
from client.config.models import ClientConfig
from client.exceptions import InsecureTLSWarning

RENAMED = "_renamed"
# Words that stand for other things, too: of these only the attributes, or the module, are renamed.
COMMON_WORDS = {name: rf"(?<=\w)\.{name}\b" for name in ("connection", "fields", "file", "request")}
COMMON_WORDS["default"] = r"\.default\b(?= import)"
# What is imported but once, before the first name; none of it imports a library that is renamed.
SHARED = (
    "client.faces.drop_in.clients",
    "client.faces.drop_in.functions",
    "client.faces.drop_in.transports",
    "client.faces.facade.clients",
    "asyncio",
    "certifi",
    "h11",
    "pybreaker",
    "pydantic_settings",
    "click",
    "pygments.util",
    "rich.progress",
    "rich.syntax",
    "rich.table",
    "ssl",
    "structlog",
    "tenacity",
    "trio",
    "truststore",
)
# Likewise, before the first name of a library that is none of them.
LIBRARIES = ("aiohttp", "anyio._backends._asyncio", "h2.connection")


class Renaming(MetaPathFinder):
    """Imports a library with one of its names changed."""

    def __init__(self, library: str, name: str) -> None:
        self.library = library
        self.pattern = COMMON_WORDS.get(name, rf"\b{name}\b")

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module of the library; a renamed one is where it always was."""
        if fullname.partition(".")[0] != self.library:
            return None
        found = PathFinder.find_spec(fullname.replace(RENAMED, ""), path)
        if found is None or found.origin is None or not found.origin.endswith(".py"):
            return found
        return spec_from_file_location(
            fullname,
            found.origin,
            loader=Loader(fullname, found.origin, self.pattern),
            submodule_search_locations=found.submodule_search_locations,
        )


class Loader(SourceFileLoader):
    """Loads a module from its source, if the name is in there."""

    def __init__(self, fullname: str, path: str, pattern: str) -> None:
        super().__init__(fullname, path)
        self.pattern = pattern

    def get_code(self, fullname: str) -> CodeType | None:
        """Return the code, with the name changed."""
        source = self.get_data(self.path).decode()
        renamed = re.sub(self.pattern, rf"\g<0>{RENAMED}", source)
        return (
            super().get_code(fullname) if renamed == source else compile(renamed, self.path, "exec")
        )


async def body() -> AsyncIterator[bytes]:
    """Yield what cannot be read twice."""
    yield b"a"


def module(*, is_second_family: bool) -> Any:
    """Return the client of a family."""
    return import_module("client.httpx2" if is_second_family else "client")


def facade(url: str, *, is_second_family: bool) -> list[int]:
    """Call through both facades."""
    family = module(is_second_family=is_second_family)
    config = ClientConfig(base_url=url, retry=None, verify_ssl=False)

    async def call_async() -> int:
        async with family.ResilientClient(config) as ours:
            answer = await ours.post("/", content=body())
            return int(answer.status_code)

    with family.SyncResilientClient(config) as ours:
        status = ours.post("/", files={"f": b"x"}).status_code
    return [status, asyncio.run(call_async())]


def http2(url: str, *, is_second_family: bool) -> list[int]:
    """Call through a client that would speak HTTP/2."""
    family = module(is_second_family=is_second_family)
    with family.Client(http2=True, verify=False) as ours:
        return [ours.get(url).status_code]


def fast(url: str, *, is_second_family: bool) -> list[int]:
    """Call through the fast backend."""
    family = module(is_second_family=is_second_family)
    config = ClientConfig(base_url=url, retry=None, verify_ssl=False, backend="aiohttp")

    async def call() -> int:
        async with family.ResilientClient(config) as ours:
            return int((await ours.get("/")).status_code)

    return [asyncio.run(call())]


def faces(url: str, *, is_second_family: bool) -> list[int]:
    """Return 1 for each face that refuses to work, in both worlds, else 0."""
    family = module(is_second_family=is_second_family)
    config = ClientConfig(base_url=url, verify_ssl=False)

    async def enter() -> None:
        async with family.ResilientClient(config):
            pass

    return [
        is_refused(lambda: family.SyncResilientClient(config).__enter__()),
        is_refused(lambda: asyncio.run(enter())),
        is_refused(lambda: family.Client(verify=False)),
        is_refused(lambda: family.AsyncClient(verify=False)),
        is_refused(family.ResilientTransport),
        is_refused(family.AsyncResilientTransport),
        is_refused(lambda: client.get(url, verify=False)),
        is_refused(lambda: asyncio.run(client.get_async(url, verify=False))),
    ]


def is_refused(make: Callable[[], object]) -> int:
    """Whether something fails because a name is missing."""
    try:
        make()
    except RuntimeError as error:
        return int("; without it " in str(error))
    return 0


USES: dict[str, Callable[..., list[int]]] = {
    "facade": facade,
    "faces": faces,
    "fast": fast,
    "http2": http2,
}


def outcome(use: Callable[..., list[int]], url: str, library: str) -> dict[str, Any]:
    """Use a client twice; return the answers, or the error, and the warnings."""
    said: dict[str, Any] = {"error": None, "statuses": []}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", InsecureTLSWarning)  # to load certificates takes its time
        try:
            for _ in range(2):
                said["statuses"] += use(url, is_second_family=library in {"httpx2", "httpcore2"})
        except RuntimeError as error:
            said["error"] = str(error)
    said["warnings"] = [
        (warning.category.__name__, str(warning.message), warning.filename == __file__)
        for warning in caught
    ]
    return said


def report(use: str, library: str, name: str, url: str) -> None:
    """Write what comes of one name, in a child of this process."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    sys.meta_path.insert(0, Renaming(library, name))
    try:
        said = outcome(USES[use], url, library)
    except BaseException as error:  # noqa: BLE001 - whatever it is, the test shows it
        said = {"error": f"unexpected: {error!r}", "statuses": [], "warnings": []}
    os.write(1, f"{json.dumps([use, library, name, said])}\n".encode())
    os._exit(0)


def main(url: str, cases: str) -> None:
    """Report all names, those of `LIBRARIES` before any of these is imported."""
    import_all(SHARED)
    late = {each.partition(".")[0] for each in LIBRARIES}
    in_order = sorted(json.loads(cases), key=lambda case: case[1] not in late)
    for use, library, name in in_order:
        if library not in late:
            import_all(LIBRARIES)
        report(use, library, name, url)


def import_all(modules: Sequence[str]) -> None:
    """Import some modules; the second time nothing happens."""
    for each in modules:
        import_module(each)


if __name__ == "__main__":
    main(*sys.argv[1:])
