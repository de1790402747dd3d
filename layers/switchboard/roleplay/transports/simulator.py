"""A simulated transport: a scripted rep and a persona talk, and the call ends.

All reports of a call are queued at its start, each with its delay, so that the call survives restarts. The rep's id
decides how good the rep is (`rep_poor`, `rep_excellent` …); for other ids, the id of the call decides. Special ids:
`rep_silent` says nothing, `rep_vanishes` leaves without an end after a few turns, `rep_absent` never joins, and for
`rep_shut_out` the transport is down.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from switchboard.aws import queues, secret
from switchboard.kit import clock, settings
from switchboard.kit.jobs import QueueMessage
from switchboard.roleplay.transports import Down, Room, Ticket, script
from switchboard.roleplay.transports.livekit import access_token

QUEUE = "roleplay"
SILENT, VANISHES, ABSENT, SHUT_OUT = "rep_silent", "rep_vanishes", "rep_absent", "rep_shut_out"
_TURNS_BEFORE_VANISHING = 6
#: The length of a turn in milliseconds per character, up to the start of the next turn.
_MS_PER_CHARACTER = 55


class SimulatedTransport:
    """Simulates both sides. A turn takes ROLEPLAY_STEP_SECONDS (1 by default)."""

    def make_ticket(self, room: Room) -> Ticket:
        """Returns a ticket in LiveKit's format. No server accepts it."""
        if room.rep == SHUT_OUT:
            raise Down("the simulated transport is down for this rep")
        token = access_token(room, "simulator", secret.derive("simulated transport"))
        return Ticket(token, settings.text("ROLEPLAY_URL", "wss://roleplay.switchboard.example"))

    def start_persona(self, room: Room) -> None:
        """Queues all reports of the call."""
        base = {"org_id": room.org_id, "call_id": room.call_id}
        step, begun = settings.number("ROLEPLAY_STEP_SECONDS", 1), clock.now()
        queues.send_messages(
            QueueMessage(
                queue=QUEUE,
                # A busy worker applies a report later. The times are those of the transport.
                body={**base, **report, "at": clock.format_iso(begun + timedelta(seconds=steps * step))},
                group=room.org_id,
                delay=steps * step,
            )
            for steps, report in course(room, step)
        )

    def close_room(self, room: Room) -> None:
        """Does nothing: there is no room."""


def course(room: Room, step: int) -> list[tuple[int, dict[str, Any]]]:
    """Returns the reports of a call, each with its delay after the start in steps."""
    if room.rep == ABSENT:
        return []
    reports: list[tuple[int, dict[str, Any]]] = [(0, {"kind": "live"})]
    lines = script.dialogue(room)
    if room.rep == SILENT:
        lines = lines[:1]
    if room.rep == VANISHES:
        lines = lines[:_TURNS_BEFORE_VANISHING]
    reports += [(1 + number, {"kind": "turn", "turn": _turn(number, *line, step)}) for number, line in enumerate(lines)]
    if room.rep != VANISHES:
        reason = "rep_hangup" if room.rep == SILENT else "completed"
        reports.append((1 + len(lines), {"kind": "ended", "end_reason": reason, "turns": len(lines)}))
    return reports


def _turn(number: int, speaker: str, text: str, step: int) -> dict[str, Any]:
    start = number * step * 1_000
    end = start + min(len(text) * _MS_PER_CHARACTER, step * 1_000)
    return {"number": number, "speaker": speaker, "text": text, "start_ms": start, "end_ms": end}
