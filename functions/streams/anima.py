"""Anima: `/v1/events/stream`."""

from __future__ import annotations

from typing import Annotated, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Header, Query

from switchboard.dialects.anima import stream
from switchboard.dialects.anima.dialect import KEYS, Anima
from switchboard.edge.api import Api
from switchboard.edge.fields import Id, Pattern
from switchboard.edge.streaming.responses import MEDIA_TYPE, stream_response
from switchboard.streams.guard import KeyGuard

_NO_SEQ = "must be the id of an event: a number"
#: A `seq` in a request. A browser without one may send an empty header.
Seq = Annotated[str, Pattern("^[0-9]{1,12}$", _NO_SEQ)]
SeqOrNothing = Annotated[str, Pattern("^[0-9]{0,12}$", _NO_SEQ)]

api = Api(Anima(), "streams")


@api.get(
    "/v1/events/stream",
    summary="Stream events live",
    operation_id="eventsStream",
    tag="Events",
    media_type=MEDIA_TYPE,
    description=(
        "Returns server-sent events without names, so `EventSource.onmessage` receives all of them. An event's `id` is"
        " its `seq` in the audit chain. Its `data` is one line with a JSON object: `ts`, `channel`, `agentId`,"
        " `event` (the event's name), `detail`, `correlationId`. An agent key receives its own agent's events; a master"
        " key receives all events.\n\n"
        "A stream starts at the end of the chain. With `Last-Event-ID` it starts right after that event, without gaps"
        " or repetitions. Blocks without `data` only update the id. A comment (`: ping`) is sent after at most 15"
        " seconds without an event. A stream ends after some minutes: connect again with the last id, as every"
        " EventSource does.\n\n"
        "The plan limits an organization's live streams: 5 on free, 10 on starter, 20 on growth, 50 on scale, 100 on"
        " enterprise. All organizations of a plan also share a limit. If a limit is reached, the request still"
        " succeeds: the response has the events after `Last-Event-ID` (at most 500) and the time to wait in `retry:`,"
        " and then ends. A client that reconnects like an EventSource misses no events, and gets a live stream when one"
        " is free."
    ),
    responses={
        400: "A filter or the id of the last event is not valid.",
        404: "The organization has no agent with this id.",
        429: "Too many requests in this minute or second. The number of open streams never causes a 429.",
    },
)
def stream_events(
    channel: Annotated[
        Literal["email", "sms", "voice", "vault"] | None, Query(description="Only events of this channel.")
    ] = None,
    agent_id: Annotated[Id | None, Query(description="Only events of this agent.")] = None,
    last_event_id: Annotated[
        Seq | None,
        Query(description="The same as the header `Last-Event-ID`, for clients that cannot set it."),
    ] = None,
    last_event_id_header: Annotated[
        SeqOrNothing | None,
        Header(
            alias="Last-Event-ID",
            description="The `seq` of the last event received. The stream continues after it. With a number beyond"
            " the end of the chain the stream starts at the end.",
        ),
    ] = None,
) -> Response[str]:
    seen = last_event_id_header or last_event_id
    exchange, caller = api.exchange, api.caller
    address = exchange.request.source_ip
    opened = stream.watch_events(
        caller,
        KeyGuard(caller.key.id, exchange.credential, KEYS, address),
        channel=channel,
        agent_id=agent_id,
        last_seen=int(seen) if seen else None,
        address=address,
    )
    return stream_response(exchange, opened)
