"""The simulated registry's forms: they say that there is news about a brand, as Twilio's status callbacks do."""

from __future__ import annotations

from typing import Any

from switchboard.carriers.registrations.twilio import urls
from switchboard.carriers.voice.simulator import forms
from switchboard.carriers.voice.simulator.forms import SIMULATOR_QUEUE, LocalReceiver
from switchboard.carriers.voice.twilio import accounts
from switchboard.kit.jobs import QueueMessage

#: The field by which the worker knows these messages.
REGISTRATION_FORM = "registration_form"


def news_message(org_id: str, brand_id: str, delay: int) -> QueueMessage:
    """Returns the message that posts the form after a delay in seconds."""
    form = {"AccountSid": accounts.simulated_account_sid(org_id), "Status": "reviewed"}
    body = {"org_id": org_id, "path": urls.status_path(org_id, brand_id), REGISTRATION_FORM: form}
    return QueueMessage(queue=SIMULATOR_QUEUE, body=body, group=org_id, delay=delay)


def handle_message(body: dict[str, Any], receive: LocalReceiver) -> None:
    """Posts the form of a message. Raises CallbackRefusedError."""
    forms.post_form(forms.sign_form(body["org_id"], body["path"], body[REGISTRATION_FORM]), receive)
