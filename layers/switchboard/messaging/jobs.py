"""The jobs of text messages."""

from __future__ import annotations

from switchboard.kit.jobs import Job


class SendText(Job, queue="texts"):
    """Hand an accepted text to the carrier. `slot` is the time that it has reserved at its number, in milliseconds."""

    org_id: str
    conversation_id: str
    message_id: str
    slot: int | None = None


class ConfirmText(Job, queue="texts"):
    """Ask the carrier about a claimed text without an outcome. `claim` is the version in which it was claimed."""

    org_id: str
    conversation_id: str
    message_id: str
    claim: int


class SendScheduledText(Job, queue="texts"):
    """Send a scheduled text at its time."""

    org_id: str
    scheduled_id: str


class WakeConversation(Job, queue="texts"):
    """Open a snoozed conversation at its time."""

    org_id: str
    conversation_id: str
    snoozed_until: str


class FetchTextMedia(Job, queue="text-media"):
    """Copy the files of a text that came in from the carrier into our bucket. `attempts` counts the earlier runs."""

    org_id: str
    conversation_id: str
    message_id: str
    attempts: int = 0
