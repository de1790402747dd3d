"""Anima: `/v1/email/*`."""

from __future__ import annotations

from typing import Annotated, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.anima.email import pages
from functions.anima.email.schemas import (
    STATES,
    AddSuppression,
    Attachment,
    LabelsRequest,
    Lifted,
    Message,
    MessageDetail,
    MessageList,
    SendRequest,
    Status,
    Suppression,
    SuppressionList,
)
from switchboard.edge.api import Api
from switchboard.edge.bodies import Raw
from switchboard.edge.dialects.anima import MASTER, Anima
from switchboard.edge.fields import Id
from switchboard.email import service as email
from switchboard.email import suppressions, unsubscribing

api = Api(Anima(), "email")

_MASTER = "This takes the master key."
#: What a mail program posts for a click is 26 bytes.
_ONE_CLICK_BYTES = 16_384


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
        409: "A recipient is suppressed; the message to answer was sent by a machine (`automatic_message`), or only "
        "machines have written in its thread for 30 messages (`machine_turns`); or the Idempotency-Key collides.",
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
    agent_id: Annotated[Id | None, Query(alias="agentId", description="Of this agent only.")] = None,
    direction: Annotated[Literal["INBOUND", "OUTBOUND"] | None, Query()] = None,
    status: Annotated[Status | None, Query()] = None,
    thread_id: Annotated[Id | None, Query(alias="threadId", description="Of this conversation only.")] = None,
    label: Annotated[
        str | None, Query(min_length=1, max_length=50, description="With this label only: `unread`, for instance.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(description="`pagination.nextCursor` of the page before.")] = None,
) -> MessageList:
    wanted: dict[str, list[str]] = {
        "direction": [direction] if direction else [],
        "state": STATES[status] if status else [],
        "thread_id": [thread_id] if thread_id is not None else [],
        "labels": [label] if label else [],
    }
    filters = {name: values for name, values in wanted.items() if values}
    return MessageList.of(*email.listing(api.caller, agent_id, filters, limit, cursor))


@api.get(
    "/v1/email/messages/<msg:message_id>",
    summary="Read a message",
    operation_id="emailGet",
    tag="Email",
    responses={404: "There is no such message."},
)
def message(message_id: str) -> MessageDetail:
    return MessageDetail.of_reports(*email.get_with_reports(api.caller, message_id))


@api.post(
    "/v1/email/messages/<msg:message_id>/labels",
    summary="Label a message",
    operation_id="emailLabel",
    tag="Email",
    description="A message is either `read` or `unread`: to put one on takes the other off.",
    responses={404: "There is no such message.", 409: "The message is about to be sent."},
)
def labels(message_id: str, request: LabelsRequest) -> Message:
    return Message.of(email.label(api.caller, message_id, request.add, request.remove))


@api.get(
    "/v1/email/messages/<msg:message_id>/attachments/<attachment_id>",
    summary="Read of an attachment, with a fresh link to it",
    operation_id="emailAttachment",
    tag="Email",
    description="`url` leads whoever has it to the file, for an hour.",
    responses={404: "There is no such message, or it has no such attachment."},
)
def attachment(message_id: str, attachment_id: str) -> Attachment:
    return Attachment.of(email.attachment(api.caller, message_id, attachment_id))


@api.get(
    "/v1/email/suppressions",
    summary="List suppressed addresses",
    operation_id="emailSuppressionList",
    tag="Email",
    description="Addresses that get no more mail of the organization: after a bounce for good, a complaint, a click on "
    "List-Unsubscribe or an answer that asks to stop, or because you added them.",
    keys=MASTER,
    responses={400: "The limit or the cursor is not valid.", 403: _MASTER},
)
def list_suppressions(
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(description="`pagination.nextCursor` of the page before.")] = None,
) -> SuppressionList:
    return SuppressionList.of(*suppressions.list_suppressions(api.caller.org_id, limit, cursor))


@api.post(
    "/v1/email/suppressions",
    summary="Suppress an address",
    operation_id="emailSuppressionAdd",
    tag="Email",
    description="It gets no more mail, also none that is queued. One that is suppressed keeps its entry.",
    status=201,
    keys=MASTER,
    responses={400: "The request is not valid.", 403: _MASTER},
)
def add_suppression(request: AddSuppression) -> Suppression:
    caller = api.caller
    return Suppression.of(suppressions.add_suppression(caller, request.address, request.note, caller.effect))


@api.delete(
    "/v1/email/suppressions/<any:address>",
    summary="Lift a suppression",
    operation_id="emailSuppressionLift",
    tag="Email",
    description="The address gets mail again. Lift that of somebody who asked to stop only if they ask for mail again.",
    keys=MASTER,
    responses={403: _MASTER, 404: "Mail to this address is not suppressed."},
)
def lift_suppression(address: str) -> Lifted:
    caller = api.caller
    suppressions.lift_suppression(caller, address, caller.effect)
    return Lifted(address=address)


@api.get(
    "/v1/email/unsubscribe/<token>",
    summary="The page on which a recipient stops mail",
    operation_id="emailUnsubscribePage",
    tag="Email",
    description="Where the link of List-Unsubscribe leads a person. It changes nothing: programs follow links too.",
    media_type="text/html",
    public=True,
    responses={404: "There is no such link."},
)
def unsubscribe_page(token: str) -> Response[str]:
    unsubscribing.read_token(token)
    return pages.ask()


@api.post(
    "/v1/email/unsubscribe/<token>",
    summary="Stop mail to a recipient, in one click",
    operation_id="emailUnsubscribe",
    tag="Email",
    description="By RFC 8058: mail programs post here, and the button of the page does. Whatever the body says, the "
    "address gets no more mail of the organization from now on.",
    media_type="text/html",
    public=True,
    body=Raw(types=frozenset(), max_bytes=_ONE_CLICK_BYTES),
    responses={404: "There is no such link."},
)
def unsubscribe(token: str) -> Response[str]:
    unsubscribing.unsubscribe(token)
    return pages.confirm()


handler = api.handler
