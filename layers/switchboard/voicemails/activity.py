"""The activity of members on a voicemail: views, plays, the heard state, and actions.

Each entry of the timeline is written in the commit that changes the voicemail. So a deleted voicemail gets no entry.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from switchboard.aws import reads
from switchboard.errors import NotFound
from switchboard.events import service as events
from switchboard.events.models import Subject
from switchboard.kit import clock, ids
from switchboard.persistence.collection import next_version
from switchboard.persistence.optimistic import AlreadyRecordedError, Decision
from switchboard.team.models import Member, require_permission
from switchboard.team.permissions import Permission
from switchboard.voicemails import inbox, store
from switchboard.voicemails.models import (
    MAX_VIEWERS,
    ActionKind,
    ActivityKind,
    Voicemail,
    VoicemailActivity,
    VoicemailViewer,
)

#: The time in which further views of the same member are not recorded, nor further plays.
ACTIVITY_WINDOW = timedelta(minutes=5)


def require_voicemail(org_id: str, voicemail_id: str) -> Voicemail:
    """Returns the organization's voicemail with this id. Raises NotFound."""
    voicemail = store.VOICEMAILS.get_object(org_id, voicemail_id)
    if voicemail is None:
        raise NotFound("There is no such voicemail: check its id.")
    return voicemail


def record_view(member: Member, voicemail_id: str) -> None:
    """Records that a member opened a voicemail, and marks it as read for the member. Raises NotFound."""
    voicemail = _record_once(member, voicemail_id, ActivityKind.VIEW)
    inbox.set_voicemail_read(member, voicemail, read=True)


def record_play(member: Member, voicemail_id: str) -> None:
    """Records that a member played the audio. Raises NotFound."""
    _record_once(member, voicemail_id, ActivityKind.PLAY)


def update_voicemail(member: Member, voicemail_id: str, *, is_heard: bool | None, is_read: bool | None) -> None:
    """Marks a voicemail as heard for the organization, or as read for the member. `None` changes nothing.

    Raises NotFound, and Forbidden for a member who may not change the organization's state.
    """
    if is_heard is not None:
        require_permission(member.role, Permission.VOICEMAILS_WRITE)
        _set_heard(member, voicemail_id, heard=is_heard)
    if is_read is not None:
        inbox.set_voicemail_read(member, require_voicemail(member.org_id, voicemail_id), read=is_read)


def log_action(member: Member, voicemail_id: str, kind: ActionKind, note: str | None, *, mark_heard: bool) -> None:
    """Logs an action on a voicemail, which also marks it as heard if the member wants that. Raises NotFound."""

    def decide(voicemail: Voicemail) -> Decision[Voicemail]:
        entry = _new_entry(member, ActivityKind.ACTION, kind, note)
        marks = mark_heard and not voicemail.is_heard
        after = next_version(voicemail, last_action=entry, is_heard=voicemail.is_heard or mark_heard)
        writes = [store.activity_write(after, entry)]
        if marks:
            writes.append(store.activity_write(after, _new_entry(member, ActivityKind.HEARD)))
        facts = {"action": kind.value, "characters": len(note or ""), "marked_heard": marks}
        subject = Subject(type="voicemail", id=after.id, version=after.version)
        writes.append(events.new_event_write(member, "voicemail.action_logged", subject, **facts))
        return after, writes

    _change(member, voicemail_id, decide)


def _set_heard(member: Member, voicemail_id: str, *, heard: bool) -> None:
    kind = ActivityKind.HEARD if heard else ActivityKind.UNHEARD

    def decide(voicemail: Voicemail) -> Decision[Voicemail]:
        if voicemail.is_heard == heard:
            return None
        after = next_version(voicemail, is_heard=heard)
        subject = Subject(type="voicemail", id=after.id, version=after.version)
        event = events.new_event_write(member, "voicemail.heard" if heard else "voicemail.unheard", subject)
        return after, [store.activity_write(after, _new_entry(member, kind)), event]

    _change(member, voicemail_id, decide)


def _change(member: Member, voicemail_id: str, decide: Callable[[Voicemail], Decision[Voicemail]]) -> None:
    if not store.VOICEMAILS.change_object(member.org_id, voicemail_id, decide, once=member.effect):
        require_voicemail(member.org_id, voicemail_id)


def _record_once(member: Member, voicemail_id: str, kind: ActivityKind) -> Voicemail:
    """Records a view or a play, unless the member's last one is recent. Returns the voicemail. Raises NotFound."""
    voicemail, last = reads.read_refs(
        store.voicemail_ref(member.org_id, voicemail_id),
        store.last_activity_ref(member.org_id, voicemail_id, kind.value, member.user_id),
    )
    if voicemail is None:
        raise NotFound("There is no such voicemail: check its id.")
    latest = clock.format_iso(clock.now() - ACTIVITY_WINDOW)
    if last is not None and last > latest:
        return voicemail

    def decide(found: Voicemail) -> Decision[Voicemail]:
        entry = _new_entry(member, kind)
        after = next_version(found, viewers=_with_viewer(found, entry) if kind is ActivityKind.VIEW else found.viewers)
        # A parallel request of the same member may record it first.
        once = store.last_activity_write(after, entry, latest, otherwise=AlreadyRecordedError)
        return after, [once, store.activity_write(after, entry)]

    store.VOICEMAILS.change_object(member.org_id, voicemail_id, decide, once=member.effect)
    return voicemail


def _with_viewer(voicemail: Voicemail, entry: VoicemailActivity) -> list[VoicemailViewer]:
    viewer = VoicemailViewer(user_id=entry.actor_id, name=entry.actor_name, viewed_at=entry.at)
    others = [one for one in voicemail.viewers if one.user_id != viewer.user_id]
    return [viewer, *others][:MAX_VIEWERS]


def _new_entry(
    member: Member, kind: ActivityKind, action: ActionKind | None = None, note: str | None = None
) -> VoicemailActivity:
    return VoicemailActivity(
        id=ids.new_id("vma"),
        kind=kind,
        actor_id=member.user_id,
        actor_name=member.user.name,
        at=clock.now_iso(),
        action=action,
        note=note,
    )
