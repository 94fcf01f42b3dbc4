"""Why a call ends early: the server refuses it, or its caller has gone."""


class RefusedError(Exception):
    """The server will not serve this call; no fault is behind it.

    Args:
        status: What it is answered with.
        detail: What was given, what is allowed, and what to do.
        hang_up: Whether the connection ends with the answer, as it must where a body is left
            unread.
    """

    def __init__(self, status: int, detail: str, *, hang_up: bool = False) -> None:
        super().__init__(status, detail)
        self.status = status
        self.detail = detail
        self.hang_up = hang_up


class CallerGoneError(Exception):
    """The connection was closed by the caller: there is no one left to answer."""
