"""What happens in a simulated call: who says what, and what becomes of the line, step by step."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from switchboard.aws import secret
from switchboard.carriers.voice.line import Placement
from switchboard.carriers.voice.reports import EndReason, Kind, Turn
from switchboard.carriers.voice.talker import Conversation
from switchboard.compliance import magic
from switchboard.compliance.magic import Outcome

#: What the called person says, and what the agent answers. The greeting comes before it.
_DIALOGUE = (
    ("caller", "Hello. Who is calling, please?"),
    ("agent", "This is {agent}, an automated assistant. Is now a good moment?"),
    ("caller", "Yes, but please keep it short."),
    ("agent", "Of course. {matter}"),
    ("caller", "It is. Thank you for asking."),
    ("agent", "Thank you. Have a good day."),
)
#: What is said where the called person wants no more calls.
_REFUSAL = (
    ("caller", "Please don't call me again."),
    ("agent", "Understood. You will not be called again. Goodbye."),
)
_MATTER = "I only want to confirm that everything is in order for tomorrow."
#: As much of a prompt, or of a variable, as is read out.
_READ_OUT = 300
_PLACE = re.compile(r"\{\{\s*([\w.-]+)\s*\}\}")
#: How a call ends that nobody answers, and after how many steps.
_UNANSWERED = {
    Outcome.BUSY: (EndReason.BUSY, 1, 486),
    Outcome.NO_ANSWER: (EndReason.NO_ANSWER, 5, 480),
    Outcome.FAILED: (EndReason.FAILED, 1, 404),
    Outcome.UNREACHABLE: (EndReason.UNREACHABLE, 1, 503),
}
_ASKED_TO_STOP = (Outcome.ASKS_TO_STOP, Outcome.PRESSES_TO_STOP)
#: As much as an interim turn has understood, in characters.
_UNDERSTOOD = 8
#: As much of a text as is said.
_LONGEST = 5_000
#: Speech runs at about this many milliseconds a character.
_MS_PER_CHARACTER = 55
#: How often an unruly provider tells the same, and within how many steps it gets round to it.
_TIMES, _MOST_STEPS = 2, 6


class Step(BaseModel):
    """Something that happens, so many steps after the call was placed. `facts` are the report's own fields."""

    model_config = ConfigDict(frozen=True)

    steps: int
    kind: Kind
    facts: dict[str, Any] = {}


class Talk(BaseModel):
    """What is said in a call once it is answered. `digits` are pressed after the greeting."""

    model_config = ConfigDict(frozen=True)

    lines: list[tuple[str, str]]
    digits: str | None = None
    outcome: str = "success"
    summary: str


def talk_of(conversation: Conversation) -> Talk:
    """What is said in a talk: it depends on the called number, the prompt and the variables."""
    outcome = magic.outcome(conversation.to_number)
    greeting = ("agent", _filled(conversation.greeting, conversation.variables))
    if outcome is Outcome.VOICEMAIL:
        return Talk(lines=[greeting], outcome="unknown", summary="A machine took the message.")
    if outcome is Outcome.ASKS_TO_STOP:
        return Talk(lines=[greeting, *_REFUSAL], outcome="failure", summary="The person wants no more calls.")
    if outcome is Outcome.PRESSES_TO_STOP:
        summary = "The person pressed the key for no more calls."
        return Talk(lines=[greeting], digits=conversation.opt_out_key, outcome="failure", summary=summary)
    told = {"agent": conversation.agent_name, "matter": _matter(conversation)}
    lines = [greeting, *((speaker, text.format(**told)) for speaker, text in _DIALOGUE)]
    return Talk(lines=lines, summary="The person had time, and confirmed.")


def course_of(placement: Placement, talk: Talk) -> list[Step]:
    """All that happens in a call that nobody hangs up from our side."""
    outcome = magic.outcome(placement.to_number)
    ringing = Step(steps=0, kind="ringing")
    if outcome in _UNANSWERED:
        reason, steps, code = _UNANSWERED[outcome]
        over = {"end_reason": reason.value, "duration_seconds": 0, "sip_code": code}
        return [ringing, Step(steps=steps, kind="ended", facts=over)]
    turns = list(_turns(talk.lines))
    seconds = -(-turns[-1].end_ms // 1000) if turns else 0
    machine = outcome is Outcome.VOICEMAIL
    course = [ringing, Step(steps=1, kind="answered", facts={} if machine else {"answered_by": "human"})]
    if machine:
        course.append(Step(steps=1, kind="machine", facts={"answered_by": "machine_start"}))
    if talk.digits:
        course.append(Step(steps=2, kind="dtmf", facts={"digits": talk.digits}))
    course += [Step(steps=2 + turn.number // 2, kind="turn", facts={"turn": turn.model_dump()}) for turn in turns]
    if is_unruly(placement.to_number):
        course += _held_once(course[-1].steps) + _interim(course)
        course.sort(key=lambda step: step.steps)
    last = max(step.steps for step in course)
    reason = EndReason.VOICEMAIL if machine else EndReason.COMPLETED
    if outcome in _ASKED_TO_STOP:
        # The agent's goodbye ends the call. Our own hanging up, which comes at once, may be before it.
        reason = EndReason.AGENT_HANGUP
    over = {"end_reason": reason.value, "duration_seconds": seconds}
    return [*course, Step(steps=last + 1, kind="ended", facts=over)]


def delays_of(to_number: str, call_id: str, sequence: int) -> list[int]:
    """After how many steps something that happened is reported: at once, or twice and late by an unruly provider."""
    if not is_unruly(to_number):
        return [0]
    return [int(secret.digest(f"{call_id}#{sequence}#{time}"), 16) % (_MOST_STEPS + 1) for time in range(_TIMES)]


def is_unruly(to_number: str) -> bool:
    """Whether the reports of calls to a number come late, twice and in any order."""
    return magic.outcome(to_number) is Outcome.UNRULY


def _held_once(steps: int) -> list[Step]:
    return [Step(steps=steps, kind="hold"), Step(steps=steps, kind="resumed")]


def _interim(course: Sequence[Step]) -> list[Step]:
    """What was understood of the person's turns before they were through."""
    said = [Turn.model_validate(step.facts["turn"]) for step in course if step.kind == "turn"]
    heard = [
        turn.model_copy(update={"text": turn.text[:_UNDERSTOOD], "final": False})
        for turn in said
        if turn.speaker == "caller"
    ]
    return [Step(steps=2 + turn.number // 2, kind="turn", facts={"turn": turn.model_dump()}) for turn in heard]


def _turns(lines: Sequence[tuple[str, str]]) -> list[Turn]:
    turns: list[Turn] = []
    start = 0
    for number, (speaker, text) in enumerate(lines):
        end = start + len(text) * _MS_PER_CHARACTER
        turns.append(Turn(number=number, speaker=speaker, text=text, start_ms=start, end_ms=end))
        start = end
    return turns


def _matter(conversation: Conversation) -> str:
    """What the call is about: what its prompt says, and the variables, so that both can be heard."""
    prompt, variables = conversation.prompt, conversation.variables
    about = f"I was told: {_filled(prompt, variables)[:_READ_OUT]}" if prompt else _MATTER
    notes = "; ".join(f"{name} is {text[:_READ_OUT]}" for name, text in variables.items())
    return f"{about} My notes say: {notes}." if notes else about


def _filled(text: str, variables: Mapping[str, str]) -> str:
    """A text with its `{{name}}` filled in. One that nothing is known for stays, where it is seen.

    Nobody speaks longer than `_LONGEST` characters: a name that stands a thousand times could fill in megabytes.
    """
    parts: list[str] = []
    length = end = 0
    for place in _PLACE.finditer(text):
        parts += [text[end : place.start()], variables.get(place[1], place[0])]
        length, end = length + len(parts[-1]) + len(parts[-2]), place.end()
        if length > _LONGEST:
            break
    return "".join([*parts, text[end:]])[:_LONGEST]
