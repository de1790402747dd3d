"""Anima: `/v1/email/*`."""

from __future__ import annotations

from typing import Annotated, Literal

from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.anima.email.schemas import STATES, Message, MessageList, SendRequest, Status
from switchboard.edge.api import Api
from switchboard.edge.dialects.anima import Anima
from switchboard.email import service as email

api = Api(Anima(), "email")


@api.post(
    "/v1/email/send",
    summary="Send an e-mail",
    operation_id="emailSend",
    tag="Email",
    description="The answer is the message as it was accepted, `QUEUED`. Read it again to see it sent and delivered.",
    responses={
        400: "The request is not valid.",
        402: "The plan's quota or the hard cap is reached.",
        403: "An agent key sends as its own agent only.",
        404: "There is no such agent, or no such message to answer.",
        409: "A recipient is suppressed, or the Idempotency-Key collides.",
    },
)
def send(request: SendRequest) -> Message:
    return Message.of(email.send(api.caller, request.draft()))


@api.get(
    "/v1/email/messages",
    summary="List messages, newest first",
    operation_id="emailList",
    tag="Email",
    description="An agent's key sees its own agent's messages.",
    responses={400: "A filter, the limit or the cursor is not valid.", 404: "There is no such agent."},
)
def messages(
    agent_id: Annotated[str | None, Query(alias="agentId", description="Of this agent only.")] = None,
    direction: Annotated[Literal["INBOUND", "OUTBOUND"] | None, Query()] = None,
    status: Annotated[Status | None, Query()] = None,
    thread_id: Annotated[str | None, Query(alias="threadId", description="Of this conversation only.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(description="`pagination.nextCursor` of the page before.")] = None,
) -> MessageList:
    wanted = {"direction": direction, "state": STATES[status].value if status else None, "thread_id": thread_id}
    filters = {name: value for name, value in wanted.items() if value is not None}
    return MessageList.of(*email.listing(api.caller, agent_id, filters, limit, cursor))


@api.get(
    "/v1/email/messages/<message_id>",
    summary="Read a message",
    operation_id="emailGet",
    tag="Email",
    responses={404: "There is no such message."},
)
def message(message_id: str) -> Message:
    return Message.of(email.get(api.caller, message_id))


handler = api.handler
