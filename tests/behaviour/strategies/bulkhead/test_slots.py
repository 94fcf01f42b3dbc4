"""The slots in both worlds against a model: what is taken, who queues, who is next."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from client.ports.asyncio_ports import AsyncioPorts
from client.ports.blocking_ports import BlockingPorts
from client.strategies.bulkhead.slots import Slots
from tests.behaviour.twins import WORLDS
from tests.behaviour.world import T, Task, World

QUICK = (Phase.reuse, Phase.generate)
"""Shrinking a failure takes longer than pytest lets a test run: add `Phase.shrink` by hand."""
A_MOMENT = 0.001
"""Long enough for everybody who can run to do so, far shorter than any patience."""


class Visitor:
    """Somebody who wants a slot."""

    def __init__(self, priority: int, gives_up_at: float) -> None:
        self.priority = priority
        self.gives_up_at = gives_up_at
        self.is_late = False
        self.task: Task[None]
        self.got: bool | str | None = None


class SlotsMachine(RuleBasedStateMachine):
    """Does to the slots and to the model what visitors do, and compares."""

    world_name: str

    def __init__(self) -> None:
        super().__init__()
        self.world: World = WORLDS[self.world_name]()
        self.world.debug = False
        self._entered = self.world.entered()
        self._entered.__enter__()
        self.holding: list[Visitor] = []
        self.queueing: list[Visitor] = []
        """In the order in which they are served."""
        self.limit = 1
        self.slots: Slots

    @initialize(limit=st.integers(1, 3))
    def open(self, limit: int) -> None:
        """Make the slots."""
        ports = AsyncioPorts() if self.world.is_async else BlockingPorts()
        self.limit = limit
        self.slots = Slots(limit, ports.bell, lambda visitor: visitor.is_late)

    @rule(
        patience=st.sampled_from([0, 0.5, 1.5, 3.5, 100.5]),
        priority=st.sampled_from([0, 5, 5, 5, 9]),
    )
    def arrive(self, patience: float, priority: int) -> None:
        """A visitor takes a slot, or queues for one, or gives up at once."""
        visitor = Visitor(priority, self.world.now() + patience)
        is_free = not self.queueing and len(self.holding) < self.limit
        self.run(self.begin(visitor, patience))
        if is_free:
            self.holding.append(visitor)
            return
        before = sum(each.priority <= priority for each in self.queueing)
        self.queueing.insert(before, visitor)
        if (
            len(self.queueing) > self.limit
            and self.queueing[0].priority < self.queueing[-1].priority
        ):
            assert self.queueing.pop().got == "priority"
        if visitor in self.queueing and not patience:
            self.queueing.remove(visitor)
            assert visitor.got is False

    @precondition(lambda self: self.holding)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        """A slot given back goes to the one who is next."""
        leaving = self.forget_holder(data)
        self.run(self.do(partial(self.slots.release, leaving)))
        self.hand_over()

    @precondition(lambda self: self.holding and self.queueing)
    @rule(data=st.data())
    def leave_while_the_next_is_cancelled(self, data: st.DataObject) -> None:
        """A slot given to somebody who is interrupted before he can take it goes further."""
        leaving = self.forget_holder(data)
        first = next((each for each in self.queueing if not each.is_late), self.queueing[0])
        self.run(self.do(partial(self.slots.release, leaving), self.forget(first).cancel))
        self.hand_over()

    @precondition(lambda self: self.holding and self.queueing)
    @rule(data=st.data(), position=st.integers(0, 5))
    def leave_after_a_cancellation(self, data: st.DataObject, position: int) -> None:
        """The other way round, and anywhere in the queue."""
        leaving = self.forget_holder(data)
        self.run(self.do(self.forget_queuer(position).cancel, partial(self.slots.release, leaving)))
        self.hand_over()

    @precondition(lambda self: self.queueing)
    @rule(position=st.integers(0, 5))
    def lose_interest(self, position: int) -> None:
        """Somebody in the queue is cancelled."""
        self.run(self.do(self.forget_queuer(position).cancel))

    @precondition(lambda self: self.queueing)
    @rule(position=st.integers(0, 5))
    def run_late(self, position: int) -> None:
        """A slot would be of no use any more to somebody in the queue."""
        self.queueing[position % len(self.queueing)].is_late = True

    @rule(limit=st.integers(1, 4))
    def change_the_limit(self, limit: int) -> None:
        """More slots go to those who queue; of fewer, none is taken from anybody."""
        self.limit = limit
        self.run(self.do(partial(self.slots.set_limit, limit)))
        self.hand_over()

    @rule(seconds=st.integers(1, 3))
    def wait(self, seconds: int) -> None:
        """Those whose patience ends leave the queue without a slot."""
        self.run(self.world.sleep(seconds))
        now = self.world.now()
        for visitor in [one for one in self.queueing if one.gives_up_at <= now]:
            self.queueing.remove(visitor)
            assert visitor.got is False

    @precondition(lambda self: self.holding)
    @rule(data=st.data())
    def give_back_what_is_not_held(self, data: st.DataObject) -> None:
        """Who has no slot, or not any more, gives none back."""
        leaving = self.forget_holder(data)
        release = partial(self.slots.release, leaving)
        self.run(self.do(release, release, partial(self.slots.release, Visitor(5, 0))))
        self.hand_over()

    @invariant()
    def the_model_agrees(self) -> None:
        """On how many hold a slot and how many queue."""
        assert self.slots.in_use == len(self.holding)
        assert self.slots.waiting == len(self.queueing)
        for priority in (0, 5, 9):
            ahead = sum(each.priority <= priority for each in self.queueing)
            assert self.slots.ahead_of(priority) == ahead
        assert all(visitor.got is True for visitor in self.holding)
        assert all(visitor.got is None for visitor in self.queueing)

    def teardown(self) -> None:
        """Everybody goes home; no slot is missing."""
        try:
            while self.queueing:
                self.run(self.do(self.forget_queuer(0).cancel))
            for visitor in self.holding:
                self.run(self.do(partial(self.slots.release, visitor)))
            assert self.slots.in_use == self.slots.waiting == 0
            for _ in range(self.limit):
                assert self.slots.take(object()) is True
            assert self.slots.take(object()) is False
        finally:
            self._entered.__exit__(None, None, None)

    # What the rules are made of.

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the world."""
        return self.world.run(work)

    async def do(self, *actions: Callable[[], None]) -> None:
        """Do things at one moment, and then let the visitors run."""
        for action in actions:
            action()
        await self.world.sleep(A_MOMENT)

    async def begin(self, visitor: Visitor, patience: float) -> None:
        """Let a visitor come."""

        async def visit() -> None:
            try:
                visitor.got = self.slots.take(visitor) or await self.queue(visitor, patience)
            except BaseException:
                self.slots.release(visitor)
                raise

        visitor.task = self.world.start(visit())
        await self.world.sleep(A_MOMENT)

    async def queue(self, visitor: Visitor, patience: float) -> bool | str:
        """Wait for a slot, as the bulkhead does."""
        place = self.slots.join(visitor, visitor.priority)
        if patience and place.refusal is None and not self.slots.holds(visitor):
            await place.bell.wait(patience)
        return self.slots.withdraw(visitor) or place.refusal or False

    def forget_holder(self, data: st.DataObject) -> Visitor:
        """Let a holder go in the model."""
        leaving = data.draw(st.sampled_from(self.holding))
        self.holding.remove(leaving)
        return leaving

    def forget_queuer(self, position: int) -> Task[None]:
        """Let somebody leave the queue in the model; return what he does in fact."""
        return self.forget(self.queueing[position % len(self.queueing)])

    def forget(self, visitor: Visitor) -> Task[None]:
        """Let this one leave it."""
        self.queueing.remove(visitor)
        return visitor.task

    def hand_over(self) -> None:
        """In the model, the next in the queue have what is free; who is too late is refused."""
        while self.queueing and len(self.holding) < self.limit:
            visitor = self.queueing.pop(0)
            if visitor.is_late:
                assert visitor.got == "deadline"
            else:
                assert visitor.got is True
                self.holding.append(visitor)


@pytest.mark.parametrize("name", WORLDS)
def test_the_slots_agree_with_the_model(name: str) -> None:
    """Whatever happens, in whatever order."""
    machine = type("Machine", (SlotsMachine,), {"world_name": name})
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=40, stateful_step_count=30, deadline=None, phases=QUICK),
    )
