"""What a page elsewhere must have said, so that it can be shown: whoever answers may be anybody."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["check_state"]

_Time = Annotated[float, Field(ge=0, le=1e11, allow_inf_nan=False)]
"""Seconds since the epoch, of a year that calendars know."""
_Number = Annotated[float, Field(ge=0, le=1e18, allow_inf_nan=False)]
_Text = Annotated[str, Field(max_length=1000)]


class _Part(BaseModel):
    """A part of a state; a later version may say more."""

    model_config = ConfigDict(strict=True, extra="ignore")


class _Process(_Part):
    pid: _Number
    worker: _Text
    host: _Text
    started: _Time
    version: _Text


class _Columns(_Part):
    targets: list[_Text]
    endpoints: list[_Text] = Field(default_factory=list[str])
    transitions: list[_Text]


class _Target(_Part):
    target: _Text
    state: _Text | None
    since: _Time | None
    last_error: _Text | None
    reason: _Text | None
    operations: _Number
    errors: _Number
    attempts: _Number
    operations_with_attempts: _Number
    active: _Number
    p50: _Number | None
    p99: _Number | None


class _Endpoint(_Part):
    endpoint: _Text
    state: _Text
    cause: _Text | None
    weight: _Number
    outstanding: _Number
    attempts: _Number
    errors: _Number
    p50: _Number | None
    p99: _Number | None


class _Transition(_Part):
    at: _Time
    circuit: _Text
    to: _Text
    cause: _Text
    detail: _Text


class _Client(_Part):
    id: _Number
    name: _Text
    kind: _Text
    closed: bool
    circuit: tuple[_Text, _Text, _Time, _Text | None, _Text | None] | None
    slots: tuple[_Number, _Number, _Number] | None
    limit: tuple[_Time, _Number, _Text] | None = None
    rate_limit: tuple[_Number, _Number, _Time | None] | None = None
    budget: _Number | None
    hedges: tuple[_Number, _Number] | None = None
    endpoints: list[list[Any]] | None = None
    targets: list[list[Any]]
    transitions: list[list[Any]]


class _State(_Part):
    process: _Process
    columns: _Columns
    clients: list[_Client]


def check_state(body: bytes) -> None:
    """Look whether what was answered can be shown as a state.

    Raises:
        ValueError: It cannot.
    """
    state = _State.model_validate_json(body)
    for client in state.clients:
        for row in client.targets:
            _Target.model_validate(dict(zip(state.columns.targets, row, strict=True)))
        for row in client.endpoints or ():
            _Endpoint.model_validate(dict(zip(state.columns.endpoints, row, strict=True)))
        for row in client.transitions:
            _Transition.model_validate(dict(zip(state.columns.transitions, row, strict=True)))
