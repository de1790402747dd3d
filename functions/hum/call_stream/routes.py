"""HUM: `/api/calls/{id}/stream`."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Header

from switchboard.dialects.hum import call_stream
from switchboard.dialects.hum.dialect import COOKIE, Hum
from switchboard.edge.api import Api
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
        "Returns server-sent events with names. `snapshot` comes first and has the call so far, in the form of"
        " `GET /api/calls/{id}`. Then follow `status`, `transcript.delta` (a turn as understood so far),"
        " `transcript.final` (the turn's final text), `tool.started`, `tool.completed` and `summary.ready`. The `id` of"
        " a turn connects its deltas and its final text.\n\n"
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
        str | None,
        Header(
            alias="Last-Event-ID",
            pattern="^[0-9]{0,12}$",
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
