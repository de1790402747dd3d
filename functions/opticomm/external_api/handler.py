"""OptiComm: `/functions/v1/external-api`. It knows no action yet, and says so."""

from __future__ import annotations

from typing import Any

from switchboard.edge.api import Api
from switchboard.edge.dialects.opticomm import OptiComm
from switchboard.errors import Invalid

api = Api(OptiComm(), "external_api")


@api.post(
    "/functions/v1/external-api",
    summary="Execute an action",
    operation_id="externalApiAction",
    tag="External API",
)
def act() -> dict[str, Any]:
    raise Invalid("Unknown action.", code="unknown_action")


handler = api.handler
