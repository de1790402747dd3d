"""HUM: `/api/sms/opt-outs*`: the contacts who get no texts and no calls, in the one ledger of all APIs."""

from __future__ import annotations

from functions.hum.opt_outs.schemas import AddedSmsOptOutView, SmsOptOutCreateInput, SmsOptOutList, SmsOptOutView
from switchboard.compliance import ledgers
from switchboard.dialects.hum.dialect import Hum
from switchboard.dialects.hum.shapes import DONE, Cursor, Limit, Ok
from switchboard.edge.api import Api
from switchboard.errors import NotFound
from switchboard.team.permissions import Permission

api = Api(Hum(), "opt_outs", tags={"SMS": "Conversations, texts, scheduled texts, campaigns and opt-outs."})

_INVALID = "`invalid_number`: the number is not a telephone number."


@api.get(
    "/api/sms/opt-outs",
    summary="List opt-outs",
    operation_id="listSmsOptOuts",
    description="Sorted by number. A keyword such as `STOP` adds its sender. So does a request to stop in a sentence.",
    permission=Permission.OPT_OUTS_READ,
)
def list_opt_outs(limit: Limit = 50, cursor: Cursor = None) -> SmsOptOutList:
    found, after = ledgers.list_opt_outs(api.member.org_id, limit, cursor)
    return SmsOptOutList(opt_outs=[SmsOptOutView.of(entry) for entry in found], next_cursor=after)


@api.post(
    "/api/sms/opt-outs",
    summary="Add an opt-out",
    operation_id="createSmsOptOut",
    description="The change applies at once to the texts and calls of every API, also to texts that wait to be sent."
    " An existing entry keeps its source and its reason.",
    also={201: "The opt-out is new."},
    permission=Permission.OPT_OUTS_WRITE,
    responses={400: _INVALID},
)
def create_opt_out(request: SmsOptOutCreateInput) -> AddedSmsOptOutView:
    member = api.member
    added = ledgers.add_opt_out(member, request.e164, "manual", reason=request.reason, effect=member.effect)
    api.answer_with(201 if added.is_new else 200)
    return AddedSmsOptOutView.of(added.entry)


@api.delete(
    "/api/sms/opt-outs/<any:e164>",
    summary="Remove an opt-out",
    operation_id="deleteSmsOptOut",
    description="Do this only if the contact asked for texts or calls again. Encode the leading `+` as `%2B`.",
    permission=Permission.OPT_OUTS_WRITE,
    responses={400: _INVALID, 404: "The contact has not opted out."},
)
def delete_opt_out(e164: str) -> Ok:
    if not ledgers.record_opt_in(api.member, e164, api.member.effect):
        raise NotFound("This contact has not opted out: list the opt-outs.")
    return DONE


handler = api.handler
