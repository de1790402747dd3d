"""The addresses of Twilio's callbacks about texts. They have no query, as those of calls have none.

| address | used for |
|---|---|
| `/twilio/sms/<number>` | texts to one of our numbers |
| `/twilio/sms/messages/<organization>/<conversation>/<message>` | the status of a text of ours |
| `/twilio/sms/messages/<organization>/<conversation>/<message>/campaign` | the same for a campaign's text |
"""

from __future__ import annotations

from switchboard.carriers.messages.ports.messenger import OutgoingText, TextRefusedError
from switchboard.carriers.twilio_retries import retried_url
from switchboard.kit import settings

BASE_PATH = "/twilio/sms/"
MESSAGES_PATH = f"{BASE_PATH}messages/"
#: The last part of the path of a campaign's text.
CAMPAIGN_PART = "campaign"


def incoming_path(number_id: str) -> str:
    """Returns the path of the texts to a number."""
    return f"{BASE_PATH}{number_id}"


def status_path(text: OutgoingText) -> str:
    """Returns the path of the status of a text."""
    path = f"{MESSAGES_PATH}{text.org_id}/{text.conversation_id}/{text.message_id}"
    return f"{path}/{CAMPAIGN_PART}" if text.campaign else path


def status_url(text: OutgoingText) -> str:
    """Returns the public URL of the status of a text. Raises TextRefusedError if the deployment has no public URL."""
    base = settings.text("PUBLIC_URL", "").rstrip("/")
    if not base:
        raise TextRefusedError("the deployment has no public URL for the carrier's callbacks")
    return retried_url(base + status_path(text))
