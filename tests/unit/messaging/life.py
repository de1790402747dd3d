"""One item of each kind of the noun `messaging`."""

from __future__ import annotations

from switchboard.aws.writes import commit
from switchboard.carriers.messages.ports.messenger import OutgoingText
from switchboard.carriers.messages.simulator import state
from switchboard.kit import clock, ids
from switchboard.messaging import pacing_store, store
from switchboard.messaging.models import ActivityEntry, Author, MessageStatus
from tests.actors import Tenant
from tests.unit.messaging.desk import make_conversation, make_scheduled, make_text


def live(acme: Tenant) -> None:
    """Write one item of each kind."""
    talk = make_conversation(acme.org_id)
    came = make_text(talk, direction="inbound", status=MessageStatus.RECEIVED, author=Author.CONTACT, sid="SM1")
    entry = ActivityEntry(id=ids.new_id("act"), kind="status", actor="usr_1", at=clock.now_iso(), after="open")
    commit(
        store.CONVERSATIONS.create_write(talk),
        store.new_message_write(came),
        store.provider_sid_write(came),
        store.activity_write(acme.org_id, talk.id, entry),
        store.SCHEDULED.create_write(make_scheduled(talk)),
    )
    pacing_store.take_present_slots(acme.org_id, talk.number_id, 0, 1_000)
    # The simulated carrier keeps texts, and counts the answers of its people.
    state.save_text(
        OutgoingText(acme.org_id, talk.id, came.id, talk.number_id, talk.number_e164, talk.contact_e164, "Hello.")
    )
    state.take_answer(acme.org_id, talk.id)
