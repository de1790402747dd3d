"""A simulated voice provider: a line and a talker that call nobody.

A call rings, is answered, talks turn by turn and ends; magic numbers have other outcomes. The simulator stores its
calls (`state`), performs their steps one by one, and reports each step by a signed callback (`worker`).
"""

from __future__ import annotations

from switchboard.carriers.magic_numbers import MAGIC_NUMBERS, MagicOutcome
from switchboard.carriers.outcomes import RefusedError
from switchboard.carriers.voice.ports.line import (
    BeginMessage,
    Command,
    Hold,
    Leg,
    Pace,
    Placement,
    Resume,
    SendDigits,
    SetRecording,
    Snapshot,
    Transfer,
)
from switchboard.carriers.voice.ports.reports import Turn
from switchboard.carriers.voice.ports.talker import Conversation, ProviderCallIds, TalkConnection, Transcript, Voice
from switchboard.carriers.voice.simulator import caller, course, state, worker
from switchboard.carriers.voice.simulator.state import LegState
from switchboard.kit import clock, ids, settings

_VOICES = [
    Voice("switchboard:ada", "Ada", "basic", "en-US", "female", ("calm", "clear")),
    Voice("switchboard:max", "Max", "basic", "en-US", "male", ("friendly", "brisk")),
    Voice("switchboard:inés", "Inés", "basic", "es-US", "female", ("warm", "clear")),
    Voice("switchboard:grace", "Grace", "premium", "en-US", "female", ("warm", "patient")),
    Voice("switchboard:hugo", "Hugo", "premium", "en-US", "male", ("deep", "calm")),
]
#: The talk of a call that was placed without a talker.
_SILENCE = course.TalkScript(lines=[], outcome="unknown", summary="Nothing was said.")


class SimulatedLine:
    """A simulated line. A step takes VOICE_STEP_SECONDS (2 by default)."""

    def is_available(self, to_number: str) -> bool:
        """Whether the line is up: it is down only for the magic number of that outcome."""
        return MAGIC_NUMBERS.get(to_number) is not MagicOutcome.PROVIDER_DOWN

    def asks_for_script(self) -> bool:
        """Returns False: a simulated call talks by itself."""
        return False

    def pace_of(self, org_id: str, from_number: str) -> Pace:  # noqa: ARG002 a line's signature
        """Returns the rate in the setting VOICE_CALLS_PER_SECOND. There is no limit without it."""
        return Pace(float(settings.text("VOICE_CALLS_PER_SECOND", "inf")))

    def place_call(self, placement: Placement) -> str:
        """Places a call, and starts its course."""
        if not self.is_available(placement.to_number):
            raise RefusedError("the provider is down")
        if placement.not_after and placement.not_after <= clock.now_iso():
            raise RefusedError("the time to ring is over")
        talk = state.get_talk(placement.org_id, placement.call_id) if placement.conversation_id else None
        step_seconds = settings.number("VOICE_STEP_SECONDS", 2)
        leg = LegState(
            org_id=placement.org_id,
            call_id=placement.call_id,
            leg_id=ids.new_id("sim"),
            conversation_id=placement.conversation_id,
            to_number=placement.to_number,
            course=course.build_course(placement, talk or _SILENCE, step_seconds),
            step_seconds=step_seconds,
            placed_at=clock.now_iso(),
            record=placement.record,
            outcome=(talk or _SILENCE).outcome,
            summary=(talk or _SILENCE).summary,
        )
        state.save_leg(leg)
        worker.queue_course(leg)
        return leg.leg_id

    def fetch_call(self, leg: Leg) -> Snapshot | None:
        """Returns the state of a call, or `None` for an unknown call."""
        found = state.get_leg(leg.org_id, leg.call_id)
        if found is None:
            return caller.fetch_caller(leg.org_id, leg.provider_call_id)
        return Snapshot(
            over=found.over,
            answered=found.answered_at is not None,
            provider_call_id=found.leg_id,
            answered_at=found.answered_at,
            ended_at=found.ended_at,
            end_reason=found.end_reason,
            duration_seconds=found.duration_seconds,
        )

    def end_call(self, leg: Leg) -> None:
        """Hangs up, and reports it. The rest of the course does not happen."""
        found = state.get_leg(leg.org_id, leg.call_id)
        if found is None:
            caller.hang_up_on_caller(leg.org_id, leg.provider_call_id)
        elif found.hung_up or not found.over:
            worker.hang_up_leg(found)

    def control_call(self, leg: Leg, command: Command) -> None:
        """Executes a command, and reports it."""
        found = state.get_leg(leg.org_id, leg.call_id)
        if found is None or found.over:
            raise RefusedError("the call is over")
        match command:
            case Hold():
                worker.apply_command(found, {}, "hold")
            case Resume():
                worker.apply_command(found, {}, "resumed")
            case Transfer():
                worker.apply_command(found, {}, "transferred", to=command.to_number)
            case SetRecording():
                # The recording itself is reported, after the end.
                worker.apply_command(found, {"record": command.on})
            case SendDigits():
                # No provider reports keys that our side presses. Only the called person hears them.
                worker.apply_command(found, {})
            case BeginMessage():
                # Nobody hears the message. The line hangs up after it.
                worker.hang_up_leg(found)


class SimulatedTalker:
    """A simulated talker with a fixed script."""

    def list_voices(self) -> list[Voice]:
        """Returns a few voices of both tiers."""
        return _VOICES

    def reports_analysis(self) -> bool:
        """Returns True."""
        return True

    def open_talk(self, conversation: Conversation) -> TalkConnection:
        """Stores the script of the talk."""
        conversation_id = ids.new_id("simtalk")
        talk = course.write_script(conversation)
        state.save_talk(conversation.org_id, conversation.call_id, conversation_id, talk)
        return TalkConnection(conversation_id, f"wss://talk.simulator.invalid/{conversation_id}")

    def call_with_talk(self, conversation: Conversation, placement: Placement) -> ProviderCallIds | None:  # noqa: ARG002 a talker's signature
        """Returns None, because this talker has no line of its own."""
        return None

    def fetch_transcript(self, org_id: str, call_id: str, conversation_id: str | None) -> Transcript | None:  # noqa: ARG002 a talker's signature
        """Returns the turns so far, and the outcome when the call is over."""
        leg = state.get_leg(org_id, call_id)
        if leg is None:
            return None
        happened = leg.course[: leg.played]
        turns = [Turn.model_validate(step.facts["turn"]) for step in happened if step.kind == "turn"]
        said = tuple(turn for turn in turns if turn.final)
        if not leg.over or leg.answered_at is None:
            return Transcript(turns=said)
        return Transcript(turns=said, outcome=leg.outcome, summary=leg.summary)

    def close_talk(self, org_id: str, call_id: str, conversation_id: str | None) -> None:
        """Does nothing: a script without a call expires by itself."""
