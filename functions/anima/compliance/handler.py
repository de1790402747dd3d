"""Anima: `/v1/compliance/*`: the ledgers of the compliance gate, for the master key.

The ledgers belong to the organization and apply to all APIs and channels: an entry takes effect everywhere at once.
"""

from __future__ import annotations

from functions.anima.compliance.schemas import (
    AddConsent,
    AddNumber,
    BlockList,
    BlockView,
    CallingHoursView,
    ConsentList,
    ConsentView,
    OptOutList,
    OptOutView,
    RemovedNumber,
)
from switchboard.compliance import calling_hours, ledgers, phone
from switchboard.dialects.anima.dialect import MASTER, Anima
from switchboard.dialects.anima.shapes import Cursor, Limit, Pagination
from switchboard.edge.api import Api
from switchboard.errors import NotFound

api = Api(Anima(), "compliance", tag="Compliance", keys=MASTER)

_NO_PAGE = {400: "The limit or the cursor is not valid."}
_NO_NUMBER = {400: "The phone number is not valid."}
_UNKNOWN = {400: "The phone number is not valid.", 404: "The ledger has no entry for this number."}


@api.get(
    "/v1/compliance/opt-outs",
    summary="List opt-outs, sorted by number",
    operation_id="optOutList",
    responses=_NO_PAGE,
)
def list_opt_outs(limit: Limit = 20, cursor: Cursor = None) -> OptOutList:
    found, after = ledgers.list_opt_outs(api.caller.org_id, limit, cursor)
    return OptOutList(items=[OptOutView.of(entry) for entry in found], pagination=Pagination.of(after))


@api.post(
    "/v1/compliance/opt-outs",
    summary="Add an opt-out",
    operation_id="optOutCreate",
    status=201,
    description="Applies at once to calls and texts of every API. An existing entry of the number stays unchanged.",
    responses=_NO_NUMBER,
)
def create_opt_out(request: AddNumber) -> OptOutView:
    caller = api.caller
    return OptOutView.of(
        ledgers.record_opt_out(caller, request.e164, "api", reason=request.reason, effect=caller.effect)
    )


@api.delete(
    "/v1/compliance/opt-outs/<any:e164>",
    summary="Remove an opt-out",
    description="Do this only if the person asked for calls or texts again.",
    operation_id="optOutDelete",
    responses=_UNKNOWN,
)
def delete_opt_out(e164: str) -> RemovedNumber:
    return _removed_number(e164, there=ledgers.record_opt_in(api.caller, e164, api.caller.effect))


@api.get(
    "/v1/compliance/blocks",
    summary="List the do-not-call list, sorted by number",
    operation_id="blockList",
    responses=_NO_PAGE,
)
def list_blocks(limit: Limit = 20, cursor: Cursor = None) -> BlockList:
    found, after = ledgers.list_blocked_numbers(api.caller.org_id, limit, cursor)
    return BlockList(items=[BlockView.of(entry) for entry in found], pagination=Pagination.of(after))


@api.post(
    "/v1/compliance/blocks",
    summary="Add a number to the do-not-call list",
    operation_id="blockCreate",
    status=201,
    description="An existing entry of the number stays unchanged.",
    responses=_NO_NUMBER,
)
def create_block(request: AddNumber) -> BlockView:
    caller = api.caller
    return BlockView.of(ledgers.block_number(caller, request.e164, request.reason, caller.effect))


@api.delete(
    "/v1/compliance/blocks/<any:e164>",
    summary="Remove a number from the do-not-call list",
    operation_id="blockDelete",
    responses=_UNKNOWN,
)
def delete_block(e164: str) -> RemovedNumber:
    return _removed_number(e164, there=ledgers.unblock_number(api.caller, e164, api.caller.effect))


@api.get(
    "/v1/compliance/consents",
    summary="List consents, sorted by number",
    operation_id="consentList",
    responses=_NO_PAGE,
)
def list_consents(limit: Limit = 20, cursor: Cursor = None) -> ConsentList:
    found, after = ledgers.list_consents(api.caller.org_id, limit, cursor)
    return ConsentList(items=[ConsentView.of(entry) for entry in found], pagination=Pagination.of(after))


@api.post(
    "/v1/compliance/consents",
    summary="Add a consent",
    operation_id="consentCreate",
    status=201,
    description="Replaces an older consent of the number. It applies if a request states no consent.",
    responses={400: "The phone number is not valid, or the date is invalid, too old or in the future."},
)
def create_consent(request: AddConsent) -> ConsentView:
    caller = api.caller
    return ConsentView.of(ledgers.record_consent(caller, request.e164, request.source, request.date, caller.effect))


@api.delete(
    "/v1/compliance/consents/<any:e164>",
    summary="Remove a consent",
    operation_id="consentDelete",
    description="A later request can state a consent again. If the person wants no more calls, add an opt-out instead.",
    responses=_UNKNOWN,
)
def delete_consent(e164: str) -> RemovedNumber:
    return _removed_number(e164, there=ledgers.withdraw_consent(api.caller, e164, api.caller.effect))


@api.get(
    "/v1/compliance/hours",
    summary="Get the organization's calling hours",
    operation_id="callingHoursGet",
)
def get_hours() -> CallingHoursView:
    return CallingHoursView.of(calling_hours.get_calling_hours(api.caller.org_id))


@api.put(
    "/v1/compliance/hours",
    summary="Set the organization's calling hours",
    operation_id="callingHoursPut",
    description="The hours can narrow the legal calling hours, but never widen them. They also apply to waiting calls.",
    responses={400: "The hours are not valid: the start must be before the end on the same day."},
)
def set_hours(request: CallingHoursView) -> CallingHoursView:
    caller = api.caller
    return CallingHoursView.of(calling_hours.set_calling_hours(caller, request.start, request.end, caller.effect))


def _removed_number(e164: str, *, there: bool) -> RemovedNumber:
    if not there:
        raise NotFound("The ledger has no entry for this number: check the number.")
    return RemovedNumber(e164=phone.parse_pasted(e164).e164)


handler = api.handler
