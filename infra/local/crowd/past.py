"""The calls of a year. Each has an end: nothing is left for a worker or a timer.

Every hundredth call has a talk with a transcript, and every twentieth a message of the caller.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from infra.local.crowd import messages, people, talks, year
from infra.local.crowd.people import Author
from switchboard.analytics import bulk as analytics
from switchboard.aws.dynamodb import Item
from switchboard.calls import acceptance, bulk
from switchboard.calls.bulk import BulkCall
from switchboard.calls.models import Call, CallerMessageState, CallRecording, CallTag, Order, State, Tier
from switchboard.calls.notes import CallNote
from switchboard.carriers.voice.ports.reports import EndReason
from switchboard.kit import clock, ids
from switchboard.usage import service as usage
from switchboard.voicemails import bulk as voicemails

_TALK_EACH, _MESSAGE_EACH, _TAG_EACH, _NOTE_EACH = 100, 20, 40, 100
_CALLS_IN = 0.4
_HIDDEN_CALLER = "anonymous"
_TRANSFER_TARGET = "+14155550199"


class Line(NamedTuple):
    """A number of the organization, with the flows that answer there and call from there."""

    e164: str
    number_id: str | None = None
    answering_flow: str | None = None
    calling_flow: str | None = None


#: A number that nobody bought, for measurements without numbers.
TEST_LINE = Line("+14155550100")


class _End(NamedTuple):
    """An end of calls, and how frequent it is."""

    reason: EndReason
    state: State
    answered: bool
    weight: float


_ENDS_OUT = (
    _End(EndReason.COMPLETED, State.COMPLETED, answered=True, weight=30),
    _End(EndReason.CALLER_HANGUP, State.COMPLETED, answered=True, weight=12),
    _End(EndReason.AGENT_HANGUP, State.COMPLETED, answered=True, weight=9),
    _End(EndReason.VOICEMAIL, State.COMPLETED, answered=True, weight=17),
    _End(EndReason.NO_ANSWER, State.NO_ANSWER, answered=False, weight=21),
    _End(EndReason.BUSY, State.BUSY, answered=False, weight=6),
    _End(EndReason.FAILED, State.FAILED, answered=False, weight=2),
    _End(EndReason.UNREACHABLE, State.FAILED, answered=False, weight=2),
    _End(EndReason.CANCELED, State.CANCELED, answered=False, weight=1),
)
_ENDS_IN = (
    _End(EndReason.COMPLETED, State.COMPLETED, answered=True, weight=58),
    _End(EndReason.CALLER_HANGUP, State.COMPLETED, answered=True, weight=31),
    _End(EndReason.AGENT_HANGUP, State.COMPLETED, answered=True, weight=9),
    _End(EndReason.BLOCKED, State.CANCELED, answered=False, weight=2),
)
_TALK, _MESSAGE = _ENDS_IN[0], _ENDS_IN[1]
_OUTCOMES = ("success", "success", "success", "failure", "unknown")
#: The messages of callers.
_MESSAGES = (
    "Hello, this is {name}. Please call me back about my appointment on Tuesday.",
    "Hi, {name} speaking. My prescription has run out, and it is urgent.",
    "Good evening, I have a question about the invoice. You can reach me at this number until eight. {name}.",
    "This is {name}. I have to cancel tomorrow, I am sorry. Thank you.",
)
_TAGS = (("Callback", "#2563eb"), ("Billing", "#d97706"), ("New patient", "#16a34a"), ("Complaint", "#dc2626"))
_NOTES = ("Promised to call back on Monday.", "Spoke to the daughter.", "Sent the invoice again.", "Wants mornings.")
#: The author where no member exists.
NOBODY: Author = ("usr_00000000000000000000000000", "Crowd")


def call_items(
    org_id: str,
    how_many: int,
    holders: int,
    lines: Sequence[Line] = (TEST_LINE,),
    author: Author = NOBODY,
) -> Iterator[tuple[str, Item]]:
    """The items of calls of the last year with a number of `holders`, and of everything that follows from calls."""
    return items_of_calls(org_id, list(make_calls(org_id, how_many, holders, lines, author)), author)


def items_of_calls(org_id: str, made: Sequence[BulkCall], author: Author) -> Iterator[tuple[str, Item]]:
    """The items of these calls, and of everything that follows from them: lists, search, figures and voicemails."""
    yield from bulk.bulk_items(org_id, made)
    yield from voicemails.bulk_items(org_id, messages.make_voicemails((one.call for one in made), author))
    moods = ((one.call, one.summary.sentiment if one.summary else None) for one in made)
    yield from (("core", item) for item in analytics.bulk_items(org_id, moods))


def make_calls(
    org_id: str, how_many: int, holders: int, lines: Sequence[Line], author: Author = NOBODY
) -> Iterator[BulkCall]:
    """Calls of the last year, the oldest first."""
    chance = random.Random(1842)  # noqa: S311 a made-up past, not a secret
    known = people.list_numbers()[:holders]
    for place, moment in enumerate(year.draw_moments(how_many, clock.now(), chance)):
        # Some people call far more often than others.
        person = known[int(len(known) * chance.random() ** 1.5)]
        call = _make_call(org_id, place, moment, person, chance.choice(lines), chance)
        if place % _TAG_EACH == 0:
            name, color = chance.choice(_TAGS)
            tag = CallTag(name=name, color=color, added_by=author[0], added_at=call.updated_at)
            call = call.model_copy(update={"tags": [tag]})
        notes = [_make_note(call, author, chance)] if place % _NOTE_EACH == 1 else []
        call = call.model_copy(update={"note_count": len(notes)})
        if place % _TALK_EACH == _TALK_EACH // 2:
            talk = talks.make_talk(call, chance)
            facts = {"summary": talk.summary.tldr, "summarized_at": talk.summary.created_at}
            yield BulkCall(call.model_copy(update=facts), talk.turns, talk.tools, talk.summary, notes)
        else:
            yield BulkCall(call, notes=notes)


def _make_call(org_id: str, place: int, moment: datetime, person: str, line: Line, chance: random.Random) -> Call:
    message = place % _MESSAGE_EACH == _MESSAGE_EACH // 2 - 1
    inward = message or chance.random() < _CALLS_IN
    ends = _ENDS_IN if inward else _ENDS_OUT
    end = chance.choices(ends, [one.weight for one in ends])[0]
    if message or place % _TALK_EACH == _TALK_EACH // 2:
        end = _MESSAGE if message else _TALK
    if inward and not message and chance.random() < 0.02:
        person = _HIDDEN_CALLER
    at = clock.format_iso(moment)
    seconds = _draw_seconds(end, chance, message=message)
    answered = moment + timedelta(seconds=0 if inward else chance.randint(4, 25))
    ended = clock.format_iso(answered + timedelta(seconds=seconds or 0))
    named = not inward and chance.random() < 0.5
    flow_id = line.answering_flow if inward else line.calling_flow
    minutes = -(-(seconds or 0) // 60)
    call = Call(
        id=ids.derive_id("call", int(moment.timestamp() * 1_000), org_id, str(place)),
        org_id=org_id,
        source="inbound" if inward else "opticomm",
        direction="INBOUND" if inward else "OUTBOUND",
        state=end.state,
        version=5,
        tier=Tier.BASIC,
        from_number=person if inward else line.e164,
        to_number=line.e164 if inward else person,
        voice_id="basic:iris",
        greeting="Hello.",
        number_id=line.number_id if inward else None,
        flow_id=flow_id,
        flow_version=1 if flow_id else None,
        after_hours=inward and not year.is_working_time(moment),
        order=Order(
            to=line.e164 if inward else person,
            tier=Tier.BASIC,
            variables={"customer_name": people.name_person(chance)} if named else {},
        ),
        correlation_id=ids.derive_id("corr", int(moment.timestamp() * 1_000), org_id, str(place)),
        provider="simulator",
        end_reason=end.reason,
        answered_by=_answered_by(end, inward=inward),
        outcome=chance.choice(_OUTCOMES) if end.answered and end.reason is EndReason.COMPLETED else None,
        transferred_to=_TRANSFER_TARGET if end is _TALK and chance.random() < 0.1 else None,
        cost_micros=minutes * usage.price_micros(acceptance.METER[Tier.BASIC]),
        created_at=at,
        updated_at=ended,
        started_at=at,
        answered_at=clock.format_iso(answered) if end.answered else None,
        ended_at=ended,
        duration_seconds=seconds,
    )
    return call.model_copy(update=_message_facts(call, chance)) if message else call


def _draw_seconds(end: _End, chance: random.Random, *, message: bool) -> int | None:
    if not end.answered:
        return None
    if message or end.reason is EndReason.VOICEMAIL:
        return chance.randint(8, 60)
    # Most talks take two minutes, and few take very long.
    return max(6, min(1_800, round(chance.lognormvariate(4.7, 0.8))))


def _answered_by(end: _End, *, inward: bool) -> str | None:
    if inward or not end.answered:
        return None
    return "machine" if end.reason is EndReason.VOICEMAIL else "human"


def _message_facts(call: Call, chance: random.Random) -> dict[str, object]:
    recording = CallRecording(
        id=f"RE{call.id}",
        url="",
        duration_seconds=min(call.duration_seconds or 0, 60),
        voicemail=True,
        key=f"{call.org_id}/{call.id}/RE{call.id}",
        media_type="audio/wav",
        size_bytes=0,
    )
    said = chance.choice(_MESSAGES).format(name=people.name_person(chance))
    facts = {"voicemail": CallerMessageState.RECORDED, "recordings": [recording]}
    return {**facts, "transcripts": {recording.id: said}}


def _make_note(call: Call, author: Author, chance: random.Random) -> CallNote:
    return CallNote(
        id=ids.derive_id("note", int(clock.parse(call.updated_at).timestamp() * 1_000), call.id),
        org_id=call.org_id,
        call_id=call.id,
        body=chance.choice(_NOTES),
        author_id=author[0],
        author_name=author[1],
        created_at=call.updated_at,
    )
