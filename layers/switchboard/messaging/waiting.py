"""How long a queued text may wait, and the job with which it returns. Pure: it reads and writes nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

from switchboard.kit import clock
from switchboard.messaging.jobs import SendText
from switchboard.messaging.models import TextMessage

#: How long a text may wait for its number or a throttling carrier.
WAIT_LIMIT = timedelta(hours=4)


def waits_until(message: TextMessage) -> datetime:
    """Returns until when a queued text may wait. The time counts from the end of its quiet hours.

    An answer to a keyword waits until its own time.
    """
    if message.answer_by is not None:
        return clock.parse(message.answer_by)
    return clock.parse(max(message.created_at, message.put_off_until or "")) + WAIT_LIMIT


def late_code(message: TextMessage, code: str) -> str:
    """Returns why a text has waited too long: the code for any text, or the one of an answer to a keyword."""
    return code if message.answer_by is None else "answer_too_late"


def job_of(message: TextMessage, slot: int | None = None) -> SendText:
    """Returns the job that sends a text. `slot` is the time that it has reserved at its number."""
    return SendText(org_id=message.org_id, conversation_id=message.conversation_id, message_id=message.id, slot=slot)
