"""Scheduled texts: creates, lists, cancels and ends them. `messaging.firing` sends them at their time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from switchboard.aws.reads import Query
from switchboard.aws.writes import Writes
from switchboard.errors import Invalid, NotFound
from switchboard.events.models import Origin
from switchboard.kit import clock, ids, texts
from switchboard.messaging import store, text_events
from switchboard.messaging.jobs import SendScheduledText
from switchboard.messaging.models import ScheduledStatus, ScheduledText, ScheduleReason, TextMessage
from switchboard.persistence.collection import next_version
from switchboard.persistence.idempotency import IdempotencyKey
from switchboard.persistence.listing import read_query_page
from switchboard.persistence.optimistic import Decision
from switchboard.team.models import Member
from switchboard.timers import service as timers

_ID = re.compile(rf"{store.SCHEDULED_PREFIX}_[0-9a-z]{{26}}")


def new_scheduled(message: TextMessage, at: datetime, reason: ScheduleReason) -> ScheduledText:
    """Returns a text that becomes `message` at a time, not stored yet and without its timer."""
    return ScheduledText(
        id=ids.new_id(store.SCHEDULED_PREFIX),
        org_id=message.org_id,
        conversation_id=message.conversation_id,
        number_id=message.number_id,
        number_e164=message.number_e164,
        contact_e164=message.contact_e164,
        body=message.body,
        media=message.media,
        purpose=message.purpose,
        author=message.author,
        author_user_id=message.author_user_id,
        honors_quiet_hours=message.honors_quiet_hours,
        flow_id=message.flow_id,
        basis=message.basis,
        passes_pause=message.passes_pause,
        reason=reason,
        send_at=clock.format_iso(at),
        simulated=message.simulated,
        correlation_id=message.correlation_id,
        created_at=message.created_at,
        updated_at=message.created_at,
    )


def scheduled_writes(origin: Origin, found: ScheduledText) -> tuple[ScheduledText, Writes]:
    """Returns a new scheduled text with its timer, and the writes of its item, its timer and its event."""
    timed, timer = _with_timer(found)
    return timed, [store.SCHEDULED.create_write(timed), timer, _scheduled_event_write(origin, timed)]


def put_off(found: ScheduledText, at: str) -> tuple[ScheduledText, Writes]:
    """Returns a scheduled text with a later time, because quiet hours apply at its own time."""
    after = next_version(found, send_at=at, reason=ScheduleReason.QUIET_HOURS)
    timed, timer = _with_timer(after)
    return timed, [timer, _scheduled_event_write(text_events.text_origin(timed), timed)]


def _with_timer(found: ScheduledText) -> tuple[ScheduledText, Writes]:
    job = SendScheduledText(org_id=found.org_id, scheduled_id=found.id)
    due = timers.schedule(job, clock.parse(found.send_at))
    return found.model_copy(update={"timer": due.ref}), due.write


def _scheduled_event_write(origin: Origin, found: ScheduledText) -> Writes:
    return text_events.scheduled_event_write(
        origin,
        "sms.scheduled",
        found,
        contact=texts.digest(found.contact_e164),
        send_at=found.send_at,
        reason=found.reason.value,
    )


def list_scheduled_texts(
    member: Member, status: ScheduledStatus | None, limit: int, after: str | None
) -> tuple[list[ScheduledText], str | None]:
    """Returns a page of the organization's scheduled texts with a status, and the cursor of the next page.

    By default those that are pending, the soonest first. The others are sorted with the latest time first.
    """
    wanted = status or ScheduledStatus.PENDING
    place = store.SCHEDULED_LISTING.find_partition(member.org_id, {"status": wanted.value})
    query = Query(
        table="activity",
        index=place.index,
        partition=place.name,
        forward=wanted is ScheduledStatus.PENDING,
    )
    return read_query_page(
        query, store.SCHEDULED.from_item, member.org_id, f"scheduled-texts:{wanted.value}", limit, after
    )


def list_pending_ids(org_id: str) -> Iterator[str]:
    """Yields the ids of the scheduled texts that are pending, the soonest first."""
    place = store.SCHEDULED_LISTING.find_partition(org_id, {"status": ScheduledStatus.PENDING.value})
    for item in Query(table="activity", index=place.index, partition=place.name).read_all():
        yield store.SCHEDULED.from_item(item).id


def cancel_scheduled_text(origin: Origin, scheduled_id: str, effect: IdempotencyKey | None = None) -> None:
    """Cancels a pending scheduled text. Does nothing for a canceled one.

    Raises NotFound, and Invalid (`already_sent`, `already_failed`) if it has become a text or has failed.
    """
    if not _ID.fullmatch(scheduled_id) or store.SCHEDULED.get_object(origin.org_id, scheduled_id) is None:
        raise NotFound("There is no such scheduled text: check its id.")

    def decide(found: ScheduledText) -> Decision[ScheduledText]:
        if found.status is ScheduledStatus.CANCELED:
            return None
        if found.status is not ScheduledStatus.PENDING:
            raise Invalid(
                "This scheduled text is no longer pending: it cannot be canceled.", code=f"already_{found.status.value}"
            )
        after = next_version(found, status=ScheduledStatus.CANCELED, timer=None)
        return after, [
            timers.cancel_writes(found.timer),
            text_events.scheduled_event_write(origin, "sms.schedule_canceled", after),
        ]

    store.SCHEDULED.change_object(origin.org_id, scheduled_id, decide, effect)


def fail_scheduled(found: ScheduledText, error: str) -> tuple[ScheduledText, Writes]:
    """Returns a scheduled text that was not sent, with the code of the reason."""
    after = next_version(found, status=ScheduledStatus.FAILED, timer=None, error=error)
    event = text_events.scheduled_event_write(
        text_events.text_origin(after), "sms.schedule_failed", after, error=texts.to_code(error)
    )
    return after, event
