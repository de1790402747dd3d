"""HUM: `/api/sms/conversations*`: conversations of texts, their texts, and their activity."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.hum.conversations.schemas import (
    ConversationActivityPage,
    ConversationActivityView,
    ConversationPageView,
    SentMessageView,
    SmsConversationCreateInput,
    SmsConversationPatchInput,
    SmsSendMessageInput,
    StartedConversationView,
    TextPageView,
)
from switchboard.dialects.hum.dialect import Hum
from switchboard.dialects.hum.shapes import DONE, Cursor, Ok
from switchboard.dialects.hum.text_views import ConversationView, TextView
from switchboard.edge.api import Api
from switchboard.edge.fields import Id, Timestamp
from switchboard.messaging import acceptance, activity, conversation_lists, conversations
from switchboard.messaging.conversation_lists import ConversationFilters
from switchboard.messaging.models import ConversationStatus
from switchboard.team.permissions import Permission

api = Api(Hum(), "conversations", tags={"SMS": "Conversations, texts, scheduled texts, campaigns and opt-outs."})

_UNKNOWN = "There is no such conversation."
_TEXT_REFUSED = (
    "`insufficient_role`. `opted_out`: the contact opted out. `destination_not_allowed`. The compliance rules do not"
    " allow the text: the rule is the `code`, and `details` has it as `gate`."
)
_TEXT_INVALID = "`conversation_closed`: reopen it first. `invalid_text`: the body, the files or the time are not valid."

TextLimit = Annotated[int, Query(ge=1, le=200, description="The largest number of items in a page.")]


@api.get(
    "/api/sms/conversations",
    summary="List conversations",
    operation_id="listSmsConversations",
    description="The latest activity first. Filters can be combined. A page may be short or even empty although more"
    " pages follow: check `next_cursor`. With `q`, only the conversations within a page are sorted.",
    permission=Permission.TEXTS_READ,
)
def list_conversations(
    status: Annotated[ConversationStatus | None, Query(description="Only conversations with this status.")] = None,
    assigned_user_id: Annotated[Id | None, Query(description="Only conversations of this member.")] = None,
    twilio_number_id: Annotated[Id | None, Query(description="Only conversations of this number of yours.")] = None,
    q: Annotated[
        str | None,
        Query(
            max_length=200,
            description="Search terms. A conversation must match all of them. A term matches the start of the"
            " contact's number, with or without its country code, of its last seven or four digits, or of a word in the"
            " last text. A new text can be found after a few moments.",
        ),
    ] = None,
    limit: TextLimit = 50,
    cursor: Cursor = None,
) -> ConversationPageView:
    filters = ConversationFilters(status, assigned_user_id, twilio_number_id)
    rows, after = conversation_lists.list_conversations(api.member.org_id, filters, q, limit, cursor)
    return ConversationPageView(conversations=[ConversationView.of(row) for row in rows], next_cursor=after)


@api.post(
    "/api/sms/conversations",
    summary="Start a conversation",
    operation_id="createSmsConversation",
    description="Creates the conversation of your number and a contact, or returns the existing one unchanged. Then it"
    " sends the first text, if there is one, which needs the permission `texts.send`. The conversation stays if the"
    " text is refused: `initial_message.error` says why.",
    also={201: "The conversation is new."},
    permission=Permission.TEXTS_WRITE,
    responses={
        400: "`contact_is_own_number`, `number_released`, `number_without_sms`, `unknown_member`, `unknown_flow`,"
        " `invalid_text`.",
        404: "There is no such number.",
    },
)
def create_conversation(request: SmsConversationCreateInput) -> StartedConversationView:
    draft = request.initial_message.to_draft() if request.initial_message else None
    started = conversations.start_conversation(api.member, request.to_order(), draft)
    api.answer_with(201 if started.created else 200)
    return StartedConversationView.of_started(started)


@api.get(
    "/api/sms/conversations/<cnv:conversation_id>",
    summary="Get a conversation",
    operation_id="getSmsConversation",
    description="With its counts and its metadata.",
    permission=Permission.TEXTS_READ,
    responses={404: _UNKNOWN},
)
def get_conversation(conversation_id: str) -> ConversationView:
    return ConversationView.of(conversation_lists.get_conversation(api.member.org_id, conversation_id))


@api.patch(
    "/api/sms/conversations/<cnv:conversation_id>",
    summary="Change a conversation",
    operation_id="patchSmsConversation",
    description="A missing field stays. `metadata` is merged: the keys that you do not send stay.",
    permission=Permission.TEXTS_WRITE,
    responses={
        400: "`invalid_snooze`, `invalid_metadata`, `unknown_member`, `unknown_flow`, or an unknown field.",
        404: _UNKNOWN,
    },
)
def update_conversation(conversation_id: str, request: SmsConversationPatchInput) -> ConversationView:
    return ConversationView.of(conversations.update_conversation(api.member, conversation_id, request.sent_fields()))


@api.get(
    "/api/sms/conversations/<cnv:conversation_id>/messages",
    summary="List the texts of a conversation",
    operation_id="listSmsMessages",
    description="The newest first. Go back in time by `next_cursor`, or by `before`, a `created_at`.",
    permission=Permission.TEXTS_READ,
    responses={404: _UNKNOWN},
)
def list_messages(
    conversation_id: str,
    limit: TextLimit = 50,
    before: Annotated[Timestamp | None, Query(description="Only texts that are older than this time.")] = None,
    cursor: Cursor = None,
) -> TextPageView:
    found, after = conversation_lists.list_texts(api.member.org_id, conversation_id, limit, before, cursor)
    return TextPageView(messages=[TextView.of(message) for message in found], next_cursor=after)


@api.post(
    "/api/sms/conversations/<cnv:conversation_id>/messages",
    summary="Send a text",
    operation_id="sendSmsMessage",
    description="By sending you state that the contact agreed to such texts, unless the contact texted you first. A"
    " text for later, or one that quiet hours put off, is scheduled. A text pauses the AI of the conversation.",
    also={202: "The text is scheduled."},
    permission=Permission.TEXTS_SEND,
    responses={
        400: _TEXT_INVALID,
        403: _TEXT_REFUSED,
        404: _UNKNOWN,
        503: "`no_carrier`: this deployment has no carrier for texts.",
    },
)
def send_message(conversation_id: str, request: SmsSendMessageInput) -> SentMessageView:
    sent = acceptance.send_text(api.member, conversation_id, request.to_draft(), api.member.effect)
    api.answer_with(202 if sent.scheduled else 200)
    return SentMessageView.of(sent)


@api.post(
    "/api/sms/conversations/<cnv:conversation_id>/read",
    summary="Mark a conversation as read",
    operation_id="markSmsConversationRead",
    description="Sets `unread_count` to zero, for all members.",
    permission=Permission.TEXTS_WRITE,
    responses={404: _UNKNOWN},
)
def mark_conversation_read(conversation_id: str) -> Ok:
    conversations.mark_conversation_read(api.member, conversation_id)
    return DONE


@api.post(
    "/api/sms/conversations/<cnv:conversation_id>/close",
    summary="Close a conversation",
    operation_id="closeSmsConversation",
    description="A text that comes in opens it again.",
    permission=Permission.TEXTS_WRITE,
    responses={404: _UNKNOWN},
)
def close_conversation(conversation_id: str) -> Ok:
    conversations.close_conversation(api.member, conversation_id)
    return DONE


@api.post(
    "/api/sms/conversations/<cnv:conversation_id>/reopen",
    summary="Reopen a conversation",
    operation_id="reopenSmsConversation",
    description="It ends a snooze, too.",
    permission=Permission.TEXTS_WRITE,
    responses={404: _UNKNOWN},
)
def reopen_conversation(conversation_id: str) -> Ok:
    conversations.reopen_conversation(api.member, conversation_id)
    return DONE


@api.get(
    "/api/sms/conversations/<cnv:conversation_id>/activity",
    summary="List the activity of a conversation",
    operation_id="listSmsConversationActivity",
    description="Assignees, statuses, pauses of the AI and flows, the newest first.",
    permission=Permission.TEXTS_READ,
    responses={404: _UNKNOWN},
)
def list_conversation_activity(
    conversation_id: str, limit: TextLimit = 50, cursor: Cursor = None
) -> ConversationActivityPage:
    entries, after = activity.list_conversation_activity(api.member.org_id, conversation_id, limit, cursor)
    return ConversationActivityPage(
        activity=[ConversationActivityView.of(entry) for entry in entries], next_cursor=after
    )


handler = api.handler
