"""The watch on mail that waits to be sent: it is tried until it is sent, or until its time is over.

A mail's job may be lost: its worker failed each time, and the job ended in the dead-letter queue. The watch asks for it
again, and at the deadline fails the mail, with an event. A mail that the provider has no room for has jobs of its own.
"""

from __future__ import annotations

from datetime import timedelta

from switchboard.aws import clock
from switchboard.aws.table import Put
from switchboard.email.jobs import SendMail, WatchMail
from switchboard.email.models import Head, State
from switchboard.timers import service as timers

#: How long a mail may wait, and how often it is looked at. The first look leaves with the commit that accepts the mail.
GIVE_UP_AFTER = timedelta(hours=12)
EVERY = timedelta(minutes=15)


def watch_writes(head: Head) -> Put:
    """The write that has a waiting mail looked at."""
    return timers.later(WatchMail(org_id=head.org_id, message_id=head.id), clock.now() + EVERY).write


def is_over(head: Head) -> bool:
    """Whether a mail has waited for as long as it may."""
    return clock.now() - clock.parse(head.created_at) > GIVE_UP_AFTER


def is_waiting(head: Head) -> bool:
    """Whether a mail is still to be sent."""
    return head.state is State.QUEUED


def retry_writes(head: Head) -> list[Put]:
    """The writes that have a waiting mail looked at again, and tried now if nothing has tried it for a while."""
    again = SendMail(org_id=head.org_id, message_id=head.id)
    stale = clock.now() - clock.parse(head.updated_at) >= EVERY
    return [watch_writes(head), *([timers.soon(again)] if stale else [])]
