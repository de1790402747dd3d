"""HUM: `/api/outbound/calls`: places calls of flows, and lists the calls that went out."""

from __future__ import annotations

from functions.hum.outbound.schemas import OutboundCallList
from switchboard.call_records import service
from switchboard.call_records.models import CallFilters
from switchboard.calls import console
from switchboard.calls.console import OutboundRequest
from switchboard.dialects.hum.call_orders import CALL_INVALID, CALL_REFUSED, CallPlaced, OutboundCallInput
from switchboard.dialects.hum.call_views import CallSummaryRow
from switchboard.dialects.hum.dialect import Hum
from switchboard.dialects.hum.shapes import Cursor, Limit
from switchboard.edge.api import Api
from switchboard.team.permissions import Permission

api = Api(Hum(), "outbound", tags={"Outbound": "Calls that the organization places."})


@api.get(
    "/api/outbound/calls",
    summary="List calls that went out",
    operation_id="listOutboundCalls",
    description="The newest first, of every API, with their outcomes.",
    permission=Permission.CALLS_READ,
)
def list_outbound_calls(limit: Limit = 50, cursor: Cursor = None) -> OutboundCallList:
    rows, after = service.list_calls(api.member, CallFilters(direction="OUTBOUND"), limit, cursor)
    return OutboundCallList(calls=[CallSummaryRow.of(row) for row in rows], next_cursor=after)


@api.post(
    "/api/outbound/calls",
    summary="Place a call",
    operation_id="createOutboundCall",
    description="Accepts a call of an outbound flow, and dials it in a moment. By placing the call you state that the"
    " person gave you the number for such calls, unless a consent is stored. A flow that sells needs a written consent"
    " (set by the operator). The same flow calls a number once in five minutes.",
    permission=Permission.CALLS_PLACE,
    responses={400: CALL_INVALID, 403: CALL_REFUSED, 404: "There is no such flow."},
)
def create_outbound_call(request: OutboundCallInput) -> CallPlaced:
    call = console.place_outbound_call(api.member, OutboundRequest.model_validate(request.model_dump()))
    return CallPlaced.of(call)


handler = api.handler
