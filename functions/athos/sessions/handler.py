"""Athos: `/api/external/v1/session`. No path is served yet; strangers and unknown paths are answered."""

from __future__ import annotations

from switchboard.edge.api import Api
from switchboard.edge.dialects.athos import Athos
from switchboard.errors import Unavailable

api = Api(Athos(), "sessions")


@api.post("/api/external/v1/session", summary="Mint a session token", operation_id="mintSession", tag="Sessions")
def mint() -> None:
    raise Unavailable("Sessions are not offered yet.")


handler = api.handler
