"""HUM: `/api/flows*`: the flows of an organization, with their versions and configurations."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Header, Query

from functions.hum.flows.schemas import (
    FlowChanges,
    FlowConfigInput,
    FlowConfigView,
    FlowInput,
    FlowList,
    FlowRollbackInput,
    FlowSnapshotView,
    FlowVersionList,
    FlowVersionView,
    FlowView,
)
from switchboard.analytics import service as analytics
from switchboard.calls import console
from switchboard.dialects.hum.analytics_views import DAYS, FlowAnalyticsView, RangeDays, RangeEnd, RangeStart
from switchboard.dialects.hum.call_orders import TEST_CALL_INVALID, TEST_CALL_REFUSED, CallPlaced, TestCallInput
from switchboard.dialects.hum.dialect import Hum
from switchboard.dialects.hum.shapes import DONE, Cursor, Limit, Ok
from switchboard.edge.api import Api
from switchboard.edge.fields import Pattern
from switchboard.flows import changes, service, versions

# for SnapStart: the snapshot includes the validator of JSON Schemas
from switchboard.flows.json_schemas import DIALECT as _LOADED  # noqa: F401
from switchboard.flows.models import Flow, FlowSettings, FlowSource, SourceFormat
from switchboard.flows.versions import FlowConfig
from switchboard.numbers import service as numbers
from switchboard.team.permissions import Permission

api = Api(Hum(), "flows", tags={"Flows": "The agents that talk in calls: their texts, tools, hours and versions."})

_UNKNOWN = "There is no such flow."
_CONFLICT = "The flow has another version than `If-Match` names: `version_conflict`."
_DAILY = "The organization's 500 new versions of today are used: `daily_cap`."
_INVALID = "A setting is not valid. For JSON in a text, the message names the line and the path."

IfMatch = Annotated[
    Annotated[str, Pattern(r'^"?[1-9][0-9]{0,8}"?$', "must be the version of the flow, such as 7")] | None,
    Header(
        alias="If-Match",
        description="The `version` that you change. If the flow has another version, nothing changes.",
    ),
]


def _view(flow: Flow) -> FlowView:
    return FlowView.of(flow, numbers.list_numbers_of_flow(flow.org_id, flow.id))


def _version(if_match: str | None) -> int | None:
    return int(if_match.strip('"')) if if_match else None


@api.get(
    "/api/flows",
    summary="List flows",
    operation_id="listFlows",
    description="Newest first, with the numbers that use them. A page with very long texts is short.",
    permission=Permission.FLOWS_READ,
)
def list_flows(limit: Limit = 50, cursor: Cursor = None) -> FlowList:
    found, after = service.list_flows(api.member.org_id, limit, cursor)
    used = numbers.list_numbers(api.member.org_id)
    return FlowList(flows=[FlowView.of(flow, used) for flow in found], next_cursor=after)


@api.post(
    "/api/flows",
    summary="Create a flow",
    operation_id="createFlow",
    description="Only `name` is required. Assign the flow to a number with `PATCH /api/numbers/{id}`.",
    status=201,
    permission=Permission.FLOWS_WRITE,
    responses={400: _INVALID, 402: _DAILY},
)
def create_flow(request: FlowInput) -> FlowView:
    flow = service.create_flow(api.member, FlowSettings.model_validate(request.settings()), api.member.effect)
    return _view(flow)


@api.get(
    "/api/flows/<flow_id>",
    summary="Get a flow",
    operation_id="getFlow",
    permission=Permission.FLOWS_READ,
    responses={404: _UNKNOWN},
)
def get_flow(flow_id: str) -> FlowView:
    return FlowView.of(*service.get_flow_with_numbers(api.member.org_id, flow_id))


@api.patch(
    "/api/flows/<flow_id>",
    summary="Update a flow",
    operation_id="updateFlow",
    description="A missing field stays unchanged. Each change is a new version. Calls in progress keep the version "
    "with which they began.",
    permission=Permission.FLOWS_WRITE,
    responses={400: _INVALID, 402: _DAILY, 404: _UNKNOWN, 409: _CONFLICT},
)
def update_flow(flow_id: str, request: FlowChanges, if_match: IfMatch = None) -> FlowView:
    flow = changes.update_flow(api.member, flow_id, request.given(), _version(if_match), api.member.effect)
    return _view(flow)


@api.delete(
    "/api/flows/<flow_id>",
    summary="Delete a flow",
    operation_id="deleteFlow",
    description="A flow that numbers or other flows use stays: `flow_in_use`, and `details` lists them as `numbers` "
    "and `flows`.",
    permission=Permission.FLOWS_WRITE,
    responses={400: "Numbers or flows still use the flow: `flow_in_use`.", 404: _UNKNOWN},
)
def delete_flow(flow_id: str) -> Ok:
    changes.delete_flow(api.member, flow_id, api.member.effect)
    return DONE


@api.get(
    "/api/flows/<flow_id>/config",
    summary="Get a flow as one text",
    operation_id="getFlowConfig",
    description="In the format in which it was saved last, JSON by default. The comments and the order of the keys of "
    "the saved text stay, also after other changes.",
    permission=Permission.FLOWS_READ,
    responses={404: _UNKNOWN},
)
def get_flow_config(flow_id: str) -> FlowConfigView:
    return FlowConfigView.of(versions.get_config(api.member.org_id, flow_id))


@api.put(
    "/api/flows/<flow_id>/config",
    summary="Save a flow as one text",
    operation_id="saveFlowConfig",
    description="Checks the text and replaces all settings. A missing setting gets its default. The text is kept with "
    "the version. YAML is version 1.2 with plain values. At most 64 KB, 16 levels, 5,000 values and 50 aliases.",
    permission=Permission.FLOWS_WRITE,
    responses={
        400: "The text is not valid: `invalid_config`, with the line and the path.",
        402: _DAILY,
        404: _UNKNOWN,
        409: _CONFLICT,
    },
)
def save_flow_config(flow_id: str, request: FlowConfigInput, if_match: IfMatch = None) -> FlowConfigView:
    source = FlowSource(request.source, request.format)
    flow = changes.save_config(api.member, flow_id, source, request.note or None, _version(if_match), api.member.effect)
    return FlowConfigView.of(FlowConfig(flow, source))


@api.get(
    "/api/flows/<flow_id>/versions",
    summary="List the versions of a flow",
    operation_id="listFlowVersions",
    description="Newest first. Each change of a flow is a version.",
    permission=Permission.FLOWS_READ,
    responses={404: _UNKNOWN},
)
def list_flow_versions(flow_id: str, limit: Limit = 50, cursor: Cursor = None) -> FlowVersionList:
    found, after = versions.list_flow_versions(api.member.org_id, flow_id, limit, cursor)
    return FlowVersionList(versions=[FlowVersionView.of(one) for one in found], next_cursor=after)


@api.get(
    "/api/flows/<flow_id>/versions/<version>",
    summary="Get a version of a flow",
    operation_id="getFlowVersion",
    permission=Permission.FLOWS_READ,
    responses={404: "There is no such flow, or it has no such version."},
)
def get_flow_version(
    flow_id: str,
    version: str,
    format: Annotated[SourceFormat, Query(description="The format of `source`.")] = "json",  # noqa: A002 the contract's
) -> FlowSnapshotView:
    return FlowSnapshotView.of(versions.get_version_config(api.member.org_id, flow_id, version, format))


@api.post(
    "/api/flows/<flow_id>/rollback",
    summary="Go back to an earlier version",
    operation_id="rollbackFlow",
    description="Makes a new version with the settings of the earlier one. The versions between them stay.",
    permission=Permission.FLOWS_WRITE,
    responses={
        400: "The earlier settings do not fit now, for example because a flow that they name is deleted.",
        402: _DAILY,
        404: "There is no such flow, or it has no such version.",
    },
)
def rollback_flow(flow_id: str, request: FlowRollbackInput) -> FlowView:
    flow = changes.rollback_flow(api.member, flow_id, request.version, request.note or None, api.member.effect)
    return _view(flow)


@api.post(
    "/api/flows/<flow_id>/duplicate",
    summary="Copy a flow",
    operation_id="duplicateFlow",
    description="The copy is called `Copy of …`. No number uses it, and its versions begin at 1.",
    status=201,
    permission=Permission.FLOWS_WRITE,
    responses={402: _DAILY, 404: _UNKNOWN},
)
def duplicate_flow(flow_id: str) -> FlowView:
    return _view(changes.duplicate_flow(api.member, flow_id, api.member.effect))


@api.get(
    "/api/flows/<flow_id>/analytics",
    summary="Get figures about the calls of a flow",
    operation_id="getFlowAnalytics",
    description="A call belongs to the day of its creation, with its whole length. Test calls do not count. New calls "
    "are counted after a few moments.",
    permission=Permission.ANALYTICS_READ,
    responses={404: _UNKNOWN},
)
def get_flow_analytics(
    flow_id: str, days: RangeDays = DAYS, start: RangeStart = None, end: RangeEnd = None
) -> FlowAnalyticsView:
    return FlowAnalyticsView.of(analytics.get_flow_analytics(api.member.organization, flow_id, days, start, end))


@api.post(
    "/api/flows/<flow_id>/test-call",
    summary="Try a flow out with a call",
    operation_id="testFlowCall",
    description="Calls a number with the flow, of either kind. With `simulated`, and where no carrier is configured,"
    " the simulator takes the call: it reaches nobody and costs nothing. Otherwise the call is real and has its price,"
    " and the compliance rules apply. Only an admin may repeat it within five minutes, with `force`. Analytics leave"
    " test calls out.",
    permission=Permission.CALLS_PLACE,
    responses={400: TEST_CALL_INVALID, 403: TEST_CALL_REFUSED, 404: _UNKNOWN},
)
def test_flow_call(flow_id: str, request: TestCallInput) -> CallPlaced:
    call = console.place_test_call(
        api.member, flow_id, request.to, request.task_context, simulated=request.simulated, force=request.force
    )
    return CallPlaced.of(call)


handler = api.handler
