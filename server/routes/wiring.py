"""How the routes come by the state of the server they serve."""

from typing import Annotated, cast

from fastapi import Depends, FastAPI, Request

from ..calls.state import ServerState


def attach(app: FastAPI, state: ServerState) -> None:
    """Give `app` the state that its routes work on."""
    app.state.failure_server = state


async def _attached(request: Request) -> ServerState:
    return cast("ServerState", request.app.state.failure_server)


State = Annotated[ServerState, Depends(_attached)]
