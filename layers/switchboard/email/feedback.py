"""Records what the mail provider reports of a mail: accepted, rejected, delivered, bounced, complaint."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from switchboard import telemetry
from switchboard.aws.writes import Writes
from switchboard.email import store
from switchboard.email.changes import (
    MessageChange,
    change_message,
    decide_acceptance,
    decide_correction,
    decide_failure,
    event_writes,
)
from switchboard.email.models import MessageHead, unique_addresses
from switchboard.email.status import MailStatus, RecipientReport
from switchboard.kit import clock

#: How many recipients one change reports. With the suppressions that it may write, a transaction has room for 33.
_RECIPIENTS_PER_CHANGE = 20
#: How many characters of a server's status code and of its message are kept.
_MAX_CODE_CHARACTERS, _MAX_DIAGNOSTIC_CHARACTERS = 32, 500
#: Decides the change that follows from a notice about some reports.
_Decide = Callable[[MailStatus, list[RecipientReport]], MessageChange]


class ServerResponse(NamedTuple):
    """A receiving server's response for a recipient: its status code and its message."""

    code: str | None = None
    diagnostic: str | None = None


def record_acceptance(org_id: str, message_id: str, external_id: str) -> None:
    """Records that the provider accepted the mail."""
    if not change_message(org_id, message_id, lambda found: decide_acceptance(found, external_id)):
        _log_skip(org_id, message_id)


def record_rejection(org_id: str, message_id: str, reason: str) -> None:
    """Records that the provider rejected the mail after it accepted it, because of a virus. The mail is charged."""
    if not change_message(org_id, message_id, lambda found: decide_failure(found, "refused", reason)):
        _log_skip(org_id, message_id)


def record_delivery(org_id: str, message_id: str, addresses: Iterable[str], said: ServerResponse | None = None) -> None:
    """Records that these recipients received the mail. The mail is delivered when all recipients have it."""
    _report(org_id, message_id, addresses, lambda found, named: _delivered(found, named, said or ServerResponse()))


def record_bounce(
    org_id: str,
    message_id: str,
    addresses: Iterable[str],
    *,
    permanent: bool,
    said: Mapping[str, ServerResponse] | None = None,
) -> None:
    """Records that the mail bounced for these recipients. A permanent bounce suppresses their addresses.

    `said` holds the responses of their servers, by address.
    """
    words = {address.lower(): what for address, what in (said or {}).items()}
    _report(org_id, message_id, addresses, lambda found, named: _bounced(found, named, words, permanent=permanent))


def record_complaint(org_id: str, message_id: str, addresses: Iterable[str]) -> None:
    """Records that recipients marked the mail as spam. Suppresses the address if the notice names one recipient.

    If a mailbox provider hides who complained, SES names every recipient at that provider. Then each recipient is
    recorded as a possible complainer, and none is suppressed, because most of them want the mail.
    """
    named = unique_addresses(addresses)
    decide = _complained if len(named) == 1 else _may_have_complained
    _report(org_id, message_id, named, decide)


def _report(org_id: str, message_id: str, addresses: Iterable[str], decide: _Decide) -> None:
    """Records a notice about recipients, part by part. If the notice is repeated, the recorded parts do not change."""
    named = unique_addresses(addresses)
    for begin in range(0, len(named), _RECIPIENTS_PER_CHANGE):
        _report_part(org_id, message_id, named[begin : begin + _RECIPIENTS_PER_CHANGE], decide)


def _report_part(org_id: str, message_id: str, addresses: list[str], decide: _Decide) -> None:
    """Records a notice about some recipients, then updates the head from all reports that are stored.

    Two workers may record different recipients at the same time without seeing each other's reports. The second read
    of the worker that finishes last finds all reports.
    """
    after = change_message(org_id, message_id, lambda found: decide(found, _named(found, addresses)))
    if after is None:
        _log_skip(org_id, message_id)
    if after is None or len(after.head.recipients) > 1:
        change_message(org_id, message_id, decide_correction)


def _log_skip(org_id: str, message_id: str) -> None:
    telemetry.log_skip("the notice changes nothing", org_id=org_id, message_id=message_id)


def _named(found: MailStatus, addresses: Iterable[str]) -> list[RecipientReport]:
    """Returns the reports of the recipients that a notice names.

    A server may name the mailbox that it forwards to instead of the recipient. If the mail has one recipient, the
    notice means that recipient. If it has several, the meant recipient is unknown and the name is ignored.
    """
    reported = {address.lower() for address in addresses}
    recipients = found.head.recipients
    if len(recipients) == 1:
        return [found.report_of(recipients[0])] if reported else []
    named = [address for address in recipients if address.lower() in reported]
    if unmatched := len(reported) - len(named):
        ids = {"org_id": found.head.org_id, "message_id": found.head.id}
        telemetry.emit_metric("MailNoticeUnmatched", unmatched)
        telemetry.logger().warning("mail notice names none of its recipients", extra=ids)
    return [found.report_of(address) for address in named]


def _said_of(found: MailStatus, address: str, said: Mapping[str, ServerResponse]) -> ServerResponse:
    """Returns the server's response for a recipient. A single recipient may be listed under another address."""
    others = said.values() if len(found.head.recipients) == 1 else ()
    return said.get(address.lower()) or next(iter(others), ServerResponse())


def _delivered(found: MailStatus, named: list[RecipientReport], said: ServerResponse) -> MessageChange:
    now = clock.now_iso()
    # Notices about one recipient arrive in any order. A permanent bounce is final, even if a delivery follows.
    late = [one.model_copy(update={"delivered_at": now}) for one in named if one.gone_at and not one.delivered_at]
    new = [_heard(one, said, delivered_at=now) for one in named if not (one.gone_at or one.delivered_at)]
    if not (late or new):
        return None
    after = found.with_reports([*late, *new])
    return after, _recipients_event_writes(after, "email.delivered", new) if new else None


def _bounced(
    found: MailStatus, named: list[RecipientReport], said: Mapping[str, ServerResponse], *, permanent: bool
) -> MessageChange:
    now = clock.now_iso()
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
    lost = [one for one in new if after.report_of(one.address).is_lost and not one.is_lost]
    told = _recipients_event_writes(after, "email.bounced", lost) if lost else None
    return after, [_suppression_writes(found.head, gone, "bounce"), told]


def _complained(found: MailStatus, named: list[RecipientReport]) -> MessageChange:
    new = [one.model_copy(update={"complained_at": clock.now_iso()}) for one in named if not one.complained_at]
    if not new:
        return None
    after = found.with_reports(new)
    stops = _suppression_writes(found.head, [one.address for one in new], "complaint")
    return after, [stops, _recipients_event_writes(after, "email.complained", new, possible=False)]


def _may_have_complained(found: MailStatus, named: list[RecipientReport]) -> MessageChange:
    if len(found.head.recipients) == 1:
        return _complained(found, named)
    new = [
        one.model_copy(update={"suspected_at": clock.now_iso()})
        for one in named
        if not (one.complained_at or one.suspected_at)
    ]
    if not new:
        return None
    after = found.with_reports(new)
    return after, _recipients_event_writes(after, "email.complained", new, possible=True)


def _heard(report: RecipientReport, said: ServerResponse, **facts: str | None) -> RecipientReport:
    # Take both from the same notice. Otherwise the code and the message could come from different responses.
    words = {
        "code": said.code and said.code[:_MAX_CODE_CHARACTERS],
        "diagnostic": said.diagnostic and said.diagnostic[:_MAX_DIAGNOSTIC_CHARACTERS],
    }
    return report.model_copy(update=facts | words)


def _suppression_writes(head: MessageHead, addresses: Iterable[str], reason: str) -> list[Writes]:
    """The writes that suppress addresses: for the organization's mail, or for the platform's own mail.

    A bounce of the platform's own mail does not affect the organization for which the platform sent it.
    """
    if head.kind == "system":
        return [store.suppress_system_mail_writes(address, reason) for address in addresses]
    return [store.replace_suppression_writes(head.org_id, address, reason) for address in addresses]


def _recipients_event_writes(after: MailStatus, kind: str, reports: list[RecipientReport], **more: bool) -> Writes:
    addresses = [report.address for report in reports]
    return event_writes(after, kind, addresses, number=after.event_number(addresses[0]), **more)
