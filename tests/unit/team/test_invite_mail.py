"""The mail of an invite: its frequency, its recipients, and its text."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from switchboard.accounts import organizations
from switchboard.accounts.plans import PlanName
from switchboard.aws import reads, writes
from switchboard.email import delivery, feedback
from switchboard.email import store as email_store
from switchboard.email.models import MailState
from switchboard.email.service import RecipientSuppressed
from switchboard.errors import RateLimited
from switchboard.kit import clock
from switchboard.people import return_to
from switchboard.signup import service as signup
from switchboard.team import invite_mail, invites, members
from switchboard.team.models import Member
from switchboard.team.permissions import Role
from tests.actors import member, person, system, tenant
from tests.unit.team.conftest import invite_and_join, list_events, list_mails, list_pending


def invite_and_revoke(admin: Member, email: str = "grace@example.com") -> None:
    """Invite and revoke: only the mail is left."""
    invites.revoke_invite(admin, invite_and_join(admin, email).id)


def assert_refused(admin: Member, email: str = "grace@example.com") -> int:
    """Assert that an address cannot be invited now. Returns the seconds until the next try."""
    before = len(list_mails(admin.org_id))
    with pytest.raises(RateLimited) as refusal:
        invite_and_join(admin, email)
    assert refusal.value.code == "invite_mail_limit"
    assert "grace" not in refusal.value.message
    assert len(list_mails(admin.org_id)) == before
    return int(refusal.value.details["retry_after"])


def test_an_address_is_mailed_once_an_hour_and_three_times_a_day(admin: Member, frozen: clock.FrozenClock) -> None:
    for _ in range(invite_mail.MAX_DAILY_MAILS_PER_ADDRESS):
        invite_and_revoke(admin)
        assert assert_refused(admin) == invite_mail.COOLDOWN_SECONDS + 1
        frozen.advance(seconds=invite_mail.COOLDOWN_SECONDS)
    midnight = clock.parse("2026-01-16T00:00:00Z")
    assert assert_refused(admin) == int((midnight - clock.now()).total_seconds()) + 1
    frozen.advance(seconds=assert_refused(admin))
    invite_and_revoke(admin)


def test_the_letter_case_of_an_address_does_not_matter(admin: Member) -> None:
    invite_and_revoke(admin, "grace@example.com")
    assert_refused(admin, "GRACE@Example.COM")


def test_the_daily_mails_of_an_address_are_limited_across_organizations(
    admin: Member, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invite_mail, "MAX_DAILY_MAILS_PER_MAILBOX", 2)
    person("Known", "known@example.com")
    for name in ("beta", "gamma"):
        other = member(tenant(name).org_id, name=name)
        invite_and_revoke(other, "known@example.com")
        invite_and_revoke(other, "stranger@example.com")
    # The response is the same whether or not an address is known.
    waits = {assert_refused(admin, f"{name}@example.com") for name in ("known", "stranger")}
    assert len(waits) == 1
    frozen.advance(seconds=waits.pop())
    invite_and_revoke(admin, "known@example.com")


def test_other_spellings_of_a_mailbox_share_its_limit(admin: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invite_mail, "MAX_DAILY_MAILS_PER_MAILBOX", 2)
    for spelling in ("ada.love+1@gmail.com", "adalove+2@gmail.com"):
        invite_and_revoke(admin, spelling)
    assert_refused(admin, "a.d.a.love@gmail.com")
    invite_and_revoke(admin, "ada.love@example.com")


def test_sign_ups_in_other_spellings_of_a_mailbox_share_its_limit(
    admin: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invite_mail, "MAX_DAILY_MAILS_PER_MAILBOX", 2)
    invite_and_revoke(admin, "bea@example.com")
    signup.sign_up("bea+1@example.com", "first", None, "corr_1", None)
    with pytest.raises(RateLimited) as refusal:
        signup.sign_up("bea+2@example.com", "second", None, "corr_2", None)
    assert refusal.value.code == "invite_mail_limit"
    monkeypatch.setattr(invite_mail, "MAX_DAILY_MAILS_PER_MAILBOX", 3)
    assert signup.sign_up("bea+2@example.com", "second", None, "corr_2", None).agent, "nothing of it was stored"


@pytest.mark.parametrize(
    ("plan", "name"), [(PlanName.FREE, "MAX_DAILY_MAILS_FREE"), (PlanName.GROWTH, "MAX_DAILY_MAILS_PAID")]
)
def test_the_daily_invites_of_an_organization_are_limited(
    admin: Member, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch, plan: PlanName, name: str
) -> None:
    organizations.set_plan(system(admin.org_id), plan)
    admin = Member(organizations.get_organization(admin.org_id), admin.user, admin.role, "corr_test")
    monkeypatch.setattr(invite_mail, name, 3)
    for number in range(3):
        invite_and_revoke(admin, f"p{number}@example.com")
    frozen.advance(seconds=assert_refused(admin, "p4@example.com"))
    invite_and_revoke(admin, "p4@example.com")


def test_the_counters_are_deleted_once_their_day_is_over(admin: Member) -> None:
    invite_and_revoke(admin)
    item = reads.get_item("core", {"pk": admin.org_id, "sk": "invite-mails#2026-01-15"})
    assert item is not None
    assert item["mails"] == 1
    assert item["expires"] > clock.parse("2026-01-16T00:00:00Z").timestamp()


@pytest.mark.parametrize("report", ["bounce", "complaint"])
def test_an_address_that_unsubscribed_gets_no_invites_by_mail(admin: Member, report: str) -> None:
    made = invite_and_join(admin)
    (mail,) = list_mails(admin.org_id)
    if report == "bounce":
        feedback.record_bounce(admin.org_id, mail.id, ["grace@example.com"], permanent=True)
    else:
        feedback.record_complaint(admin.org_id, mail.id, ["grace@example.com"])
    invites.revoke_invite(admin, made.id)
    other = member(tenant("other").org_id, name="Eve")
    if report == "complaint":
        # Its other spellings lead to the same mailbox.
        invite_and_join(other, "grace+2@example.com")
    # A suppression by another organization's mail is not revealed: the invite exists, and waits in the console.
    stands = invite_and_join(other)
    for queued in list_mails(other.org_id):
        delivery.send_queued(other.org_id, queued.id)
    assert {queued.state for queued in list_mails(other.org_id)} == {MailState.FAILED}
    assert not [event for event in list_events(other.org_id) if event.type in ("email.sent", "email.failed")]
    assert list_pending(person("Grace")) == [stands.id]


def test_an_address_suppressed_by_the_organizations_own_mail_is_reported(admin: Member) -> None:
    writes.commit(email_store.replace_suppression_writes(admin.org_id, "grace@example.com", "bounce"))
    with pytest.raises(RecipientSuppressed):
        invite_and_join(admin)
    assert members.list_team(admin.org_id).invites == []
    other = member(tenant("other").org_id, name="Eve")
    invite_and_join(other)
    assert len(list_mails(other.org_id)) == 1


def test_the_mail_links_to_a_sign_in_that_accepts_the_invite(admin: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_PUBLIC_URL", "https://hum.example")
    monkeypatch.setenv("SWITCHBOARD_HOME_PATH", "/home?tab=1")
    made = invite_and_join(admin, role=Role.OPERATOR)
    (mail,) = list_mails(admin.org_id)
    (url,) = [line for line in mail.body.splitlines() if line.startswith("https:")]
    assert urlsplit(url)[:3] == ("https", "hum.example", "/auth/login")
    (place,) = parse_qs(urlsplit(url).query)["return_to"]
    assert place == f"/home?tab=1&invite={made.id}"
    assert return_to.invite_in(return_to.safe_path(place, "/")) == made.id
    assert made.expires_at[:10] in mail.body
    assert mail.agent_id is None


def test_strangers_put_no_link_and_no_line_into_a_mail(admin: Member) -> None:
    org = admin.organization.model_copy(update={"name": "Log in at https://evil.example/now www.evil.example"})
    inviter = "Ada\r\nBcc: x@evil.example\u202e"
    invites.create_invite(admin, org, inviter, "grace@example.com", Role.OPERATOR)
    (mail,) = list_mails(admin.org_id)
    assert mail.subject == (
        "Ada Bcc: x@evil[.]example invites you to Log in at hxxps[:]//evil[.]example/now www[.]evil[.]example"
    )
    assert not {"evil.example", "https://evil", "\u202e"} & set(mail.body.split())
    assert "evil.example" not in mail.body


def test_invisible_names_are_replaced(admin: Member) -> None:
    org = admin.organization.model_copy(update={"name": "\u200b"})
    invites.create_invite(admin, org, "\u202e", "grace@example.com", Role.VIEWER)
    (mail,) = list_mails(admin.org_id)
    assert mail.subject == "Somebody invites you to an organization"
