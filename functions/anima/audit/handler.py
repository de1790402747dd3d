"""Anima: `/v1/audit/*`."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.anima.audit.schemas import ChainExport, WorkflowView
from switchboard.audit import service as audit
from switchboard.dialects.anima.dialect import MASTER, Anima
from switchboard.dialects.anima.shapes import Cursor
from switchboard.edge.api import Api

api = Api(Anima(), "audit", tag="Audit")


@api.get(
    "/v1/audit/events",
    summary="List a workflow's events by correlation id",
    operation_id="auditByCorrelation",
    description=(
        "Sealed events come first, sorted by `seq`. Events that are not sealed yet follow: their `seq`, `prevHash` and "
        "`immutableHash` are null. An agent key sees its own agent's events; a master key sees all events.\n\n"
        'You can verify each sealed event. `immutableHash` is `"sha256:"` plus a hex SHA-256. It hashes `prevHash`, a '
        "line feed, and the event without `immutableHash` as JSON with sorted keys, no white space and UTF-8 text.\n\n"
        "To read events that were added later, send the last cursor again. No event is missed. An event that was "
        "listed before it was sealed is listed again with its `seq` and the same `id`."
    ),
    responses={400: "The correlation id is missing.", 404: "No event has this correlation id."},
)
def list_workflow_events(
    correlation_id: Annotated[str, Query(min_length=1, max_length=128, description="The id of the workflow.")],
    limit: Annotated[int, Query(ge=1, le=500)] = 500,
    cursor: Cursor = None,
) -> WorkflowView:
    return WorkflowView.of(correlation_id, *audit.list_workflow_events(api.caller, correlation_id, limit, cursor))


@api.get(
    "/v1/audit/export",
    summary="Export the organization's sealed chain",
    operation_id="auditExport",
    keys=MASTER,
    description="You can verify the export offline. A part may have fewer links than `limit`. Continue with"
    " `next_after` until it is null.",
    responses={400: "The range is not valid."},
)
def export_chain(
    after: Annotated[int, Query(ge=0, description="Only links after this `seq`.")] = 0,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 500,
) -> ChainExport:
    org_id = api.caller.org_id
    return ChainExport.of(org_id, *audit.export_part(org_id, after, limit))


handler = api.handler
