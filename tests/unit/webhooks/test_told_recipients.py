"""The recipients in a webhook about a mail."""

from __future__ import annotations

import pytest

from switchboard.email import delivery as make_mail
from switchboard.email import feedback
from switchboard.email import service as email
from switchboard.email.models import MailDraft
from tests.actors import Tenant
from tests.fakes.receiver import Receiver
from tests.unit.email.test_inbound import make_mail as letter
from tests.unit.email.test_inbound import receive_mail
from tests.unit.webhooks.conftest import Register, World


def send_mail(acme: Tenant) -> str:
    """A mail to three recipients."""
    draft = MailDraft(to=["a@example.com", "B@example.com"], bcc=["c@example.com"], subject="s", body="b")
    message = email.send_message(acme.caller(), draft)
    make_mail.send_queued(message.org_id, message.id)
    return message.id


def list_payloads(receiver: Receiver) -> dict[str, tuple[str, list[str]]]:
    return {one.told["event"]: (one.told["toAddress"], one.told["recipients"]) for one in receiver.got}


def test_a_webhook_names_the_reported_recipients(
    acme: Tenant, world: World, receiver: Receiver, register: Register
) -> None:
    register(events=["message.*"])
    message_id = send_mail(acme)
    feedback.record_bounce(acme.org_id, message_id, ["b@example.com"], permanent=True)
    feedback.record_delivery(acme.org_id, message_id, ["c@example.com", "a@example.com"])
    world.go_on()
    assert list_payloads(receiver) == {
        "message.sent": ("a@example.com", ["a@example.com", "B@example.com", "c@example.com"]),
        "message.bounced": ("B@example.com", ["B@example.com"]),
        "message.delivered": ("a@example.com", ["a@example.com", "c@example.com"]),
    }


def test_a_webhook_about_incoming_mail_names_the_receiving_address(
    acme: Tenant, world: World, receiver: Receiver, register: Register
) -> None:
    register(events=["message.received"])
    receive_mail(letter(To=acme.address), acme.address)
    world.go_on()
    assert list_payloads(receiver) == {"message.received": (acme.address, [acme.address])}


@pytest.mark.parametrize("to", ["list@example.com", "colleague@example.com, {}, third@example.com", "Nobody"])
def test_the_receiving_address_is_independent_of_the_headers(
    acme: Tenant, world: World, receiver: Receiver, register: Register, to: str
) -> None:
    register(events=["message.received"])
    (message,) = receive_mail(letter(To=to.format(acme.address), Cc="d@example.com"), acme.address)
    world.go_on()
    assert list_payloads(receiver) == {"message.received": (acme.address, [acme.address])}
    shown = email.get_message(acme.caller(), message.id)
    assert (shown.to, shown.cc) == (message.to, ["d@example.com"])
    assert acme.address not in shown.to or len(shown.to) == 3
