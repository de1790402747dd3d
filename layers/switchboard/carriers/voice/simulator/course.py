"""The course of a simulated call: its turns and the events of its line, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from switchboard.carriers.magic_numbers import MAGIC_NUMBERS, MagicOutcome
from switchboard.carriers.spoken import fill_variables
from switchboard.carriers.voice.ports.line import Placement
from switchboard.carriers.voice.ports.reports import EndReason, ReportKind, Turn
from switchboard.carriers.voice.ports.talker import CONTEXT_HEADING, Conversation
from switchboard.kit import texts

#: The dialogue after the greeting.
_DIALOGUE = (
    ("caller", "Hello. Who is calling, please?"),
    ("agent", "This is {agent}, an automated assistant. Is now a good moment?"),
    ("caller", "Yes, but please keep it short."),
    ("agent", "Of course. {matter}"),
    ("caller", "It is. Thank you for asking."),
    ("agent", "Thank you. Have a good day."),
)
#: The dialogue of a called person who wants no more calls.
_REFUSAL = (
    ("caller", "Please don't call me again."),
    ("agent", "Understood. You will not be called again. Goodbye."),
)
_MATTER = "I only want to confirm that everything is in order for tomorrow."
#: The number of characters of a prompt or a variable that are read out.
_MAX_READ_CHARACTERS = 300
#: The end of an unanswered call: its reason, its step and its SIP code.
_UNANSWERED = {
    MagicOutcome.BUSY: (EndReason.BUSY, 1, 486),
    MagicOutcome.NO_ANSWER: (EndReason.NO_ANSWER, 5, 480),
    MagicOutcome.FAILED: (EndReason.FAILED, 1, 404),
    MagicOutcome.UNREACHABLE: (EndReason.UNREACHABLE, 1, 503),
}
_ASKED_TO_STOP = (MagicOutcome.ASKS_TO_STOP, MagicOutcome.PRESSES_TO_STOP)
#: The length of an interim turn, in characters.
_INTERIM_CHARACTERS = 8
#: The approximate duration of unhurried speech, in milliseconds per character.
_MS_PER_CHARACTER = 55
#: How often an unruly provider sends a report, and its maximum delay in steps.
_UNRULY_REPEATS, _MAX_DELAY_STEPS = 2, 6


class Step(BaseModel):
    """An event, `steps` steps after the call was placed. `facts` are fields of its report.

    The length of the call is not one of them: it follows from the times of the answer and of the end.
    """

    model_config = ConfigDict(frozen=True)

    steps: int
    kind: ReportKind
    facts: dict[str, Any] = {}


class TalkScript(BaseModel):
    """The dialogue of an answered call. The person presses `digits` after the greeting."""

    model_config = ConfigDict(frozen=True)

    lines: list[tuple[str, str]]
    digits: str | None = None
    outcome: str = "success"
    summary: str
    #: Where the talker may hand a caller, and whether it may take a message.
    transfer_labels: tuple[str, ...] = ()
    takes_messages: bool = False
    #: The names of the tools that the talker may use.
    tools: tuple[str, ...] = ()


def write_script(conversation: Conversation) -> TalkScript:
    """Returns the talk of a conversation. It depends on the called number, the prompt and the variables.

    Of a talk with a caller it has only the greeting, because the caller's lines are not known.
    """
    if conversation.inbound:
        return TalkScript(
            lines=[("agent", fill_variables(conversation.greeting, conversation.variables))],
            summary="The caller was answered.",
            transfer_labels=conversation.transfer_labels,
            takes_messages=conversation.takes_messages,
            tools=tuple(tool.name for tool in conversation.tools),
        )
    outcome = MAGIC_NUMBERS.get(conversation.to_number)
    greeting = ("agent", fill_variables(conversation.greeting, conversation.variables))
    if outcome is MagicOutcome.VOICEMAIL:
        return TalkScript(lines=[greeting], outcome="unknown", summary="A machine took the message.")
    if outcome is MagicOutcome.ASKS_TO_STOP:
        return TalkScript(lines=[greeting, *_REFUSAL], outcome="failure", summary="The person wants no more calls.")
    if outcome is MagicOutcome.PRESSES_TO_STOP:
        summary = "The person pressed the key for no more calls."
        return TalkScript(lines=[greeting], digits=conversation.opt_out_key, outcome="failure", summary=summary)
    told = {"agent": conversation.agent_name, "matter": _matter(conversation)}
    lines = [greeting, *((speaker, text.format(**told)) for speaker, text in _DIALOGUE)]
    return TalkScript(lines=lines, summary="The person had time, and confirmed.")


def build_course(placement: Placement, talk: TalkScript, step_seconds: int) -> list[Step]:
    """Returns all steps of a call if our side does not hang up. Both sides of the talk say a turn in each step."""
    outcome = MAGIC_NUMBERS.get(placement.to_number)
    ringing = Step(steps=0, kind="ringing")
    if outcome in _UNANSWERED:
        reason, steps, code = _UNANSWERED[outcome]
        over = {"end_reason": reason.value, "sip_code": code}
        return [ringing, Step(steps=steps, kind="ended", facts=over)]
    turns = [turn for place in range(0, len(talk.lines), 2) for turn in _turns(talk.lines, place, step_seconds)]
    machine = outcome is MagicOutcome.VOICEMAIL
    course = [ringing, Step(steps=1, kind="answered", facts={} if machine else {"answered_by": "human"})]
    if machine:
        course.append(_detection(placement))
    if talk.digits:
        course.append(Step(steps=2, kind="dtmf", facts={"digits": talk.digits}))
    course += [Step(steps=2 + turn.number // 2, kind="turn", facts={"turn": turn.model_dump()}) for turn in turns]
    if is_unruly(placement.to_number):
        course += _held_once(course[-1].steps) + _interim(course)
        course.sort(key=lambda step: step.steps)
    last = max(step.steps for step in course)
    reason = EndReason.VOICEMAIL if machine else EndReason.COMPLETED
    if outcome in _ASKED_TO_STOP:
        # The agent's goodbye ends the call. Our own hangup follows the request at once, and may come earlier.
        reason = EndReason.AGENT_HANGUP
    return [*course, Step(steps=last + 1, kind="ended", facts={"end_reason": reason.value})]


def _detection(placement: Placement) -> Step:
    """Returns the report that a machine answered: at once, or at the end of its own message."""
    if placement.machine == "wait_for_beep":
        return Step(steps=2, kind="machine", facts={"answered_by": "machine_end_beep"})
    return Step(steps=1, kind="machine", facts={"answered_by": "machine_start"})


def report_delays(to_number: str, call_id: str, sequence: int) -> list[int]:
    """Returns the delays of an event's reports, in steps: one without delay, or several late ones if unruly."""
    if not is_unruly(to_number):
        return [0]
    return [
        int(texts.digest(f"{call_id}#{sequence}#{time}"), 16) % (_MAX_DELAY_STEPS + 1)
        for time in range(_UNRULY_REPEATS)
    ]


def is_unruly(to_number: str) -> bool:
    """Whether reports of calls to a number arrive late, twice and in any order."""
    return MAGIC_NUMBERS.get(to_number) is MagicOutcome.UNRULY


def _held_once(steps: int) -> list[Step]:
    return [Step(steps=steps, kind="hold"), Step(steps=steps, kind="resumed")]


def _interim(course: Sequence[Step]) -> list[Step]:
    """Returns the interim turns of the called person."""
    said = [Turn.model_validate(step.facts["turn"]) for step in course if step.kind == "turn"]
    heard = [
        turn.model_copy(update={"text": turn.text[:_INTERIM_CHARACTERS], "final": False})
        for turn in said
        if turn.speaker == "caller"
    ]
    return [Step(steps=2 + turn.number // 2, kind="turn", facts={"turn": turn.model_dump()}) for turn in heard]


def _turns(lines: Sequence[tuple[str, str]], place: int, step_seconds: int) -> list[Turn]:
    said = lines[place : place + 2]
    times = spread_speech([text for _, text in said], place // 2 * step_seconds * 1_000, step_seconds)
    return [
        Turn(number=number, speaker=speaker, text=text, start_ms=start, end_ms=end)
        for number, ((speaker, text), (start, end)) in enumerate(zip(said, times, strict=True), place)
    ]


def spread_speech(said: Sequence[str], start_ms: int, step_seconds: int) -> list[tuple[int, int]]:
    """Returns the start and the end of each text, in milliseconds. All of them are said within one step.

    A simulated call takes as long as its record says. So people speak faster if a step is too short for their words.
    """
    natural = sum(map(len, said)) * _MS_PER_CHARACTER
    pace = _MS_PER_CHARACTER * min(1, step_seconds * 1_000 / natural) if natural else 0
    times: list[tuple[int, int]] = []
    heard = 0
    for text in said:
        start, heard = heard, heard + len(text)
        times.append((start_ms + int(start * pace), start_ms + int(heard * pace)))
    return times


def _matter(conversation: Conversation) -> str:
    """Returns the subject of the call: the prompt and the variables, so that a tester can hear both.

    The task context at the end of a prompt is not read out. Its values are among the variables.
    """
    text, variables = conversation.prompt or "", conversation.variables
    prompt = (text.rpartition(f"{CONTEXT_HEADING}\n")[0] if f"{CONTEXT_HEADING}\n" in text else text).strip()
    about = f"I was told: {fill_variables(prompt, variables)[:_MAX_READ_CHARACTERS]}" if prompt else _MATTER
    notes = "; ".join(f"{name} is {text[:_MAX_READ_CHARACTERS]}" for name, text in variables.items())
    return f"{about} My notes say: {notes}." if notes else about
