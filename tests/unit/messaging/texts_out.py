"""Sends texts as members do, and runs the jobs that follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from switchboard.accounts import organizations
from switchboard.aws.dynamodb import decode_item
from switchboard.aws.writes import commit
from switchboard.events.models import Event
from switchboard.kit import ids
from switchboard.messaging import acceptance, firing, sending, store
from switchboard.messaging.drafts import TextDraft
from switchboard.messaging.jobs import SendScheduledText, SendText
from switchboard.messaging.models import ScheduledText, TextConversation, TextMessage
from switchboard.numbers import store as numbers
from switchboard.numbers.models import Number, NumberCapabilities
from switchboard.numbers.store import Holder
from switchboard.persistence.idempotency import IdempotencyKey
from switchboard.team.models import Member
from switchboard.usage import service as usage
from switchboard.usage.models import Meter
from tests.actors import Tenant, member
from tests.integration.sabotage import scan_items
from tests.unit.messaging.desk import CONTACT, OUR_NUMBER, make_conversation

#: A number in California that a person may have: its quiet hours count.
CALIFORNIAN = "+14155552671"


def give_number(org_id: str, e164: str = OUR_NUMBER, **facts: Any) -> Number:
    """Stores a number of an organization. By default it is one of a real carrier, with texts and files."""
    known = {
        "sid": ids.new_id("PN"),
        "friendly_name": e164,
        "monthly_cost_cents": 200,
        "provider": "twilio",
        "capabilities": NumberCapabilities(voice=True, sms=True, mms=True),
        "created_at": "2026-01-01T00:00:00.000Z",
        "updated_at": "2026-01-01T00:00:00.000Z",
        **facts,
    }
    number = Number(id=ids.new_id("num"), org_id=org_id, e164=e164, **known)
    held = numbers.hold_write(e164, Holder(org_id, number.id), lambda _: AssertionError("the number is taken"))
    commit(numbers.new_number_writes(number), held)
    return number


@dataclass
class Desk:
    """A member with a number, who texts contacts."""

    who: Member
    number: Number

    @property
    def org_id(self) -> str:
        return self.who.org_id

    def talk_with(self, contact: str = CONTACT, **facts: Any) -> TextConversation:
        """Stores a conversation with a contact."""
        talk = make_conversation(self.org_id, contact, self.number.id, number_e164=self.number.e164, **facts)
        commit(store.CONVERSATIONS.create_write(talk))
        return talk

    def send(
        self, talk: TextConversation, body: str = "Hello.", effect: str | None = None, **draft: Any
    ) -> TextMessage:
        """Sends a text that is queued now."""
        sent = self.ask(talk, body, effect, **draft)
        assert sent.message is not None
        return sent.message

    def schedule(self, talk: TextConversation, body: str = "Later.", **draft: Any) -> ScheduledText:
        """Sends a text that is scheduled."""
        sent = self.ask(talk, body, **draft)
        assert sent.scheduled is not None
        return sent.scheduled

    def ask(
        self, talk: TextConversation, body: str = "Hello.", effect: str | None = None, **draft: Any
    ) -> acceptance.SentText:
        """Asks to send a text."""
        key = IdempotencyKey(self.org_id, effect, "fingerprint") if effect else None
        return acceptance.send_text(self.who, talk.id, TextDraft(body=body, **draft), key)

    def spent(self) -> tuple[int, int]:
        """The segments and the millionths of a dollar that the organization has used this month."""
        found = usage.get_monthly_usage(self.org_id)
        return found.units[Meter.SMS.value] + found.units[Meter.SMS_TOLL_FREE.value], found.spent_micros


def open_desk(acme: Tenant, **number: Any) -> Desk:
    """A member of an organization with a number."""
    return Desk(member(acme.org_id), give_number(acme.org_id, **number))


def work_off(message: TextMessage, slot: int | None = None) -> TextMessage:
    """Does what the worker does with a queued text. Returns its new version."""
    sending.send_queued_text(job_of(message, slot))
    return read_again(message)


def job_of(message: TextMessage, slot: int | None = None) -> SendText:
    """The job of a queued text."""
    return SendText(org_id=message.org_id, conversation_id=message.conversation_id, message_id=message.id, slot=slot)


def fire(found: ScheduledText) -> ScheduledText:
    """Does what the worker does with a scheduled text at its time. Returns its new version."""
    firing.send_scheduled(SendScheduledText(org_id=found.org_id, scheduled_id=found.id))
    return read_scheduled(found)


def read_again(message: TextMessage) -> TextMessage:
    """The present version of a text."""
    found = store.get_message(message.org_id, message.conversation_id, message.id)
    assert found is not None
    return found


def read_scheduled(found: ScheduledText) -> ScheduledText:
    """The present version of a scheduled text."""
    again = store.SCHEDULED.get_object(found.org_id, found.id)
    assert again is not None
    return again


def read_talk(talk: TextConversation) -> TextConversation:
    """The present version of a conversation."""
    found = store.CONVERSATIONS.get_object(talk.org_id, talk.id)
    assert found is not None
    return found


def list_events(subject_id: str) -> list[str]:
    """The types of the events about a subject, in their order."""
    return [event.type for event in find_events(subject_id)]


def find_events(subject_id: str) -> list[Event]:
    """The events about a subject, in their order."""
    items = scan_items(
        "activity", FilterExpression="outbox = :event", ExpressionAttributeValues={":event": {"S": "event"}}
    )
    found = [Event.model_validate(decode_item(item)) for item in items]
    return sorted((event for event in found if event.subject.id == subject_id), key=lambda event: event.id)


def waiting_jobs(name: str) -> int:
    """The number of jobs of a type in the outbox."""
    items = scan_items("activity", FilterExpression="outbox = :job", ExpressionAttributeValues={":job": {"S": "job"}})
    return sum(decode_item(item)["body"]["job"] == name for item in items)


def set_hours(org_id: str, start: str, end: str, who: Member) -> None:
    """Sets the organization's own hours."""
    organizations.set_calling_hours(who, {"start": start, "end": end})
