"""What becomes of a mail: the worker's claim and send, and the provider's notifications.

Between the claim and our record of the provider's answer the outcome is unknown. A message that stays there is never
sent again: it becomes unconfirmed after ten minutes, and the provider's notification, which carries our id, settles it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from email.errors import MessageError
from typing import Any

from switchboard import telemetry
from switchboard.aws import clock, secret
from switchboard.aws.table import ConditionFailedError, Writes, commit
from switchboard.carriers import mail
from switchboard.email import composition, store
from switchboard.email.jobs import ConfirmMail, SendMail
from switchboard.email.models import Message, State
from switchboard.events import service as events
from switchboard.events.models import Actor, Subject, Work
from switchboard.kit import change
from switchboard.timers import service as timers

#: How long a claim may stay without an outcome before people are told.
UNCONFIRMED_AFTER = timedelta(minutes=10)
#: How long a mail may wait for a provider that has no room, and the pauses between two tries.
GIVE_UP_AFTER = timedelta(hours=12)
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=2), timedelta(minutes=10)


def deliver(org_id: str, message_id: str) -> None:
    """Send a queued mail. Does nothing for one that was claimed before. What SES has no room for waits for its turn."""
    message = store.get(org_id, message_id)
    if message is None or message.state is not State.QUEUED:
        return
    try:
        outbound = composition.compose(message)
    except (ValueError, MessageError) as error:
        reason = f"cannot be written as a mail: {error}"
        _change(org_id, message_id, lambda found: _failed(found, reason))
        return
    if not _claim(message):
        return
    try:
        accepted = mail.carrier().send(outbound)
    except mail.Refused as refusal:
        reason = str(refusal)
        _change(org_id, message_id, lambda found: _failed(found, reason))
    except mail.Throttled:
        _change(org_id, message_id, _released)
    except mail.OutcomeUnknown as unknown:
        telemetry.metric("MailOutcomeUnknown")
        telemetry.logger().warning("mail outcome unknown", extra={"message_id": message_id, "reason": str(unknown)})
    else:
        _change(org_id, message_id, lambda found: _accepted(found, accepted))


def _claim(message: Message) -> bool:
    claimed = _next(message, state=State.SENDING, claim=message.version + 1)
    job = ConfirmMail(org_id=message.org_id, message_id=message.id, claim=message.version + 1)
    try:
        commit(store.save(claimed), timers.later(job, clock.now() + UNCONFIRMED_AFTER).write)
    except ConditionFailedError:
        return False
    return True


def confirm(org_id: str, message_id: str, claim: int) -> None:
    """Surface a claim that has had no outcome for ten minutes. A later claim than this has its own ten minutes."""
    _change(org_id, message_id, lambda found: _unconfirmed(found) if claim == found.claim else None)


def accepted(org_id: str, message_id: str, external_id: str) -> None:
    """The provider says that it has the mail."""
    _change(org_id, message_id, lambda found: _accepted(found, external_id))


def refused(org_id: str, message_id: str, reason: str) -> None:
    """The provider says that it will not send the mail."""
    _change(org_id, message_id, lambda found: _failed(found, reason))


def delivered(org_id: str, message_id: str, addresses: Iterable[str]) -> None:
    """These recipients have it. The message is delivered when all of them have."""
    _change(org_id, message_id, lambda found: _delivered(found, addresses))


def bounced(org_id: str, message_id: str, addresses: Iterable[str], *, permanent: bool) -> None:
    """These recipients did not get it. After a permanent bounce they are sent nothing more."""
    _change(org_id, message_id, lambda found: _bounced(found, addresses, permanent=permanent))


def complained(org_id: str, message_id: str, addresses: Iterable[str]) -> None:
    """These recipients called it spam: they are sent nothing more."""
    _change(org_id, message_id, lambda found: _complained(found, addresses))


_Change = change.Change[Message]


def _change(org_id: str, message_id: str, decide: Callable[[Message], _Change]) -> None:
    change.change(lambda: store.get(org_id, message_id), decide, store.save)


def _released(message: Message) -> _Change:
    """Back into the queue, for a while: the provider took nothing. At the deadline the mail has failed."""
    if message.state is not State.SENDING:
        return None
    waited = clock.now() - clock.parse(message.created_at)
    if waited > GIVE_UP_AFTER:
        return _failed(message, "the provider had no room in time")
    again = SendMail(org_id=message.org_id, message_id=message.id)
    pause = min(max(waited / 2, _FIRST_PAUSE), _LONGEST_PAUSE)
    return _next(message, state=State.QUEUED), timers.later(again, clock.now() + pause).write


def _unconfirmed(message: Message) -> _Change:
    if message.state is not State.SENDING:
        return None
    telemetry.metric("MailUnconfirmed")
    return _next(message, state=State.UNCONFIRMED), _event(message, "email.unconfirmed", message.recipients)


def _accepted(message: Message, external_id: str) -> _Change:
    if message.external_id:
        return None
    facts = {"external_id": external_id, "sent_at": clock.stamp()}
    if message.can_become(State.SENT):
        facts["state"] = State.SENT
    pointer = store.put_message_id(message, f"<{external_id}>")
    return _next(message, **facts), [pointer, *_event(message, "email.sent", message.recipients)]


def _failed(message: Message, reason: str) -> _Change:
    if not message.can_become(State.FAILED):
        return None
    return _next(message, state=State.FAILED, error=reason), _event(message, "email.failed", message.recipients)


def _delivered(message: Message, addresses: Iterable[str]) -> _Change:
    new = _new(message, addresses, message.delivered_to)
    if not new:
        return None
    has_it = [*message.delivered_to, *new]
    state = State.DELIVERED if set(has_it) >= set(message.recipients) else State.SENT
    facts = {"delivered_to": has_it} | ({"state": state} if message.can_become(state) else {})
    return _next(message, **facts), _event(message, "email.delivered", new)


def _bounced(message: Message, addresses: Iterable[str], *, permanent: bool) -> _Change:
    new = _new(message, addresses, message.bounced_to)
    # Who bounced in passing before may bounce for good now.
    gone = _new(message, addresses, message.gone) if permanent else []
    if not new and not gone:
        return None
    facts: dict[str, Any] = {"bounced_to": [*message.bounced_to, *new], "gone": [*message.gone, *gone]}
    facts["error"] = "permanent bounce" if facts["gone"] else "bounce"
    if message.can_become(State.BOUNCED):
        facts["state"] = State.BOUNCED
    stops = _stops(message, gone, "bounce")
    return _next(message, **facts), [stops, *(_event(message, "email.bounced", new) if new else [])]


def _complained(message: Message, addresses: Iterable[str]) -> _Change:
    new = _new(message, addresses, message.complained)
    if not new:
        return None
    stops = _stops(message, new, "complaint")
    changed = _next(message, complained=[*message.complained, *new])
    return changed, [stops, *_event(message, "email.complained", new)]


def _stops(message: Message, addresses: Iterable[str], reason: str) -> list[Writes]:
    """The writes by which addresses get no more mail like this: of the organization, and of the platform itself."""
    own = message.kind == "system"
    return [
        [
            store.suppress(message.org_id, address, reason),
            store.suppress_system_mail(address, reason) if own else None,
        ]
        for address in addresses
    ]


def _new(message: Message, addresses: Iterable[str], known: list[str]) -> list[str]:
    """The message's own spelling of those reported recipients that were not reported before."""
    reported = {address.lower() for address in addresses}
    return [address for address in message.recipients if address.lower() in reported and address not in known]


def _next(message: Message, **facts: object) -> Message:
    return message.model_copy(update={**facts, "version": message.version + 1, "updated_at": clock.stamp()})


def _event(message: Message, kind: str, addresses: Iterable[str]) -> list[Writes]:
    origin = Work(
        org_id=message.org_id,
        actor=Actor(type="system", id="mail"),
        agent_id=message.agent_id,
        correlation_id=message.correlation_id,
    )
    digests = [secret.digest(address.lower()) for address in addresses]
    # Each event goes with the change that makes the next version.
    subject = Subject(type="message", id=message.id, version=message.version + 1)
    return [events.record(events.of(origin, kind, subject, kind=message.kind, recipients=digests))]
