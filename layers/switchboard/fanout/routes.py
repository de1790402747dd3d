"""The jobs that each event starts.

The registry names the queues that an event type starts (`switchboard.events.registry`). This module creates the job
for each queue. The job depends only on the event, so that a replay sends the same jobs as the first run. Every worker
recognizes a job that is already done: by its state machine, or by an id that is derived from the event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from switchboard.calls.jobs import DialCall, FetchRecording, SummarizeCall, WakeWaiting
from switchboard.contacts.jobs import ContinueBackfill, IndexContacts
from switchboard.email.jobs import SendMail
from switchboard.events import registry
from switchboard.events.models import Event
from switchboard.kit.jobs import Job
from switchboard.numbers import jobs as _numbers  # noqa: F401 declares its jobs, which no event starts
from switchboard.projections.jobs import ProjectEvent
from switchboard.roleplay.jobs import BeginRoleplay, ScoreRoleplay
from switchboard.voicemails.jobs import CreateVoicemail, UseProviderText
from switchboard.webhooks import event_names
from switchboard.webhooks.jobs import DispatchEvent


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


def _of_messages(event: Event) -> Job:
    job = UseProviderText if event.type == "voice.call.message_transcribed" else CreateVoicemail
    return job(org_id=event.org_id, call_id=event.subject.id, recording_id=event.data["recording"])


#: For each queue name in the registry, the function that creates the job of an event.
JOB_FACTORIES: dict[str, Callable[[Event], Job]] = {
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
}


def jobs_of(event: Event) -> Iterable[Job]:
    """Yields the jobs that an event starts. The audit chain gets every event separately (`fanout.service`)."""
    row = registry.TYPES.get(event.type)
    for name in row.starts if row else ():
        yield JOB_FACTORIES[name](event)
    if row and row.projections:
        yield ProjectEvent(org_id=event.org_id, event=event)
    if event.type in event_names.EVENT_TYPES:
        yield DispatchEvent(org_id=event.org_id, event=event)
