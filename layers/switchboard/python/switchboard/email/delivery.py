"""What becomes of a mail: the worker's claim and send, and the provider's notifications.

Between the claim and our record of the provider's answer the outcome is unknown. A message that stays there is never
sent again: it becomes unconfirmed after ten minutes, and the provider's notification, which carries our id, settles it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import NamedTuple

from switchboard import telemetry
from switchboard.accounts import service as accounts
from switchboard.accounts import stops
from switchboard.accounts.stops import Stopped
from switchboard.aws import clock, secret
from switchboard.aws.table import Item, Writes, commit
from switchboard.carriers import mail
from switchboard.email import composition, store, unsubscribing, watching
from switchboard.email.jobs import ConfirmMail, SendMail
from switchboard.email.models import Head, Message, State, each_once
from switchboard.email.standing import Report, Standing
from switchboard.events import service as events
from switchboard.events.models import Actor, Subject, Work
from switchboard.kit import change
from switchboard.kit.change import Moved
from switchboard.timers import service as timers
from switchboard.usage import service as usage
from switchboard.usage.models import Meter

#: How long a claim may stay without an outcome before people are told.
UNCONFIRMED_AFTER = timedelta(minutes=10)
#: The pauses between two tries of a mail that the provider has no room for.
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=2), timedelta(minutes=10)
#: Of how many recipients one change tells: with what stops further mail to them, a transaction has room for 33.
_PART = 20
#: How much of a server's code and words is kept.
_CODE, _DIAGNOSTIC = 32, 500


class Said(NamedTuple):
    """What a receiving server said of a recipient: its status code, and its own words."""

    code: str | None = None
    diagnostic: str | None = None


class _NotAllowed(Exception):
    """The mail may not be sent any more. `why` is the reason's code in its event."""

    def __init__(self, why: str, reason: str) -> None:
        super().__init__(reason)
        self.why = why


def deliver(org_id: str, message_id: str) -> None:
    """Send a queued mail. Does nothing for one that was claimed before. What SES has no room for waits for its turn."""
    message = store.get(org_id, message_id)
    if message is None or message.state is not State.QUEUED:
        return
    # These ask others, which is no fault of the mail.
    message, link = _linked(message), unsubscribing.link_of(message)
    try:
        outbound = composition.compose(message, unsubscribing.headers(message, link))
    except Exception as error:  # noqa: BLE001 whatever is wrong with it is the same at every try
        telemetry.logger().warning("mail cannot be written", exc_info=True, extra={"message_id": message_id})
        reason = f"cannot be written as a mail: {error if isinstance(error, ValueError) else 'a fault of ours'}"
        _change(org_id, message_id, lambda found: _given_up(found, "unwritable", reason))
        return
    # A carrier that cannot be made is a fault before the claim: after it the mail would count as perhaps sent.
    carrier = mail.carrier()
    try:
        if not _claim(message):
            return
    except _NotAllowed as refusal:
        if message.kind == "system":
            telemetry.metric("SystemMailSuppressed")
        why, reason = refusal.why, str(refusal)
        _change(org_id, message_id, lambda found: _given_up(found, why, reason))
        return
    try:
        accepted = carrier.send(outbound)
    except mail.Refused as refusal:
        reason = str(refusal)
        _change(org_id, message_id, lambda found: _never_left(found, "refused", reason))
    except mail.Throttled:
        _change(org_id, message_id, _released)
    except mail.OutcomeUnknown as unknown:
        telemetry.metric("MailOutcomeUnknown")
        telemetry.logger().warning("mail outcome unknown", extra={"message_id": message_id, "reason": str(unknown)})
    else:
        _change(org_id, message_id, lambda found: _accepted(found, accepted))


def _linked(message: Message) -> Message:
    """The mail with the Message-ID of what it answers, which had none when the answer was accepted."""
    if message.in_reply_to or not message.answers:
        return message
    parent = store.get_head(message.org_id, message.answers)
    if parent is None or not parent.external_id:
        return message
    name = f"<{parent.external_id}>"
    return message.model_copy(update={"in_reply_to": name, "references": [*message.references, name]})


def _claim(message: Message) -> bool:
    """Take a mail for this worker, if it may still be sent to all of its recipients.

    What was asked when it was accepted is asked again in the transaction that claims it.
    """
    before = Standing(message.head)
    claim = before.step + 1
    claimed = before.with_facts(state=State.SENDING, claim=claim)
    job = ConfirmMail(org_id=message.org_id, message_id=message.id, claim=claim)
    allowed = [store.unsuppressed(message.org_id, address, _suppressed) for address in message.recipients]
    if message.kind == "system":
        allowed += [check for address in message.recipients for check in store.reachable(address, _suppressed)]
    try:
        commit(
            store.save(claimed),
            stops.checks(message.org_id, message.key_id),
            allowed,
            timers.later(job, clock.now() + UNCONFIRMED_AFTER).write,
        )
    except Moved:
        return False
    except Stopped as stopped:
        raise _NotAllowed(stopped.code, str(stopped)) from None
    return True


def _suppressed(_: list[Item | None]) -> Exception:
    return _NotAllowed("suppressed", "a recipient gets no more mail: see the list of suppressions")


def watch(org_id: str, message_id: str) -> None:
    """See that a mail does not wait for ever: have it tried again, and fail it when its time is over."""
    _change(org_id, message_id, _watched)


def _watched(found: Standing) -> _Change:
    if not watching.is_waiting(found.head):
        return None
    if watching.is_over(found.head):
        return _never_left(found, "expired", "it could not be sent in time")
    telemetry.metric("MailStillQueued")
    return found, watching.retry_writes(found.head)


def confirm(org_id: str, message_id: str, claim: int) -> None:
    """Surface a claim that has had no outcome for ten minutes. A later claim than this has its own ten minutes."""
    _change(org_id, message_id, lambda found: _mended(found) or _unconfirmed(found, claim))


def accepted(org_id: str, message_id: str, external_id: str) -> None:
    """The provider says that it has the mail."""
    _change(org_id, message_id, lambda found: _accepted(found, external_id))


def refused(org_id: str, message_id: str, reason: str) -> None:
    """The provider says that it will not send the mail. It has taken it, and found a virus: the mail is charged."""
    _change(org_id, message_id, lambda found: _failed(found, "refused", reason))


def delivered(org_id: str, message_id: str, addresses: Iterable[str], said: Said | None = None) -> None:
    """These recipients have it. The message is delivered when all of them have."""
    _report(org_id, message_id, addresses, lambda found, named: _delivered(found, named, said or Said()))


def bounced(
    org_id: str,
    message_id: str,
    addresses: Iterable[str],
    *,
    permanent: bool,
    said: Mapping[str, Said] | None = None,
) -> None:
    """These recipients did not get it. After a permanent bounce they are sent nothing more.

    `said` holds what their servers said, by address.
    """
    words = {address.lower(): what for address, what in (said or {}).items()}
    _report(org_id, message_id, addresses, lambda found, named: _bounced(found, named, words, permanent=permanent))


def complained(org_id: str, message_id: str, addresses: Iterable[str]) -> None:
    """These recipients called it spam: one that is named alone is sent nothing more.

    A provider that hides who complained makes SES name every recipient there. Each of them is recorded as one that may
    have complained, and none is suppressed: most of them want the mail.
    """
    named = each_once(addresses)
    decide = _complained if len(named) == 1 else _may_have_complained
    _report(org_id, message_id, named, decide)


_Change = change.Change[Standing]


def _change(org_id: str, message_id: str, decide: Callable[[Standing], _Change]) -> Standing | None:
    return change.change(lambda: store.standing(org_id, message_id), decide, store.save)


#: What follows from the reports that a notice is about.
_Decide = Callable[[Standing, list[Report]], _Change]


def _report(org_id: str, message_id: str, addresses: Iterable[str], decide: _Decide) -> None:
    """Record what a notice reports of recipients, part by part. One that comes again finds those parts done."""
    named = each_once(addresses)
    for begin in range(0, len(named), _PART):
        _report_part(org_id, message_id, named[begin : begin + _PART], decide)


def _report_part(org_id: str, message_id: str, addresses: list[str], decide: _Decide) -> None:
    """Record what is reported of some recipients, and let the head follow from all that is recorded by then.

    Another worker may have recorded the rest at the same time, each without the other's: the last of them to look
    finds all.
    """
    after = _change(org_id, message_id, lambda found: decide(found, _named(found, addresses)))
    if after is None or len(after.head.recipients) > 1:
        _change(org_id, message_id, _mended)


def _mended(found: Standing) -> _Change:
    after = found.mended()
    return (after, None) if after else None


def _released(found: Standing) -> _Change:
    """Back into the queue, for a while: the provider took nothing. At the deadline the mail has failed."""
    if found.head.state is not State.SENDING:
        return None
    waited = clock.now() - clock.parse(found.head.created_at)
    if watching.is_over(found.head):
        return _never_left(found, "no_room", "the provider had no room in time")
    again = SendMail(org_id=found.head.org_id, message_id=found.head.id)
    pause = min(max(waited / 2, _FIRST_PAUSE), _LONGEST_PAUSE)
    return found.with_facts(state=State.QUEUED), timers.later(again, clock.now() + pause).write


def _unconfirmed(found: Standing, claim: int) -> _Change:
    if found.head.state is not State.SENDING or found.head.claim != claim:
        return None
    telemetry.metric("MailUnconfirmed")
    after = found.with_facts(state=State.UNCONFIRMED)
    return after, _event(after, "email.unconfirmed", found.head.recipients)


def _accepted(found: Standing, external_id: str) -> _Change:
    head = found.head
    if head.external_id:
        return None
    facts = {"external_id": external_id, "sent_at": clock.stamp()}
    after = found.with_facts(**facts | ({"state": State.SENT} if head.can_become(State.SENT) else {}))
    told = _event(after, "email.sent", head.recipients, number=after.number_of_acceptance())
    return after, [store.put_message_id(head, f"<{external_id}>"), told]


def _failed(found: Standing, why: str, reason: str) -> _Change:
    if not found.head.can_become(State.FAILED):
        return None
    after = found.with_facts(state=State.FAILED, error=reason)
    return after, _event(after, "email.failed", found.head.recipients, reason=why)


def _given_up(found: Standing, why: str, reason: str) -> _Change:
    """Fail a mail that nobody has sent. One that another worker has claimed since it was read is left alone."""
    return _never_left(found, why, reason) if watching.is_waiting(found.head) else None


def _never_left(found: Standing, why: str, reason: str) -> _Change:
    """As `_failed`, for a mail that the provider has not taken: the recipients are given back where they were counted.

    A mail fails once, so that they are given back once.
    """
    failed = _failed(found, why, reason)
    head = found.head
    spent = store.get_receipt(head.org_id, head.id) if failed and not head.external_id else None
    if failed is None or spent is None:
        return failed
    back = usage.settling(accounts.organisation(head.org_id), Meter.EMAIL, -len(head.recipients), spent)
    return failed[0], [failed[1], back]


def _named(found: Standing, addresses: Iterable[str]) -> list[Report]:
    """What was reported of those of the mail's recipients that a notice names.

    A server may name the mailbox that it forwards to instead. Of a mail to one it means that one: it is the mail's own
    recipient that is sent nothing more. Of a mail to several nobody knows whom it means.
    """
    reported = {address.lower() for address in addresses}
    recipients = found.head.recipients
    if len(recipients) == 1:
        return [found.report(recipients[0])] if reported else []
    named = [address for address in recipients if address.lower() in reported]
    if unmatched := len(reported) - len(named):
        ids = {"org_id": found.head.org_id, "message_id": found.head.id}
        telemetry.metric("MailNoticeUnmatched", unmatched)
        telemetry.logger().warning("mail notice names none of its recipients", extra=ids)
    return [found.report(address) for address in named]


def _said_of(found: Standing, address: str, said: Mapping[str, Said]) -> Said:
    """What was said of a recipient. Of the only one it may be said under another address."""
    others = said.values() if len(found.head.recipients) == 1 else ()
    return said.get(address.lower()) or next(iter(others), Said())


def _delivered(found: Standing, named: list[Report], said: Said) -> _Change:
    now = clock.stamp()
    # Notices of one recipient come in any order. The mail of one who is gone came back: that is the last word.
    late = [one.model_copy(update={"delivered_at": now}) for one in named if one.gone_at and not one.delivered_at]
    new = [_heard(one, said, delivered_at=now) for one in named if not (one.gone_at or one.delivered_at)]
    if not (late or new):
        return None
    after = found.with_reports([*late, *new])
    return after, _recipients_event(after, "email.delivered", new) if new else None


def _bounced(found: Standing, named: list[Report], said: Mapping[str, Said], *, permanent: bool) -> _Change:
    now = clock.stamp()
    # Who bounced in passing before may bounce for good now.
    new = [one for one in named if not one.bounced_at or (permanent and not one.gone_at)]
    if not new:
        return None
    gone = [one.address for one in new] if permanent else []
    after = found.with_reports(
        _heard(
            one,
            _said_of(found, one.address, said),
            bounced_at=one.bounced_at or now,
            gone_at=now if permanent else one.gone_at,
        )
        for one in new
    )
    # An absence note of who has the mail comes as a bounce in passing too.
    lost = [one for one in new if after.report(one.address).lost and not one.lost]
    told = _recipients_event(after, "email.bounced", lost) if lost else None
    return after, [_stops(found.head, gone, "bounce"), told]


def _complained(found: Standing, named: list[Report]) -> _Change:
    new = [one.model_copy(update={"complained_at": clock.stamp()}) for one in named if not one.complained_at]
    if not new:
        return None
    after = found.with_reports(new)
    stops = _stops(found.head, [one.address for one in new], "complaint")
    return after, [stops, _recipients_event(after, "email.complained", new, possible=False)]


def _may_have_complained(found: Standing, named: list[Report]) -> _Change:
    if len(found.head.recipients) == 1:
        return _complained(found, named)
    new = [
        one.model_copy(update={"suspected_at": clock.stamp()})
        for one in named
        if not (one.complained_at or one.suspected_at)
    ]
    if not new:
        return None
    after = found.with_reports(new)
    return after, _recipients_event(after, "email.complained", new, possible=True)


def _heard(report: Report, said: Said, **facts: str | None) -> Report:
    # Both are of one notice: the code of one beside the words of another would be said by no server.
    words = {"code": said.code and said.code[:_CODE], "diagnostic": said.diagnostic and said.diagnostic[:_DIAGNOSTIC]}
    return report.model_copy(update=facts | words)


def _stops(head: Head, addresses: Iterable[str], reason: str) -> list[Writes]:
    """The writes by which addresses get no more mail like this: of the organization, or of the platform itself.

    What becomes of the platform's own mail is no fact of the organization that it was written for.
    """
    if head.kind == "system":
        return [store.suppress_system_mail(address, reason) for address in addresses]
    return [store.suppress(head.org_id, address, reason) for address in addresses]


def _recipients_event(after: Standing, kind: str, reports: list[Report], **more: bool) -> Writes:
    addresses = [report.address for report in reports]
    return _event(after, kind, addresses, number=after.number(addresses[0]), **more)


def _event(
    after: Standing, kind: str, addresses: Iterable[str], *, number: int | None = None, **more: str | bool
) -> Writes:
    head = after.head
    if head.kind == "system":
        # Anyone may have the platform write to anyone: who asked learns that it will, and not what the mailbox says.
        return None
    origin = Work(
        org_id=head.org_id,
        actor=Actor(type="system", id="mail"),
        agent_id=head.agent_id,
        correlation_id=head.correlation_id,
    )
    digests = [secret.digest(address.lower()) for address in addresses]
    subject = Subject(type="message", id=head.id, version=number or after.number())
    return events.record(events.of(origin, kind, subject, kind=head.kind, recipients=digests, **more))
