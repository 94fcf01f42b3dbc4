"""Of many equal misses one goes out, and all are served."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client import (
    APIConnectionError,
    ClientClosedError,
    DeadlineExceededError,
    NotFoundError,
    PoolTimeoutError,
    ServiceUnavailableError,
)
from client.engine.deadline import Deadline
from client.engine.layer import Failure
from client.faces.facade.exchange import HttpExchange
from tests.behaviour.strategies.cache.flying import (
    FOR_ONE,
    KEPT,
    Slow,
    attempts_of,
    cached,
    status_of,
)
from tests.behaviour.wire import Answer

if TYPE_CHECKING:
    from tests.behaviour.world import World


async def test_one_of_a_hundred_goes_out(world: World) -> None:
    """The others are served from what it brought, each with a response of his own."""
    server = Slow()
    client = cached(world, server)
    answers = await world.gather(*(client.get("/x", request_id=str(n)) for n in range(100)))
    assert server.asked == 1
    assert [answer.content for answer in answers] == [b"answer 1"] * 100
    assert sorted(map(status_of, answers)) == ["hit"] * 99 + ["miss"]
    assert sorted(map(attempts_of, answers)) == [0] * 99 + [1]
    assert len({id(answer) for answer in answers}) == 100
    assert [answer.request.headers["X-Request-ID"] for answer in answers] == [
        str(n) for n in range(100)
    ]
    stats = client.stats()
    assert (stats.operations, stats.attempts) == (100, 1)


async def test_followers_take_no_slot(world: World) -> None:
    """Nor do they queue for one."""
    client = cached(world, Slow(), bulkhead={"max_concurrency": 1, "acquisition_timeout": 0})
    answers = await world.gather(*(client.get("/x") for _ in range(5)))
    assert [answer.status_code for answer in answers] == [200] * 5


async def test_different_calls_do_not_wait_for_each_other(world: World) -> None:
    """Another path or query is another answer."""
    server = Slow()
    client = cached(world, server)
    await world.gather(client.get("/a"), client.get("/b"), client.get("/a?c"))
    assert (server.asked, server.most) == (3, 3)


async def test_calls_with_credentials_do_not_wait_for_each_other(world: World) -> None:
    """Where no partition says that they are of the same one."""
    server = Slow()
    client = cached(world, server)
    mine = {"Authorization": "Bearer abc"}
    await world.gather(*(client.get("/x", headers=mine) for _ in range(3)))
    assert (server.asked, server.most) == (3, 3)


async def test_calls_of_one_partition_wait_for_each_other(world: World) -> None:
    """And those of another do not."""
    server = Slow()
    client = cached(world, server, cache={"partition": lambda request: request.headers["Who"]})
    calls = [client.get("/x", headers={"Who": who}) for who in "aabb"]
    await world.gather(*calls)
    assert (server.asked, server.most) == (2, 2)


async def test_an_answer_for_one_alone(world: World) -> None:
    """The first gets it; the others send their own, side by side and not one after the other."""
    server = Slow(Answer(200, (b"mine",), headers=FOR_ONE))
    client = cached(world, server)
    began = world.now()
    answers = await world.gather(*(client.get("/x") for _ in range(5)))
    assert [answer.content for answer in answers] == [b"mine"] * 5
    assert [*map(attempts_of, answers)] == [1] * 5
    assert server.asked == 5
    assert server.most == 4
    assert world.now() - began == pytest.approx(2)


async def test_what_is_for_one_alone_is_remembered(world: World) -> None:
    """The next calls go out side by side at once, until an answer may be kept again."""
    short = {"Cache-Control": "max-age=10"}
    server = Slow(*[Answer(headers=FOR_ONE)] * 4, Answer(headers=short))
    client = cached(world, server)
    await client.get("/x")
    began = world.now()
    await world.gather(*(client.get("/x") for _ in range(3)))
    assert world.now() - began == pytest.approx(1)
    assert server.most == 3
    await client.get("/x")
    assert status_of(await client.get("/x")) == "hit"
    await world.sleep(20)
    server.most = 0
    await world.gather(*(client.get("/x") for _ in range(3)))
    assert server.most == 1


async def test_it_is_not_remembered_for_ever(world: World) -> None:
    """After a minute it is tried again whether one answer is good for all."""
    server = Slow(Answer(headers=FOR_ONE), Answer(headers=KEPT))
    client = cached(world, server)
    await client.get("/x")
    await world.sleep(61)
    await world.gather(*(client.get("/x") for _ in range(3)))
    assert server.asked == 2


async def test_the_first_may_be_cancelled(world: World) -> None:
    """The request goes on for those who wait."""
    server = Slow()
    client = cached(world, server)
    first, *others = [world.start(client.get("/x")) for _ in range(3)]
    await world.sleep(0.5)
    first.cancel()
    assert isinstance(await world.outcome(first), world.cancellation)
    assert [status_of(await each.result()) for each in others] == ["hit", "hit"]
    assert server.asked == 1


async def test_all_may_be_cancelled(world: World) -> None:
    """With the last the request is broken off, and all is given back by then."""
    server = Slow(seconds=100)
    client = cached(world, server, bulkhead={"max_concurrency": 1})
    tasks = [world.start(client.get("/x")) for _ in range(3)]
    await world.sleep(0.5)
    for task in tasks:
        assert client.stats().slots_in_use == 1
        task.cancel()
        assert isinstance(await world.outcome(task), world.cancellation)
    assert client.stats().slots_in_use == 0
    assert world.left_behind() == 0
    assert client.stats().targets["http://server.test"].attempts == {"cancelled": 1}


async def test_the_longest_deadline_holds(world: World) -> None:
    """Who has less time leaves, and the others wait on for the same request."""
    server = Slow(seconds=3)
    client = cached(world, server)
    first = world.start(client.get("/x", deadline=1))
    second = world.start(client.get("/x", deadline=2))
    await world.sleep(0.5)
    third = world.start(client.get("/x", deadline=10))
    began = world.now() - 0.5
    assert isinstance(await world.outcome(first), DeadlineExceededError)
    assert world.now() - began == pytest.approx(1)
    assert isinstance(await world.outcome(second), DeadlineExceededError)
    assert world.now() - began == pytest.approx(2)
    assert (await third.result()).content == b"answer 1"
    assert world.now() - began == pytest.approx(3)
    assert server.asked == 1


async def test_who_leaves_says_whether_it_was_sent(world: World) -> None:
    """The request of the first is on the wire; the others have sent none."""
    client = cached(world, Slow(seconds=3))
    first, second = await world.gather(client.get("/x", deadline=1), client.get("/x", deadline=1))
    assert (first.request_sent, first.attempts) == (True, 1)
    assert (second.request_sent, second.attempts) == (False, 0)
    assert world.left_behind() == 0


async def test_retries_have_the_time_of_the_longest(world: World) -> None:
    """A wait that the first could not have afforded is made for another."""
    server = Slow(503, Answer(200, headers=KEPT), seconds=0)
    retry = {"min_wait_seconds": 2, "max_wait_seconds": 2}
    client = cached(world, server, retry=retry)
    first = world.start(client.get("/x", deadline=100))
    outcome = await world.gather(client.get("/x", deadline=1), client.get("/x", deadline=1))
    assert [type(each) for each in outcome] == [DeadlineExceededError] * 2
    assert attempts_of(await first.result()) == 2


async def test_an_error_counts_once(world: World) -> None:
    """For the circuit and the attempts; and each caller gets an exception of his own."""
    server = Slow(503)
    client = cached(world, server, circuit_breaker={"failure_threshold": 2})
    errors = await world.gather(*(client.get("/x", request_id=f"id-{n}") for n in range(5)))
    assert server.asked == 1
    assert client.circuit_state == "closed"
    assert [type(error) for error in errors] == [ServiceUnavailableError] * 5
    assert len({id(error) for error in errors}) == 5
    assert len({id(error.response) for error in errors}) == 5
    for number, error in enumerate(errors):
        assert error.request_id == f"id-{number}"
        assert f"request id id-{number}" in str(error)
        assert error.response.request.headers["X-Request-ID"] == f"id-{number}"
        again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
        assert str(again) == str(error)
    stats = client.stats()
    assert stats.failures == {"ServiceUnavailableError": 5}
    assert stats.attempts == 1


async def test_a_connection_that_fails_counts_once(world: World) -> None:
    """Exceptions of their own have causes of their own, which are the same."""
    server = Slow(httpx.ConnectError("refused"))
    client = cached(world, server)
    errors = await world.gather(*(client.get("/x", request_id=f"id-{n}") for n in range(3)))
    assert server.asked == 1
    causes = [error.__cause__ for error in errors]
    assert [type(cause) for cause in causes] == [httpx.ConnectError] * 3
    assert len({id(cause) for cause in causes}) == 3
    ids = [cause.request.headers["X-Request-ID"] for cause in causes]
    assert ids == ["id-0", "id-1", "id-2"]
    assert [error.attempts for error in errors] == [1, 1, 1]


async def test_a_rejection_is_everybodys(world: World) -> None:
    """Where the only slot is taken, nobody gets one."""
    server = Slow()
    client = cached(world, server, bulkhead={"max_concurrency": 1, "acquisition_timeout": 0.5})
    other = world.start(client.get("/other"))
    await world.sleep(0)
    errors = await world.gather(client.get("/x"), client.get("/x"))
    assert [type(error) for error in errors] == [PoolTimeoutError] * 2
    assert len({id(error) for error in errors}) == 2
    await other.result()


async def test_a_refusal_by_the_server_is_the_firsts(world: World) -> None:
    """The others ask by themselves: it may have been about the one who asked."""
    server = Slow(404)
    client = cached(world, server)
    errors = await world.gather(*(client.get("/x") for _ in range(3)))
    assert [type(error) for error in errors] == [NotFoundError] * 3
    assert server.asked == 3


async def test_a_refusal_that_may_be_kept_is_everybodys(world: World) -> None:
    """A 404 that says for how long it holds is kept like any answer."""
    server = Slow(Answer(404, (b"none",), headers=KEPT))
    client = cached(world, server)
    errors = await world.gather(*(client.get("/x") for _ in range(3)))
    assert [type(error) for error in errors] == [NotFoundError] * 3
    assert server.asked == 1


async def test_a_bug_is_the_firsts(world: World) -> None:
    """What is no failure of the exchange is raised where it belongs; the others try themselves."""
    bug = RuntimeError("a bug")
    server = Slow(bug, Answer(200, headers=KEPT))
    client = cached(world, server)
    first, *others = await world.gather(*(client.get("/x") for _ in range(3)))
    assert first is bug
    assert [each.status_code for each in others] == [200, 200]


async def test_variants_do_not_pass_for_each_other(world: World) -> None:
    """Who asks for another language is not served what came meanwhile."""

    async def server(arrival: object) -> Answer:
        language = arrival.request.headers["Accept-Language"]  # type: ignore[attr-defined] # an arrival
        await arrival.takes(1)  # type: ignore[attr-defined] # likewise
        return Answer(200, (language.encode(),), headers={**KEPT, "Vary": "Accept-Language"})

    client = cached(world, server)
    languages = ["de", "fr", "de", "fr", "en"]
    answers = await world.gather(
        *(client.get("/x", headers={"Accept-Language": each}) for each in languages)
    )
    assert [answer.text for answer in answers] == languages
    assert len(client.wire.arrivals) == 3


async def test_a_stream_waits_for_others(world: World) -> None:
    """And none waits for it."""
    server = Slow()
    client = cached(world, server)
    read = world.start(client.get("/x"))
    await world.sleep(0.5)
    assert await client.streamed("GET", "/x") == [b"answer 1"]
    await read.result()
    assert server.asked == 1


async def test_nobody_waits_for_a_stream(world: World) -> None:
    """Its caller may read slowly."""
    server = Slow()
    client = cached(world, server)
    outcome = await world.gather(client.streamed("GET", "/x"), client.get("/x"))
    assert [type(each) for each in outcome] == [list, httpx.Response]
    assert server.asked == 2


async def test_a_stream_that_waited_for_an_error_asks_itself(world: World) -> None:
    """Its caller wants to read the answer."""
    server = Slow(Answer(503, (b"busy",)))
    client = cached(world, server)
    first, second = await world.gather(client.get("/x"), client.streamed("GET", "/x"))
    assert [type(each) for each in (first, second)] == [ServiceUnavailableError] * 2
    assert server.asked == 2


async def test_a_stream_that_waited_for_a_connection_in_vain(world: World) -> None:
    """Fails as the others do."""
    server = Slow(httpx.ConnectError)
    client = cached(world, server)
    errors = await world.gather(client.get("/x"), client.streamed("GET", "/x"))
    assert all(isinstance(error, APIConnectionError) for error in errors)
    assert server.asked == 1


async def test_a_client_that_closes_ends_them(world: World) -> None:
    """Whoever waits hears of it at once."""
    client = cached(world, Slow(seconds=100))
    tasks = [world.start(client.get("/x")) for _ in range(3)]
    await world.sleep(1)
    await client.close()
    began = world.now()
    outcomes = [await world.outcome(task) for task in tasks]
    assert [type(each) for each in outcomes] == [ClientClosedError] * 3
    assert world.now() == began
    assert world.left_behind() == 0


async def test_queues_for_a_slot_end_with_the_last_who_waits(world: World) -> None:
    """Also where it is a thread that queues."""
    client = cached(world, Slow(seconds=50), bulkhead={"max_concurrency": 1})
    other = world.start(client.get("/other"))
    await world.sleep(0)
    task = world.start(client.get("/x"))
    await world.sleep(1)
    assert client.stats().slots_waiting == 1
    task.cancel()
    await world.outcome(task)
    assert client.stats().slots_waiting == 0
    assert world.left_behind() == 1
    await other.result()


async def test_waits_for_a_retry_end_with_the_last_who_waits(world: World) -> None:
    """Likewise."""
    retry = {"min_wait_seconds": 50, "max_wait_seconds": 50}
    client = cached(world, Slow(503), retry=retry)
    task = world.start(client.get("/x"))
    await world.sleep(10)
    task.cancel()
    began = world.now()
    await world.outcome(task)
    assert world.now() == began
    assert world.left_behind() == 0


async def test_hedged_ones_end_with_the_last_who_waits(world: World) -> None:
    """Likewise, with all that was sent."""
    client = cached(world, Slow(seconds=100), hedge={"delay": 1, "max_extra_load": 1})
    task = world.start(client.get("/x"))
    await world.sleep(10)
    task.cancel()
    began = world.now()
    await world.outcome(task)
    assert world.now() - began <= 1
    await world.sleep(2)
    assert world.left_behind() == 0
    assert client.stats().attempts == 2


async def test_middleware_around_it(world: World) -> None:
    """The time of the one whose request it is does not end it there either."""

    async def plain(request: httpx.Request, call_next: object) -> httpx.Response:
        return await call_next(request)  # type: ignore[operator, no-any-return] # as given

    def blocking(request: httpx.Request, call_next: object) -> httpx.Response:
        return call_next(request)  # type: ignore[operator, no-any-return] # likewise

    server = Slow(seconds=3)
    client = cached(world, server, middleware=[plain if world.is_async else blocking])
    first = world.start(client.get("/x", deadline=1))
    await world.sleep(0.5)
    second = world.start(client.get("/x", deadline=10))
    assert isinstance(await world.outcome(first), DeadlineExceededError)
    assert (await second.result()).content == b"answer 1"
    assert server.asked == 1


async def test_the_first_tells_of_the_attempts(world: World) -> None:
    """Events of the request carry the name of the operation whose request it was."""
    told: list[Any] = []
    client = cached(world, Slow(), listeners=[told.append])
    await world.gather(*(client.get("/x", request_id=str(n)) for n in range(2)))
    of_attempts = [event for event in told if "Attempt" in type(event).__name__]
    ended = {e.request_id: e for e in told if type(e).__name__ == "OperationSucceeded"}
    assert [event.request_id for event in of_attempts] == ["0", "0"]
    assert {event.operation_id for event in of_attempts} == {ended["0"].operation_id}
    assert [ended[name].attempts for name in "01"] == [1, 0]


async def test_it_is_one_flight_again_after_an_error(world: World) -> None:
    """An error says nothing of whether answers may be kept."""
    server = Slow(503, Answer(200, headers=KEPT))
    client = cached(world, server)
    await world.outcome(world.start(client.get("/x")))
    await world.gather(*(client.get("/x") for _ in range(3)))
    assert server.asked == 2


async def test_without_it_each_goes_out(world: World) -> None:
    """`single_flight=False`."""
    server = Slow()
    client = cached(world, server, cache={"single_flight": False})
    await world.gather(*(client.get("/x") for _ in range(3)))
    assert server.asked == 3


async def test_who_has_time_left_is_not_told_that_it_is_used_up(world: World) -> None:
    """Where he came when that of the others just was: then he asks by himself."""
    client = cached(world, Slow())
    session = client.raw._session
    call, exchange = session._prepare(HttpExchange, "GET", "/x", {})
    request = exchange.request_for(None)
    other, _ = session._prepare(HttpExchange, "GET", "/x", {"deadline": 1})
    late = Failure(call.host.errors.late(other))
    assert exchange.likewise(late, request) is None
    call.deadline = Deadline(world.now() + 5, 5)
    assert exchange.likewise(late, request) is None
    await world.sleep(6)
    told = exchange.likewise(late, request)
    assert told is not None
    assert isinstance(told.error, DeadlineExceededError)
    assert "the time that the whole operation may take is used up" in str(told.error)


async def test_middleware_that_asks_twice(world: World) -> None:
    """The attempt of its first pass, past the cache, is counted before the second goes out."""

    async def twice(request: httpx.Request, call_next: Any) -> httpx.Response:
        request.headers["Cache-Control"] = "no-store"
        await call_next(request)
        del request.headers["Cache-Control"]
        return await call_next(request)  # type: ignore[no-any-return] # as given

    def blocking(request: httpx.Request, call_next: Any) -> httpx.Response:
        request.headers["Cache-Control"] = "no-store"
        call_next(request)
        del request.headers["Cache-Control"]
        return call_next(request)  # type: ignore[no-any-return] # likewise

    server = Slow(200, 200)
    client = cached(world, server, middleware=[twice if world.is_async else blocking])
    assert (await client.get("/x")).status_code == 200
    assert (server.asked, client.stats().attempts) == (2, 2)
