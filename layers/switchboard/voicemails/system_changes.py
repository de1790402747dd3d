"""Changes that the platform makes to a voicemail by itself, in the workflow of its call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from switchboard import telemetry
from switchboard.aws.writes import Put
from switchboard.errors import NotFound
from switchboard.events import service as events
from switchboard.events.models import Actor, Subject, SystemActor
from switchboard.persistence.optimistic import Decision
from switchboard.voicemails import store
from switchboard.voicemails.models import Voicemail


def event_write(voicemail: Voicemail, type_: str, **data: Any) -> Put:
    """Returns the write of an event of this version. A fact that is None is left out."""
    origin = SystemActor(
        org_id=voicemail.org_id,
        actor=Actor(type="system", id="voicemails"),
        agent_id=voicemail.agent_id,
        correlation_id=voicemail.correlation_id,
    )
    known = {name: value for name, value in data.items() if value is not None}
    return events.new_event_write(
        origin, type_, Subject(type="voicemail", id=voicemail.id, version=voicemail.version), **known
    )


def change_voicemail(voicemail: Voicemail, decide: Callable[[Voicemail], Decision[Voicemail]]) -> None:
    """Changes the current version of a voicemail. Does nothing if a member has deleted it."""
    try:
        store.VOICEMAILS.change_object(voicemail.org_id, voicemail.id, decide)
    except NotFound:
        telemetry.log_skip("the voicemail was deleted", org_id=voicemail.org_id, voicemail_id=voicemail.id)
