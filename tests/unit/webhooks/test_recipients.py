"""Of whom a webhook about a mail tells."""

from __future__ import annotations

import pytest

from switchboard.email import delivery as mail
from switchboard.email import feedback
from switchboard.email import service as email
from switchboard.email.models import MailDraft
from tests.actors import Tenant
from tests.fakes.receiver import Receiver
from tests.unit.email.test_inbound import mail as letter
from tests.unit.email.test_inbound import received
from tests.unit.webhooks.conftest import Register, World


def sent(acme: Tenant) -> str:
    """A mail to three."""
    draft = MailDraft(to=["a@example.com", "B@example.com"], bcc=["c@example.com"], subject="s", body="b")
    message = email.send_message(acme.caller(), draft)
    mail.send_queued(message.org_id, message.id)
    return message.id


def told(receiver: Receiver) -> dict[str, tuple[str, list[str]]]:
    return {one.told["event"]: (one.told["toAddress"], one.told["recipients"]) for one in receiver.got}


def test_a_webhook_names_those_of_whom_something_was_reported(
    acme: Tenant, world: World, receiver: Receiver, register: Register
) -> None:
    register(events=["message.*"])
    message_id = sent(acme)
    feedback.record_bounce(acme.org_id, message_id, ["b@example.com"], permanent=True)
    feedback.record_delivery(acme.org_id, message_id, ["c@example.com", "a@example.com"])
    world.go_on()
    assert told(receiver) == {
        "message.sent": ("a@example.com", ["a@example.com", "B@example.com", "c@example.com"]),
        "message.bounced": ("B@example.com", ["B@example.com"]),
        "message.delivered": ("a@example.com", ["a@example.com", "c@example.com"]),
    }


def test_a_webhook_of_mail_that_came_in_names_the_address_that_it_came_to(
    acme: Tenant, world: World, receiver: Receiver, register: Register
) -> None:
    register(events=["message.received"])
    received(letter(To=acme.address), acme.address)
    world.go_on()
    assert told(receiver) == {"message.received": (acme.address, [acme.address])}


@pytest.mark.parametrize("to", ["list@example.com", "colleague@example.com, {}, third@example.com", "Nobody"])
def test_it_names_that_address_whomever_the_mail_says_it_is_to(
    acme: Tenant, world: World, receiver: Receiver, register: Register, to: str
) -> None:
    register(events=["message.received"])
    (message,) = received(letter(To=to.format(acme.address), Cc="d@example.com"), acme.address)
    world.go_on()
    assert told(receiver) == {"message.received": (acme.address, [acme.address])}
    shown = email.get_message(acme.caller(), message.id)
    assert (shown.to, shown.cc) == (message.to, ["d@example.com"])
    assert acme.address not in shown.to or len(shown.to) == 3
