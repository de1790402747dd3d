"""The mails about an organization's payments: their receiver and their texts."""

from __future__ import annotations

from collections.abc import Sequence

from switchboard import telemetry
from switchboard.accounts.models import Organization
from switchboard.aws.writes import Writes, commit
from switchboard.billing.models import UNPAID, BillingAccount, BillingStatus
from switchboard.billing.moves import suspension_time
from switchboard.errors import Conflict
from switchboard.events.models import Origin
from switchboard.kit import settings
from switchboard.people.names import safe_for_mail
from switchboard.team import members

_PAY = "To pay, sign in and open the billing page, or follow the link of your invoice: {url}"
_DEBT = "An invoice is still open: {name} cannot call, text or send mail until it is paid."
_LETTERS: dict[BillingStatus, tuple[str, str]] = {
    BillingStatus.PAST_DUE: (
        "A payment for {name} failed",
        (
            "The last payment for your subscription failed, and it is tried again. Until it succeeds, {name} can use"
            " what the plan includes, and no more."
        ),
    ),
    BillingStatus.GRACE: (
        "Pay by {day} to keep calling, texting and mailing",
        (
            "Your subscription is still unpaid. If it is not paid by {day} (UTC), {name} can no longer call, text or"
            " send mail. Calls and texts that come in are not affected."
        ),
    ),
    BillingStatus.SUSPENDED: (
        "{name} can no longer call, text or send mail",
        (
            "Your subscription is unpaid, so {name} can no longer call, text or send mail. Calls and texts that come in"
            " still arrive. Everything works again as soon as you have paid."
        ),
    ),
    BillingStatus.ACTIVE: (
        "{name} is paid again",
        "Thank you. Your payment for {name} has arrived.",
    ),
    BillingStatus.CANCELED: (
        "The subscription of {name} has ended",
        (
            "The subscription has ended, and {name} has the free plan now. Your data stay. You can subscribe again at"
            " any time."
        ),
    ),
}
#: The numbers that a mail names.
_NUMBERS_SHOWN = 100
_RELEASE = (
    "Telephone numbers of {name} are released on {day}",
    (
        "Nobody pays for {name} any more. Without a subscription it keeps {kept} of its telephone numbers, the oldest."
        " On {day} (UTC) these go back to the carrier, who may give them to somebody else:\n\n{numbers}\n\n"
        "To keep them, subscribe or pay before that day: {url}\nYou may also ask another carrier to take them over"
        " (porting), as long as you have them."
    ),
)
_RELEASED = (
    "The telephone number {e164} was released",
    (
        "{name} has no paid subscription, so its number {e164} went back to the carrier today. Calls and texts to it no"
        " longer arrive here."
    ),
)
_DISPUTED = (
    "A payment for {name} is disputed",
    (
        "The cardholder has taken a payment back through the bank, so {name} can no longer call, text or send mail."
        " Calls and texts that come in still arrive. To end the dispute, withdraw it at the bank, and write to us."
    ),
)


def notice_writes(
    origin: Origin,
    org: Organization,
    account: BillingAccount,
    before: BillingStatus,
    since: str | None,
    *,
    stopped: bool = False,
) -> list[Writes]:
    """Returns the writes that mail about a move from `before` to the account's status. Some moves have no mail.

    `stopped` is whether the organization has just been stopped. If its subscription is paid, a dispute stops it.
    """
    from switchboard.email import service as email  # imported here so that other functions start without it

    status = account.status
    told = status in UNPAID or status is BillingStatus.CANCELED or (status is BillingStatus.ACTIVE and before in UNPAID)
    receiver = notice_address(org, account)
    if receiver is None:
        return []
    if stopped and status in (BillingStatus.ACTIVE, BillingStatus.TRIALING):
        return email.system_mail_writes(
            origin, None, receiver, *_fill_letter(org, *_DISPUTED, day=_suspension_day(since))
        )
    if status is before or not told:
        return []
    subject, text = notice_text(org, status, since, in_debt=account.in_debt)
    return email.system_mail_writes(origin, None, receiver, subject, text)


def commit_with_mail(org_id: str, mail: Sequence[Writes], *parts: Writes) -> None:
    """Commits writes with a mail about them, or without it if the organization suppresses mail to its own address."""
    try:
        commit(*parts, list(mail))
    except Conflict as refused:
        if not mail:
            raise
        telemetry.log_skip("the notice is suppressed", org_id=org_id, code=refused.code)
        commit(*parts)


def release_letter(org: Organization, released: Sequence[str], day: str, kept: int) -> tuple[str, str]:
    """Returns the subject and the text of a mail about numbers that are released on a day."""
    shown = "\n".join(released[:_NUMBERS_SHOWN])
    more = f"\nand {len(released) - _NUMBERS_SHOWN} more" if len(released) > _NUMBERS_SHOWN else ""
    return _fill_letter(org, *_RELEASE, day=day, numbers=shown + more, kept=str(kept))


def released_letter(org: Organization, e164: str) -> tuple[str, str]:
    """Returns the subject and the text of a mail about a number that was released."""
    return _fill_letter(org, *_RELEASED, e164=e164)


def notice_address(org: Organization, account: BillingAccount | None) -> str | None:
    """Returns the address for notices: the billing address, or else the owner's, the contact's or the first admin's."""
    own = (account.email if account else None) or org.owner_email or org.contact_email
    return own or members.find_first_admin_email(org.id)


def notice_text(
    org: Organization, status: BillingStatus, since: str | None, *, in_debt: bool = False
) -> tuple[str, str]:
    """Returns the subject and the text of a mail. `since` is the beginning of the unpaid time."""
    subject, text = _LETTERS[status]
    debt = f" {_DEBT}" if in_debt else ""
    pay = f"{debt}\n\n{_PAY}" if in_debt or status in UNPAID else ""
    return _fill_letter(org, subject, f"{text}{pay}", day=_suspension_day(since))


def _suspension_day(since: str | None) -> str:
    return suspension_time(since)[:10] if since else ""


def _fill_letter(org: Organization, subject: str, text: str, **more: str) -> tuple[str, str]:
    facts = {"name": safe_for_mail(org.name) or "Your organization", "url": settings.text("PUBLIC_URL", ""), **more}
    return subject.format(**facts), f"Hello,\n\n{text}\n".format(**facts)
