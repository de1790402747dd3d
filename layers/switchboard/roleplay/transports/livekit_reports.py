"""Parses the reports of LiveKit and of the persona's agent about a room. Parsing sends no requests.

LiveKit's server sends webhooks: a participant joined or left, or the room ended. It does not know the transcript. So
the agent, which hears and says everything, posts the turns and the end itself. The agent has the API key, and signs as
LiveKit does (`carriers.signatures.verify_livekit`).

| report | sender | result |
|---|---|---|
| `participant_joined` of a person | server | live |
| `participant_left` of a person, intended | server | ended, `rep_hangup` |
| `room_finished` | server | ended, `completed` |
| `turn` | agent | turn |
| `ended` | agent | ended, with its reason and the number of turns |

A person who loses the connection may reconnect. Otherwise the room finishes, or the silence check ends the call.
Reports may arrive twice and in any order, so the meaning of a report does not depend on earlier reports.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from switchboard.kit import clock

_ROOM = re.compile(r"(?P<org_id>[a-z]+_[A-Za-z0-9]{1,60})\.(?P<call_id>athos_call_[A-Za-z0-9_-]{21})")
_SECONDS = re.compile("[0-9]{1,11}")
#: protojson omits zero values: a participant without a kind is a person.
_PERSON = (None, 0, "STANDARD")
_ON_PURPOSE = (1, "CLIENT_INITIATED")

Report = dict[str, Any]


def of_webhook(event: Any) -> Report | None:
    """Returns the report in a webhook's JSON, `None` for a webhook without a report on one of our calls."""
    if not isinstance(event, dict):
        return None
    place, at = place_of(_of(event, "room").get("name")), _moment(event.get("createdAt"))
    if place is None:
        return None
    participant = _of(event, "participant")
    is_person = participant.get("kind") in _PERSON
    match event.get("event"):
        case "participant_joined" if is_person:
            return place | at | {"kind": "live"}
        case "participant_left" if is_person and participant.get("disconnectReason") in _ON_PURPOSE:
            return place | at | {"kind": "ended", "end_reason": "rep_hangup"}
        case "room_finished":
            return place | at | {"kind": "ended", "end_reason": "completed"}
    return None


def place_of(room: Any) -> dict[str, str] | None:
    """Returns the organization and the call of a room by its name (`Room.name`), `None` for an unknown name."""
    found = _ROOM.fullmatch(room) if isinstance(room, str) else None
    return found.groupdict() if found else None


def _of(event: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = event.get(name)
    return part if isinstance(part, dict) else {}


def _moment(seconds: Any) -> dict[str, str]:
    """Returns the time of an event, if known. protojson writes seconds since 1970 as text."""
    text = str(seconds)
    if not _SECONDS.fullmatch(text) or not int(text):
        return {}
    return {"at": clock.format_iso(datetime.fromtimestamp(int(text), UTC))}
