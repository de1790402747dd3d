"""Athos: `/api/external/v1/calls*`."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.athos.calls.schemas import CallDetail, ListCallsResponse, Source, call_filter
from switchboard.dialects.athos.dialect import Athos
from switchboard.edge.api import Api
from switchboard.edge.fields import Timestamp
from switchboard.roleplay import calls as roleplay

#: A larger `limit` is accepted and returns this many calls.
MAX_PAGE_CALLS = 100

api = Api(Athos(), "calls", tag="Calls")


@api.get(
    "/api/external/v1/calls",
    summary="List scored calls",
    description="Sorted by the end of the call, newest first. Pages stay stable while calls are added.",
    operation_id="listCalls",
    responses={400: "A timestamp, a filter, the limit or the cursor is not valid."},
)
def list_calls(
    start: Annotated[Timestamp, Query(alias="from", description="Only calls that ended at this time or later.")],
    end: Annotated[
        Timestamp | None, Query(alias="to", description="Only calls that ended at this time or earlier.")
    ] = None,
    source: Annotated[Source | None, Query(description="The source of the calls.")] = None,  # noqa: ARG001 there is one source
    external_user_id: Annotated[
        str | None, Query(alias="externalUserId", description="Only calls of this rep.")
    ] = None,
    external_agency_id: Annotated[
        str | None, Query(alias="externalAgencyId", description="Only calls with this agency.")
    ] = None,
    limit: Annotated[
        int,
        Query(
            ge=1, description="The size of a page. Larger values than 100 mean 100.", json_schema_extra={"maximum": 100}
        ),
    ] = 50,
    cursor: Annotated[str | None, Query(description="`nextCursor` of the previous page.")] = None,
) -> ListCallsResponse:
    listed = call_filter(start, end, external_user_id, external_agency_id)
    found, after = roleplay.list_scored_calls(api.caller, listed, min(limit, MAX_PAGE_CALLS), cursor)
    return ListCallsResponse.of(found, after)


@api.get(
    "/api/external/v1/calls/<callId>",
    summary="Get a scored call",
    description="Returns the call with transcript and score.",
    operation_id="getCall",
    responses={404: "The tenant has no scored call with this id."},
)
def get_call(callId: str) -> CallDetail:  # noqa: N803 the contract's name of the parameter
    return CallDetail.of(roleplay.get_scored_call(api.caller, callId))


handler = api.handler
