"""The jobs that each event starts, at once or later.

The registry names the queues that an event type starts (`switchboard.events.registry`). This module creates the job
for each queue. The job depends only on the event, so that a replay sends the same jobs as the first run. Every worker
recognizes a job that is already done: by its state machine, or by an id that is derived from the event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from math import ceil
from typing import NamedTuple

from switchboard.billing import jobs as _billing  # noqa: F401 declares its jobs, which no event starts
from switchboard.brands.jobs import MarkNumber, RecheckRegistration
from switchboard.calls.jobs import DIALED_WITHIN, CloseCall, DialCall, FetchRecording, SummarizeCall, WakeWaiting
from switchboard.calls.models import State
from switchboard.campaigns.jobs import AttributeReply
from switchboard.carriers.messages import codes
from switchboard.contacts.jobs import ContinueBackfill, IndexContacts
from switchboard.email.jobs import SendMail
from switchboard.events import registry
from switchboard.events.models import Event
from switchboard.kit import clock
from switchboard.kit.jobs import Job, QueueMessage
from switchboard.mcp_servers import jobs as _mcp_servers  # noqa: F401 declares its job, which no event starts
from switchboard.messaging import jobs as _messaging  # noqa: F401 declares its jobs, which no event starts
from switchboard.numbers import jobs as _numbers  # noqa: F401 declares its jobs, which no event starts
from switchboard.projections.jobs import ProjectEvent
from switchboard.replies.jobs import PAUSE, ContinueReply, ReplyToTexts
from switchboard.roleplay.jobs import BeginRoleplay, ScoreRoleplay
from switchboard.tool_approvals import jobs as _tool_approvals  # noqa: F401 declares its jobs, which no event starts
from switchboard.triggers.jobs import StartFlows
from switchboard.voicemails.jobs import CreateVoicemail, UseProviderText
from switchboard.webhooks import event_names
from switchboard.webhooks.jobs import DispatchEvent
from switchboard.widgets.jobs import BeginSession, SettleSession


def _of_contacts(event: Event) -> Job:
    if event.type == "contacts.backfill_started":
        return ContinueBackfill(org_id=event.org_id, backfill_id=event.subject.id)
    if event.type == "contacts.backfilled":
        return IndexContacts(org_id=event.org_id, contact_ids=[*event.data["created"], *event.data["updated"]])
    return IndexContacts(org_id=event.org_id, contact_ids=[event.subject.id])


def _of_calls(event: Event) -> Job:
    if event.type == "voice.call.created":
        return DialCall(org_id=event.org_id, call_id=event.subject.id)
    if event.type == "organization.plan_changed":
        return WakeWaiting(org_id=event.org_id)
    # The commit of this event released the call's lane.
    return WakeWaiting(org_id=event.org_id, call_id=event.subject.id)


class LaterJob(NamedTuple):
    """A job that an event starts some time after it, within the longest delay of a queue."""

    job: Job
    after: timedelta


def _close_call_later(event: Event) -> LaterJob:
    """Returns the job that closes a call if its first job is lost before it is dialed."""
    job = CloseCall(org_id=event.org_id, call_id=event.subject.id, state=State.CREATED.value)
    return LaterJob(job, DIALED_WITHIN)


def _reply_later(event: Event) -> LaterJob | None:
    """Returns the job that answers a text. The AI never sees a keyword."""
    if event.data.get("keyword"):
        return None
    job = ReplyToTexts(org_id=event.org_id, conversation_id=event.data["conversation"], message_id=event.subject.id)
    return LaterJob(job, PAUSE)


def _settle_session(event: Event) -> LaterJob | None:
    """Returns the job that settles a widget's session at the end of its call. Other calls have none."""
    session_id = event.data.get("widget_session")
    if session_id is None:
        return None
    return LaterJob(SettleSession(org_id=event.org_id, session_id=session_id), timedelta())


def _recheck_registration(event: Event) -> LaterJob | None:
    """Returns the job that asks the registry, if a network refused a text for its number's registration."""
    if not codes.tells_of_registration(event.data.get("error")):
        return None
    return LaterJob(RecheckRegistration(org_id=event.org_id), timedelta())


#: The later job of an event type. The event itself is the timer, which saves an item in a busy commit.
LATER_JOBS: dict[str, Callable[[Event], LaterJob | None]] = {
    "voice.call.created": _close_call_later,
    "sms.received": _reply_later,
    "sms.failed": _recheck_registration,
    **dict.fromkeys(
        ("voice.call.completed", "voice.call.no_answer", "voice.call.failed", "voice.call.canceled"), _settle_session
    ),
}


def _of_messages(event: Event) -> Job:
    job = UseProviderText if event.type == "voice.call.message_transcribed" else CreateVoicemail
    return job(org_id=event.org_id, call_id=event.subject.id, recording_id=event.data["recording"])


#: For each queue name in the registry, the function that creates the job of an event.
JOB_FACTORIES: dict[str, Callable[[Event], Job]] = {
    # A new number gets the state of its organization's registration.
    "brands": lambda event: MarkNumber(org_id=event.org_id, number_id=event.subject.id),
    "email": lambda event: SendMail(org_id=event.org_id, message_id=event.subject.id),
    "dialer": _of_calls,
    "recordings": lambda event: FetchRecording(
        org_id=event.org_id, call_id=event.subject.id, recording_id=event.data["recording"]
    ),
    "roleplay": lambda event: BeginRoleplay(org_id=event.org_id, call_id=event.subject.id),
    "scoring": lambda event: ScoreRoleplay(org_id=event.org_id, call_id=event.subject.id),
    "contacts": _of_contacts,
    "summaries": lambda event: SummarizeCall(org_id=event.org_id, call_id=event.subject.id),
    "voicemails": _of_messages,
    "widgets": lambda event: BeginSession(org_id=event.org_id, session_id=event.subject.id),
    "replies": lambda event: ContinueReply(
        org_id=event.org_id, conversation_id=event.data["conversation"], approval_id=event.subject.id
    ),
    "recipients": lambda event: AttributeReply(
        org_id=event.org_id,
        conversation_id=event.data["conversation"],
        message_id=event.subject.id,
        keyword=event.data.get("keyword"),
    ),
    "triggers": lambda event: StartFlows(
        org_id=event.org_id, trigger_id=event.subject.id, firing_id=event.data["firing"]
    ),
}


def messages_of(event: Event) -> Iterable[QueueMessage]:
    """Yields the messages of all jobs of an event. Those of its later job have the delay that is left."""
    yield from (job.to_message() for job in jobs_of(event))
    if event.type in LATER_JOBS:
        later = LATER_JOBS[event.type](event)
        if later is None:
            return
        left = clock.parse(event.at) + later.after - clock.now()
        # Rounded up, so that the job is never early.
        yield later.job.to_message(delay=max(0, ceil(left.total_seconds())))


def jobs_of(event: Event) -> Iterable[Job]:
    """Yields the jobs that an event starts at once. The audit chain gets every event separately (`fanout.service`)."""
    row = registry.TYPES.get(event.type)
    for name in row.starts if row else ():
        yield JOB_FACTORIES[name](event)
    if row and row.projections:
        yield ProjectEvent(org_id=event.org_id, event=event)
    if event.type in event_names.EVENT_TYPES:
        yield DispatchEvent(org_id=event.org_id, event=event)
