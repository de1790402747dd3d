"""Athos: `/api/external/v1/calls*`. No path is served yet; strangers and unknown paths are answered."""

from __future__ import annotations

from switchboard.edge.api import Api
from switchboard.edge.dialects.athos import Athos
from switchboard.errors import Unavailable

api = Api(Athos(), "calls")


@api.get("/api/external/v1/calls", summary="List scored calls", operation_id="listCalls", tag="Calls")
def calls() -> None:
    raise Unavailable("Calls are not offered yet.")


handler = api.handler
