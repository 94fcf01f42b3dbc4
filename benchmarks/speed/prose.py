"""The words of `RESULTS.md`: what each number means to somebody who uses the library."""

from __future__ import annotations

from typing import Final

__all__ = ["GOALS", "HOW", "INTRODUCTION", "MEANINGS"]

INTRODUCTION: Final = """\
What protection costs, and what it buys, beside plain httpx and beside other libraries. This file
is written by `python -m benchmarks --write-results`; every number in it, and more, is in
`results/benchmarks.json`. Run it on your own machine: ratios travel, microseconds do not."""

HOW: Final = """\
Everything is measured in turns: in each round every contender makes one batch of the same calls,
in an order drawn anew. A ratio is taken within a round, and the table shows the median of the
rounds, with the first and third quartile in brackets. A ratio whose brackets contain 1 is no
difference that this run could see. Where one caller's call is compared with plain httpx's, a batch
of the latter is made right beside that of each contender, before and after it in turns. The garbage
collector runs before each batch and not in it. The server is a process of its own that answers from
memory with 1 KiB of JSON. Nobody waits between attempts, so that sleep is not measured; everybody
makes at most three."""

GOALS: Final = """\
A goal is reached when the median is. Those that are missed are shown as they are, and this is why:

- **The engine over one `AsyncRetrying`** that all calls share, tenacity's cheapest form, which its
  documentation does not show. A fifth of the time goes into counting: by target and outcome, with
  histograms of seconds, for `stats()` and whatever exporter asks later. Another fifth is what an
  attempt has of its own, so that two can be under way at once and each can be timed. The rest are
  the coroutines of the pipeline, the slot, the circuit, the budget and three readings of the clock.
- **The facade and the drop-in, one caller**: some 20 µs of Python above httpx's own, which is what
  a fifth on the null transport means. On the way are the engine, the checks of what the caller gave
  and of where a redirect leads, and the bounded unpacking of the answer. httpx takes a tenth longer
  for any request that has a header of its own, and the facade's `X-Request-ID` is one. Our httpx
  clients get a quarter back by looking for cookies only where an answer sets some. Over loopback
  the same microseconds are between 4 % and a seventh, where the async ones save the turn of the
  event loop that a write costs; over a network that takes a millisecond they are about 2 %.
- **Rejections by a whole `get`**: pybreaker's `call` raises an exception with a constant text. Ours
  raise one with the context that our errors promise: method, URL without its secrets, request id,
  seconds to recovery; they are counted by target, and summed up for the log. A drop-in client lets
  httpx build the request first, some 40 µs of its time. Our circuit by itself answers in half of
  pybreaker's time, but returns its answer where that raises.
- **The budget alone in an outage**: 0.2 of the calls, and ten retries for each second that the
  outage lasts; the longer the thousand callers take, the more of the latter. With the circuit on,
  as by default, the load falls to a sixth of what was asked for.
- **`ResilientClient, ClientConfig`**: see [Start-up](#start-up)."""

MEANINGS: Final[dict[str, str]] = {
    "protection": """\
How much longer a call takes because it is protected, when nothing fails. "httpx" is the client as
everybody writes it, `httpx.AsyncClient()`, and is 1 by definition; 1.10 means a tenth more.

- **Loopback** is what you would notice at the very most: a real connection, but to the next
  process. Over a network that takes a millisecond or more, the same microseconds are a smaller
  share.
- **The null transport** sends nothing, so that the share of the protection is as large as it can
  be. Look there to compare libraries, not to guess at your own calls.
- **50 and 200 callers** share one client. By default httpx keeps 20 connections and opens the
  others anew; "httpx, sized pool" keeps one for each caller, as a client with so many slots does.
  Each makes a call of every caller before those that are timed. With 200 that is not enough: httpx
  takes so long to open 200 connections at once that the first have been idle for the five seconds
  that it keeps them, so that "sized pool" and the facade over httpx show here what a burst costs a
  client that was quiet. One that stays busy keeps them, and a call costs what plain httpx's does.
  With one caller "sized pool" does the same as "httpx": how far its ratio is from 1 is the noise of
  this run.
- **CPU over httpx** counts the time of the processor only, of all threads. With one caller it is
  the steadier number.
- Those on **aiohttp** have httpx's interface over another library's connections: where many
  callers share a client, they are the cure.""",
    "engine": """\
The layers by themselves - bulkhead, circuit, retry with budget - around a call that does nothing,
beside the loop of tenacity around the same. This is what the library's own code adds to each
attempt-free call; what the tables above show on top is the translation to and from httpx, the
request id, the redirect rules. The allocations say how much a call under way holds, and what it
leaves for the garbage collector to find: near zero means that nothing is left in a circle.""",
    "cache": """\
What a call costs that is answered from what is kept, and what that spares the server. A **hit** is
compared with plain httpx's get on the null transport, which is the least that any call takes: over
a network it would take as long as the network does. hishel keeps in SQLite's memory here, for it
has no other. Of **equal misses at once** one is sent, and answers all. In the **outage** everything
that is read is kept and stale, and may stand in for an error.""",
    "telemetry": """\
How many microseconds of the processor a call of the facade takes more on the null transport because
somebody wants to know of it: the median of the differences to the client that nobody asks.
Prometheus and StatsD read what is counted anyway, outside of the call. What traces take is mostly
OpenTelemetry's: the SDK makes a span to learn that it is not sampled, and two for one that is.""",
    "failure": """\
A tenth and a half of the server's answers are 503; each caller goes on with his next call whatever
came of the last. Circuits are off here, because at half of the answers most of them would open.

- **Calls that succeed** is what retries buy: with three attempts, 99.9 % and 87.5 % by chance.
- **Requests a call** is what the server pays for it. The facade's budget lets retries add about a
  fifth to the load: at a tenth of failures it is never short, at half of them it gives up calls
  rather than double the load of a server that is in trouble already. "Budget off" shows the other
  choice.
- **Good answers** and **CPU** are what is left for the application.""",
    "outage": """\
Every answer is 503.

**The circuit is open**: what a call costs that is turned away. A rejection by one of ours is a
whole `get` that ends in an exception of httpx's or the library's tree, with the operation's
context. The others are the bare `call` of a circuit breaker around a function that is never
reached, which is the least that a rejection can be: no URL, no client.

**Callers by the thousand**: how many requests the server sees for each call. With the circuit off
the budget alone holds the load down: 1.2 is the share that it allows, and on top come ten a second
for as long as the calls take. Retries without a budget multiply the load by the number of
attempts. With the circuit on, calls that come after it opened do not reach the server at all.
Whoever has no queue of his own stands behind an `asyncio.Semaphore`.""",
    "scale": """\
**Origins**: a circuit for each origin, called in turns, so that each is met again only after all
the others: the worst case. An origin has a circuit from its first failure on, so that those that
never fail cost nothing; of the others the facade remembers 10,000. What httpx itself shows is what
the URLs cost anybody.

**The queue**: thousands of callers before a few slots, beside a semaphore written by hand. "Served
out of turn" counts callers who were overtaken. The memory of a waiter is his whole task.

**One client**: what Python allocates for it. OpenSSL's own memory, the larger part by far, is not
counted; make few clients and keep them.""",
    "startup": """\
What a new process pays before its first answer: it matters to command lines and to functions that
start cold. The start of the interpreter itself is subtracted, round by round. The ratio is of CPU
time, which other programs on the machine do not disturb. httpx's own command line, which it
imports where rich and click are installed, is left out on all sides.

`import client` imports each part at its first use: it is what a module pays that only mentions the
package. The drop-in clients do without pydantic. The facade's configuration does not: a bare
`import pydantic` loads little, and defining one model with one field loads the rest of it, which
with httpx is 1.8 of the baseline already. tenacity, structlog and pybreaker are imported when the
first client is made, so that a service in trouble does not wait for an import.""",
    "strategies": """\
What the strategies around the core buy, and what they cost. Most of it is simulated: the client is
the real one, time and server are played, so that the same seed gives the same numbers on any
machine. docs/strategies says when not to use each.

**A rate limit** is worth its configuration: where the rate is given, or the server tells it, hardly
anybody is refused, and the answers come as fast as the server gives them. Where it tells nothing
but `Retry-After`, all callers pause together and find the rate again from below, which costs a
quarter of what could be had. Retries that know nothing of each other get nearly the same number of
answers, but the server refuses three or four requests for each of them. A leaky bucket, as
aiolimiter's, keeps the rate too, but lets a second's worth through at once.

**The overload**: a fixed limit that is right is as good as one that adapts; nobody knows it, and
tomorrow it is another. With the queue's rule even one that is too small or several times too large
serves what the server can do; without the rule everybody is served too late for his deadline, and
nobody in time. What a limit that is too large costs is the time that the server makes every attempt
wait. Gradient2 as it was published takes a long overload for the measure of health, and lets its
limit rise.

**Hedges** cut off the tail that is due to chance, for a few per cent more requests. They do nothing
for a server that is slow as a whole: the budget is what keeps them from making that worse, and
"without a budget" shows what it spares the server.""",
    "endpoints": """\
Four servers of some 20 ms behind one client, and something happens to one of them. The first table
is played, with the client's own choice and the same chances each time; the second is told to real
servers in another process, by calls that come at random and seldom enough that the client's loop
is not what is measured.

**Ten times slower**: "least outstanding" sends a call to the slow server whenever that has as
little to do as another, and each of these is one of the slowest calls. "p2c" knows what an answer
takes there.

**Failing at once**: by latency alone the server that fails is the fastest of all, and draws a third
of all requests. A failure that counts against its server keeps all but a few away before it is even
ejected.

**Dead and back**: what it was asked when it died goes to the others, and no call fails. Its share
is counted from the end of its slow start; a tenth more or less is chance.""",
}
