"""HUM: `/api/triggers*`: addresses at which other systems fire events. They are fired in `hum/trigger_inbox`."""

from __future__ import annotations

from functions.hum.triggers.schemas import (
    FiringDetailsView,
    FiringList,
    FiringView,
    InboundTriggerInput,
    InboundTriggerList,
    InboundTriggerPatch,
    InboundTriggerView,
    NewInboundTriggerView,
)
from switchboard.dialects.hum.dialect import Hum
from switchboard.dialects.hum.shapes import DONE, Cursor, Limit, Ok
from switchboard.edge.api import Api
from switchboard.team.permissions import Permission
from switchboard.triggers import firing, service

api = Api(Hum(), "triggers", tags={"Triggers": "Addresses at which other systems fire events."})

_UNKNOWN = "There is no such trigger."


@api.get(
    "/api/triggers",
    summary="List inbound event triggers",
    operation_id="listInboundTriggers",
    description="The newest first.",
    permission=Permission.TRIGGERS_READ,
)
def list_triggers(limit: Limit = 50, cursor: Cursor = None) -> InboundTriggerList:
    rows, after = service.list_triggers(api.member.org_id, limit, cursor)
    return InboundTriggerList(triggers=[InboundTriggerView.of(row) for row in rows], next_cursor=after)


@api.post(
    "/api/triggers",
    summary="Create an inbound event trigger",
    operation_id="createInboundTrigger",
    description="Only this response has the token and the whole address. An organization has at most 100 triggers.",
    permission=Permission.TRIGGERS_WRITE,
    secret=True,
    responses={
        400: "`invalid_event_type`: the event type has neither a Latin letter nor a digit, or is too long.",
        402: "`trigger_limit`: the organization has 100 triggers.",
    },
)
def create_trigger(request: InboundTriggerInput) -> NewInboundTriggerView:
    made = service.create_trigger(api.member, request.name, request.event_type, active=request.active)
    return NewInboundTriggerView.of_new(made)


@api.patch(
    "/api/triggers/<trg:trigger_id>",
    summary="Rename or pause/resume an inbound trigger",
    operation_id="updateInboundTrigger",
    description="The event type of a trigger never changes: create another trigger instead.",
    permission=Permission.TRIGGERS_WRITE,
    responses={404: _UNKNOWN},
)
def update_trigger(trigger_id: str, request: InboundTriggerPatch) -> InboundTriggerView:
    row = service.update_trigger(api.member, trigger_id, name=request.name, active=request.active)
    return InboundTriggerView.of(row)


@api.delete(
    "/api/triggers/<trg:trigger_id>",
    summary="Delete an inbound trigger",
    operation_id="deleteInboundTrigger",
    description="Its address answers 404 at once.",
    permission=Permission.TRIGGERS_WRITE,
    responses={404: _UNKNOWN},
)
def delete_trigger(trigger_id: str) -> Ok:
    service.delete_trigger(api.member, trigger_id, api.member.effect)
    return DONE


@api.post(
    "/api/triggers/<trg:trigger_id>/rotate",
    summary="Rotate an inbound trigger token",
    operation_id="rotateInboundTriggerToken",
    description="Only this response has the new token. The old token works for one more hour.",
    permission=Permission.TRIGGERS_WRITE,
    secret=True,
    responses={404: _UNKNOWN},
)
def rotate_token(trigger_id: str) -> NewInboundTriggerView:
    return NewInboundTriggerView.of_new(service.rotate_trigger_token(api.member, trigger_id))


@api.get(
    "/api/triggers/<trg:trigger_id>/firings",
    summary="List the events of a trigger",
    operation_id="listTriggerFirings",
    description="The newest first, with the calls and texts that they started, and why a flow started none. An event is"
    " kept for 30 days. This operation is not in the contract.",
    permission=Permission.TRIGGERS_READ,
    responses={404: _UNKNOWN},
)
def list_firings(trigger_id: str, limit: Limit = 50, cursor: Cursor = None) -> FiringList:
    found, after = firing.list_firings(api.member.org_id, trigger_id, limit, cursor)
    return FiringList(firings=[FiringView.of(one) for one in found], next_cursor=after)


@api.get(
    "/api/triggers/<trg:trigger_id>/firings/<fir:firing_id>",
    summary="Get an event of a trigger",
    operation_id="getTriggerFiring",
    description="With its body. This operation is not in the contract.",
    permission=Permission.TRIGGERS_READ,
    responses={404: "There is no such event."},
)
def get_firing(trigger_id: str, firing_id: str) -> FiringDetailsView:
    return FiringDetailsView.of_details(firing.get_firing(api.member.org_id, trigger_id, firing_id))


handler = api.handler
