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
    description=(
        "Sealed events come first, by `seq`. Events that are not sealed yet follow: their `seq`, `prevHash` and "
        "`immutableHash` are null. An agent's key sees its own agent's events, a master key all of them.\n\n"
        'Each sealed event verifies alone. `immutableHash` is `"sha256:"` and the hex SHA-256 of `prevHash`, a line '
        "feed, and the event without `immutableHash` as JSON with sorted keys, no white space and UTF-8 text.\n\n"
        "To read what was added later, ask the last cursor again. No event is missed. An event that was listed "
        "before it was sealed is listed again with its `seq`, under the same `id`."
    ),
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
    description="A part may hold fewer links than `limit`: go on with `next_after` until it is null.",
    responses={400: "The range is not valid.", 403: "This takes the master key."},
)
def export(
    after: Annotated[int, Query(ge=0, description="Links after this `seq`.")] = 0,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 500,
) -> Export:
    org_id = api.caller.org_id
    return Export.of(org_id, *audit.export_part(org_id, after, limit))


handler = api.handler
