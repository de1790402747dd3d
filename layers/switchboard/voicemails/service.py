"""Lists voicemails, gets a voicemail with its timeline, and asks for a new digest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import Any, NamedTuple

from switchboard.aws import reads
from switchboard.aws.reads import Ref
from switchboard.call_records.companions import read_many
from switchboard.calls import history
from switchboard.contacts import service as contacts
from switchboard.contacts.models import Contact
from switchboard.errors import Invalid, NotFound
from switchboard.events import service as events
from switchboard.events.models import Subject
from switchboard.inbox import service as inboxes
from switchboard.inbox.models import InboxThing, ReadState
from switchboard.inbox.unread import list_unread
from switchboard.kit import clock
from switchboard.kit.background import BackgroundTask
from switchboard.persistence.collection import next_version
from switchboard.persistence.optimistic import Decision
from switchboard.team.models import Member
from switchboard.timers import service as timers
from switchboard.voicemails import store
from switchboard.voicemails.activity import require_voicemail
from switchboard.voicemails.inbox import INBOX, inbox_thing
from switchboard.voicemails.jobs import SummarizeVoicemail
from switchboard.voicemails.models import MIN_TRANSCRIPT_CHARACTERS, Voicemail, VoicemailActivity

#: How long a queued digest is awaited. Until then, further requests do not queue another one. It is longer than a busy
#: model is asked again (`summarizing`), so that a voicemail has one job. A lost job blocks no longer than that.
SUMMARY_WAIT = timedelta(minutes=35)
#: The entries of a timeline in one page.
TIMELINE_PAGE = 100


class VoicemailFilter(StrEnum):
    """The filter of a list: by the organization's state, or by the member's own."""

    UNHEARD = "unheard"
    HEARD = "heard"
    UNREAD = "unread"


class VoicemailRow(NamedTuple):
    """A voicemail in a list, with the contact of the caller's number, and whether the member has read it."""

    voicemail: Voicemail
    contact: Contact | None
    is_read: bool


class VoicemailRecord(NamedTuple):
    """A voicemail with a page of its timeline, the newest first, and the cursor of the next page."""

    row: VoicemailRow
    timeline: list[VoicemailActivity]
    cursor: str | None


def list_voicemails(
    member: Member, which: VoicemailFilter | None, limit: int, after: str | None
) -> tuple[list[VoicemailRow], str | None]:
    """Returns a page of the organization's voicemails, the newest first, and the cursor of the next page.

    Two round trips: the places, and then the voicemails with their contacts and the member's flags. A page may be short
    without being the last. Raises Invalid for a cursor of another list.
    """
    org_id, user_id = member.org_id, member.user_id
    if which is VoicemailFilter.UNREAD:
        page = list_unread(org_id, INBOX, user_id, limit, after)
        return _read_rows(member, page.things, None), page.cursor
    of_state = BackgroundTask(partial(_read_state, member))
    of_state.start()
    heard = None if which is None else which is VoicemailFilter.HEARD
    places, cursor = store.list_places(org_id, heard, limit, after)
    rows = _read_rows(member, [_thing_of_place(place) for place in places], of_state.result())
    # An index may be slightly out of date.
    return [row for row in rows if heard in (None, row.voicemail.is_heard)], cursor


def _thing_of_place(place: str) -> InboxThing:
    created_at, id_, number = place.split("#", 2)
    return InboxThing(id_, created_at, number)


def _read_state(member: Member) -> ReadState:
    return reads.read_ref(inboxes.state_ref(member.org_id, INBOX, member.user_id)) or ReadState()


def _contact_ref(org_id: str, e164: str) -> Ref[Contact]:
    return contacts.contact_of_number_ref(org_id, history.number_id(org_id, e164))


def _read_rows(member: Member, things: Sequence[InboxThing], state: ReadState | None) -> list[VoicemailRow]:
    """Reads voicemails with their contacts and the member's flags. Without a state they are known to be unread."""
    org_id = member.org_id
    numbers = list(dict.fromkeys(thing.hint for thing in things))
    refs: list[Ref[Any] | None] = [store.voicemail_ref(org_id, thing.id) for thing in things]
    refs += [_contact_ref(org_id, number) for number in numbers]
    if state is not None:
        refs += [inboxes.flag_ref(org_id, INBOX, member.user_id, state, thing) for thing in things]
    answers = read_many(refs) if refs else []
    found, rest = answers[: len(things)], answers[len(things) :]
    of_number = dict(zip(numbers, rest, strict=False))
    flags = rest[len(numbers) :] if state is not None else [None] * len(things)
    return [
        VoicemailRow(voicemail, of_number[thing.hint], state is not None and state.is_read(thing, flag))
        for thing, voicemail, flag in zip(things, found, flags, strict=True)
        if voicemail
    ]


def get_voicemail(member: Member, voicemail_id: str, after: str | None = None) -> VoicemailRecord:
    """Returns a voicemail with a page of its timeline, in two round trips.

    `after` is the cursor of the timeline. Raises NotFound, and Invalid for a cursor of another timeline.
    """
    org_id, user_id = member.org_id, member.user_id
    voicemail, stored = reads.read_refs(
        store.voicemail_ref(org_id, voicemail_id), inboxes.state_ref(org_id, INBOX, user_id)
    )
    if voicemail is None:
        raise NotFound("There is no such voicemail: check its id.")
    state, thing = stored or ReadState(), inbox_thing(voicemail)
    of_timeline = BackgroundTask(partial(store.list_timeline, org_id, voicemail_id, TIMELINE_PAGE, after))
    of_timeline.start()
    contact, flag = reads.read_refs(
        _contact_ref(org_id, voicemail.from_e164), inboxes.flag_ref(org_id, INBOX, user_id, state, thing)
    )
    timeline, cursor = of_timeline.result()
    return VoicemailRecord(VoicemailRow(voicemail, contact, state.is_read(thing, flag)), timeline, cursor)


def find_voicemails(places: Sequence[tuple[str, str]]) -> list[Voicemail | None]:
    """Returns the voicemails of up to 100 pairs of organization and id, in the same order, for a worker."""
    return store.VOICEMAILS.get_objects(places)


def request_summary(member: Member, voicemail_id: str) -> None:
    """Queues a new digest of a voicemail's transcript, unless a digest is queued already.

    Raises NotFound, Invalid for a transcript that is missing or too short, and Unavailable.
    """

    def decide(voicemail: Voicemail) -> Decision[Voicemail]:
        if len((voicemail.transcript or "").strip()) < MIN_TRANSCRIPT_CHARACTERS:
            raise Invalid(
                f"Only a transcript of at least {MIN_TRANSCRIPT_CHARACTERS} characters can be summarized: "
                + _advice(voicemail),
                code="transcript_too_short",
            )
        if _awaits_summary(voicemail):
            return None
        after = next_version(
            voicemail, summary_requested_at=clock.now_iso(), summary_requested_after=_count_attempts(voicemail)
        )
        subject = Subject(type="voicemail", id=after.id, version=after.version)
        return after, [
            timers.job_write(SummarizeVoicemail(org_id=after.org_id, voicemail_id=after.id)),
            events.new_event_write(member, "voicemail.summary_requested", subject),
        ]

    if not store.VOICEMAILS.change_object(member.org_id, voicemail_id, decide, once=member.effect):
        require_voicemail(member.org_id, voicemail_id)


def _advice(voicemail: Voicemail) -> str:
    if voicemail.transcript_state == "pending":
        return "the transcript is not ready yet, so try again in a minute."
    return "listen to this voicemail instead."


def _awaits_summary(voicemail: Voicemail) -> bool:
    """Whether a digest is queued: a member asked for one lately, and no attempt has been made since."""
    asked = voicemail.summary_requested_at
    if asked is None or asked <= clock.format_iso(clock.now() - SUMMARY_WAIT):
        return False
    return _count_attempts(voicemail) == voicemail.summary_requested_after


def _count_attempts(voicemail: Voicemail) -> int:
    return voicemail.ai_summary.attempt_count if voicemail.ai_summary else 0
