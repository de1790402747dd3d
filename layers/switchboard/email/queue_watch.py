"""The watch on queued mail: a mail is retried until it is sent or its time is over.

The job of a mail may be lost: its worker failed each time, and the job ended in the dead-letter queue. The watch queues
the job again, and fails the mail at the deadline, with an event. A throttled mail has retry jobs of its own.
"""

from __future__ import annotations

from datetime import timedelta

from switchboard.aws.writes import Put
from switchboard.email.jobs import SendMail, WatchMail
from switchboard.email.models import MailState, MessageHead
from switchboard.kit import clock
from switchboard.timers import service as timers

#: How long a mail may wait, and how often it is checked. The commit that accepts the mail arranges the first check.
GIVE_UP_AFTER = timedelta(hours=12)
CHECK_INTERVAL = timedelta(minutes=15)


def watch_writes(head: MessageHead) -> Put:
    """The write that arranges the next check of a queued mail."""
    return timers.schedule(WatchMail(org_id=head.org_id, message_id=head.id), clock.now() + CHECK_INTERVAL).write


def is_expired(head: MessageHead) -> bool:
    """Whether a mail has waited longer than GIVE_UP_AFTER."""
    return clock.now() - clock.parse(head.created_at) > GIVE_UP_AFTER


def is_waiting(head: MessageHead) -> bool:
    """Whether a mail is still queued."""
    return head.state is MailState.QUEUED


def retry_writes(head: MessageHead) -> list[Put]:
    """The writes that arrange the next check of a queued mail, and retry it now if it has not changed for a while."""
    again = SendMail(org_id=head.org_id, message_id=head.id)
    stale = clock.now() - clock.parse(head.updated_at) >= CHECK_INTERVAL
    return [watch_writes(head), *([timers.job_write(again)] if stale else [])]
