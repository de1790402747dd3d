"""Anima: `/v1/events/stream`."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Header, Query

from switchboard.access import service as access
from switchboard.edge.api import Api
from switchboard.edge.dialects.anima import KEYS, Anima
from switchboard.streams import service as streams

MEDIA_TYPE = "text/event-stream"
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
        " name), `detail`, `correlationId`. An agent's key sees"
        " its own agent's events, a master key all of them. A stream begins at the end of the chain,"
        " and with `Last-Event-ID` right behind that event, without a gap and without a repetition. Blocks without"
        " `data` only move the id. It is silent for 15 seconds at most (`: ping`), and ends after some minutes: come"
        " again with the last id, as every EventSource does."
    ),
    responses={
        400: "A filter or the last event's id is not valid.",
        404: "There is no such agent.",
        429: "Too many requests in this minute or second, or too many streams open at once (`reason: open_streams`).",
    },
)
def events(
    channel: Annotated[Literal["email", "sms", "voice", "vault"] | None, Query(description="On this channel.")] = None,
    agent_id: Annotated[str | None, Query(description="Of this agent only.")] = None,
    last_event_id: Annotated[
        str | None, Query(pattern=_SEQ, description="For clients that cannot set the header of that name.")
    ] = None,
    last_event_id_header: Annotated[
        str | None,
        Header(
            alias="Last-Event-ID",
            pattern=_SEQ_OR_NONE,
            description="Go on behind this event. A number that the chain never reached is taken for its end.",
        ),
    ] = None,
) -> Response[str]:
    seen = last_event_id_header or last_event_id
    call = api.call
    call.context.opened = streams.subscribe(
        api.caller,
        channel=channel,
        agent_id=agent_id,
        last_seen=int(seen) if seen else None,
        address=call.request.source_ip,
    )
    call.context.check = partial(access.authenticate, call.credential, KEYS)
    # No proxy on the way may keep back what is to be seen at once.
    return Response(200, MEDIA_TYPE, "", {"X-Accel-Buffering": "no"})
