"""HUM: `/api/blocklist*`: the numbers that an organization never calls or texts."""

from __future__ import annotations

from functions.hum.blocklist.schemas import BlockedNumberView, Blocklist, BlockNumber, BlockNumberResponse
from switchboard.compliance import ledgers
from switchboard.dialects.hum.dialect import Hum
from switchboard.dialects.hum.shapes import DONE, Cursor, Limit, Ok
from switchboard.edge.api import Api
from switchboard.team.permissions import Permission

api = Api(Hum(), "blocklist", tags={"Blocklist": "Numbers that the organization never calls or texts."})


@api.get(
    "/api/blocklist",
    summary="List blocked numbers",
    operation_id="listBlockedNumbers",
    permission=Permission.BLOCKLIST_READ,
)
def list_blocked_numbers(limit: Limit = 50, cursor: Cursor = None) -> Blocklist:
    found, after = ledgers.list_blocked_numbers(api.member.org_id, limit, cursor)
    return Blocklist(blocked_numbers=[BlockedNumberView.of(entry) for entry in found], next_cursor=after)


@api.post(
    "/api/blocklist",
    summary="Block a number",
    operation_id="createBlockedNumber",
    description="The change applies from the next call or text, in every API. An existing entry stays unchanged.",
    permission=Permission.BLOCKLIST_WRITE,
)
def block_number(request: BlockNumber) -> BlockNumberResponse:
    entry = ledgers.block_number(api.member, request.e164, request.reason, api.member.effect)
    return BlockNumberResponse(ok=True, blocked_number=BlockedNumberView.of(entry))


@api.delete(
    "/api/blocklist/<blk:block_id>",
    summary="Unblock a number",
    operation_id="deleteBlockedNumber",
    description="The change applies from the next call or text, in every API.",
    permission=Permission.BLOCKLIST_WRITE,
    responses={404: "The number is not blocked."},
)
def unblock_number(block_id: str) -> Ok:
    ledgers.unblock_number_by_id(api.member, block_id, api.member.effect)
    return DONE


handler = api.handler
