"""The slots of both twins against a model: what is taken, who queues, who is next."""

from collections import deque
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

from client.ports.asyncio_ports import AsyncioPorts, AsyncioSlots
from client.ports.blocking_ports import BlockingPorts, BlockingSlots
from tests.behaviour.twins import WORLDS
from tests.behaviour.world import T, Task, World

QUICK = (Phase.reuse, Phase.generate)
"""Shrinking a failure takes longer than pytest lets a test run: add `Phase.shrink` by hand."""
A_MOMENT = 0.001
"""Long enough for everybody who can run to do so, far shorter than any patience."""


class Visitor:
    """Somebody who wants a slot."""

    def __init__(self, gives_up_at: float) -> None:
        self.gives_up_at = gives_up_at
        self.task: Task[None]
        self.got: bool | None = None


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
        self.queueing: deque[Visitor] = deque()
        self.slots: AsyncioSlots | BlockingSlots

    @initialize(limit=st.integers(1, 3))
    def open(self, limit: int) -> None:
        """Make the slots."""
        ports = AsyncioPorts() if self.world.is_async else BlockingPorts()
        self.slots = ports.slots(limit)

    @rule(patience=st.sampled_from([0, 0.5, 1.5, 3.5, 100.5]))
    def arrive(self, patience: float) -> None:
        """A visitor takes a slot, or queues for one, or gives up at once."""
        visitor = Visitor(self.world.now() + patience)
        expected = len(self.holding) < self.slots.limit
        self.run(self.begin(visitor, patience))
        if expected:
            self.holding.append(visitor)
            assert visitor.got is True
        elif patience:
            self.queueing.append(visitor)
            assert visitor.got is None
        else:
            assert visitor.got is False

    @precondition(lambda self: self.holding)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        """A slot given back goes to the one who has queued longest."""
        leaving = self.forget_holder(data)
        self.run(self.do(partial(self.slots.release, leaving)))
        self.hand_over()

    @precondition(lambda self: self.holding and self.queueing)
    @rule(data=st.data())
    def leave_while_the_next_is_cancelled(self, data: st.DataObject) -> None:
        """A slot given to somebody who is interrupted before he can take it goes further."""
        leaving = self.forget_holder(data)
        self.run(self.do(partial(self.slots.release, leaving), self.forget_queuer(0).cancel))
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

    @rule(seconds=st.integers(1, 3))
    def wait(self, seconds: int) -> None:
        """Those whose patience ends leave the queue without a slot."""
        self.run(self.world.sleep(seconds))
        now = self.world.now()
        for visitor in [one for one in self.queueing if one.gives_up_at <= now]:
            self.queueing.remove(visitor)
            assert visitor.got is False

    @invariant()
    def the_model_agrees(self) -> None:
        """On how many hold a slot and how many queue."""
        assert self.slots.in_use == len(self.holding)
        assert self.slots.waiting == len(self.queueing)
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
            for _ in range(self.slots.limit):
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
            slots = self.slots
            visitor.got = slots.take(visitor) or await slots.queue(visitor, patience)

        visitor.task = self.world.start(visit())
        await self.world.sleep(A_MOMENT)

    def forget_holder(self, data: st.DataObject) -> Visitor:
        """Let a holder go in the model."""
        leaving = data.draw(st.sampled_from(self.holding))
        self.holding.remove(leaving)
        return leaving

    @precondition(lambda self: self.holding)
    @rule(data=st.data())
    def give_back_what_is_not_held(self, data: st.DataObject) -> None:
        """Who has no slot, or not any more, gives none back."""
        leaving = self.forget_holder(data)
        release = partial(self.slots.release, leaving)
        self.run(self.do(release, release, partial(self.slots.release, Visitor(0))))
        self.hand_over()

    def forget_queuer(self, position: int) -> Task[None]:
        """Let somebody leave the queue in the model; return what he does in fact."""
        visitor = self.queueing[position % len(self.queueing)]
        self.queueing.remove(visitor)
        return visitor.task

    def hand_over(self) -> None:
        """In the model, the first in the queue has the slot that came free."""
        if self.queueing:
            visitor = self.queueing.popleft()
            assert visitor.got is True
            self.holding.append(visitor)


@pytest.mark.parametrize("name", WORLDS)
def test_the_slots_agree_with_the_model(name: str) -> None:
    """Whatever happens, in whatever order."""
    machine = type("Machine", (SlotsMachine,), {"world_name": name})
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=30, stateful_step_count=25, deadline=None, phases=QUICK),
    )
