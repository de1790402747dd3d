"""A voice provider on this machine.

A call rings, is answered, talks turn by turn and ends; magic numbers end it otherwise. The whole course is queued when
the call is dialled, each report with its delay, so that it goes on whatever is restarted meanwhile.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from switchboard.aws import clock, ids, queue, settings
from switchboard.aws.queue import Message
from switchboard.carriers.voice import Dial, Placed, Refused, Snapshot, Voice
from switchboard.compliance import magic
from switchboard.compliance.magic import Outcome
from switchboard.compliance.wishes import OPT_OUT_KEY

_VOICES = [
    Voice("switchboard:ada", "Ada", "basic", "en-US", "female"),
    Voice("switchboard:max", "Max", "basic", "en-US", "male"),
    Voice("switchboard:inés", "Inés", "basic", "es-US", "female"),
    Voice("switchboard:grace", "Grace", "premium", "en-US", "female"),
    Voice("switchboard:hugo", "Hugo", "premium", "en-US", "male"),
]

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
    Outcome.BUSY: ("busy", 1),
    Outcome.NO_ANSWER: ("no_answer", 5),
    Outcome.FAILED: ("failed", 1),
    Outcome.UNREACHABLE: ("unreachable", 1),
}
#: Speech runs at about this many milliseconds a character.
_MS_PER_CHARACTER = 55


class SimulatedVoice:
    """Rings, talks and hangs up. A step takes VOICE_STEP_SECONDS (2 by default)."""

    def available(self, to_number: str) -> bool:
        """Everything but the number that asks for a provider that is down."""
        return magic.outcome(to_number) is not Outcome.PROVIDER_DOWN

    def capacity(self, from_number: str) -> float:  # noqa: ARG002 a carrier's signature
        """No limit, or what VOICE_CALLS_PER_SECOND says: it may be as slow as a real one."""
        return float(settings.text("VOICE_CALLS_PER_SECOND", "inf"))

    def voices(self) -> list[Voice]:
        """A few voices of either tier."""
        return _VOICES

    def dial(self, dial: Dial) -> str:
        """Queue the call's whole course."""
        if not self.available(dial.to_number):
            raise Refused("the provider is down")
        if dial.not_after and dial.not_after <= clock.stamp():
            raise Refused("the time in which it may ring is over")
        provider_call_id = ids.new("sim")
        step = settings.number("VOICE_STEP_SECONDS", 2)
        base = {"org_id": dial.org_id, "call_id": dial.call_id, "provider_call_id": provider_call_id}
        queue.send(
            Message(queue="voice-events", body=base | report, group=dial.org_id, delay=steps * step)
            for steps, report in _course(dial)
        )
        return provider_call_id

    def fetch(self, placed: Placed) -> Snapshot | None:  # noqa: ARG002 a carrier's signature
        """Nothing: all that it knows of a call is in the reports that it queued when it was dialled."""
        return None

    def end(self, placed: Placed) -> None:
        """Report that the agent hung up. What the called person would have said after that is no longer said."""
        body = {"org_id": placed.org_id, "call_id": placed.call_id, "provider_call_id": placed.provider_call_id}
        over = {"kind": "ended", "end_reason": "agent_hangup"}
        queue.send([Message(queue="voice-events", body=body | over, group=placed.org_id)])


def _course(dial: Dial) -> list[tuple[int, dict[str, Any]]]:
    """The reports of a call, each with the number of steps after the dialling at which it comes."""
    outcome = magic.outcome(dial.to_number)
    ringing = (0, {"kind": "ringing"})
    greeting = _filled(dial.greeting, dial.variables)
    if outcome in _UNANSWERED:
        reason, steps = _UNANSWERED[outcome]
        return [ringing, (steps, {"kind": "ended", "end_reason": reason, "duration_seconds": 0})]
    if outcome is Outcome.VOICEMAIL:
        spoken = _turn(0, "agent", greeting, 0)
        return [
            ringing,
            (1, {"kind": "answered", "answered_by": "machine_start"}),
            (2, {"kind": "turn", "turn": spoken}),
            (3, {"kind": "ended", "end_reason": "voicemail", "duration_seconds": _seconds(spoken)}),
        ]
    course: list[tuple[int, dict[str, Any]]] = [ringing, (1, {"kind": "answered", "answered_by": "human"})]
    at = 0
    told = {"agent": dial.agent_name, "matter": _matter(dial)}
    lines = [("agent", greeting), *((speaker, text.format(**told)) for speaker, text in _DIALOGUE)]
    if outcome is Outcome.ASKS_TO_STOP:
        lines = [("agent", greeting), *_REFUSAL]
    elif outcome is Outcome.PRESSES_TO_STOP:
        lines = lines[:1]
        course.append((2, {"kind": "dtmf", "digits": OPT_OUT_KEY}))
    for number, (speaker, text) in enumerate(lines):
        turn = _turn(number, speaker, text, at)
        at = turn["end_ms"]
        course.append((2 + number // 2, {"kind": "turn", "turn": turn}))
    last = course[-1][0]
    end = {"end_reason": "completed", "duration_seconds": -(-at // 1000), "outcome": "success"}
    if outcome in (Outcome.ASKS_TO_STOP, Outcome.PRESSES_TO_STOP):
        # The agent's goodbye ends the call. Our own hanging up, which comes at once, may be before it.
        end |= {"end_reason": "agent_hangup", "outcome": "failure"}
    course.append((last + 1, {"kind": "ended", **end}))
    return course


def _matter(dial: Dial) -> str:
    """What the call is about: what its prompt says, and the variables, so that both can be heard."""
    about = f"I was told: {_filled(dial.prompt, dial.variables)[:_READ_OUT]}" if dial.prompt else _MATTER
    notes = "; ".join(f"{name} is {text[:_READ_OUT]}" for name, text in dial.variables.items())
    return f"{about} My notes say: {notes}." if notes else about


def _filled(text: str, variables: Mapping[str, str]) -> str:
    """A text with its `{{name}}` filled in. One that nothing is known for stays, where it is seen."""
    return _PLACE.sub(lambda place: variables.get(place[1], place[0]), text)


def _turn(number: int, speaker: str, text: str, start: int) -> dict[str, Any]:
    end = start + len(text) * _MS_PER_CHARACTER
    return {"number": number, "speaker": speaker, "text": text, "start_ms": start, "end_ms": end}


def _seconds(turn: dict[str, Any]) -> int:
    return -(-int(turn["end_ms"]) // 1000)
