"""Simulated rooms: a visitor and the voice AI talk by a script, and the talk ends.

The simulated line performs the talk step by step, so it reports, hangs up and survives restarts as calls do.
"""

from __future__ import annotations

from typing import Any

from switchboard.aws import secret
from switchboard.carriers.rooms import RoomTicket, VoiceRoom, livekit
from switchboard.carriers.voice.ports.reports import EndReason, Turn
from switchboard.carriers.voice.ports.talker import Voice
from switchboard.carriers.voice.simulator import SimulatedTalker, state, worker
from switchboard.carriers.voice.simulator.course import Step, spread_speech
from switchboard.carriers.voice.simulator.state import LegState
from switchboard.kit import clock, ids, settings

#: The name of a visitor for whom the room stays empty.
ABSENT = "Nobody"
_DIALOGUE = (
    ("caller", "Hello. I found you on this page, and I have a question."),
    ("agent", "Gladly. What would you like to know?"),
    ("caller", "Are you open tomorrow?"),
    ("agent", "Our team will tell you the exact hours. I have noted your question."),
    ("caller", "Thank you, that is all."),
    ("agent", "Thank you for your visit. Goodbye."),
)


class SimulatedRooms:
    """Simulates both sides. A turn takes VOICE_STEP_SECONDS (2 by default)."""

    def list_voices(self) -> list[Voice]:
        """Returns the voices of the simulated talker."""
        return SimulatedTalker().list_voices()

    def make_ticket(self, room: VoiceRoom) -> RoomTicket:
        """Returns a ticket in LiveKit's format. No server accepts it."""
        token = livekit.sign_ticket(room, "simulator", secret.derive("simulated rooms"))
        return RoomTicket(token, settings.text("ROOMS_URL", "wss://rooms.switchboard.example"))

    def start_talk(self, room: VoiceRoom) -> None:
        """Queues all steps of the talk. A repeated run queues the same steps, and each is performed once."""
        leg = state.get_leg(room.org_id, room.call_id)
        if leg is None:
            leg = _new_leg(room)
            state.save_leg(leg)
        worker.queue_course(leg)

    def find_visitor(self, org_id: str, call_id: str) -> str | None:
        """Returns since when the visitor talks."""
        leg = state.get_leg(org_id, call_id)
        return leg.answered_at if leg is not None and not leg.over else None

    def close_room(self, org_id: str, call_id: str) -> None:
        """Hangs up, if the talk still goes on."""
        leg = state.get_leg(org_id, call_id)
        if leg is not None and not leg.over:
            worker.hang_up_leg(leg)


def _new_leg(room: VoiceRoom) -> LegState:
    step_seconds = settings.number("VOICE_STEP_SECONDS", 2)
    return LegState(
        org_id=room.org_id,
        call_id=room.call_id,
        leg_id=ids.new_id("sim"),
        conversation_id=None,
        to_number=room.name,
        course=[] if room.visitor_name == ABSENT else _course(room, step_seconds),
        step_seconds=step_seconds,
        placed_at=clock.now_iso(),
        outcome="success",
        summary="A visitor asked about the opening hours.",
    )


def _course(room: VoiceRoom, step_seconds: int) -> list[Step]:
    lines = [("agent", room.greeting), *_DIALOGUE]
    steps = [Step(steps=0, kind="answered")]
    steps += [
        Step(steps=1 + number, kind="turn", facts={"turn": _turn(number, *line, step_seconds)})
        for number, line in enumerate(lines)
    ]
    over = 1 + len(lines)
    facts = {"end_reason": EndReason.CALLER_HANGUP.value}
    return [*steps, Step(steps=over, kind="ended", facts=facts)]


def _turn(number: int, speaker: str, text: str, step_seconds: int) -> dict[str, Any]:
    ((start, end),) = spread_speech([text], number * step_seconds * 1_000, step_seconds)
    return Turn(number=number, speaker=speaker, text=text, start_ms=start, end_ms=end).model_dump(mode="json")
