"""What is imported when: nobody pays for what he does not use, and nothing is missing for it."""

import ast
import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import client
from client.config.did_you_mean import nearest
from client.config.models import LoggingConfig, RetryConfig
from client.runtime.lazy_imports import require
from client.strategies.retry.policy import RetryRules
from client.telemetry.event_log import EventLog

# Each takes milliseconds to import, and is imported by one of the programs below.
HEAVY = (
    "asyncio",
    "client.config.models",
    "difflib",
    "httpx",
    "pybreaker",
    "pydantic",
    "pydantic.main",
    "pydantic_core",
    "pydantic_settings",
    "structlog",
    "tenacity",
)
PYDANTIC = {"client.config.models", "pydantic", "pydantic.main", "pydantic_core"}
SPEAKS = {"asyncio", "httpx"}

RECORDS = "from client import CircuitState, LinearBackoff, NotFoundError, RequestInfo"
DROP_IN = "from client import AsyncClient, Client"
CALL = """
import httpx
from client import Client
http = Client(transport=httpx.MockTransport(lambda _: httpx.Response({status})), backoff_factor=0)
http.get("http://server.test/")
"""
MISTAKE = """
from contextlib import suppress
from client import Client
with suppress(TypeError, ValueError):
    Client({mistake})
"""
FACADE = "from client import ClientConfig, ResilientClient"
FACADES_CALL = """
import logging
from contextlib import suppress
import httpx
from client import ClientConfig, MyAPIError, SyncResilientClient
logging.basicConfig(handlers=[logging.NullHandler()])
config = ClientConfig(
    circuit_breaker={{"failure_threshold": {threshold}}},
    retry={{"min_wait_seconds": 0, "multiplier": 0}},
)
transport = httpx.MockTransport(lambda _: httpx.Response({status}))
with SyncResilientClient(config, transport=transport) as http, suppress(MyAPIError):
    http.get("http://server.test/")
"""
PROGRAMS: dict[str, tuple[str, set[str]]] = {
    "package": ("import client", set()),
    "records": (RECORDS, set()),
    "drop-in": (DROP_IN, SPEAKS),
    "drop-in-call": (CALL.format(status=200), SPEAKS | {"tenacity"}),
    "drop-in-with-a-circuit": (
        "from client import Client, CircuitBreaker; Client(circuit_breaker=CircuitBreaker())",
        PYDANTIC | SPEAKS | {"pybreaker", "structlog", "tenacity"},
    ),
    "drop-in-failure": (CALL.format(status=503), SPEAKS | {"tenacity"}),
    "drop-in-misspelt": (MISTAKE.format(mistake="max_retires=1"), SPEAKS | {"difflib"}),
    "drop-in-refused": (MISTAKE.format(mistake="max_retries=-1"), SPEAKS | {"pydantic_core"}),
    "circuit-breaker": ("import client; client.CircuitBreaker()", PYDANTIC | {"pybreaker"}),
    "facade": (FACADE, PYDANTIC | {"asyncio"}),
    "facade-call": (
        FACADES_CALL.format(status=200, threshold=1),
        PYDANTIC | SPEAKS | {"pybreaker", "structlog", "tenacity"},
    ),
    # Nothing more than before: a service in trouble does not wait for imports.
    "facade-opened-circuit": (
        FACADES_CALL.format(status=503, threshold=1),
        PYDANTIC | SPEAKS | {"pybreaker", "structlog", "tenacity"},
    ),
    "environment": (
        "import client; client.ClientConfig.from_env()",
        PYDANTIC | {"pydantic_settings", "asyncio"},
    ),
}
# By releases of pydantic-settings that are newer than the lowest one.
LOADED_BY_NEWER = {"asyncio"}
TELL = f"""
import json, sys
print(json.dumps([name for name in {HEAVY} if name in sys.modules]))
"""


def run(program: str) -> str:
    """What a program prints in a Python of its own."""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.stdout


@pytest.mark.any_python
@pytest.mark.parametrize(("program", "expected"), PROGRAMS.values(), ids=PROGRAMS.keys())
def test_a_program_loads_what_it_uses(program: str, expected: set[str]) -> None:
    """And nothing else that takes its time."""
    found = set(json.loads(run(program + TELL)))
    assert expected - LOADED_BY_NEWER <= found <= expected


def imported_for_types() -> dict[str, set[str]]:
    """What `client` imports under `TYPE_CHECKING`, by the module it comes from."""
    tree = ast.parse(Path(client.__file__).read_text("utf-8"))
    blocks = [node for node in tree.body if isinstance(node, ast.If)]
    [block] = [node for node in blocks if ast.unparse(node.test) == "TYPE_CHECKING"]
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {
        str(node.module).removeprefix("client."): {alias.name for alias in node.names}
        for node in imports
    }


def test_type_checkers_are_told_what_is_imported() -> None:
    """The two lists of `client` are one."""
    at_home: dict[str, tuple[str, ...]] = vars(client)["_NAMES_OF"]
    assert {home: set(names) for home, names in at_home.items()} == imported_for_types()
    names = [name for names in at_home.values() for name in names]
    assert sorted([*names, "__version__"]) == sorted(client.__all__)


@pytest.mark.parametrize("name", client.__all__)
def test_a_name_is_that_of_its_module(name: str) -> None:
    """The second time as the first, and then without asking."""
    home = vars(client)["_HOME_OF"].get(name, "version")
    expected = getattr(importlib.import_module(f"client.{home}"), name)
    assert getattr(client, name) is expected
    assert vars(client)[name] is expected


@pytest.mark.usefixtures("measured_programs")
def test_everything_is_found() -> None:
    """By completion in an editor before it was used, and by a star."""
    everything = "import client, json; print(json.dumps(dir(client)))"
    assert set(json.loads(run(everything))) == {*client.__all__, *vars(client)["_PUBLIC_MODULES"]}
    star = "from client import *\nimport json\nprint(json.dumps([*globals()]))"
    assert set(json.loads(run(star))) >= set(client.__all__)


@pytest.mark.parametrize("module", ["config", "events", "exceptions"])
def test_the_modules_of_public_names_need_no_import(module: str) -> None:
    """`client.exceptions.NotFoundError` works after `import client`."""
    assert run(f"import client; print(client.{module}.__name__)") == f"client.{module}\n"
    assert vars(client)["__getattr__"](module) is importlib.import_module(f"client.{module}")


@pytest.mark.parametrize("name", ["ResilientClint", "__wrapped__", "pools_"])
def test_a_name_that_does_not_exist_is_told(name: str) -> None:
    """As by any module."""
    with pytest.raises(AttributeError, match=rf"^module 'client' has no attribute '{name}'$"):
        getattr(client, name)
    with pytest.raises(ImportError, match=f"cannot import name '{name}'"):
        exec(f"from client import {name}")  # noqa: S102 - the statement itself is tested


def test_a_first_use_by_many_threads_is_one_import() -> None:
    """Each is given the same, and none something half made."""
    program = """
import client, httpx
from tests.unit.threads import together
kinds = set(together(lambda: (client.SyncResilientClient, client.Client, client.get)))
transport = httpx.MockTransport(lambda _: httpx.Response(503))
http = client.Client(transport=transport, backoff_factor=0, max_retries=2)
get = lambda: http.get("http://server.test/").extensions["resilience"].attempts
print(len(kinds), set(together(get)))
"""
    assert run(program) == "1 {3}\n"


@pytest.mark.parametrize(
    ("package", "module"),
    [("tenacity", "client.strategies.retry.policy"), ("structlog", "client.telemetry.event_log")],
)
def test_a_missing_package_is_told_at_the_import(package: str, module: str) -> None:
    """Though it is imported later: in the middle of a call it would hide the call's own error."""
    program = f"""
import sys
sys.modules["{package}"] = None
try:
    import {module}
except ModuleNotFoundError as error:
    print(error.name, error)
"""
    assert run(program) == f"{package} No module named '{package}'\n"


def test_what_is_required_is_there_or_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the error of the import that it stands for."""
    require("json")
    monkeypatch.setitem(sys.modules, "json", None)
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'json'$") as caught:
        require("json")
    assert caught.value.name == "json"


def test_the_log_s_defaults_are_those_of_its_configuration() -> None:
    """A log without a configuration is one with `LoggingConfig()`."""
    defaults: Any = vars(EventLog())["_config"]
    assert defaults._asdict() == LoggingConfig().model_dump()


def test_the_rules_are_those_of_a_retry_configuration() -> None:
    """A policy reads either; only what a session reads itself is left out."""
    assert set(RetryRules._fields) == RetryConfig.model_fields.keys() - {"budget"}


@pytest.mark.parametrize(
    ("name", "cutoff", "expected"),
    [("colour", 0.6, "color"), ("xyz", 0.6, None), ("xyz", 0.0, "size")],
)
def test_the_nearest_name_is_offered(name: str, cutoff: float, expected: str | None) -> None:
    """Where one is near enough."""
    assert nearest(name, iter(["size", "color"]), cutoff) == expected
