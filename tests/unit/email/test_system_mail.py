"""The platform's own mail: its recipients, and its visibility."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

import pytest

from switchboard.access import keys as access
from switchboard.audit import service as audit
from switchboard.aws.writes import commit
from switchboard.carriers import mail as carriers
from switchboard.cli import main
from switchboard.dialects.anima import dialect
from switchboard.email import delivery, feedback, service, store, suppressions
from switchboard.errors import NotFound, RateLimited
from switchboard.kit import clock
from switchboard.persistence.retention_rows import kinds_of
from switchboard.signup import service as signup
from switchboard.team import invite_mail
from switchboard.usage import service as usage
from tests.actors import Tenant, tenant
from tests.unit.email.test_feedback import Provider, scan_items

pytestmark = pytest.mark.usefixtures("cloud")
ADA = "ada@corp.example.com"


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Provider:
    found = Provider()
    monkeypatch.setattr(carriers, "mail_carrier", lambda: found)
    return found


@pytest.fixture
def acme(cloud: dict[str, str]) -> Tenant:
    return tenant()


def sign_up(address: str, username: str) -> list[str]:
    """Sign up. Returns the organization and the id of its welcome mail, if one is sent."""
    org = signup.sign_up(address, username, None, "corr_x", None).organization
    heads = [item["pk"].split("#") for item in scan_items() if item["sk"] == "message"]
    return next(([org_id, message_id] for org_id, _, message_id in heads if org_id == org.id), [])


def test_a_bounce_of_a_plus_address_does_not_affect_the_plain_address(provider: Provider) -> None:
    org_id, message_id = sign_up("ada+nobody@corp.example.com", "stranger")
    delivery.send_queued(org_id, message_id)
    # The server of corp.example.com does not treat `+` as a tag.
    feedback.record_bounce(org_id, message_id, ["ada+nobody@corp.example.com"], permanent=True)
    assert store.is_unreachable("Ada+Nobody@corp.example.com") is True
    assert store.is_unreachable(ADA) is False
    org_id, message_id = sign_up(ADA, "ada-herself")
    delivery.send_queued(org_id, message_id)
    assert [outbound.recipients for outbound in provider.sent] == [["ada+nobody@corp.example.com"], [ADA]]


def test_a_complaint_stops_mail_to_every_spelling_of_a_mailbox(provider: Provider) -> None:
    org_id, message_id = sign_up("ada+one@corp.example.com", "stranger")
    delivery.send_queued(org_id, message_id)
    feedback.record_complaint(org_id, message_id, ["ada+one@corp.example.com"])
    assert store.is_unreachable(ADA) is True
    assert store.is_unreachable("Ada+Two@corp.example.com") is True
    assert store.is_unreachable("bob@corp.example.com") is False


def test_a_bounce_suppresses_for_half_a_year_and_a_complaint_for_ever() -> None:
    bounce, complaint = (store.suppress_system_mail_writes(ADA, reason) for reason in ("bounce", "complaint"))
    (kind,) = kinds_of("core", f"{bounce.item['pk']}|{bounce.item['sk']}")
    assert kind.life == timedelta(days=180)
    assert bounce.item["expires"] == pytest.approx((clock.now() + kind.life).timestamp(), abs=5)
    assert "expires" not in complaint.item


class Outcome(NamedTuple):
    """Every outcome of the platform's mail to a human who never asked for it."""

    suppressed: str | None = None
    then: str | None = None


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(),
        *(Outcome(then=then) for then in ("delivered", "bounced", "complained", "refused", "expired")),
        *(Outcome(suppressed=reason) for reason in ("bounce", "complaint", "manual")),
    ],
    ids=str,
)
def test_a_sign_up_looks_the_same_for_every_outcome_of_the_mail(
    outcome: Outcome, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    if outcome.suppressed:
        commit(store.suppress_system_mail_writes(ADA, outcome.suppressed))
    if outcome.then == "refused":
        monkeypatch.setattr(provider, "send", _refuse)
    made = signup.sign_up(ADA, "stranger", None, "corr_x", None)
    (head,) = (item for item in scan_items() if item["sk"] == "message")
    message_id = head["pk"].rpartition("#")[2]
    if outcome.then == "expired":
        message = store.get_message(made.organization.id, message_id)
        assert message
        monkeypatch.setattr("switchboard.email.queue_watch.is_expired", lambda _: True)
        delivery.check_queued(made.organization.id, message_id)
    else:
        delivery.send_queued(made.organization.id, message_id)
    if outcome.then in ("delivered", "complained"):
        {"delivered": feedback.record_delivery, "complained": feedback.record_complaint}[outcome.then](
            made.organization.id, message_id, [ADA]
        )
    if outcome.then == "bounced":
        feedback.record_bounce(made.organization.id, message_id, [ADA], permanent=True)
    assert bool(provider.sent) is (outcome.suppressed is None and outcome.then not in ("refused", "expired"))
    caller = access.caller_of(access.authenticate_key(made.master_key, dialect.KEYS), "corr_y")
    entries, _ = audit.list_workflow_events(caller, "corr_x", 50, None)
    assert sorted(entry.document["action"] for entry in entries) == [
        *("agent.created", "email.queued", "key.created", "key.created", "organization.created", "team.invited"),
    ]
    assert suppressions.list_suppressions(made.organization.id, 10, None)[0] == []
    assert usage.get_monthly_usage(made.organization.id, clock.now_iso()[:7]).units["email"] == 0


@pytest.mark.parametrize("suppressed", [True, False])
def test_a_mailbox_has_the_same_limits_with_and_without_mail(suppressed: bool) -> None:
    if suppressed:
        commit(store.suppress_system_mail_writes("ada@corp.example.com", "complaint"))
    for number in range(invite_mail.MAX_DAILY_MAILS_PER_MAILBOX):
        signup.sign_up(f"ada+{number}@corp.example.com", f"ada-{number}", None, "corr_x", None)
    with pytest.raises(RateLimited):
        signup.sign_up("ada+more@corp.example.com", "ada-more", None, "corr_x", None)


def _refuse(_: object) -> str:
    raise carriers.RefusedError("no")


def test_a_sign_up_does_not_see_the_mail_to_the_human() -> None:
    signed_up = signup.sign_up(ADA, "stranger", None, "corr_x", None)
    (head,) = (item for item in scan_items() if item["sk"] == "message")
    message = store.get_message(signed_up.organization.id, head["pk"].rpartition("#")[2])
    assert message
    assert message.agent_id == signed_up.agent.id
    for key in (signed_up.agent_key, signed_up.master_key):
        caller = access.caller_of(access.authenticate_key(key, dialect.KEYS), "corr_y")
        assert service.list_messages(caller, None, {}, 10, None) == ([], None)
        for read in (service.get_message, service.get_message_with_reports):
            with pytest.raises(NotFound):
                read(caller, message.id)
        with pytest.raises(NotFound):
            service.change_labels(caller, message.id, ["seen"], [])


def test_an_operator_lifts_both_a_bounce_and_a_complaint(capsys: pytest.CaptureFixture[str]) -> None:
    commit(
        store.suppress_system_mail_writes(ADA, "bounce"),
        store.suppress_system_mail_writes("ada+x@corp.example.com", "complaint"),
    )
    assert main(["mail", "check", "platform", ADA]) == 0
    assert "bounce" in capsys.readouterr().out
    assert main(["mail", "lift", "platform", ADA]) == 0
    assert store.is_unreachable(ADA) is False
    assert main(["mail", "lift", "platform", ADA]) == 1
