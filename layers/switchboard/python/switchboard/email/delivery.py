"""Sends mail: the worker's claim and send, and the provider's notifications about each recipient.

Between the claim and our record of the provider's response, the outcome is unknown. A message in this state is never
sent again. It becomes unconfirmed after ten minutes, and the provider's notification with our id decides its state.
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

#: How long a claim may have no outcome before the mail becomes unconfirmed.
UNCONFIRMED_AFTER = timedelta(minutes=10)
#: The pauses between two attempts while the provider throttles us.
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=2), timedelta(minutes=10)
#: How many recipients one change reports. With the suppressions that it may write, a transaction has room for 33.
_PART = 20
#: How many characters of a server's status code and of its message are kept.
_CODE, _DIAGNOSTIC = 32, 500


class Said(NamedTuple):
    """A receiving server's response for a recipient: its status code and its message."""

    code: str | None = None
    diagnostic: str | None = None


class _NotAllowed(Exception):
    """The mail may no longer be sent. `why` is the code of the reason in the event."""

    def __init__(self, why: str, reason: str) -> None:
        super().__init__(reason)
        self.why = why


def deliver(org_id: str, message_id: str) -> None:
    """Send a queued mail. Does nothing if the mail was claimed before. If SES throttles us, sends the mail later."""
    message = store.get(org_id, message_id)
    if message is None or message.state is not State.QUEUED:
        return
    # These calls may fail because of other services. Such a failure is not a fault of the mail, so it is raised.
    message, link = _linked(message), unsubscribing.link_of(message)
    try:
        outbound = composition.compose(message, unsubscribing.headers(message, link))
    except Exception as error:  # noqa: BLE001 any error in composition repeats at every attempt
        telemetry.logger().warning("mail cannot be written", exc_info=True, extra={"message_id": message_id})
        reason = f"cannot be written as a mail: {error if isinstance(error, ValueError) else 'an error of ours'}"
        _change(org_id, message_id, lambda found: _given_up(found, "unwritable", reason))
        return
    # Create the carrier before the claim. If this failed after the claim, the mail would count as perhaps sent.
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
    """Returns the mail with its parent's Message-ID, if the parent had none yet when the mail was accepted."""
    if message.in_reply_to or not message.answers:
        return message
    parent = store.get_head(message.org_id, message.answers)
    if parent is None or not parent.external_id:
        return message
    name = f"<{parent.external_id}>"
    return message.model_copy(update={"in_reply_to": name, "references": [*message.references, name]})


def _claim(message: Message) -> bool:
    """Claim a mail for this worker, if it may still be sent to all of its recipients.

    The transaction repeats the checks that were made when the mail was accepted.
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
    return _NotAllowed("suppressed", "a recipient's address is suppressed: see the list of suppressions")


def watch(org_id: str, message_id: str) -> None:
    """Retry a mail that is still queued, or fail it when its time is over."""
    _change(org_id, message_id, _watched)


def _watched(found: Standing) -> _Change:
    if not watching.is_waiting(found.head):
        return None
    if watching.is_over(found.head):
        return _never_left(found, "expired", "the mail could not be sent in time")
    telemetry.metric("MailStillQueued")
    return found, watching.retry_writes(found.head)


def confirm(org_id: str, message_id: str, claim: int) -> None:
    """Mark a mail as unconfirmed if its claim has had no outcome for ten minutes. A later claim has its own job."""
    _change(org_id, message_id, lambda found: _mended(found) or _unconfirmed(found, claim))


def accepted(org_id: str, message_id: str, external_id: str) -> None:
    """Record that the provider accepted the mail."""
    _change(org_id, message_id, lambda found: _accepted(found, external_id))


def refused(org_id: str, message_id: str, reason: str) -> None:
    """Record that the provider rejected the mail after it accepted it, because of a virus. The mail is charged."""
    _change(org_id, message_id, lambda found: _failed(found, "refused", reason))


def delivered(org_id: str, message_id: str, addresses: Iterable[str], said: Said | None = None) -> None:
    """Record that these recipients received the mail. The mail is delivered when all recipients have it."""
    _report(org_id, message_id, addresses, lambda found, named: _delivered(found, named, said or Said()))


def bounced(
    org_id: str,
    message_id: str,
    addresses: Iterable[str],
    *,
    permanent: bool,
    said: Mapping[str, Said] | None = None,
) -> None:
    """Record that the mail bounced for these recipients. A permanent bounce suppresses their addresses.

    `said` holds the responses of their servers, by address.
    """
    words = {address.lower(): what for address, what in (said or {}).items()}
    _report(org_id, message_id, addresses, lambda found, named: _bounced(found, named, words, permanent=permanent))


def complained(org_id: str, message_id: str, addresses: Iterable[str]) -> None:
    """Record that recipients marked the mail as spam. If the notice names a single recipient, suppress the address.

    If a mailbox provider hides who complained, SES names every recipient at that provider. Then each recipient is
    recorded as a possible complainer, and none is suppressed, because most of them want the mail.
    """
    named = each_once(addresses)
    decide = _complained if len(named) == 1 else _may_have_complained
    _report(org_id, message_id, named, decide)


_Change = change.Change[Standing]


def _change(org_id: str, message_id: str, decide: Callable[[Standing], _Change]) -> Standing | None:
    return change.change(lambda: store.standing(org_id, message_id), decide, store.save)


#: Decides the change that follows from a notice about some reports.
_Decide = Callable[[Standing, list[Report]], _Change]


def _report(org_id: str, message_id: str, addresses: Iterable[str], decide: _Decide) -> None:
    """Record a notice about recipients, part by part. If the notice is repeated, the recorded parts do not change."""
    named = each_once(addresses)
    for begin in range(0, len(named), _PART):
        _report_part(org_id, message_id, named[begin : begin + _PART], decide)


def _report_part(org_id: str, message_id: str, addresses: list[str], decide: _Decide) -> None:
    """Record a notice about some recipients, then update the head from all reports that are stored.

    Two workers may record different recipients at the same time without seeing each other's reports. The second read
    of the worker that finishes last finds all reports.
    """
    after = _change(org_id, message_id, lambda found: decide(found, _named(found, addresses)))
    if after is None or len(after.head.recipients) > 1:
        _change(org_id, message_id, _mended)


def _mended(found: Standing) -> _Change:
    after = found.mended()
    return (after, None) if after else None


def _released(found: Standing) -> _Change:
    """Queue the mail again after a pause, because the provider did not accept it. Fail it after the deadline."""
    if found.head.state is not State.SENDING:
        return None
    waited = clock.now() - clock.parse(found.head.created_at)
    if watching.is_over(found.head):
        return _never_left(found, "no_room", "the mail provider had no capacity in time")
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
    """Fail a mail that was not sent. Does nothing if another worker has claimed the mail since it was read."""
    return _never_left(found, why, reason) if watching.is_waiting(found.head) else None


def _never_left(found: Standing, why: str, reason: str) -> _Change:
    """Like `_failed`, for a mail that the provider did not accept: also refunds its recipients in the usage counters.

    A mail fails only once, so it is refunded only once.
    """
    failed = _failed(found, why, reason)
    head = found.head
    spent = store.get_receipt(head.org_id, head.id) if failed and not head.external_id else None
    if failed is None or spent is None:
        return failed
    back = usage.settling(accounts.organisation(head.org_id), Meter.EMAIL, -len(head.recipients), spent)
    return failed[0], [failed[1], back]


def _named(found: Standing, addresses: Iterable[str]) -> list[Report]:
    """Returns the reports of the recipients that a notice names.

    A server may name the mailbox that it forwards to instead of the recipient. If the mail has one recipient, the
    notice means that recipient. If it has several, the meant recipient is unknown and the name is ignored.
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
    """Returns the server's response for a recipient. A single recipient may be listed under another address."""
    others = said.values() if len(found.head.recipients) == 1 else ()
    return said.get(address.lower()) or next(iter(others), Said())


def _delivered(found: Standing, named: list[Report], said: Said) -> _Change:
    now = clock.stamp()
    # Notices about one recipient arrive in any order. A permanent bounce is final, even if a delivery follows.
    late = [one.model_copy(update={"delivered_at": now}) for one in named if one.gone_at and not one.delivered_at]
    new = [_heard(one, said, delivered_at=now) for one in named if not (one.gone_at or one.delivered_at)]
    if not (late or new):
        return None
    after = found.with_reports([*late, *new])
    return after, _recipients_event(after, "email.delivered", new) if new else None


def _bounced(found: Standing, named: list[Report], said: Mapping[str, Said], *, permanent: bool) -> _Change:
    now = clock.stamp()
    # A recipient with an earlier temporary bounce may bounce permanently now.
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
    # An out-of-office note of a recipient who has the mail also arrives as a temporary bounce.
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
    # Take both from the same notice. Otherwise the code and the message could come from different responses.
    words = {"code": said.code and said.code[:_CODE], "diagnostic": said.diagnostic and said.diagnostic[:_DIAGNOSTIC]}
    return report.model_copy(update=facts | words)


def _stops(head: Head, addresses: Iterable[str], reason: str) -> list[Writes]:
    """The writes that suppress addresses: for the organization's mail, or for the platform's own mail.

    A bounce of the platform's own mail does not affect the organization for which the platform sent it.
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
        # Any organization can make the platform write to any address. Do not reveal the fate of the mail to it.
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
