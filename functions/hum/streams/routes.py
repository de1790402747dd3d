"""HUM: `/api/calls/{id}/stream` and `/api/events/stream`."""

from __future__ import annotations

from typing import Annotated, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Header, Query

from switchboard.dialects.hum import call_stream, event_stream
from switchboard.dialects.hum.dialect import COOKIE, Hum
from switchboard.edge.api import Api
from switchboard.edge.fields import Pattern
from switchboard.edge.streaming.responses import MEDIA_TYPE, stream_response
from switchboard.streams.guard import SessionGuard
from switchboard.team.permissions import Permission

#: A browser without a last event may send an empty header.
LastEventId = Annotated[
    Annotated[str, Pattern("^[0-9]{0,12}$", "must be the id of an event: a number")] | None,
    Header(alias="Last-Event-ID", description="The id of the last event received. The stream continues after it."),
]

api = Api(Hum(), "streams", tags={"Events": "All that happens in the organization."})


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
        "| `call.ended` | `{call_id, status, end_reason, error_message, declined, after_hours, ended_at, duration_sec,"
        " outcome, summary_tldr}` |\n\n"
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
    last_event_id: LastEventId = None,
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


@api.get(
    "/api/events/stream",
    summary="Stream the organization's events live",
    operation_id="streamEvents",
    tag="Events",
    media_type=MEDIA_TYPE,
    description=(
        "Returns server-sent events without names, so `EventSource.onmessage` receives all of them. The `data` of each"
        " is one line with a JSON object: `id` (the place in the audit chain, also the event's `id`), `event` (its"
        " name), `channel`, `at`, `agent_id`, `detail`, `correlation_id`. Events contain ids and states, but no"
        " addresses.\n\n"
        "A stream starts at the end of the chain. With `Last-Event-ID` it starts right after that event, without gaps"
        " or repetitions. Every EventSource reconnects with it. A stream ends after some minutes, with the session, or"
        " when the person loses the permission. If all live streams of the organization or its plan are in use, the"
        " response has the missed events and ends; the next request continues there."
    ),
    permission=Permission.EVENTS_READ,
    responses={400: "The channel or the id of the last event is not valid."},
)
def stream_events(
    channel: Annotated[
        Literal["email", "sms", "voice", "vault"] | None, Query(description="Only events of this channel.")
    ] = None,
    last_event_id: LastEventId = None,
) -> Response[str]:
    exchange, member = api.exchange, api.member
    opened = event_stream.watch_events(
        member,
        SessionGuard(member.org_id, exchange.request.cookie(COOKIE) or "", Permission.EVENTS_READ),
        channel=channel,
        last_seen=int(last_event_id) if last_event_id else None,
        client=f"{member.user_id} events",
    )
    return stream_response(exchange, opened)
