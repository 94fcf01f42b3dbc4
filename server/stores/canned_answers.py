"""What a path is to answer, as a test says it: checked when it is set."""

import base64
import binascii
import json
import re
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ..limits import (
    MAX_DELAY_MS,
    MAX_ROUTE_ANSWERS,
    MAX_ROUTE_HEADERS,
    MAX_ROUTE_PATH_LENGTH,
)

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
CONTROLS = ("/fail", "/ledger", "/health")
_PARAMETER = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]*\}")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_FRAMING = {"content-length", "transfer-encoding", "connection"}
_BODILESS = {204, 205, 304}


def is_control(path: str) -> bool:
    """Whether a path is the server's own, whatever stands behind it."""
    return any(path == control or path.startswith(f"{control}/") for control in CONTROLS)


def _is_unicode(text: str) -> bool:
    """Whether UTF-8 can hold a text: JSON may bring halves of surrogate pairs."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class CannedAnswer(BaseModel):
    """One answer: a status, headers, and a body in one of three forms or none.

    Attributes:
        status: 200 to 599; default 200.
        json_: Sent as JSON; None is `null`, if it was given.
        text: Sent in UTF-8.
        content_base64: Bytes, encoded.
        headers: Header fields; a `Content-Type` here wins over that of the body.
        delay_ms: How late it is sent.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True, frozen=True)

    status: Annotated[int, Field(ge=200, le=599)] = 200
    json_: Annotated[Any, Field(alias="json")] = None
    text: str | None = None
    content_base64: str | None = None
    headers: Annotated[dict[str, str], Field(max_length=MAX_ROUTE_HEADERS)] = {}
    delay_ms: Annotated[float, Field(ge=0, le=MAX_DELAY_MS, allow_inf_nan=False)] = 0

    @field_validator("text")
    @classmethod
    def _check_text(cls, text: str | None) -> str | None:
        if not _is_unicode(text or ""):
            raise ValueError("half of a surrogate pair is no text; give content")
        return text

    @field_validator("content_base64")
    @classmethod
    def _check_content(cls, value: str | None) -> str | None:
        try:
            base64.b64decode(value or "", validate=True)
        except binascii.Error:
            raise ValueError("give bytes in Base64") from None
        return value

    @field_validator("headers")
    @classmethod
    def _check_headers(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            can_be_sent = _is_unicode(value) and not set(value) & set("\0\r\n")
            if not _TOKEN.fullmatch(name) or not can_be_sent:
                raise ValueError(f"HTTP cannot carry the header {name!r} with this value")
            if name.lower() in _FRAMING:
                raise ValueError(f"{name} is the server's to set; WireProxy breaks the framing")
        return headers

    @model_validator(mode="after")
    def _check_body(self) -> Self:
        given = self.model_fields_set & {"json_", "text", "content_base64"}
        if len(given) > 1:
            raise ValueError("give one of json, text and content")
        if given and self.status in _BODILESS:
            raise ValueError(f"an answer with status {self.status} has no body; give none")
        return self

    def body(self) -> tuple[bytes, str | None]:
        """Return the body and its media type."""
        if "json_" in self.model_fields_set:
            return json.dumps(self.json_).encode(), "application/json"
        if self.text is not None:
            return self.text.encode(), "text/plain; charset=utf-8"
        if self.content_base64 is not None:
            return base64.b64decode(self.content_base64), "application/octet-stream"
        return b"", None


class CannedRoute(BaseModel):
    """A path and what it answers.

    Attributes:
        path: Begins with `/`; `{name}` stands for any one segment.
        methods: Those it answers; None for all.
        answers: One for each call, in order; the last one for all after it.
        dedupe: Whether a request id that has had its effect has it no more.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True, frozen=True)

    path: Annotated[str, Field(max_length=MAX_ROUTE_PATH_LENGTH)]
    methods: Annotated[list[str], Field(min_length=1, max_length=len(METHODS))] | None = None
    answers: Annotated[list[CannedAnswer], Field(min_length=1, max_length=MAX_ROUTE_ANSWERS)]
    dedupe: bool = True

    @field_validator("path")
    @classmethod
    def _check_path(cls, path: str) -> str:
        if not path.startswith("/") or set(_PARAMETER.sub("", path)) & set("?#{} \t\r\n\0"):
            raise ValueError(
                "give a path that begins with / and has no query; {name} is any one segment"
            )
        if is_control(path):
            raise ValueError(f"{', '.join(CONTROLS)} and what is below them are the server's own")
        return path

    @field_validator("methods")
    @classmethod
    def _check_methods(cls, methods: list[str] | None) -> list[str] | None:
        if methods is None or set(methods) <= set(METHODS):
            return methods
        raise ValueError(f"give some of {', '.join(METHODS)}, or leave it out for all of them")

    def pattern(self) -> re.Pattern[str]:
        """Return what a path must match as a whole."""
        fixed = _PARAMETER.split(self.path)
        return re.compile("[^/]+".join(map(re.escape, fixed)))
