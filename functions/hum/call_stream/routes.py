"""HUM: `/api/calls/{id}/stream`."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Header

from switchboard.dialects.hum import call_stream
from switchboard.dialects.hum.dialect import COOKIE, Hum
from switchboard.edge.api import Api
from switchboard.edge.fields import Pattern
from switchboard.edge.streaming.responses import MEDIA_TYPE, stream_response
from switchboard.streams.guard import SessionGuard
from switchboard.team.permissions import Permission

api = Api(Hum(), "call_stream")


@api.get(
    "/api/calls/<viewed_id>/stream",
    summary="Stream a call live",
    operation_id="streamCallEvents",
    tag="Calls",
    media_type=MEDIA_TYPE,
    description=(
        "Returns server-sent events with names. The `data` of each is one line with a JSON object:\n\n"
        "| event | data |\n|---|---|\n"
        "| `snapshot` | `{call}`: the call so far, in the form of `GET /api/calls/{id}`. It comes first. |\n"
        "| `status` | `{call_id, status, at}`, for each new status |\n"
        "| `transcript.delta` | `{call_id, turn}`: a turn as understood so far, in the form of `call.transcript` |\n"
        "| `transcript.final` | `{call_id, turn}`: the final text of the turn with this `turn.id` |\n"
        "| `tool.started` | `{call_id, tool}`, in the form of `call.tools` |\n"
        "| `tool.completed` | `{call_id, tool}`, with the result |\n"
        "| `summary.ready` | `{call_id, summary, outcome}`, in the form of `call.summary` and `call.outcome` |\n"
        "| `call.ended` | `{call_id, status, end_reason, declined, after_hours, ended_at, duration_sec, outcome,"
        " summary_tldr}` |\n\n"
        "`call.ended` is the last event: close the stream then, because an EventSource would connect again. It comes"
        " when the call is over and summarized, at most a minute after the end. A call that is over gets `snapshot` and"
        " `call.ended` at once.\n\n"
        "Every EventSource reconnects with `Last-Event-ID`, and the stream continues after that event. If all live"
        " streams of the organization or its plan are in use, the response has the events so far and ends; the next"
        " request continues there."
    ),
    permission=Permission.CALLS_READ,
    responses={404: "There is no such call."},
)
def stream_call_events(
    viewed_id: str,
    last_event_id: Annotated[
        Annotated[str, Pattern("^[0-9]{0,12}$", "must be the id of an event: a number")] | None,
        Header(
            alias="Last-Event-ID",
            description="The id of the last event received. The stream continues after it.",
        ),
    ] = None,
) -> Response[str]:
    exchange, member = api.exchange, api.member
    opened = call_stream.watch_call(
        member,
        SessionGuard(member.org_id, exchange.request.cookie(COOKIE) or "", Permission.CALLS_READ),
        viewed_id,
        last_seen=int(last_event_id) if last_event_id else None,
        client=member.user_id,
    )
    return stream_response(exchange, opened)
