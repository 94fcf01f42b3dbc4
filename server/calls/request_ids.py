"""By which id a call is known: the caller's, if it gave one, else a new one."""

import re

from ..limits import REQUEST_ID_ALPHABET, REQUEST_ID_LENGTH
from ..stores.ledger_store import new_uuid
from .refusal import RefusedError

_ALLOWED = re.compile(rf"[A-Za-z0-9._~-]{{1,{REQUEST_ID_LENGTH}}}")
_SHOWN = 40  # characters of a bad id that an error repeats


def choose_request_id(x_request_id: str | None, idempotency_key: str | None) -> str:
    """Return the id of a call.

    Args:
        x_request_id: The `X-Request-ID` header; it wins.
        idempotency_key: The `Idempotency-Key` header, bare or in the quotes that the IETF draft
            asks for.

    Raises:
        RefusedError: 422 if the header that counts holds no valid id.
    """
    if x_request_id is not None:
        return _checked("X-Request-ID", x_request_id)
    if idempotency_key is not None:
        return _checked("Idempotency-Key", _unquoted(idempotency_key))
    return new_uuid()


def _unquoted(key: str) -> str:
    quoted = len(key) > 1 and key[0] == key[-1] == '"'
    return key[1:-1] if quoted else key


def _checked(header: str, request_id: str) -> str:
    if _ALLOWED.fullmatch(request_id):
        return request_id
    raise RefusedError(
        422,
        f"{header} is {request_id[:_SHOWN]!r} ({len(request_id)} characters); "
        f"give 1 to {REQUEST_ID_LENGTH} of {REQUEST_ID_ALPHABET}, or leave the header out",
    )
