"""Four real servers that can be told how to be, and the section of the report about them."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from benchmarks.simulations.endpoint_servers import COUNT, EndpointServers
from benchmarks.speed.goals import judge
from benchmarks.speed.plan import Plan
from benchmarks.speed.sections import endpoints


def test_servers_are_as_they_are_told() -> None:
    """Dead is to refuse connections, at the same place as before and after."""
    with EndpointServers() as servers, httpx.Client(trust_env=False) as http:
        assert len({*servers.urls}) == COUNT
        url = servers.urls[2]
        assert http.get(url).text == "ok"
        servers.be(2, "failing")
        assert http.get(url).status_code == 503
        servers.be(2, "dead")
        for _ in range(2):
            try:
                http.get(url)
            except httpx.TransportError:
                continue
            raise AssertionError
        servers.be(2, "slow")
        assert http.get(url).status_code == 200
        servers.be(2, "well")
        assert servers.take_counts() == [0, 0, 3, 0]
        assert servers.take_counts() == [0] * COUNT


def test_the_section_has_a_figure_for_each_promise() -> None:
    """In a quick run, too."""
    nothing: Any = None
    plan = Plan.quick(("endpoints",), None)
    section = asyncio.run(endpoints.measure(plan, nothing, nothing))
    goals = judge([section])
    assert {goal.figure for goal in goals if goal.value is None} == set()
    assert {goal.figure for goal in goals} == {*section.figures}
    assert [len(table.rows) for table in section.tables] == [5, 4]
