"""A server that asks for a break gets it: from everybody, and for as long as it says."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from client import AuthenticationError, RateLimitError, RateLimitRejectedError
from client.events import RateLimitPaused, RetryRefused
from tests.behaviour.strategies.rate_limit.telling import PLAIN, Told, later, limited, says

if TYPE_CHECKING:
    from tests.behaviour.world import World

EPOCH = 1_800_000_000
WAIT_5: dict[str, dict[str, object]] = {
    "retry-after": {"retry_after": 5},
    "ietf": {"ratelimit": '"default";r=0;t=5'},
    "x-ratelimit, seconds": {"x_ratelimit_remaining": 0, "x_ratelimit_reset": 5},
    "x-ratelimit, epoch": {"x_ratelimit_remaining": 0, "x_ratelimit_reset": EPOCH + 5},
    "openai": {"x_ratelimit_remaining_tokens": 0, "x_ratelimit_reset_tokens": "4s1000ms"},
    "anthropic": {
        "anthropic_ratelimit_requests_remaining": 0,
        "anthropic_ratelimit_requests_reset": "2027-01-15T08:00:05Z",
    },
    "retry-after before all": {
        "retry_after": 5,
        "ratelimit": '"default";r=0;t=50',
        "x_ratelimit_remaining": 0,
        "x_ratelimit_reset": 500,
    },
    "ietf before the others": {
        "ratelimit": '"default";r=0;t=5',
        "x_ratelimit_remaining": 0,
        "x_ratelimit_reset": 500,
    },
}
by_every_way = pytest.mark.parametrize("fields", WAIT_5.values(), ids=WAIT_5)


@by_every_way
@pytest.mark.parametrize("status", [429, 503, 403])
async def test_an_answer_that_asks_to_come_back_stops_everybody(
    world: World, status: int, fields: dict[str, object]
) -> None:
    """Its own retry, and whoever comes in the meantime."""
    client = limited(world, [says(status, **fields), 200, 200], rate=10)
    first = world.start(client.get())
    await world.sleep(1)
    assert client.stats().rate_limit_paused == 1
    second = world.start(client.get())
    assert (await first.result()).status_code == 200
    assert (await second.result()).status_code == 200
    assert client.wire.times == pytest.approx([0, 5, 5.1])
    assert client.stats().rate_limit_paused == 0


@pytest.mark.parametrize("fields", [way for name, way in WAIT_5.items() if name != "retry-after"])
async def test_a_good_answer_with_nothing_left_stops_everybody(
    world: World, fields: dict[str, object]
) -> None:
    """Until the reset; `Retry-After` says nothing in a good answer."""
    fields = {name: value for name, value in fields.items() if name != "retry_after"}
    seconds = 50 if "ratelimit" in fields and "t=50" in str(fields["ratelimit"]) else 5
    client = limited(world, [says(200, **fields), 200], rate=10, acquisition_timeout=60)
    await client.get()
    await client.get()
    assert client.wire.times == pytest.approx([0, seconds])


@pytest.mark.parametrize(
    ("status", "fields"),
    [
        (429, {}),
        (429, {"retry_after": "soon"}),
        (429, {"retry_after": 0}),
        (429, {"retry_after": -5}),
        (429, {"retry_after": 86_401}),
        (429, {"x_ratelimit_remaining": 3, "x_ratelimit_reset": 5}),
        (429, {"x_ratelimit_remaining": 0, "x_ratelimit_reset": 0}),
        (429, {"x_ratelimit_remaining": -1, "x_ratelimit_reset": 5}),
        (429, {"x_ratelimit_remaining": 0, "x_ratelimit_reset": EPOCH - 5}),
        (429, {"x_ratelimit_remaining": 0}),
        (429, {"ratelimit": '"default";r=0;t=5,'}),
        (500, {"retry_after": 5}),
    ],
    ids=str,
)
async def test_an_answer_that_does_not_say_so_stops_nobody(
    world: World, status: int, fields: dict[str, object]
) -> None:
    """But its own retry, as without a rate limit."""
    client = limited(world, [says(status, **fields), 200], retry=None, rate=10)
    with pytest.raises(Exception, match="failed"):
        await client.get()
    await client.get()
    assert client.wire.times == pytest.approx([0, 0.1])


async def test_a_403_that_says_nothing_is_a_refusal(world: World) -> None:
    """As ever: it is not retried."""
    client = limited(world, 403)
    with pytest.raises(AuthenticationError):
        await client.get()
    assert len(client.wire.arrivals) == 1


@pytest.mark.parametrize("settings", [{"mode": "observe"}, None])
async def test_a_403_stays_a_refusal_where_nothing_is_enforced(
    world: World, settings: dict[str, Any] | None
) -> None:
    """Whatever it asks for."""
    rate_limit = None if settings is None else {"rate": 1, **settings}
    client = world.client(says(403, retry_after=5), rate_limit=rate_limit, **PLAIN)
    with pytest.raises(AuthenticationError):
        await client.get()
    assert len(client.wire.arrivals) == 1


async def test_a_403_that_asks_to_come_back_is_raised_as_a_429_is(world: World) -> None:
    """Where it is the last."""
    client = limited(world, says(403, retry_after=5), retry=None)
    with pytest.raises(RateLimitError) as caught:
        await client.get()
    assert (caught.value.status_code, caught.value.retry_after) == (403, 5)


async def test_a_pause_is_never_shortened(world: World) -> None:
    """By what is said by an answer that comes later."""
    client = limited(
        world,
        [later(1, says(429, retry_after=10)), later(1, says(429, retry_after=2)), 200],
        rate=None,
        retry=None,
    )
    await world.gather(client.get(), client.get())
    await client.get()
    assert client.wire.times == pytest.approx([0, 0, 11])


async def test_a_pause_may_grow(world: World) -> None:
    """Who waits already waits on."""
    answers = [later(1, says(429, retry_after=2)), later(2, says(429, retry_after=10)), 200]
    client = limited(world, answers, rate=None, retry=None)
    tasks = [world.start(client.get()) for _ in range(2)]
    await world.sleep(1.5)
    await client.get()
    assert client.wire.times == pytest.approx([0, 0, 12])
    for task in tasks:
        await world.outcome(task)


async def test_a_pause_is_told_once(world: World) -> None:
    """Not by each answer that asks for the same; by one that asks for more."""
    told = Told(RateLimitPaused)
    answers = [2, 2, 2, 10]
    client = limited(
        world,
        [later(1, says(429, retry_after=each)) for each in answers],
        rate=None,
        retry=None,
        listeners=[told],
    )
    await world.gather(*(client.get() for _ in answers))
    assert [(each.seconds, each.by, each.status_code) for each in told.events] == [
        (2, "retry_after", 429),
        (10, "retry_after", 429),
    ]
    assert {each.key for each in told.events} == {"http://server.test"}


async def test_callers_fail_at_once_where_the_pause_is_too_long_for_them(world: World) -> None:
    """With its seconds; it is kept all the same."""
    client = limited(world, [says(429, retry_after=100), 200], retry=None, acquisition_timeout=1000)
    with pytest.raises(RateLimitError):
        await client.get()
    await world.sleep(10)
    with pytest.raises(RateLimitRejectedError, match="asks everybody to pause for 90 s") as caught:
        await client.get()
    assert caught.value.retry_after == pytest.approx(90)
    await world.sleep(30)
    await client.get()
    assert client.wire.times == pytest.approx([0, 100])


async def test_a_retry_fails_at_once_where_the_pause_is_too_long(world: World) -> None:
    """With the failure in hand, and a note that says why."""
    told = Told(RetryRefused)
    client = limited(world, says(429, retry_after=100), listeners=[told])
    began = world.now()
    with pytest.raises(RateLimitError) as caught:
        await client.get()
    assert world.now() == began
    assert [each.reason for each in told.events] == ["rate_limit"]
    assert caught.value.__notes__ == [
        "no other attempt was made: the server asks everybody to pause for 100 s"
    ]


async def test_a_retry_fails_at_once_where_its_turn_would_come_too_late(world: World) -> None:
    """Beyond its own wait, as long as the others have patience."""
    client = limited(world, [500], rate=0.01)
    with pytest.raises(Exception, match="500") as caught:
        await client.get()
    assert "its turn would come in 100 s" in caught.value.__notes__[0]


async def test_a_retry_that_waits_by_itself_is_not_impatient(world: World) -> None:
    """A long `Retry-After` that the retries heed is no surprise to them."""
    client = limited(
        world,
        [says(429, retry_after=100), 200],
        retry={"max_retry_after": 1000, "jitter": False, "min_wait_seconds": 0},
    )
    assert (await client.get()).status_code == 200
    assert client.wire.times == pytest.approx([0, 100])


async def test_nobody_comes_in_a_burst_after_a_pause(world: World) -> None:
    """Though as many might go at once after a rest."""
    client = limited(world, [says(429, retry_after=5), *[200] * 4], rate=2, burst=4, retry=None)
    await world.gather(client.get())
    await world.gather(*(client.get() for _ in range(4)))
    assert client.wire.times == pytest.approx([0, 5, 5.5, 6, 6.5])


async def test_a_burst_is_possible_again_once_nobody_waits(world: World) -> None:
    """The pause is history."""
    client = limited(world, [says(429, retry_after=5), *[200] * 5], rate=2, burst=4, retry=None)
    await world.gather(client.get())
    await client.get()
    await world.sleep(10)
    await client.get()
    await world.sleep(10)
    await world.gather(*(client.get() for _ in range(3)))
    assert client.wire.times == pytest.approx([0, 5, 15, 25, 25, 25])


async def test_where_no_rate_is_known_what_went_well_before_is_the_measure(world: World) -> None:
    """Nine tenths of it, growing by a tenth a second."""
    client = limited(
        world, [*[200] * 10, says(429, retry_after=1), *[200] * 5], rate=None, retry=None
    )
    for _ in range(10):
        await client.get()
        await world.sleep(0.2)
    await world.gather(client.get())
    await world.gather(*(client.get() for _ in range(5)))
    after = [at - client.wire.times[11] for at in client.wire.times[11:]]
    # 10 good ones in 1.8 s before, of which the last came 0.2 s before the refusal.
    assert after[0] == 0
    assert after[1] == pytest.approx(1 / (0.9 * 10 / 1.8), rel=0.02)
    gaps = [later - earlier for earlier, later in pairwise(after)]
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[0] / gaps[-1] == pytest.approx(1.1 ** (after[-1] - gaps[-1] / 2), rel=0.02)


async def test_limits_that_are_told_come_on_top(world: World) -> None:
    """The rate by which a quota lasts, once it was used up."""
    policy = {"ratelimit_policy": '"default";q=5;w=10'}
    client = limited(
        world,
        [says(200, ratelimit='"default";r=0;t=10', **policy), *[200] * 3],
        rate=100,
        acquisition_timeout=60,
    )
    await client.get()
    await world.gather(*(client.get() for _ in range(3)))
    assert client.wire.times == pytest.approx([0, 10, 12.5, 15])


async def test_a_limit_that_is_told_holds_before_it_is_used_up(world: World) -> None:
    """No more are sent than are left; more come as the policy says."""
    fields = {"ratelimit_policy": '"a";q=10;w=10', "ratelimit": '"a";r=2;t=9'}
    client = limited(world, [says(200, **fields), *[200] * 4], rate=None)
    await client.get()
    await world.gather(*(client.get() for _ in range(4)))
    assert client.wire.times == pytest.approx([0, 0, 0, 1, 2])


async def test_nothing_is_learned_where_that_is_not_wanted(world: World) -> None:
    """A pause is kept all the same."""
    fields = {"ratelimit_policy": '"a";q=10;w=10', "ratelimit": '"a";r=1;t=9'}
    client = limited(world, [says(200, **fields), *[200] * 4], rate=None, learn=False)
    await client.get()
    await world.gather(*(client.get() for _ in range(4)))
    assert client.wire.times == [0] * 5


async def test_what_is_learned_never_widens_what_was_configured(world: World) -> None:
    """It comes on top."""
    fields = {"ratelimit_policy": '"a";q=1000;w=1', "ratelimit": '"a";r=900;t=1'}
    client = limited(world, says(200, **fields))
    await world.gather(*(client.get() for _ in range(3)))
    assert client.wire.times == pytest.approx([0, 1, 2])


async def test_the_answer_of_another_origin_says_nothing_of_this_one(world: World) -> None:
    """A redirect led there."""
    moved = says(302, location="http://other.test/")
    client = limited(world, [moved, says(429, retry_after=100), 200], rate=None, retry=None)
    with pytest.raises(RateLimitError):
        await client.get()
    await client.get()
    assert client.wire.times == [0, 0, 0]


async def test_one_key_s_pause_is_nobody_else_s(world: World) -> None:
    """Each origin by itself."""
    client = limited(world, [says(429, retry_after=100), 200], rate=None, retry=None)
    with pytest.raises(RateLimitError):
        await client.get("http://a.test/")
    await client.get("http://b.test/")
    assert client.wire.times == [0, 0]
