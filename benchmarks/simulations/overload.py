"""A server with more work than it can do, behind one client with a bulkhead.

Ten workers of exponential service time do 200 requests a second in all, in the order in which they
come, and finish what nobody waits for any more. Callers have a second of patience. What runs is the
client's own: engine, bulkhead, adaptive limit; only the exchange and the time are played.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from client import APITimeoutError, BulkheadConfig, MyAPIError
from client.engine.engine import Engine
from client.engine.layer import Failure
from client.engine.notifiers import Notifiers
from client.engine.operation import Attempt, Call
from client.engine.plan import Plan
from client.pipeline import pipeline
from client.ports.asyncio_ports import AsyncioPorts
from client.strategies.bulkhead.gate import Bulkhead

from benchmarks.simulations.virtual_loop import VirtualLoop

CAPACITY: Final = 200.0
WORKERS: Final = 10
PATIENCE: Final = 1.0


class Server:
    """The workers, and the queue before them."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._queue: deque[asyncio.Future[None]] = deque()
        self._busy = 0
        self.mean = WORKERS / CAPACITY

    async def serve(self) -> None:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._queue.append(done)
        self._work()
        await done

    def _work(self) -> None:
        while self._busy < WORKERS and self._queue:
            self._busy += 1
            seconds = self._chance.expovariate(1 / self.mean)
            asyncio.get_running_loop().call_later(seconds, self._finish, self._queue.popleft())

    def _finish(self, done: asyncio.Future[None]) -> None:
        self._busy -= 1
        if not done.done():
            done.set_result(None)
        self._work()


class PlayedExchange:
    attempt_kind: type[Attempt] = Attempt
    sees_requests = True

    def __init__(self, server: Server, note) -> None:
        self._server = server
        self._note = note

    async def send(self, attempt, left):
        await self._server.serve()
        self._note(attempt)

    async def discard(self, failure): ...
    async def abandon(self, failure): ...
    async def keep(self, failure): ...
    def can_replay(self): return True
    def settle_for(self, failure): return True
    def failure_of(self, attempt, response): return None
    def look_again(self, response): raise NotImplementedError
    def failure_from(self, attempt, error):
        return Failure(APITimeoutError("x"))


@dataclass
class Run:
    good: list = field(default_factory=list)  # (ended, op seconds)
    attempts: list = field(default_factory=list)  # (ended, seconds)
    limits: list = field(default_factory=list)
    failed: dict = field(default_factory=dict)


def simulate(config, phases, seed=1, bulkhead_kind=Bulkhead, total=PATIENCE):
    """phases: (seconds, offered/s, capacity share)."""
    run = Run()
    chance = random.Random(seed)

    async def main():
        loop = asyncio.get_running_loop()
        server = Server(chance)
        ports = AsyncioPorts()
        engine = Engine(ports)
        bulkhead = bulkhead_kind(config, ports)
        parts = pipeline(bulkhead=bulkhead, adaptive_limit=bulkhead.adaptive, circuit=None, retry=None)
        plan = Plan(parts, Notifiers(()), total)
        def note(attempt):
            run.attempts.append((loop.time(), loop.time()-attempt.started))
        exchange = PlayedExchange(server, note)
        tasks=set()
        async def call():
            began = loop.time()
            c = Call(method="GET", target="http://s.test/", host=engine, plan=plan, total=total)
            try:
                await engine.run(c, exchange)
            except MyAPIError as e:
                k=type(e).__name__
                run.failed[k]=run.failed.get(k,0)+1
                return
            run.good.append((loop.time(), loop.time()-began))
        async def watch():
            while True:
                run.limits.append((loop.time(), bulkhead.slots.limit, bulkhead.slots.in_use, bulkhead.slots.waiting))
                await asyncio.sleep(1)
        w = asyncio.create_task(watch())
        for seconds, offered, share in phases:
            server.mean = WORKERS / CAPACITY / share
            end = loop.time() + seconds
            while True:
                gap = chance.expovariate(offered)
                if loop.time() + gap > end:
                    await asyncio.sleep(end - loop.time()); break
                await asyncio.sleep(gap)
                t = asyncio.create_task(call()); tasks.add(t); t.add_done_callback(tasks.discard)
        w.cancel()
        for t in tasks: t.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())
    return run

def stats(run, a, b):
    good=[s for t,s in run.good if a<=t<b]; at=sorted(s for t,s in run.attempts if a<=t<b)
    g=sorted(good)
    p=lambda x,q: x[int(q*len(x))] if x else float('nan')
    return len(good)/(b-a), p(g,.5), p(g,.99), p(at,.5), p(at,.99)
