"""Texts that come in, and reports of the carrier, for the tests of texts."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import Any

from switchboard.aws import reads
from switchboard.aws.reads import Query
from switchboard.carriers.messages.ports.reports import IncomingMedia, IncomingText, ReportedStatus, TextReport
from switchboard.compliance import ledgers
from switchboard.compliance.models import OptOut
from switchboard.events import service as events
from switchboard.events.models import Event
from switchboard.kit import clock
from switchboard.messaging import incoming, store
from switchboard.messaging.models import ActivityEntry, TextConversation, TextMessage
from switchboard.messaging.threads import conversation_id_of
from switchboard.numbers.models import Number
from tests.unit.messaging.desk import CONTACT

_sids = count(1)


def incoming_text(number: Number, body: str = "Hello.", sender: str = CONTACT, **facts: Any) -> IncomingText:
    """A text that somebody sends to a number. It has waited in the queue for some seconds."""
    media = [IncomingMedia(url=url, content_type="image/png") for url in facts.pop("media_urls", ())]
    place = next(_sids)
    # Each text has a millisecond of its own, because texts sort by their time.
    received_at = clock.format_iso(clock.now() - timedelta(seconds=10, milliseconds=-(place % 9_000)))
    known = {"provider_sid": f"SM{place:032d}", "received_at": received_at, **facts}
    return IncomingText(
        org_id=number.org_id,
        number_id=number.id,
        from_number=sender,
        to_number=number.e164,
        body=body,
        media=media,
        simulated=number.provider == "simulator",
        **known,
    )


def receive(number: Number, body: str = "Hello.", sender: str = CONTACT, **facts: Any) -> TextConversation:
    """Receive a text, and return its conversation."""
    incoming.receive_text(incoming_text(number, body, sender, **facts))
    return find_conversation(number, sender)


def find_conversation(number: Number, contact: str = CONTACT) -> TextConversation:
    """The conversation of a number and a contact."""
    found = store.CONVERSATIONS.get_object(number.org_id, conversation_id_of(number.org_id, number.id, contact))
    assert found is not None
    return found


def texts_of(talk: TextConversation) -> list[TextMessage]:
    """The texts of a conversation, the oldest first."""
    return store.list_messages(talk.org_id, talk.id, 100)[0][::-1]


def activity_of(talk: TextConversation) -> list[ActivityEntry]:
    """The activity of a conversation, the oldest first."""
    return store.list_activity(talk.org_id, talk.id, 100, None)[0][::-1]


def opt_out_of(org_id: str, contact: str = CONTACT) -> OptOut | None:
    """The ledger's opt-out of a contact."""
    return reads.read_ref(ledgers.opt_out_ref(org_id, contact))


def events_of(message: TextMessage) -> list[Event]:
    """The events in the workflow of a text, in their order."""
    partition = events.workflow_partition(message.org_id, message.correlation_id)
    return [events.parse_event(item) for item in Query(table="activity", partition=partition).read_all()]


def report(message: TextMessage, status: ReportedStatus, **facts: Any) -> TextReport:
    """A report of the carrier about one of our texts."""
    known = {"provider_sid": "SM1", "reported_at": clock.now_iso(), **facts}
    return TextReport(
        org_id=message.org_id, conversation_id=message.conversation_id, message_id=message.id, status=status, **known
    )
