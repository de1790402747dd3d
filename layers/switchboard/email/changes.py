"""Decisions about a mail's next state, shared by sending and feedback."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from switchboard.aws.writes import Writes
from switchboard.email import store
from switchboard.email.models import MailState
from switchboard.email.status import MailStatus
from switchboard.events import service as events
from switchboard.events.models import Actor, Subject, SystemActor
from switchboard.kit import clock, texts
from switchboard.persistence import optimistic

MessageChange = optimistic.Decision[MailStatus]


def change_message(org_id: str, message_id: str, decide: Callable[[MailStatus], MessageChange]) -> MailStatus | None:
    return optimistic.change_object(lambda: store.get_status(org_id, message_id), decide, store.save_status_writes)


def decide_correction(found: MailStatus) -> MessageChange:
    after = found.corrected()
    return (after, None) if after else None


def decide_acceptance(found: MailStatus, external_id: str) -> MessageChange:
    head = found.head
    if head.external_id:
        return None
    facts = {"external_id": external_id, "sent_at": clock.now_iso()}
    after = found.with_facts(**facts | ({"state": MailState.SENT} if head.can_become(MailState.SENT) else {}))
    told = event_writes(after, "email.sent", head.recipients, number=after.number_of_acceptance())
    return after, [store.message_id_writes(head, f"<{external_id}>"), told]


def decide_failure(found: MailStatus, why: str, reason: str) -> MessageChange:
    if not found.head.can_become(MailState.FAILED):
        return None
    after = found.with_facts(state=MailState.FAILED, error=reason)
    return after, event_writes(after, "email.failed", found.head.recipients, reason=why)


def event_writes(
    after: MailStatus, kind: str, addresses: Iterable[str], *, number: int | None = None, **more: str | bool
) -> Writes:
    head = after.head
    if head.kind == "system":
        # Any organization can make the platform write to any address. Do not reveal the fate of the mail to it.
        return None
    origin = SystemActor(
        org_id=head.org_id,
        actor=Actor(type="system", id="mail"),
        agent_id=head.agent_id,
        correlation_id=head.correlation_id,
    )
    digests = [texts.digest(address.lower()) for address in addresses]
    subject = Subject(type="message", id=head.id, version=number or after.event_number())
    return events.new_event_write(origin, kind, subject, kind=head.kind, recipients=digests, **more)
