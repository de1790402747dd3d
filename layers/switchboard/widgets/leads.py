"""The leads of visitors: lists them, and deletes them, for a member or at the end of their time.

A lead is deleted together with its copy in the call. The transcript stays.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from switchboard import telemetry
from switchboard.aws.writes import Put, Writes
from switchboard.calls import visitors
from switchboard.errors import NotFound
from switchboard.events import service as events
from switchboard.events.models import Actor, Origin, Subject, SystemActor
from switchboard.kit import clock, ids
from switchboard.persistence.idempotency import IdempotencyKey, commit_once, find_earlier_effect
from switchboard.persistence.optimistic import retry_on_conflict
from switchboard.timers import service as timers
from switchboard.widgets import service, session_store
from switchboard.widgets.jobs import EraseLead
from switchboard.widgets.models import Lead, LeadAnswers, WidgetSession


class NewLead(NamedTuple):
    """A new lead, and the writes that store it with the timer that ends it."""

    lead: Lead
    writes: list[Put]


def new_lead(lead_id: str, session: WidgetSession, answers: LeadAnswers, days: int) -> NewLead:
    """Returns the lead of a session, which is kept for some days."""
    until = clock.parse(session.created_at) + timedelta(days=days)
    timer = timers.schedule(EraseLead(org_id=session.org_id, token_id=session.token_id, lead_id=lead_id), until)
    lead = Lead(
        **answers.model_dump(),
        id=lead_id,
        org_id=session.org_id,
        token_id=session.token_id,
        origin=session.origin,
        call_id=session.call_id,
        kept_until=clock.format_iso(until),
        timer=timer.ref,
        created_at=session.created_at,
    )
    return NewLead(lead, [session_store.lead_write(lead), timer.write])


def list_leads(org_id: str, token_id: str, limit: int, after: str | None = None) -> tuple[list[Lead], str | None]:
    """Returns a page of a token's leads, the newest first, and the cursor of the next page.

    A revoked token has its leads too. Raises NotFound, and Invalid for a cursor of another list.
    """
    service.get_token(org_id, token_id)
    return session_store.list_leads(org_id, token_id, limit, after)


def delete_lead(origin: Origin, token_id: str, lead_id: str, effect: IdempotencyKey | None = None) -> None:
    """Deletes a lead, and what its call has of it. Raises NotFound, Contended."""
    retry_on_conflict(lambda: _delete(origin, token_id, lead_id, effect))


def erase_lead(job: EraseLead) -> None:
    """Deletes a lead at the end of its time. It may run several times."""
    actor = Actor(type="system", id="widgets")
    origin = SystemActor(org_id=job.org_id, actor=actor, agent_id=None, correlation_id=ids.new_id("corr"))
    try:
        delete_lead(origin, job.token_id, job.lead_id)
    except NotFound:
        telemetry.log_skip("the lead is deleted already", org_id=job.org_id, lead_id=job.lead_id)


def _delete(origin: Origin, token_id: str, lead_id: str, effect: IdempotencyKey | None) -> None:
    (lead,) = session_store.find_leads([(origin.org_id, token_id, lead_id)])
    if lead is None:
        if find_earlier_effect(effect):
            return
        raise NotFound("There is no such lead: check its id.")
    deleted: Writes = events.new_event_write(
        origin,
        "widget.lead_deleted",
        Subject(type="widget_lead", id=lead.id, version=2),
        token=lead.token_id,
        call=lead.call_id,
    )
    commit_once(
        effect,
        lead.id,
        session_store.lead_delete_write(lead),
        visitors.forget_visitor_write(lead.org_id, lead.call_id),
        timers.cancel_writes(lead.timer),
        deleted,
    )
