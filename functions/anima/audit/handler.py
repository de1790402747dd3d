"""Anima: `/v1/audit/*`."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.anima.audit.schemas import Export, Workflow
from switchboard.audit import service as audit
from switchboard.edge.api import Api
from switchboard.edge.dialects.anima import MASTER, Anima

api = Api(Anima(), "audit")


@api.get(
    "/v1/audit/events",
    summary="Read a workflow's events by correlation id",
    operation_id="auditByCorrelation",
    tag="Audit",
    description="Oldest first. An agent's key sees its own agent's events, a master key all of them.",
    responses={400: "The correlation id is missing.", 404: "No events carry this correlation id."},
)
def events(
    correlation_id: Annotated[str, Query(min_length=1, max_length=128, description="The workflow's id.")],
    limit: Annotated[int, Query(ge=1, le=500)] = 500,
    cursor: Annotated[str | None, Query(description="`pagination.nextCursor` of the page before.")] = None,
) -> Workflow:
    return Workflow.of(correlation_id, *audit.of_workflow(api.caller, correlation_id, limit, cursor))


@api.get(
    "/v1/audit/export",
    summary="Export the organisation's sealed chain, to verify it offline",
    operation_id="auditExport",
    tag="Audit",
    keys=MASTER,
    responses={400: "The range is not valid.", 403: "This takes the master key."},
)
def export(
    after: Annotated[int, Query(ge=0, description="Links after this `seq`.")] = 0,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 500,
) -> Export:
    org_id = api.caller.org_id
    head = audit.head(org_id)
    return Export.of(org_id, head, list(audit.export(org_id, after, min(limit, max(0, head.seq - after)))))


handler = api.handler
