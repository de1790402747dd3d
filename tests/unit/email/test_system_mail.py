"""The platform's own mail: who gets it, and who sees it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from switchboard.access import service as access
from switchboard.aws import clock
from switchboard.aws.table import commit
from switchboard.carriers import mail as carriers
from switchboard.cli import main
from switchboard.edge.dialects import anima
from switchboard.email import delivery, service, store
from switchboard.errors import NotFound
from switchboard.kit.retention import kinds_of
from switchboard.signup import service as signup
from tests.actors import Tenant, tenant
from tests.unit.email.test_standing import Provider, everything

pytestmark = pytest.mark.usefixtures("cloud")
ADA = "ada@corp.example.com"


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Provider:
    found = Provider()
    monkeypatch.setattr(carriers, "carrier", lambda: found)
    return found


@pytest.fixture
def acme(cloud: dict[str, str]) -> Tenant:
    return tenant()


def welcomed(address: str, username: str) -> list[str]:
    """Sign somebody up. Answers the organization and the id of the mail that goes to them, if one does."""
    org = signup.sign_up(address, username, None, "corr_x", None).organisation
    heads = [item["pk"].split("#") for item in everything() if item["sk"] == "message"]
    return next(([org_id, message_id] for org_id, _, message_id in heads if org_id == org.id), [])


def test_a_bounce_of_another_address_with_her_name_takes_nothing_from_ada(provider: Provider) -> None:
    org_id, message_id = welcomed("ada+nobody@corp.example.com", "stranger")
    delivery.deliver(org_id, message_id)
    # The server of corp.example.com knows no `+`.
    delivery.bounced(org_id, message_id, ["ada+nobody@corp.example.com"], permanent=True)
    assert service.reachable("Ada+Nobody@corp.example.com").result() is False
    assert service.reachable(ADA).result() is True
    org_id, message_id = welcomed(ADA, "ada-herself")
    delivery.deliver(org_id, message_id)
    assert [outbound.recipients for outbound in provider.sent] == [["ada+nobody@corp.example.com"], [ADA]]


def test_a_complaint_stops_mail_to_every_spelling_of_a_mailbox(provider: Provider) -> None:
    org_id, message_id = welcomed("ada+one@corp.example.com", "stranger")
    delivery.deliver(org_id, message_id)
    delivery.complained(org_id, message_id, ["ada+one@corp.example.com"])
    assert service.reachable(ADA).result() is False
    assert service.reachable("Ada+Two@corp.example.com").result() is False
    assert service.reachable("bob@corp.example.com").result() is True


def test_a_bounce_stops_mail_for_half_a_year_and_a_complaint_for_good() -> None:
    bounce, complaint = (store.suppress_system_mail(ADA, reason) for reason in ("bounce", "complaint"))
    (kind,) = kinds_of("core", f"{bounce.item['pk']}|{bounce.item['sk']}")
    assert kind.life == timedelta(days=180)
    assert bounce.item["expires"] == pytest.approx((clock.now() + kind.life).timestamp(), abs=5)
    assert "expires" not in complaint.item


def test_whoever_signs_up_does_not_see_what_is_written_to_the_human() -> None:
    signed_up = signup.sign_up(ADA, "stranger", None, "corr_x", None)
    (head,) = (item for item in everything() if item["sk"] == "message")
    message = store.get(signed_up.organisation.id, head["pk"].rpartition("#")[2])
    assert message
    assert message.agent_id == signed_up.agent.id
    for key in (signed_up.agent_key, signed_up.master_key):
        caller = access.caller(access.authenticate(key, anima.KEYS), "corr_y")
        assert service.listing(caller, None, {}, 10, None) == ([], None)
        for read in (service.get, service.get_with_reports):
            with pytest.raises(NotFound):
                read(caller, message.id)
        with pytest.raises(NotFound):
            service.label(caller, message.id, ["seen"], [])


def test_an_operator_lifts_both_a_bounce_and_a_complaint(capsys: pytest.CaptureFixture[str]) -> None:
    commit(store.suppress_system_mail(ADA, "bounce"), store.suppress_system_mail("ada+x@corp.example.com", "complaint"))
    assert main(["mail", "check", "platform", ADA]) == 0
    assert "bounce" in capsys.readouterr().out
    assert main(["mail", "lift", "platform", ADA]) == 0
    assert service.reachable(ADA).result() is True
    assert main(["mail", "lift", "platform", ADA]) == 1
