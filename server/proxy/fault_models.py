"""The faults of the wire proxy as they are asked for: their names, options and bounds."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self, cast

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from ..limits import (
    MAX_BYTES_PER_SECOND,
    MAX_FAULT_COUNT,
    MAX_FAULT_SECONDS,
    MAX_INJECTED_BYTES,
    MAX_LATENCY_MS,
    MAX_OFFSET_BYTES,
)

Place = Literal["stream", "before_head", "in_head", "after_head", "in_body"]
Stream = Literal["downstream", "upstream"]
Ending = Literal["fin", "rst"]

Offset = Annotated[int, Field(ge=0, le=MAX_OFFSET_BYTES)]
Milliseconds = Annotated[float, Field(ge=0, le=MAX_LATENCY_MS)]


class WireFault(BaseModel):
    """What all faults share: the connections that they strike.

    Without `count` and `percent` a fault strikes every connection, those already open included,
    until it is removed.

    Attributes:
        kind: The name of the fault.
        count: Strike the next so many connections, 1 to 1,000,000.
        percent: Strike each new connection with this chance in 100, above 0.
        seed: Where the fault's chance begins; by default it follows from the proxy's seed.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False
    )

    count: int | None = Field(default=None, ge=1, le=MAX_FAULT_COUNT)
    percent: float | None = Field(default=None, gt=0, le=100)
    seed: int | None = Field(default=None, ge=-(2**63), lt=2**63)

    @model_validator(mode="after")
    def _choose_one_way(self) -> Self:
        if self.count is not None and self.percent is not None:
            raise ValueError(
                f"count={self.count} and percent={self.percent:g} exclude each other; give one, "
                "or neither to strike every connection until reset"
            )
        return self


class PlacedFault(WireFault):
    """A fault that strikes at one place of what passes.

    Attributes:
        at: `before_head` (of an answer, or of a request for the upstream stream), `in_head`,
            `after_head`, `in_body`, or `stream`: at an offset that any protocol has. Alone
            `after_bytes` means `stream`.
        after_bytes: How many bytes still pass: of the head for `in_head` (default: its first
            line), of the body for `in_body` (default 1), for `stream` of all that passes after
            the fault has met the connection (default 0).
        stream: The direction: `downstream` (default) to the client, `upstream` from it.
    """

    at: Place = "before_head"
    after_bytes: Offset | None = None
    stream: Stream = "downstream"

    @model_validator(mode="before")
    @classmethod
    def _count_in_the_stream(cls, given: object) -> object:
        if not isinstance(given, Mapping):
            return given
        options = cast("Mapping[str, object]", given)
        if options.get("after_bytes") is not None and "at" not in options:
            return {**options, "at": "stream"}
        return options

    @model_validator(mode="after")
    def _count_where_there_is_something_to_count(self) -> Self:
        if self.at in {"before_head", "after_head"} and self.after_bytes is not None:
            raise ValueError(
                f"after_bytes={self.after_bytes} has no meaning with at={self.at!r}; leave it "
                "out, or use at='stream', 'in_head' or 'in_body'"
            )
        if self.at in {"in_head", "in_body"} and self.after_bytes == 0:
            cure = "before_head" if self.at == "in_head" else "after_head"
            raise ValueError(
                f"after_bytes=0 with at={self.at!r} must be 1 or more; use at={cure!r} instead"
            )
        return self


class Refuse(WireFault):
    """Turn connections away: the port is closed or, by `count` or `percent`, they are reset."""

    kind: Literal["refuse"] = "refuse"


class Reset(PlacedFault):
    """End the connection by RST."""

    kind: Literal["reset"] = "reset"


class Cut(PlacedFault):
    """End the connection short of what it was to carry.

    Attributes:
        by: `fin` (default), an end in good order, or `rst`.
    """

    kind: Literal["cut"] = "cut"
    at: Place = "in_body"
    by: Ending = "fin"


class Stall(PlacedFault):
    """Let nothing more pass in this direction.

    Attributes:
        seconds: For how long, up to an hour; by default until the fault is removed, but no
            longer than that hour.
    """

    kind: Literal["stall"] = "stall"
    seconds: float = Field(default=MAX_FAULT_SECONDS, gt=0, le=MAX_FAULT_SECONDS)


class Drip(PlacedFault):
    """Let the rest of an answer pass in small pieces, each after a pause.

    Attributes:
        size: Bytes of a piece, default 1.
        interval_ms: The pause before each, default 100.
    """

    kind: Literal["drip"] = "drip"
    size: int = Field(default=1, ge=1, le=MAX_INJECTED_BYTES)
    interval_ms: Milliseconds = 100.0


class Bandwidth(WireFault):
    """Let no more than so many bytes pass in a second.

    Attributes:
        bytes_per_second: The limit, for each connection.
        stream: The direction.
    """

    kind: Literal["bandwidth"] = "bandwidth"
    bytes_per_second: int = Field(ge=1, le=MAX_BYTES_PER_SECOND)
    stream: Stream = "downstream"


class Latency(WireFault):
    """Begin each answer later.

    Attributes:
        ms: By how much, up to 60,000.
        jitter_ms: How far the chance of the seed may take it up or down, default 0.
        stream: The direction; upstream delays requests.
    """

    kind: Literal["latency"] = "latency"
    ms: Milliseconds
    jitter_ms: Milliseconds = 0.0
    stream: Stream = "downstream"


class InjectingFault(WireFault):
    """A fault that sends bytes of its own.

    Attributes:
        size: That many by the chance of the seed, default 64; none if `text` is given.
        text: Exactly these, in UTF-8.
    """

    size: int = Field(default=64, ge=1, le=MAX_INJECTED_BYTES)
    text: str | None = Field(default=None, min_length=1, max_length=MAX_INJECTED_BYTES // 4)


class Garbage(InjectingFault):
    """Send nonsense in place of an answer, and end the connection.

    Attributes:
        by: How it ends: `fin` (default) or `rst`.
    """

    kind: Literal["garbage"] = "garbage"
    by: Ending = "fin"


class Surplus(InjectingFault):
    """Send bytes that nobody asked for, and go on.

    Attributes:
        after_bytes: Where in the stream; by default, which needs plaintext HTTP/1.1, right
            after each answer.
    """

    kind: Literal["surplus"] = "surplus"
    after_bytes: Offset | None = None


class CloseIdle(WireFault):
    """Close connections that wait for the client's next request.

    Attributes:
        by: `fin` (default) or `rst`.
        on: `idle` (default) closes after a silence, `reuse` with the first byte of the next
            request, the moment that a client cannot foresee.
        after_ms: The silence, default 100.
    """

    kind: Literal["close_idle"] = "close_idle"
    by: Ending = "fin"
    on: Literal["idle", "reuse"] = "idle"
    after_ms: Milliseconds = 100.0


AnyFault = Annotated[
    Refuse | Reset | Cut | Stall | Drip | Bandwidth | Latency | Garbage | Surplus | CloseIdle,
    Field(discriminator="kind"),
]
FaultName = Literal[
    "refuse",
    "reset",
    "cut",
    "stall",
    "drip",
    "bandwidth",
    "latency",
    "garbage",
    "surplus",
    "close_idle",
]
FAULT: TypeAdapter[AnyFault] = TypeAdapter(AnyFault)
MODELS: dict[str, type[WireFault]] = {
    "refuse": Refuse,
    "reset": Reset,
    "cut": Cut,
    "stall": Stall,
    "drip": Drip,
    "bandwidth": Bandwidth,
    "latency": Latency,
    "garbage": Garbage,
    "surplus": Surplus,
    "close_idle": CloseIdle,
}
