"""What LiveKit and the persona's agent report of a room, in our own words. Reading it asks nobody.

LiveKit's server posts webhooks: who came, who left, that the room is over. It does not know what was said, and its
webhooks carry no transcript. So the agent, which hears and says everything, posts turns and the end itself, signed as
LiveKit signs (`carriers.signatures.verify_livekit`): it holds the API key anyway.

| reported | by | becomes |
|---|---|---|
| `participant_joined` of a person | server | live |
| `participant_left` of a person who meant to | server | ended, `rep_hangup` |
| `room_finished` | server | ended, `completed` |
| `turn` | agent | turn |
| `ended` | agent | ended, with its reason and the number of turns |

A person who lost the connection may come back; if not, the room finishes, or the silence is noticed. Reports come more
than once and in any order, so each says what is true whatever was reported before it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from switchboard.kit import clock

_ROOM = re.compile(r"(?P<org_id>[a-z]+_[A-Za-z0-9]{1,60})\.(?P<call_id>athos_call_[A-Za-z0-9_-]{21})")
_SECONDS = re.compile("[0-9]{1,11}")
#: protojson leaves out what is zero: a participant without a kind is a person.
_PERSON = (None, 0, "STANDARD")
_ON_PURPOSE = (1, "CLIENT_INITIATED")

Report = dict[str, Any]


def of_webhook(event: Any) -> Report | None:
    """The report of a webhook's JSON; `None` for a webhook that says nothing of a call of ours."""
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
    """Whose call a room is, by its name (`Room.name`)."""
    found = _ROOM.fullmatch(room) if isinstance(room, str) else None
    return found.groupdict() if found else None


def _of(event: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = event.get(name)
    return part if isinstance(part, dict) else {}


def _moment(seconds: Any) -> dict[str, str]:
    """When it happened: protojson writes seconds since 1970 as a text."""
    text = str(seconds)
    if not _SECONDS.fullmatch(text) or not int(text):
        return {}
    return {"at": clock.format_iso(datetime.fromtimestamp(int(text), UTC))}
