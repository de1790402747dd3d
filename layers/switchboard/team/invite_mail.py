"""The mails of invites: their limits and their texts.

Anyone who signs up may invite any address. So one organization can mail an address once an hour and three times a day.
A mailbox gets at most ten mails a day from all organizations together, including the mails of sign-ups. The plan limits
an organization's mails per day. Responses are the same for addresses of known people and for all others.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import quote

from switchboard.accounts.models import Organization
from switchboard.accounts.plans import PlanName
from switchboard.aws.dynamodb import Item
from switchboard.aws.writes import Writes
from switchboard.email.address import mailbox_of
from switchboard.errors import Conflict, DomainError, RateLimited
from switchboard.kit import clock, settings
from switchboard.people import return_to
from switchboard.people.names import safe_for_mail
from switchboard.team import invite_store
from switchboard.team.models import Invite, InviteMailState
from switchboard.team.permissions import Role

#: Seconds without another mail to an address from one organization: after a mail, and after a declined invite.
COOLDOWN_SECONDS, DECLINED_SECONDS = 3_600, 7 * 86_400
#: The maximum number of mails per day: to an address from one organization, and to a mailbox from all organizations.
MAX_DAILY_MAILS_PER_ADDRESS, MAX_DAILY_MAILS_PER_MAILBOX = 3, 10
#: The maximum number of invite mails of an organization per day: on the free plan, and on other plans.
MAX_DAILY_MAILS_FREE, MAX_DAILY_MAILS_PAID = 20, 200

_LETTER = """\
Hello,

{inviter} invites you to work with {organization} on Switchboard, as {role}.

To accept, open this link until {day} (UTC) and sign in as {email}:

{url}

You can also decline the invite there. Then {organization} cannot write to you for a week. If you do not know {inviter},
do nothing. The invite then expires.
"""


def next_mail_state(before: InviteMailState | None, invite: Invite) -> InviteMailState:
    """Returns the state of an address' mails after the mail of a new invite.

    Raises Conflict while an invite is open, RateLimited while the organization cannot mail the address.
    """
    now = clock.now()
    stamp = clock.format_iso(now)
    if before and before.invite_id and before.expires_at > stamp:
        raise Conflict("This address has an open invite: revoke it to send another.", code="already_invited")
    if before and before.next_mail_at > stamp:
        seconds = (clock.parse(before.next_mail_at) - now).total_seconds()
        raise _mail_limit_reached(
            "Your organization mailed this address recently, or the address declined: try again later.",
            int(seconds) + 1,
        )
    day = stamp[:10]
    mails = before.mails if before and before.day == day else 0
    if mails >= MAX_DAILY_MAILS_PER_ADDRESS:
        raise _mail_limit_reached(
            f"Your organization can mail this address {MAX_DAILY_MAILS_PER_ADDRESS} times a day:"
            " try again tomorrow (UTC).",
            _seconds_left_today(now),
        )
    return InviteMailState(
        org_id=invite.org_id,
        invite_id=invite.id,
        expires_at=invite.expires_at,
        next_mail_at=clock.format_iso(now + timedelta(seconds=COOLDOWN_SECONDS)),
        day=day,
        mails=mails + 1,
        revision=before.revision + 1 if before else 1,
    )


def mail_count_writes(org: Organization, email: str) -> list[Writes]:
    """Returns the writes that count an invite's mail. They raise RateLimited at commit beyond the day's limits."""
    day, most = clock.now_iso()[:10], MAX_DAILY_MAILS_FREE if org.plan is PlanName.FREE else MAX_DAILY_MAILS_PAID

    def too_many_sent(_: list[Item | None]) -> DomainError:
        return _mail_limit_reached(
            f"Your organization can mail {most} invites a day: try again tomorrow (UTC).",
            _seconds_left_today(clock.now()),
        )

    return [invite_store.organization_mail_count_write(org.id, day, most, too_many_sent), mailbox_count_write(email)]


def mailbox_count_write(email: str) -> Writes:
    """Returns the write that counts an unrequested mail to a mailbox. It raises RateLimited at commit."""

    def too_many_received(_: list[Item | None]) -> DomainError:
        return _mail_limit_reached(
            "This mailbox gets no more mails from us today: try again tomorrow (UTC).", _seconds_left_today(clock.now())
        )

    return invite_store.mailbox_mail_count_write(
        mailbox_of(email), clock.now_iso()[:10], MAX_DAILY_MAILS_PER_MAILBOX, too_many_received
    )


def declined_until() -> str:
    """Returns the time until which the organization cannot mail an address that declines now."""
    return clock.format_iso(clock.now() + timedelta(seconds=DECLINED_SECONDS))


def _mail_limit_reached(message: str, seconds: int) -> RateLimited:
    return RateLimited(message, code="invite_mail_limit", retry_after=seconds)


def _seconds_left_today(now: datetime) -> int:
    tomorrow = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return int((tomorrow - now).total_seconds()) + 1


def invite_subject(org: Organization, invite: Invite) -> str:
    """Returns the subject of an invite's mail."""
    return f"{_inviter_name(invite)} invites you to {_organization_name(org)}"


def invite_text(org: Organization, invite: Invite) -> str:
    """Returns the text of an invite's mail."""
    return _LETTER.format(
        inviter=_inviter_name(invite),
        organization=_organization_name(org),
        role=f"{'a' if invite.role is Role.VIEWER else 'an'} {invite.role.value}",
        email=invite.email,
        day=invite.expires_at[:10],
        url=invite_link(invite),
    )


def _inviter_name(invite: Invite) -> str:
    return safe_for_mail(invite.invited_by) or "Somebody"


def _organization_name(org: Organization) -> str:
    return safe_for_mail(org.name) or "an organization"


def invite_link(invite: Invite) -> str:
    """Returns the link that signs a person in to accept an invite."""
    wanted = quote(return_to.with_invite(return_to.home_path(), invite.id), safe="")
    return f"{settings.text('PUBLIC_URL', '')}/auth/login?return_to={wanted}"
