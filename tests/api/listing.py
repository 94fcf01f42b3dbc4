"""What is public: a walk through the modules that users import, in lines to be read in a review."""

import re
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Final

from tests.api.signatures import described, returned

__all__ = [
    "FILE",
    "FIXTURES",
    "INTERNAL",
    "MET",
    "MODULES",
    "ROOT",
    "homes",
    "listing",
    "promised",
    "sections",
]

ROOT: Final = Path(__file__).parent.parent.parent
FILE: Final = ROOT / "docs" / "api.txt"
# A name stands in full where it comes first, and later as the same one.
MODULES: Final = (
    "client",
    "client.httpx2",
    "client.backoff",
    "client.cache",
    "client.config",
    "client.dashboard",
    "client.events",
    "client.exceptions",
    "client.telemetry",
    "client.testing",
    "server.testing",
)
# pytest finds them by their names.
FIXTURES: Final = (
    "failure_server",
    "failure_server_process",
    "instant_retries",
    "start_wire_proxy",
    "wire_proxy",
    "wire_proxy_process",
)
# Users meet them, as what `**options` stands for and as what public names return; no module
# exports them, so that where they stand is no promise, but what they have is.
MET: Final = (
    "client.faces.facade.call_options:CallOptions",
    "client.faces.drop_in.options:ResilienceOptions",
    "client.faces.drop_in.options:IdentityOptions",
    "client.faces.drop_in.arguments:TransportOptions",
    "client.faces.drop_in.arguments:ClientOptions",
    "client.faces.drop_in.arguments:BuildOptions",
    "client.faces.drop_in.arguments:SendOptions",
    "client.faces.drop_in.arguments:VerbOptions",
    "client.faces.drop_in.arguments:BodyOptions",
    "client.faces.drop_in.arguments:FunctionOptions",
    "client.strategies.circuit.control:CircuitControl",
    "server.app:create_app",
)
# Members that only this package calls, from other modules of it; nobody else should lean on them.
INTERNAL: Final = {
    "AiohttpTransport": {"enlarge", "limit_age", "tells_unsent"},  # how a client sets its own
    "CircuitBreaker": {"breaker", "circuit", "control"},  # what clients are given of it
    "CircuitControl": {"__init__", "audience", "isolations", "join", "observes", "renewal"},
    "ConstantBackoff": {"factor"},  # a step of `delay`
    "Dashboard": {"__init__"},  # made by `dashboard`
    "ExponentialBackoff": {"factor"},
    "FibonacciBackoff": {"factor"},
    "LinearBackoff": {"factor"},
    "MemoryStorage": {"begin_anew", "find", "keep"},  # what spares a cache the bytes
    # How a client tells those that it is given as `telemetry=`.
    "MetricsSource": {"recorders"},
    "OpenTelemetryMetrics": {"__call__", "attach", "listens_to", "record"},
    "OpenTelemetryTracing": {"__call__", "begin_operation", "listens_to"},
    "PrometheusMetrics": {"attach"},
    "SQLiteStorage": {"begin_anew"},  # in a forked child
    "StatsD": {"attach", "begin_anew", "export"},
}
_MEMBER: Final = re.compile(r" {4}(?:(?:async|classmethod|context|def|property) )*(\w+)")
HEAD: Final = """\
The public names of this project, and their signatures. What is not here may change at any time.

Written by `./dev api`; a test fails where the code does not agree. Read what has changed: a name or
an argument that is gone, or that means something else, breaks somebody's program, and goes the way
that CONTRIBUTING.md tells under "What is promised".
"""


def listing() -> str:
    """All of it, as the file has it."""
    found = sections()
    home = homes(found.values())
    lines = [HEAD]
    for heading, names in found.items():
        lines.append(f"\n# {heading}\n")
        for name, value in names.items():
            if home.get(value, name) != name:
                lines.append(f"{name} = {home[value]}")
            else:
                lines += [*promised(name, described(name, value, home)), ""]
    lines += ["\n# Fixtures of pytest\n", *_fixtures()]
    return "\n".join(lines) + "\n"


def promised(name: str, lines: Iterable[str]) -> Iterator[str]:
    """All lines but those of members that are not for users."""
    internal = INTERNAL.get(name.rpartition(".")[2], set())
    for line in lines:
        member = _MEMBER.match(line)
        if member is None or member[1] not in internal:
            yield line


def sections() -> dict[str, dict[str, object]]:
    """What there is, by where it is imported from, under its full name."""
    found = {module: dict(_exported(module)) for module in MODULES}
    return {**found, "Met, and not to be imported": dict(_met())}


def homes(names: Iterable[dict[str, object]]) -> dict[object, str]:
    """Where each stands in full: at the first place that has it under its own name."""
    home: dict[object, str] = {}
    found = [each for section in names for each in section.items()]
    places = [(name, value) for name, value in found if not isinstance(value, str)]
    for name, value in places:
        if name.rpartition(".")[2] == getattr(value, "__name__", None):
            home.setdefault(value, name)
    for name, value in places:
        home.setdefault(value, name)
    return home


def _exported(name: str) -> Iterator[tuple[str, object]]:
    module = import_module(name)
    for each in sorted(module.__all__):
        yield f"{name}.{each}", getattr(module, each)


def _met() -> Iterator[tuple[str, object]]:
    for place in MET:
        module, _, name = place.partition(":")
        yield name, getattr(import_module(module), name)


def _fixtures() -> Iterator[str]:
    plugin = import_module("resilient_http_client.pytest_plugin")
    for name in FIXTURES:
        yield f"{name}: {returned(getattr(plugin, name).__wrapped__)}"
