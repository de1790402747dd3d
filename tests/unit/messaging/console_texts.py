"""Conversations and requests for the tests of the console of texts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from switchboard.aws.reads import Query
from switchboard.aws.writes import commit
from switchboard.events import service as events
from switchboard.events.models import Event, Subject
from switchboard.messaging import store, threads
from switchboard.messaging.models import Author, MessageStatus, TextConversation
from switchboard.persistence.collection import next_version
from switchboard.projections import service as projections
from tests.actors import system
from tests.unit.call_records import desk
from tests.unit.messaging.desk import make_conversation, make_text

Ask = Callable[..., tuple[int, Any]]

#: Sends a member's requests to the group of conversations.
ask_as = partial(desk.ask_as, group="hum/conversations")


def list_ids(ask: Ask, query: str = "", limit: int = 50) -> list[str]:
    """Returns the ids of all conversations of a list, page by page."""
    found: list[str] = []
    cursor = ""
    while True:
        status, page = ask("GET", f"/sms/conversations?limit={limit}&{query}{cursor}")
        assert status == 200, page
        found += [one["id"] for one in page["conversations"]]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


def save_conversation(org_id: str, contact: str, body: str | None = None, **facts: Any) -> TextConversation:
    """Stores a conversation, with a text that came in if it has a `body`, and indexes its words."""
    talk = make_conversation(org_id, contact, **facts)
    commit(store.CONVERSATIONS.create_write(talk))
    if body is not None:
        return save_text(talk, body)
    index_words(talk)
    return talk


def save_text(talk: TextConversation, body: str) -> TextConversation:
    """Stores a text that came in, and indexes its words. Returns the conversation with it."""
    message = make_text(talk, body, direction="inbound", status=MessageStatus.RECEIVED, author=Author.CONTACT)
    after = next_version(talk, **threads.add_message(talk, message))
    commit(store.new_message_write(message), store.CONVERSATIONS.save_write(after))
    index_words(after)
    return after


def index_words(talk: TextConversation) -> None:
    """Does what the worker of the projections does for a new conversation or text."""
    projections.project_event(started_event(talk))


def started_event(talk: TextConversation) -> Event:
    """Returns the event of a new conversation."""
    subject = Subject(type="conversation", id=talk.id, version=talk.version)
    return events.new_event(
        system(talk.org_id), "conversation.started", subject, contact="0" * 64, number=talk.number_id
    )


def find_conversation(talk: TextConversation) -> TextConversation:
    """Returns the present version of a conversation."""
    found = store.CONVERSATIONS.get_object(talk.org_id, talk.id)
    assert found is not None
    return found


def list_event_types(org_id: str, correlation_id: str) -> list[str]:
    """Returns the types of a workflow's events, sorted."""
    items = Query(table="activity", partition=events.workflow_partition(org_id, correlation_id)).read_all()
    return sorted(events.parse_event(item).type for item in items if "outbox" in item)
