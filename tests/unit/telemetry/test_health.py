"""Whether a client can do its work, read from the states of its circuits."""

import json
from typing import Any

import pytest

from client.telemetry.health import assess, combined_health, plain_origin

LEDGER, MAIL = "https://ledger.internal", "https://mail.internal"


def health(circuits: dict[str, str], *required: str, is_closed: bool = False) -> Any:
    """How a client with such circuits stands."""
    return assess("orders", circuits, required, is_closed=is_closed)


@pytest.mark.parametrize("circuits", [{}, {"client": "closed"}, {LEDGER: "closed"}])
def test_closed_circuits_are_as_they_should_be(circuits: dict[str, str]) -> None:
    """As is having none."""
    assert health(circuits, LEDGER) == {
        "client": "orders",
        "status": "ok",
        "ready": True,
        "reasons": [],
        "circuits": {},
        "endpoints": {},
    }


@pytest.mark.parametrize("state", ["open", "half-open", "isolated"])
def test_a_circuit_that_is_not_closed_degrades_a_client_that_stays_ready(state: str) -> None:
    """The outage is another's: to leave would help nobody."""
    found = health({f"{LEDGER}:443": state, MAIL: "closed"})
    assert (found["status"], found["ready"]) == ("degraded", True)
    assert found["reasons"] == [f"the circuit of {LEDGER} is {state}"]
    assert found["circuits"] == {LEDGER: state}


@pytest.mark.parametrize(
    ("state", "is_ready"), [("open", False), ("isolated", False), ("half-open", True)]
)
@pytest.mark.parametrize("scope", ["client", f"{LEDGER}:443", LEDGER])
def test_a_required_origin_decides(scope: str, state: str, *, is_ready: bool) -> None:
    """By a circuit of its own, or by the one for all; a probe may go through a half-open one."""
    assert health({scope: state}, "HTTPS://Ledger.Internal:443/")["ready"] is is_ready


def test_another_origin_does_not() -> None:
    """Nor does one that is not known yet."""
    assert health({f"{MAIL}:443": "open"}, LEDGER)["ready"]
    assert health({f"{LEDGER}:8443": "open"}, LEDGER)["ready"]


def test_a_closed_client_is_not_ready() -> None:
    """It does no work any more."""
    found = health({"client": "open"}, is_closed=True)
    assert (found["status"], found["ready"]) == ("degraded", False)
    assert found["reasons"] == ["the client is closed", "the circuit of client is open"]


@pytest.mark.parametrize(
    "wrong",
    [
        "ledger.internal",
        "ftp://h",
        "https://",
        "https://h/v1",
        "https://u:secret@h",
        "http://h:x",
        3,
    ],
)
def test_what_is_no_origin_is_refused(wrong: Any) -> None:
    """With what to give, and without a password."""
    with pytest.raises(ValueError, match="no origin: give scheme, host and port") as raised:
        health({}, wrong)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    "given", [LEDGER, LEDGER.encode(), None, 5], ids=["text", "bytes", "none", "number"]
)
def test_what_is_no_collection_is_refused(given: Any) -> None:
    """The letters of a text are no origins."""
    with pytest.raises(TypeError, match=r"^ready_requires is .*: give a collection of origins"):
        assess("orders", {}, given, is_closed=False)


def test_an_origin_is_shown_without_the_usual_port() -> None:
    """And in lower case."""
    assert plain_origin("HTTP://H:80") == "http://h"
    assert plain_origin("http://[::1]:8000/") == "http://[::1]:8000"


class Client:
    """Stands as it was told to."""

    def __init__(self, name: str, circuits: dict[str, str]) -> None:
        self.name, self.circuits = name, circuits

    def health(self, *, ready_requires: set[str]) -> Any:
        """Return how it stands."""
        return assess(self.name, self.circuits, ready_requires, is_closed=False)


def test_clients_stand_as_the_worst_of_them() -> None:
    """With the reasons of each."""
    good, bad = Client("mail", {}), Client("orders", {f"{LEDGER}:443": "open"})
    both = combined_health(good, bad, ready_requires=iter([LEDGER]))
    assert (both["status"], both["ready"]) == ("degraded", False)
    assert both["reasons"] == [f"orders: the circuit of {LEDGER} is open"]
    assert [each["client"] for each in both["clients"]] == ["mail", "orders"]
    assert combined_health(good)["status"] == "ok"
    assert combined_health(good, bad)["ready"]
    assert json.loads(json.dumps(both)) == both


@pytest.mark.parametrize(("state", "is_ready"), [("open", True), ("isolated", False)])
def test_a_circuit_that_only_observes_keeps_nobody_out(state: str, *, is_ready: bool) -> None:
    """Unless somebody isolated it."""
    found = assess("orders", {LEDGER: state}, [LEDGER], is_closed=False, observes=True)
    assert (found["ready"], found["status"]) == (is_ready, "degraded")
    only = "" if state == "isolated" else ", which only observes,"
    assert found["reasons"] == [f"the circuit of {LEDGER}{only} is {state}"]
