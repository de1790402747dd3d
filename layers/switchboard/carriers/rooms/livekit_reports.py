"""Parses the reports of LiveKit and of the agent about a call's room. Parsing sends no requests.

| report | sender | report about the call |
|---|---|---|
| `participant_joined` of a person | server | answered |
| `participant_left` of a person, intended | server | ended, `caller_hangup` |
| `room_finished` | server | ended, `completed` |
| `turn` | agent | turn |
| `ended` | agent | ended, `agent_hangup` or `completed` |

A person who loses the connection may reconnect. Reports may arrive twice and in any order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from switchboard.carriers.voice.ports.reports import EndReason, Report
from switchboard.kit import clock

_ROOM = re.compile(r"(?P<org_id>[a-z]+_[A-Za-z0-9]{1,60})\.(?P<call_id>call_[0-9a-z]{26})")
_SECONDS = re.compile("[0-9]{1,11}")
#: protojson omits zero values: a participant without a kind is a person.
_PERSON = (None, 0, "STANDARD")
#: A participant in one of these states is not in the room yet, or not any more. protojson omits JOINING, which is zero.
_ABSENT = (None, 0, "JOINING", 3, "DISCONNECTED")
_ON_PURPOSE = (1, "CLIENT_INITIATED")


def place_of(room: Any) -> dict[str, str] | None:
    """Returns the organization and the call of a room by its name (`room_name`), `None` for an unknown name."""
    found = _ROOM.fullmatch(room) if isinstance(room, str) else None
    return found.groupdict() if found else None


def of_webhook(event: Any) -> Report | None:
    """Returns the report in a webhook's JSON, `None` for a webhook without a report on one of our calls."""
    if not isinstance(event, dict):
        return None
    place = place_of(_part(event, "room").get("name"))
    if place is None:
        return None
    participant, at = _part(event, "participant"), _moment(event.get("createdAt"))
    is_person = participant.get("kind") in _PERSON
    match event.get("event"):
        case "participant_joined" if is_person:
            return Report(kind="answered", at=at, **place)
        case "participant_left" if is_person and participant.get("disconnectReason") in _ON_PURPOSE:
            return Report(kind="ended", at=at, end_reason=EndReason.CALLER_HANGUP, **place)
        case "room_finished":
            return Report(kind="ended", at=at, end_reason=EndReason.COMPLETED, **place)
    return None


def find_visitor(listed: Mapping[str, Any]) -> str | None:
    """Returns since when a person is in a room, by the list of its participants. `None` if there is nobody."""
    people = listed.get("participants")
    for one in people if isinstance(people, list) else []:
        if isinstance(one, dict) and one.get("kind") in _PERSON and one.get("state") not in _ABSENT:
            return _moment(one.get("joinedAt")) or clock.now_iso()
    return None


def _part(event: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = event.get(name)
    return part if isinstance(part, dict) else {}


def _moment(seconds: Any) -> str | None:
    """Returns the time of an event, if known. protojson writes seconds since 1970 as text."""
    text = str(seconds)
    if not _SECONDS.fullmatch(text) or not int(text):
        return None
    return clock.format_iso(datetime.fromtimestamp(int(text), UTC))
