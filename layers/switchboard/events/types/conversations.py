"""Conversations of texts."""

from __future__ import annotations

from typing import Annotated, NotRequired

from typing_extensions import TypedDict

from switchboard.events.types.base import Code, Contract, Digest, EventType, Id, Timestamp


class ConversationData(TypedDict):
    contact: Annotated[Digest, "The digest of the contact's number."]
    number: Annotated[Id, "Our number."]


class ConversationAssigned(ConversationData):
    assignee: NotRequired[Annotated[Id, "The member who has it now. Missing if nobody has it."]]


class ConversationSnoozed(ConversationData):
    until: Annotated[Timestamp, "When it opens again."]


class ConversationReopened(ConversationData):
    cause: Annotated[Code, "`member`, `text` for a text that came in, or `timer` for the end of a snooze."]


class ConversationEscalated(ConversationData):
    reason: Annotated[Code, "Why a person is asked to look."]


class ConversationToolUsed(ConversationData):
    tool: Annotated[Code, "The name of the flow's tool."]
    done: Annotated[bool, "Whether the tool answered without an error."]


class ConversationUpdated(ConversationData):
    fields: Annotated[list[Code], "The names of the changed fields."]


def _conversation(
    name: str,
    about: str,
    data: type = ConversationData,
    webhook: str | None = None,
    projections: tuple[str, ...] = (),
) -> EventType:
    webhooks: dict[Contract, str] = {"hum": webhook} if webhook else {}
    return EventType(name, about, "conversation", data, channel="sms", webhooks=webhooks, projections=projections)


TYPES = (
    _conversation(
        "conversation.started",
        "A conversation was created, by a text or a member.",
        webhook="conversation.started",
        projections=("conversation_words",),
    ),
    _conversation(
        "conversation.assigned", "A conversation got another assignee.", ConversationAssigned, "conversation.assigned"
    ),
    _conversation("conversation.closed", "A member closed a conversation.", webhook="conversation.closed"),
    _conversation(
        "conversation.reopened", "A conversation opened again.", ConversationReopened, "conversation.reopened"
    ),
    _conversation(
        "conversation.escalated",
        "The AI stopped, and asks for a person.",
        ConversationEscalated,
        "conversation.escalated",
    ),
    _conversation("conversation.tool_used", "The AI used an HTTP tool of its flow.", ConversationToolUsed),
    _conversation("conversation.snoozed", "A member put a conversation aside for a while.", ConversationSnoozed),
    _conversation("conversation.updated", "Other fields of a conversation changed.", ConversationUpdated),
)
