"""Anima: `/v1/email/*`."""

from __future__ import annotations

from typing import Annotated, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.anima.email import pages
from functions.anima.email.schemas import (
    STATES,
    AttachmentView,
    ChangeLabels,
    MessageDetail,
    MessageList,
    MessageView,
    Status,
)
from functions.anima.email.send_schemas import EmailSendRequest
from functions.anima.email.suppression_schemas import (
    AddSuppression,
    LiftSuppressionResponse,
    SuppressionList,
    SuppressionView,
)
from switchboard.dialects.anima.dialect import MASTER, Anima
from switchboard.dialects.anima.shapes import Cursor, Limit
from switchboard.edge.api import Api
from switchboard.edge.bodies import RawBody
from switchboard.edge.fields import Id
from switchboard.email import service as email
from switchboard.email import suppressions
from switchboard.email.unsubscribe import read_token, unsubscribe_recipient

api = Api(Anima(), "email", tag="Email")

#: The largest body. A mail program posts 26 bytes for a click.
_ONE_CLICK_BYTES = 16_384


@api.post(
    "/v1/email/send",
    summary="Send an email",
    operation_id="emailSend",
    description="Returns the accepted message with status `QUEUED`. Get the message later to see its delivery.",
    responses={
        400: "The request is not valid.",
        402: "The plan's quota or the organization's spending cap is reached.",
        403: "An agent key can send as its own agent only.",
        404: "The organization has no agent with this id, or no message that `inReplyTo` names.",
        409: "A recipient is suppressed; the message in `inReplyTo` was sent by a machine (`automatic_message`); its "
        "thread has 30 messages in a row by machines only (`machine_turns`); or the Idempotency-Key conflicts with an "
        "earlier request.",
    },
)
def send_email(request: EmailSendRequest) -> MessageView:
    return MessageView.of(email.send_message(api.caller, request.to_draft()))


@api.get(
    "/v1/email/messages",
    summary="List messages, newest first",
    operation_id="emailList",
    description="An agent key sees its own agent's messages only.",
    responses={
        400: "A filter, the limit or the cursor is not valid.",
        404: "The organization has no agent with this id.",
    },
)
def list_messages(
    agent_id: Annotated[Id | None, Query(alias="agentId", description="Only messages of this agent.")] = None,
    direction: Annotated[Literal["INBOUND", "OUTBOUND"] | None, Query()] = None,
    status: Annotated[Status | None, Query()] = None,
    thread_id: Annotated[Id | None, Query(alias="threadId", description="Only messages of this thread.")] = None,
    label: Annotated[
        str | None,
        Query(min_length=1, max_length=50, description="Only messages with this label, for example `unread`."),
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> MessageList:
    wanted: dict[str, list[str]] = {
        "direction": [direction] if direction else [],
        "state": STATES[status] if status else [],
        "thread_id": [thread_id] if thread_id is not None else [],
        "labels": [label] if label else [],
    }
    filters = {name: values for name, values in wanted.items() if values}
    return MessageList.of(*email.list_messages(api.caller, agent_id, filters, limit, cursor))


@api.get(
    "/v1/email/messages/<msg:message_id>",
    summary="Get a message",
    operation_id="emailGet",
    responses={404: "The caller has no message with this id."},
)
def get_message(message_id: str) -> MessageDetail:
    return MessageDetail.of_reports(*email.get_message_with_reports(api.caller, message_id))


@api.post(
    "/v1/email/messages/<msg:message_id>/labels",
    summary="Change a message's labels",
    operation_id="emailLabel",
    description="A message is either `read` or `unread`: adding one removes the other.",
    responses={404: "The caller has no message with this id.", 409: "The message is being sent. Retry in a moment."},
)
def change_labels(message_id: str, request: ChangeLabels) -> MessageView:
    return MessageView.of(email.change_labels(api.caller, message_id, request.add, request.remove))


@api.get(
    "/v1/email/messages/<msg:message_id>/attachments/<attachment_id>",
    summary="Get an attachment with a new link to its file",
    operation_id="emailAttachment",
    description="`url` is valid for an hour and needs no key. Anyone with the link can read the file.",
    responses={404: "The caller has no message with this id, or the message has no such attachment."},
)
def get_attachment(message_id: str, attachment_id: str) -> AttachmentView:
    return AttachmentView.of(email.get_attachment(api.caller, message_id, attachment_id))


@api.get(
    "/v1/email/suppressions",
    summary="List suppressed addresses",
    operation_id="emailSuppressionList",
    description="The organization sends no mail to these addresses. The reason is a permanent bounce, a complaint, a "
    "click on List-Unsubscribe, a reply that asks to stop, or you added the address.",
    keys=MASTER,
    responses={400: "The limit or the cursor is not valid."},
)
def list_suppressions(
    limit: Limit = 20,
    cursor: Cursor = None,
) -> SuppressionList:
    return SuppressionList.of(*suppressions.list_suppressions(api.caller.org_id, limit, cursor))


@api.post(
    "/v1/email/suppressions",
    summary="Suppress an address",
    operation_id="emailSuppressionAdd",
    description="The address gets no more mail, including queued mail. An existing entry stays unchanged.",
    status=201,
    keys=MASTER,
    responses={400: "The request is not valid."},
)
def add_suppression(request: AddSuppression) -> SuppressionView:
    caller = api.caller
    return SuppressionView.of(suppressions.add_suppression(caller, request.address, request.note, caller.effect))


@api.delete(
    "/v1/email/suppressions/<any:address>",
    summary="Remove a suppression",
    operation_id="emailSuppressionLift",
    description="The address can get mail again. If the person asked to stop, do this only if they ask for mail again.",
    keys=MASTER,
    responses={404: "The address is not suppressed."},
)
def lift_suppression(address: str) -> LiftSuppressionResponse:
    caller = api.caller
    suppressions.lift_suppression(caller, address, caller.effect)
    return LiftSuppressionResponse(address=address)


@api.get(
    "/v1/email/unsubscribe/<token>",
    summary="Show the page where a recipient stops mail",
    operation_id="emailUnsubscribePage",
    description="The link in List-Unsubscribe opens this page. It changes nothing, because programs follow links too.",
    media_type="text/html",
    public=True,
    responses={404: "The link is not valid."},
)
def show_unsubscribe_page(token: str) -> Response[str]:
    read_token(token)
    return pages.render_question()


@api.post(
    "/v1/email/unsubscribe/<token>",
    summary="Stop mail to a recipient with one click",
    operation_id="emailUnsubscribe",
    description="Mail programs post here (RFC 8058), and so does the button of the page. The body is ignored. The "
    "address gets no more mail of the organization.",
    media_type="text/html",
    public=True,
    body=RawBody(types=frozenset(), max_bytes=_ONE_CLICK_BYTES),
    responses={404: "The link is not valid."},
)
def unsubscribe(token: str) -> Response[str]:
    unsubscribe_recipient(token)
    return pages.render_confirmation()


handler = api.handler
