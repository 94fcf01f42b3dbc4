"""Copies of exceptions, so that two who get the same one do not change each other's."""

from __future__ import annotations

from typing import TypeVar

__all__ = ["copied"]

ErrorT = TypeVar("ErrorT", bound=BaseException)


def copied(error: ErrorT) -> ErrorT:
    """Return a copy: raised, it gets a traceback of its own, and notes are its own too.

    Its cause is the same object, and what it was raised in the middle of is left out. What refuses
    to be copied is returned as it is.
    """
    kind = type(error)
    try:
        twin = kind.__new__(kind, *error.args)
        twin.args = error.args
        state = dict(vars(error))
        if "__notes__" in state:
            state["__notes__"] = list(state["__notes__"])
        vars(twin).update(state)
    except Exception:  # noqa: BLE001 - a foreign class may be made in any way
        return error
    twin.__cause__ = error.__cause__
    return twin
