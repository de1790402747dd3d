"""HUM: `/api/health`, and the answer to whatever is at no path of any API."""

from __future__ import annotations

from typing import Any

from switchboard.aws import clock, settings
from switchboard.edge.api import Api
from switchboard.edge.dialects.hum import Hum

api = Api(Hum(), "account")


@api.get("/api/health", summary="Tell that the service is up", operation_id="getHealth", tag="System", public=True)
def health() -> dict[str, Any]:
    return {"ok": True, "stage": settings.stage(), "time": clock.stamp()}


@api.get("/api/me", summary="Read the signed-in user", operation_id="getMe", tag="User")
def me() -> dict[str, Any]:
    # No session exists before sign-in does, so that authentication refuses every caller of this route.
    raise AssertionError("unreachable")


handler = api.handler
