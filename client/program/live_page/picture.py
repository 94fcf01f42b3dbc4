"""The page as tables on the terminal, by rich: rates are worked out from what was seen before.

What is shown comes from elsewhere: none of its characters is left to the terminal to obey.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .watch import Glance

__all__ = ["Picture"]

_SHAPES: Final = {"isolated": "◆", "open": "■", "half-open": "▲", "closed": "○"}
"""By state, the worst first."""
_STYLES: Final = {"open": "bold red", "half-open": "bold yellow", "isolated": "bold magenta"}
_WORST_FIRST: Final = {name: rank for rank, name in enumerate(_SHAPES)}
_HEADS: Final = {
    "state": 0,
    "target": 0,
    "since": 70,
    "calls": 60,
    "errors": 0,
    "p50": 100,
    "p99": 80,
    "attempts": 110,
}
"""The columns, and how wide a terminal must be to have them."""
_NUMBERS: Final = frozenset({"calls", "errors", "p50", "p99", "attempts"})
_TRANSITIONS: Final = 5
_FEWEST_ROWS: Final = 3
_LINES_OF_A_CLIENT: Final = 8
"""Of the smallest one: its name, the head of its table, some targets, a transition."""
_LINES_BESIDE_ROWS: Final = 4


class Picture:
    """Draws.

    Args:
        out: Where to.
        url: Of the page, as it may be shown.
    """

    def __init__(self, out: TextIO, url: str) -> None:
        self._url = url
        self._console = Console(file=out, highlight=False)
        self._live = Live(console=self._console, auto_refresh=False)
        self._before: dict[tuple[Any, ...], tuple[float, int, int]] = {}
        self._last: Glance | None = None
        self._has_begun = False

    def show(self, glance: Glance) -> None:
        """Draw what was seen, or how old it is."""
        if not self._has_begun:
            self._has_begun = True
            self._live.start()
        self._live.update(self._drawn(glance), refresh=True)

    def end(self) -> None:
        """Leave the last picture on the terminal."""
        if self._has_begun:
            self._live.stop()

    def _drawn(self, glance: Glance) -> Group:
        if glance.state is not None:
            self._last = glance
        shown = self._last
        if shown is None or shown.state is None:
            return Group(_text(str(glance.error), "bold red"))
        parts: list[Any] = [self._head(shown.state)]
        if glance.error is not None:
            parts.append(_text(f"stale since {_clock(shown.at)}: {glance.error}", "bold red"))
        parts += self._clients(shown.state["clients"], shown)
        return Group(*parts)

    def _head(self, state: Any) -> Text:
        process = state["process"]
        where = f"process {process['pid']} ({process['worker']}) on {process['host']}"
        return _text(self._url, "bold").append_text(
            _text(f"  {where}; other workers have pages of their own")
        )

    def _clients(self, clients: list[Any], glance: Glance) -> Iterator[Any]:
        """Draw as many as there is room for, the worst first."""
        most = max(1, self._console.height // _LINES_OF_A_CLIENT)
        rows = [_records(glance, "targets", client["targets"]) for client in clients]
        ranked = sorted(zip(clients, rows, strict=True), key=lambda each: _worst(*each))
        for client, targets in ranked[:most]:
            room = (self._console.height - 2) // min(most, len(clients))
            yield from self._client(client, sorted(targets, key=_rank), glance, room)
        if len(clients) > most:
            yield _text(f"and {len(clients) - most} more clients", "dim")

    def _client(
        self, client: Any, targets: list[dict[str, Any]], glance: Glance, room: int
    ) -> Iterator[Any]:
        transitions = client["transitions"][: min(_TRANSITIONS, room // _LINES_BESIDE_ROWS)]
        most = _fitting(targets, room - _LINES_BESIDE_ROWS - len(transitions))
        yield _title(client)
        yield from _endpoints(_records(glance, "endpoints", client.get("endpoints") or []))
        yield self._table(client, targets[:most], glance)
        if len(targets) > most:
            yield _text(f"and {len(targets) - most} more targets", "dim")
        for each in _records(glance, "transitions", transitions):
            line = _text(f"{_clock(each['at'])}  {each['circuit']}  ")
            what = _text(f"  {each['cause']}  {each['detail']}")
            yield line.append_text(_state(each["to"])).append_text(what)

    def _table(self, client: Any, targets: list[dict[str, Any]], glance: Glance) -> Table:
        table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
        heads = [head for head, width in _HEADS.items() if self._console.width >= width]
        for head in heads:
            table.add_column(
                head,
                justify="right" if head in _NUMBERS else "left",
                overflow="fold",
                no_wrap=head != "target",
            )
        for target in targets:
            cells = self._cells(client, target, glance)
            table.add_row(*(cells[head] for head in heads))
        return table

    def _cells(self, client: Any, target: dict[str, Any], glance: Glance) -> Mapping[str, Text]:
        calls, errors = self._rates(client, target, glance)
        attempted = target["operations_with_attempts"]
        plain = {
            "since": "" if target["since"] is None else _clock(target["since"]),
            "calls": calls,
            "errors": errors,
            "p50": _duration(target["p50"]),
            "p99": _duration(target["p99"]),
            "attempts": f"{target['attempts'] / attempted:.2f}" if attempted else "",
        }
        cells = {head: _text(text) for head, text in plain.items()}
        return {"state": _state(target["state"]), "target": _target(target), **cells}

    def _rates(self, client: Any, target: dict[str, Any], glance: Glance) -> tuple[str, str]:
        process = (glance.state or {})["process"]
        key = (process["pid"], process["started"], client["id"], target["target"])
        now = (glance.at, target["operations"], target["errors"])
        before = self._before.get(key)
        if before is None or glance.at > before[0]:
            self._before[key] = now
        if before is None or glance.at <= before[0]:
            return "", ""
        seconds = glance.at - before[0]
        calls, errors = ((now[at] - before[at]) / seconds for at in (1, 2))
        return f"{calls:.1f}/s", f"{errors:.1f}/s"


def _records(glance: Glance, kind: str, rows: Any) -> list[dict[str, Any]]:
    columns = (glance.state or {})["columns"][kind]
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _fitting(targets: list[dict[str, Any]], lines: int) -> int:
    """Return how many targets fit into so many lines, or the fewest that are shown."""
    for count, target in enumerate(targets):
        lines -= 2 if target["last_error"] or target["reason"] else 1
        if lines < 0 and count >= _FEWEST_ROWS:
            return count
    return len(targets)


def _rank(target: dict[str, Any]) -> int:
    return _WORST_FIRST.get(target["state"] or "", len(_WORST_FIRST))


def _worst(client: Any, targets: list[dict[str, Any]]) -> int:
    of_all = {"state": client["circuit"][1]} if client["circuit"] else {"state": None}
    return min(map(_rank, [*targets, of_all]))


def _endpoints(endpoints: list[dict[str, Any]]) -> Iterator[Text]:
    """Draw how many endpoints are in, and which are not."""
    if not endpoints:
        return
    others = [each for each in endpoints if each["state"] != "in"]
    text = _text(f"{len(endpoints) - len(others)} of {len(endpoints)} endpoints in")
    for each in others:
        why = f" ({each['cause']})" if each["cause"] else ""
        text.append_text(_text(f"; {each['endpoint']} {each['state']}{why}"))
    yield text


def _title(client: Any) -> Text:
    title = [client["name"], client["kind"]]
    title += ["closed"] * client["closed"]
    if client["slots"]:
        used, waiting, limit = client["slots"]
        changed = client.get("limit")
        why = f" (limit was {changed[1]:g}: {changed[2]})" if changed else ""
        title.append(f"{used:g} of {limit:g} slots{why}, {waiting:g} waiting")
    if limited := client.get("rate_limit"):
        paused = f", {limited[1]:g} paused" if limited[1] else ""
        title.append(f"rate limit: {limited[0]:g} waiting{paused}")
    if client["budget"] is not None:
        title.append(f"budget {client['budget']}")
    if hedges := client.get("hedges"):
        title.append(f"hedges {hedges[0]:g} sent, {hedges[1]:g} won")
    text = _text("  ".join(title), "bold")
    if client["circuit"]:
        text.append("  circuit ").append_text(_state(client["circuit"][1]))
    return text


def _target(target: dict[str, Any]) -> Text:
    """Draw what a target is called, and below it what was wrong there."""
    reason = None if target["reason"] is None else f"“{target['reason']}”"
    wrong = "; ".join(each for each in (target["last_error"], reason) if each)
    text = _text(target["target"])
    return text.append("\n").append_text(_text(wrong, "dim")) if wrong else text


def _state(name: str | None) -> Text:
    shown = "no circuit" if name is None else f"{_SHAPES.get(name, '?')} {name}"
    return _text(shown, _STYLES.get(name or "", ""))


def _text(text: str, style: str = "") -> Text:
    """Return a text without what a terminal would obey."""
    return Text("".join(each if each.isprintable() else "\ufffd" for each in text), style)


def _clock(seconds: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(seconds))


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"
