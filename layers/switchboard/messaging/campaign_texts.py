"""Texts of campaigns: they are claimed as they are stored, and do not create their conversations."""

from __future__ import annotations

from collections.abc import Sequence

from switchboard.aws.reads import Ref
from switchboard.aws.writes import Delete, Put, Writes
from switchboard.kit import ids
from switchboard.messaging import store, threads
from switchboard.messaging.models import TextConversation, TextMessage
from switchboard.persistence.collection import next_version
from switchboard.persistence.optimistic import StaleVersionError


def new_text_id() -> str:
    """Returns the id of a new text."""
    return ids.new_id(store.MESSAGE_PREFIX)


def text_ref(org_id: str, conversation_id: str, message_id: str) -> Ref[TextMessage]:
    """Returns the reference to a text."""
    return store.message_ref(org_id, conversation_id, message_id)


def conversation_ref(text: TextMessage) -> Ref[TextConversation]:
    """Returns the reference to the conversation of a text. There may be none."""
    return store.conversation_ref(text.org_id, text.conversation_id)


def find_conversations(org_id: str, number_id: str, contacts: Sequence[str]) -> list[TextConversation | None]:
    """Reads the conversations of a number with up to 100 contacts, in their order. There may be none."""
    return store.CONVERSATIONS.get_objects(
        [(org_id, threads.conversation_id_of(org_id, number_id, one)) for one in contacts]
    )


def new_text_write(text: TextMessage) -> Put:
    """Returns the write that stores a new text."""
    return store.new_message_write(text)


def save_text_write(text: TextMessage) -> Put:
    """Returns the write of a text's next version. Raises StaleVersionError at commit if the text has changed."""
    return store.save_message_write(text)


def delete_text_write(text: TextMessage) -> Delete:
    """Returns the write that deletes a text that was not sent.

    Raises StaleVersionError at commit if the text has changed.
    """
    return Delete(
        table="activity",
        key=store.message_key(text.org_id, text.conversation_id, text.id),
        condition="version = :before",
        values={":before": text.version},
        otherwise=StaleVersionError,
    )


def add_to_conversation_write(talk: TextConversation | None, text: TextMessage) -> Writes:
    """Returns the write that adds a text to its conversation, if there is one."""
    if talk is None:
        return None
    return store.CONVERSATIONS.save_write(next_version(talk, **threads.add_message(talk, text)))
