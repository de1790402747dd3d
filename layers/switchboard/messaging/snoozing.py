"""Snoozed conversations: put aside until a moment, and opened again by a timer."""

from __future__ import annotations

from datetime import timedelta

from switchboard import telemetry
from switchboard.errors import Invalid
from switchboard.events.models import Actor, SystemActor
from switchboard.kit import clock, ids
from switchboard.messaging import store
from switchboard.messaging.conversation_changes import decide_changes
from switchboard.messaging.jobs import WakeConversation
from switchboard.messaging.models import ConversationStatus, TextConversation
from switchboard.persistence.optimistic import Decision

#: The longest snooze.
MAX_SNOOZE = timedelta(days=90)


def parse_snooze(text: str) -> str:
    """Returns the moment of a request in the form in which it is stored. Raises Invalid."""
    now, moment = clock.now(), clock.parse(text)
    if moment <= now:
        raise _invalid("is not in the future")
    if moment > now + MAX_SNOOZE:
        raise _invalid(f"is more than {MAX_SNOOZE.days} days ahead")
    return clock.format_iso(moment)


def wake_conversation(job: WakeConversation) -> None:
    """Opens a snoozed conversation at its moment. It may run several times."""

    def decide(before: TextConversation) -> Decision[TextConversation]:
        if before.status is not ConversationStatus.SNOOZED or before.snoozed_until != job.snoozed_until:
            return None
        origin = SystemActor(
            org_id=before.org_id,
            actor=Actor(type="system", id="snooze"),
            agent_id=None,
            correlation_id=ids.new_id("corr"),
        )
        return decide_changes(origin, before, {"status": ConversationStatus.OPEN}, cause="timer")

    if not store.CONVERSATIONS.change_object(job.org_id, job.conversation_id, decide):
        telemetry.log_skip(
            "the conversation is not snoozed until then", org_id=job.org_id, conversation_id=job.conversation_id
        )


def _invalid(problem: str) -> Invalid:
    return Invalid(
        f"The snooze {problem}: send a moment within the next {MAX_SNOOZE.days} days.",
        code="invalid_snooze",
        fields={"snoozed_until": problem},
    )
