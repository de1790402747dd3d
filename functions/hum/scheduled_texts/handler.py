"""HUM: `/api/sms/scheduled*`: the texts that are sent later."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.hum.scheduled_texts.schemas import ScheduledTextPageView, ScheduledTextView
from switchboard.dialects.hum.dialect import Hum
from switchboard.dialects.hum.shapes import DONE, Cursor, Limit, Ok
from switchboard.edge.api import Api
from switchboard.messaging import scheduling
from switchboard.messaging.models import ScheduledStatus
from switchboard.team.permissions import Permission

api = Api(Hum(), "scheduled_texts", tags={"SMS": "Conversations, texts, scheduled texts, campaigns and opt-outs."})


@api.get(
    "/api/sms/scheduled",
    summary="List scheduled texts",
    operation_id="listSmsScheduled",
    description="Those of members, of the AI, and those that quiet hours put off. Pending ones are listed by default,"
    " the soonest first. With another status the latest comes first.",
    permission=Permission.TEXTS_READ,
)
def list_scheduled(
    status: Annotated[
        ScheduledStatus | None, Query(description="Only scheduled texts with this status. `pending` by default.")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> ScheduledTextPageView:
    found, after = scheduling.list_scheduled_texts(api.member, status, limit, cursor)
    return ScheduledTextPageView(scheduled=[ScheduledTextView.of(one) for one in found], next_cursor=after)


@api.delete(
    "/api/sms/scheduled/<scheduled_id>",
    summary="Cancel a scheduled text",
    operation_id="cancelSmsScheduled",
    description="It is not sent. To cancel it twice is no error. A text that was sent or has failed cannot be canceled:"
    " `already_sent`, `already_failed`.",
    permission=Permission.TEXTS_SEND,
    responses={400: "It is no longer pending.", 404: "There is no such scheduled text."},
)
def cancel_scheduled(scheduled_id: str) -> Ok:
    scheduling.cancel_scheduled_text(api.member, scheduled_id, api.member.effect)
    return DONE


handler = api.handler
