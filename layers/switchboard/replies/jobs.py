"""The job of answers to texts."""

from __future__ import annotations

from datetime import timedelta

from switchboard.kit.jobs import Job

#: How long the AI waits for another text of the contact.
PAUSE = timedelta(seconds=4)


class ReplyToTexts(Job, queue="replies"):
    """Answer the texts that came in up to this one. `tries` counts the earlier runs, which had to wait."""

    org_id: str
    conversation_id: str
    message_id: str
    tries: int = 0


class ContinueReply(Job, queue="replies"):
    """Go on with the conversation when the result of a tool is there, or a person refused the tool.

    `tries` counts the earlier runs, which had to wait for the model or for a tool.
    """

    org_id: str
    conversation_id: str
    approval_id: str
    tries: int = 0
