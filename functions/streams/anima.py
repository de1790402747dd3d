"""Anima: `/v1/events/stream`."""

from __future__ import annotations

from typing import Annotated, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Header, Query

from functions.streams.opening import MEDIA_TYPE, answer
from switchboard.edge.api import Api
from switchboard.edge.dialects.anima import KEYS, Anima
from switchboard.edge.fields import Id
from switchboard.streams import service as streams
from switchboard.streams.guard import KeyGuard

#: A `seq` as a client says it. A browser that has none may send an empty header.
_SEQ, _SEQ_OR_NONE = "^[0-9]{1,12}$", "^[0-9]{0,12}$"

api = Api(Anima(), "streams")


@api.get(
    "/v1/events/stream",
    summary="Watch what happens, while it happens",
    operation_id="eventsStream",
    tag="Events",
    media_type=MEDIA_TYPE,
    description=(
        "Server-sent events without names, so `EventSource.onmessage` sees all of them. Each has the `seq` of the audit"
        " chain as its `id`, and one JSON object on one `data` line: `ts`, `channel`, `agentId`, `event` (the event's"
        " name), `detail`, `correlationId`. An agent's key sees its own agent's events, a master key all of them. A"
        " stream begins at the end of the chain, and with `Last-Event-ID` right after that event, without a gap and"
        " without a repetition. Blocks without `data` only move the id. A stream is silent for 15 seconds at most"
        " (`: ping`), and ends after some minutes: connect again with the last id, as every EventSource does.\n\n"
        "An organization has so many live streams: 5 on the free plan, 10 on starter, 20 on growth, 50 on scale, 100 on"
        " enterprise. When these, or the plan's places for all organizations, are taken, the answer is not refused. It"
        " holds the events after `Last-Event-ID` (up to 500), says by `retry:` when to come again, and ends. A client"
        " that connects again as an EventSource does misses nothing, and gets a live stream as soon as there is one."
    ),
    responses={
        400: "A filter or the last event's id is not valid.",
        404: "There is no such agent.",
        429: "Too many requests in this minute or second. Open streams are never a reason.",
    },
)
def events(
    channel: Annotated[Literal["email", "sms", "voice", "vault"] | None, Query(description="On this channel.")] = None,
    agent_id: Annotated[Id | None, Query(description="Of this agent only.")] = None,
    last_event_id: Annotated[
        str | None, Query(pattern=_SEQ, description="For clients that cannot set the header of that name.")
    ] = None,
    last_event_id_header: Annotated[
        str | None,
        Header(
            alias="Last-Event-ID",
            pattern=_SEQ_OR_NONE,
            description="Go on after this event. A number that the chain never reached is taken for its end.",
        ),
    ] = None,
) -> Response[str]:
    seen = last_event_id_header or last_event_id
    call, caller = api.call, api.caller
    address = call.request.source_ip
    opened = streams.watch_events(
        caller,
        KeyGuard(caller.key.id, call.credential, KEYS, address),
        channel=channel,
        agent_id=agent_id,
        last_seen=int(seen) if seen else None,
        address=address,
    )
    return answer(call, opened)
