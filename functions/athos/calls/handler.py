"""Athos: `/api/external/v1/calls*`."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.athos.calls.schemas import CallDetail, ListCallsResponse, Source, window
from switchboard.edge.api import Api
from switchboard.edge.dialects.athos import Athos
from switchboard.edge.fields import Moment
from switchboard.roleplay import service as roleplay

#: More are asked for in vain: the page holds so many.
LARGEST_PAGE = 100

api = Api(Athos(), "calls")


@api.get(
    "/api/external/v1/calls",
    summary="List scored calls",
    description="Newest first by their end. Pages are stable while calls are added.",
    operation_id="listCalls",
    tag="Calls",
    responses={400: "A moment, a filter, the limit or the cursor is not valid."},
)
def listing(
    start: Annotated[Moment, Query(alias="from", description="Calls that ended then or later.")],
    end: Annotated[Moment | None, Query(alias="to", description="Calls that ended then or earlier.")] = None,
    source: Annotated[Source | None, Query(description="Where calls come from.")] = None,  # noqa: ARG001 all
    external_user_id: Annotated[str | None, Query(alias="externalUserId", description="Calls of one rep.")] = None,
    external_agency_id: Annotated[
        str | None, Query(alias="externalAgencyId", description="Calls with one label.")
    ] = None,
    limit: Annotated[
        int, Query(ge=1, description="The size of a page; beyond 100 it is 100.", json_schema_extra={"maximum": 100})
    ] = 50,
    cursor: Annotated[str | None, Query(description="`nextCursor` of the page before.")] = None,
) -> ListCallsResponse:
    listed = window(start, end, external_user_id, external_agency_id)
    found, after = roleplay.listing(api.caller, listed, min(limit, LARGEST_PAGE), cursor)
    return ListCallsResponse.of(found, after)


@api.get(
    "/api/external/v1/calls/<callId>",
    summary="Read a scored call",
    description="With its transcript and its score.",
    operation_id="getCall",
    tag="Calls",
    responses={404: "The tenant has no scored call of that id."},
)
def read(callId: str) -> CallDetail:  # noqa: N803 the contract's name of the parameter
    return CallDetail.of(roleplay.get(api.caller, callId))


handler = api.handler
