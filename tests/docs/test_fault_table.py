"""The table of faults of the site says what the tests of the catalogue show."""

from importlib import import_module

from client.strategies.circuit.circuit import CircuitOutcome
from tests.docs.reading import code_in, table
from tests.wire.catalogue.faults import Fault, each

GROUPS = [
    "connect",
    "tls",
    "request",
    "head",
    "hostile_headers",
    "body",
    "protocol",
    "http2",
    "redirects",
    "time",
]
FAULTS: list[Fault] = [
    fault
    for group in GROUPS
    for fault in import_module(f"tests.wire.catalogue.test_{group}").FAULTS
]
TESTS_OF_THEIR_OWN = {
    "hostile request id": "request_ids.test_it_is_refused",
    "9,000 small headers": "hostile_headers.test_9000_headers",
    "surplus bytes after an answer": "protocol.test_surplus_bytes_after_an_answer",
    "FIN while idle": "reuse.test_fin_while_idle",
    "FIN on reuse": "reuse.test_lost_on_reuse",
    "RST on reuse": "reuse.test_lost_on_reuse",
    "all pooled connections dead while idle": "reuse.test_all_pooled_connections_die_while_idle",
    "all pooled connections dead on reuse": "reuse.test_all_pooled_connections_die_on_reuse",
    "redirect to another origin": "redirects.test_credentials_stay_with_their_origin",
    "wall clock an hour back or forth": "time.test_the_wall_clock_moves_an_hour",
    "`Retry-After` that is none": "hostile_headers.test_a_hostile_retry_after_is_ignored",
    "`Set-Cookie` that cannot be sent back, or of more than 4 KiB": (
        "hostile_headers.test_a_hostile_cookie_is_dropped"
    ),
    "10,000 cookies": "hostile_headers.test_10000_cookies",
    '20,000 origins, with `scope="origin"`': "exhaustion.test_more_origins_than_are_kept",
    "20,000 request ids": "exhaustion.test_more_request_ids_than_are_kept",
}
"""Rows whose faults end in an answer, or need a story of their own, and where it is told."""
ROWS = {
    row[0]: row[1:]
    for row in table("What becomes of each fault", "fault")
    if not row[0].startswith("**")
}


def test_the_rows_are_the_tests() -> None:
    """None is missing, and none is made up."""
    assert ROWS.keys() == {fault.name for fault in FAULTS} | TESTS_OF_THEIR_OWN.keys()
    for place in TESTS_OF_THEIR_OWN.values():
        module, name = place.split(".")
        assert hasattr(import_module(f"tests.wire.catalogue.test_{module}"), name)


@each(FAULTS)
def test_a_row_is_true(fault: Fault) -> None:
    """By what the test of that fault checks."""
    gets, retried, counted = ROWS[fault.name]
    assert code_in(gets)[0] == fault.raises.__name__
    assert ("not sent" in gets) is not fault.is_sent
    assert retried == ("yes" if fault.is_retried else "no")
    assert counted == ("yes" if fault.counts is CircuitOutcome.FAILURE else "no")
