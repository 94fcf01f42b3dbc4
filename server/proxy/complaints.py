"""What is wrong with a fault that was asked for: the field, the value, and what is allowed."""

from collections.abc import Mapping
from typing import TypedDict, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from .fault_models import MODELS


class Complaint(TypedDict):
    """One of them, in the form of FastAPI's own.

    Attributes:
        loc: Where; the last is the name of the field.
        input: What was given.
        msg: What is allowed.
    """

    loc: list[str]
    input: object
    msg: str


def complaints(error: ValidationError) -> list[Complaint]:
    """Say what is wrong with each field."""
    return [_complaint(one) for one in error.errors(include_url=False)]


def _complaint(error: ErrorDetails) -> Complaint:
    loc = [_writable(str(part)) for part in error["loc"]]
    given = error["input"]
    message = error["msg"]
    if error["type"].startswith("union_tag"):
        loc, message = ["kind"], f"give one of {', '.join(MODELS)}"
    elif error["type"] == "extra_forbidden":
        allowed = ", ".join(name for name in MODELS[loc[0]].model_fields if name != "kind")
        message = f"a {loc[0]} fault has no such option; it has {allowed}"
    elif error["type"] == "value_error":  # of the fault as a whole; it names the field first
        message = message.removeprefix("Value error, ")
        loc = [*loc, message.partition("=")[0]]
    elif not loc:
        loc, message = ["fault"], "give a JSON object with the kind of a fault and its options"
    return {"loc": ["body", *loc], "input": _shown(given, loc[-1]), "msg": message}


def _shown(given: object, name: str) -> object:
    value = cast("Mapping[str, object]", given).get(name) if isinstance(given, Mapping) else given
    if isinstance(value, str):
        return _writable(value)
    # JSON has no way to write some numbers that Python reads from it.
    return value if value is None or isinstance(value, int) else repr(value)


def _writable(text: str) -> str:
    """Escape halves of characters, which JSON can hold and UTF-8 cannot."""
    return text.encode("utf-8", "backslashreplace").decode()
