"""OptiComm: `/functions/v1/external-api`."""

from __future__ import annotations

from functools import partial

from functions.opticomm.external_api.schemas import (
    ActionRequest,
    ActionResponse,
    CheckStatusRequest,
    CheckStatusResponse,
    InitiateCallRequest,
    InitiateCallResponse,
)
from switchboard.calls import initiation
from switchboard.dialects.opticomm.dialect import OptiComm, count_beside
from switchboard.edge.api import Api
from switchboard.errors import Invalid

api = Api(OptiComm(), "external_api", tag="External API")


@api.post(
    "/functions/v1/external-api",
    summary="Start a call, or check its status",
    description="`action` selects the operation, and so the schema of the body and of the response.",
    operation_id="externalApiAction",
    responses={404: "The agent or the call does not exist."},
)
def run_action(request: ActionRequest) -> ActionResponse:
    if isinstance(request.root, InitiateCallRequest):
        return ActionResponse(_initiate_call(request.root))
    return ActionResponse(_check_status(request.root))


def _initiate_call(request: InitiateCallRequest) -> InitiateCallResponse:
    placed = initiation.initiate_call(api.caller, request.to_call_request(), partial(count_beside, api.exchange))
    return InitiateCallResponse.of(placed.call, duplicate=placed.duplicate)


def _check_status(request: CheckStatusRequest) -> CheckStatusResponse:
    if not (request.call_id or request.request_id):
        raise Invalid("Name the call: send a call_id or a request_id.", code="missing_call_id")
    with count_beside(api.exchange):
        return CheckStatusResponse.of(
            initiation.get_call(api.caller, request.call_id or None, request.request_id or None)
        )


handler = api.handler
